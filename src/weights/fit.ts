/**
 * Net surgery on one blob: how stored numbers become those of a parameter of another shape (BVLC's net_surgery notebook,
 * fcn.berkeleyvision.org's surgery.py). Only what leaves the layer's function as it was, or was asked for.
 */

import { formatShape, type StoredBlob } from './formats/blob.js';
import { shapesAgree } from './match.js';

type Shape = readonly number[];

/** What decides how the numbers lie, beyond the shape. */
export interface FitLayer {
  /** InnerProduct's `transpose: true`: K×N instead of N×K. */
  readonly transposed?: boolean;
  /** Of a convolution; 1 elsewhere. */
  readonly group?: number;
}

export interface FitOptions {
  /** Sums the channels of a filter over RGB for one over grey. */
  readonly gray?: boolean;
  /** Spreads a filter over grey to RGB, a third to each channel. */
  readonly rgb?: boolean;
}

export interface Fit {
  readonly how: 'copied' | 'coerced';
  /** What was done, where it was more than copying. */
  readonly note?: string;
  /** Fills the parameter's array. Gives the reason where the numbers forbid it; the array is as it was then. */
  apply(target: Float32Array): string | undefined;
}

/** @returns how to do it, or why it cannot be done */
export function fitBlob(
  blob: StoredBlob,
  from: FitLayer,
  shape: Shape,
  to: FitLayer,
  options: FitOptions,
): Fit | string {
  if (from.transposed || to.transposed) return fitTransposed(blob, from, shape, to);
  if (shapesAgree(blob, shape)) return { how: 'copied', apply: straight(blob) };
  const stored = withoutLegacyOnes(blob, shape);
  const flat = fitFlat(blob, stored, shape);
  if (flat) return flat;
  if (!sameButAxis1(stored, shape)) return misfit(stored, shape);
  return (
    fitGroups(blob, stored, shape, to.group ?? 1) ?? fitColour(blob, stored, shape, options) ?? misfit(stored, shape)
  );
}

function straight(blob: StoredBlob): Fit['apply'] {
  return target => {
    blob.read(target);
    return undefined;
  };
}

/** Files of V0 and V1 have four axes always: 1×1×4096×9216 is a matrix, 1×1×1×96 too, or, for a parameter of one axis, 96. */
function withoutLegacyOnes({ shape, legacy, mayBeLegacy }: StoredBlob, wanted: Shape): Shape {
  if (!(legacy || mayBeLegacy) || shape[0] !== 1 || shape[1] !== 1) return shape;
  return wanted.length === 1 && shape[2] === 1 ? shape.slice(3) : shape.slice(2);
}

/** A matrix, whatever ones stand behind it. */
function isFlat(shape: Shape): boolean {
  return shape.slice(2).every(d => d === 1);
}

/** Fully connected ⇄ convolution: the same numbers in the same order, where each output keeps its own. */
function fitFlat(blob: StoredBlob, stored: Shape, shape: Shape): Fit | undefined {
  const same = stored[0] === shape[0] && product(stored) === product(shape);
  if (!same || !(isFlat(stored) || isFlat(shape))) return undefined;
  const rank = shape.length - stored.length;
  const note =
    rank === 0 ? 'ones among the axes' : rank > 0 ? 'fully connected to convolution' : 'convolution to fully connected';
  return { how: 'coerced', note, apply: straight(blob) };
}

/** Matrices of which one or both stand the other way round. */
function fitTransposed(blob: StoredBlob, from: FitLayer, shape: Shape, to: FitLayer): Fit | string {
  const stored = withoutLegacyOnes(blob, shape);
  const bias = stored.length < 2;
  if (bias) return shapesAgree(blob, shape) ? { how: 'copied', apply: straight(blob) } : misfit(stored, shape);
  const rows = from.transposed ? [stored[1]!, stored[0]!] : stored;
  const wanted = to.transposed ? [shape[1]!, shape[0]!] : shape;
  if (rows[0] !== wanted[0] || product(rows) !== product(wanted)) return misfit(stored, shape);
  if (from.transposed === to.transposed) return { how: 'copied', apply: straight(blob) };
  const apply = (target: Float32Array) => {
    const data = blob.read();
    const [n, k] = [rows[0]!, product(rows) / rows[0]!];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < k; j++) {
        if (from.transposed) target[i * k + j] = data[j * n + i]!;
        else target[j * n + i] = data[i * k + j]!;
      }
    }
    return undefined;
  };
  return { how: 'coerced', note: 'transposed', apply };
}

function sameButAxis1(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.length >= 2 && a.every((d, i) => i === 1 || d === b[i]);
}

/**
 * Other groups: a filter of `group` g has rows of 1/g of the columns. Between any two groupings the numbers that both have
 * are taken; columns that only the net has are 0, and such as only the file has must be 0.
 */
function fitGroups(blob: StoredBlob, stored: Shape, shape: Shape, group: number): Fit | undefined {
  const [rows, has, wants] = [stored[0]!, stored[1]!, shape[1]!];
  const columns = wants * group;
  const fileGroup = columns / has;
  if (!Number.isInteger(fileGroup) || rows % fileGroup !== 0 || rows % group !== 0) return undefined;
  const plane = product(stored.slice(2));
  const apply = (target: Float32Array) => {
    const data = blob.read();
    const moved = new Float32Array(target.length);
    let lost = 0;
    for (let row = 0; row < rows; row++) {
      const first = Math.floor(row / (rows / fileGroup)) * has;
      const place = Math.floor(row / (rows / group)) * wants;
      for (let c = 0; c < has; c++) {
        const numbers = data.subarray((row * has + c) * plane, (row * has + c + 1) * plane);
        const column = first + c - place;
        if (column >= 0 && column < wants) moved.set(numbers, (row * wants + column) * plane);
        else lost = Math.max(lost, largest(numbers));
      }
    }
    if (lost !== 0)
      return `group ${group} has no place for the numbers off its diagonal, which go up to ${lost.toPrecision(3)}`;
    target.set(moved);
    return undefined;
  };
  const note =
    fileGroup > group
      ? `group ${fileGroup} to ${group}: 0 between the former groups`
      : `group ${fileGroup} to ${group}: the diagonal, as all else is 0`;
  return { how: 'coerced', note, apply };
}

function largest(numbers: Float32Array): number {
  return numbers.reduce((m, v) => Math.max(m, Number.isNaN(v) ? Number.POSITIVE_INFINITY : Math.abs(v)), 0);
}

const COLOURS = 3;

/** Grey from RGB and back: for a grey picture in all three channels the answers stay the same. */
function fitColour(blob: StoredBlob, stored: Shape, shape: Shape, { gray, rgb }: FitOptions): Fit | string | undefined {
  const toGray = stored[1] === COLOURS && shape[1] === 1;
  const toRgb = stored[1] === 1 && shape[1] === COLOURS;
  if (toGray && !gray) return `it is for 3 channels, the layer takes 1: --gray sums them`;
  if (toRgb && !rgb) return `it is for 1 channel, the layer takes 3: --rgb gives a third of it to each`;
  if (!toGray && !toRgb) return undefined;
  const plane = product(stored.slice(2));
  const apply = (target: Float32Array) => {
    const data = blob.read();
    for (let row = 0; row < stored[0]!; row++) {
      for (let i = 0; i < plane; i++) {
        const at = row * COLOURS * plane + i;
        if (toGray) target[row * plane + i] = data[at]! + data[at + plane]! + data[at + 2 * plane]!;
        else for (let c = 0; c < COLOURS; c++) target[at + c * plane] = data[row * plane + i]! / COLOURS;
      }
    }
    return undefined;
  };
  return { how: 'coerced', note: toGray ? 'grey: its 3 channels summed' : 'RGB: a third to each channel', apply };
}

function misfit(stored: Shape, shape: Shape): string {
  const why =
    stored[0] !== shape[0]
      ? `${stored[0]} outputs, not ${shape[0]}`
      : `${product(stored)} numbers, not ${product(shape)}`;
  const same = stored[0] === shape[0] && product(stored) === product(shape);
  return `${formatShape(stored)} does not fit ${formatShape(shape)}: ${same ? 'the axes mean something else' : why}`;
}

function product(shape: Shape): number {
  return shape.reduce((p, d) => p * d, 1);
}
