/**
 * Which part of one blob a place of another is computed from: the reach of each layer, added up along all paths between the
 * two by their coordinate maps. By it a picture can be computed in parts that overlap.
 */

import { isElementwise } from '../layers/elementwise.js';
import type { BlobVersion, SetUpLayer } from './types.js';

/** Along one spatial axis, the place y of a blob is made of the places step·y + low to step·y + high of the other. */
export interface FieldAxis {
  readonly step: number;
  readonly low: number;
  readonly high: number;
  /** By how many places the other blob must be shifted so that all between the two shift by whole places. */
  readonly stride: number;
}

/** The receptive field of a blob, and which layers keep it from being all that counts. */
export interface ReceptiveField {
  /** One for each spatial axis. */
  readonly axes: readonly FieldAxis[];
  /** Layers that see all of their bottom (normalising a whole picture, global pooling): `axes` leaves that out. */
  readonly global: readonly SetUpLayer[];
}

/** Between the two lie layers that keep no places, or places that do not fit each other. */
export interface NoField {
  /** The layer where it ends. */
  readonly at: SetUpLayer;
}

/** Of a blob between the two. */
interface Reached {
  readonly axes: readonly Omit<FieldAxis, 'stride'>[];
}

/** The receptive field of `to` in `from`; undefined where no path leads there. `layers` as their tops' `producer` counts. */
export function receptiveField(
  layers: readonly SetUpLayer[],
  from: BlobVersion,
  to: BlobVersion,
): ReceptiveField | NoField | undefined {
  const reached = new Map<number, Reached>();
  const rank = from.shape.length - 2;
  const start = Array.from({ length: rank }, () => ({ step: 1, low: 0, high: 0 }));
  reached.set(from.id, { axes: start });
  const needed = between(layers, to);
  const global = new Set<SetUpLayer>();
  const steps: number[][] = start.map(() => [1]);
  for (const layer of layers) {
    if (!needed.has(layer)) continue;
    // The second bottom of a layer that crops only lends its size.
    const bottoms = layer.type.cropsBy ? layer.bottoms.slice(0, 1) : layer.bottoms;
    const known = bottoms.filter(b => reached.has(b.id));
    if (known.length === 0) continue;
    const field = through(
      layer,
      known.map(b => [b, reached.get(b.id)!] as const),
      rank,
    );
    if (field === undefined) return { at: layer };
    if (field.isGlobal) global.add(layer);
    for (const top of layer.tops) reached.set(top.id, field);
    field.axes.forEach(({ step }, i) => void steps[i]!.push(step));
  }
  const end = reached.get(to.id);
  if (!end || end.axes.length !== rank) return undefined;
  return { axes: end.axes.map((axis, i) => ({ ...axis, stride: commonStride(steps[i]!) })), global: [...global] };
}

/** The layers that `to` is made by. */
function between(layers: readonly SetUpLayer[], to: BlobVersion): Set<SetUpLayer> {
  const needed = new Set<SetUpLayer>();
  const queue = [to];
  for (let blob = queue.pop(); blob; blob = queue.pop()) {
    const maker = layers[blob.producer];
    if (!maker || needed.has(maker)) continue;
    needed.add(maker);
    queue.push(...maker.bottoms);
  }
  return needed;
}

/** What a layer makes of the fields of its bottoms. Undefined where places get lost. */
function through(
  layer: SetUpLayer,
  bottoms: readonly (readonly [BlobVersion, Reached])[],
  rank: number,
): (Reached & { readonly isGlobal: boolean }) | undefined {
  const { type, context } = layer;
  const top = layer.tops[0]!.shape;
  // What has no places any more (a mean of the picture) is seen by all places alike.
  const placed = bottoms.filter(([blob]) => hasPlaces(blob, rank));
  const lost = placed.length < bottoms.length;
  const [first] = placed;
  if (!hasPlaces(layer.tops[0]!, rank))
    return { axes: new Array(rank).fill({ step: 1, low: 0, high: 0 }), isGlobal: true };
  if (!first) return undefined;
  const map = type.coordMap ? type.coordMap(context) : stays(layer, first[0], top);
  if (map?.length !== rank) return undefined;
  const reach = type.reach
    ? type.reach(context)
    : isElementwise(type, context, layer.paramShapes)
      ? map.map(() => 0)
      : undefined;
  const axes = map.map(({ scale, shift }, i) => {
    const given = placed.map(([, { axes }]) => axes[i]!);
    const { step } = given[0]!;
    if (given.some(g => Math.abs(g.step - step) > 1e-9)) return undefined;
    const around = step * (reach?.[i] ?? 0);
    return {
      step: step / scale,
      low: Math.min(...given.map(g => g.low)) - (step * shift) / scale - around,
      high: Math.max(...given.map(g => g.high)) - (step * shift) / scale + around,
    };
  });
  if (axes.some(axis => axis === undefined)) return undefined;
  return { axes: axes as Reached['axes'], isGlobal: reach === undefined || lost };
}

/** A layer of which nothing is known, but whose top is of its bottom's size. */
function stays({ type, context, paramShapes }: SetUpLayer, bottom: BlobVersion, top: readonly number[]) {
  const isSame = bottom.shape.length === top.length && bottom.shape.slice(2).every((d, i) => d === top[i + 2]);
  return isSame || isElementwise(type, context, paramShapes)
    ? top.slice(2).map(() => ({ scale: 1, shift: 0 }))
    : undefined;
}

function hasPlaces({ shape }: BlobVersion, rank: number): boolean {
  return shape.length === rank + 2 && shape.slice(2).some(d => d > 1);
}

/** The least whole number that is a multiple of every step (those below 1 are parts of a place). */
function commonStride(steps: readonly number[]): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  return steps.reduce((all, step) => {
    const whole = Math.max(1, Math.round(step));
    return (all * whole) / gcd(all, whole);
  }, 1);
}
