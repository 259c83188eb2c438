/**
 * One graph for all sizes: the graphs of one net at several input sizes, laid side by side. Where they differ in numbers
 * alone, each number that varies (an axis, a slice's size, a divisor) is a formula of axes known before it. The formulas
 * are found by trying, which is why the sizes should be odd ones, and are good for what the sizes have in common.
 */

import { need, nth } from '../../diagnostics/index.js';
import { dim, sizeOf } from '../shape.js';
import type { Graph, Node, Value } from '../types.js';

/** One axis of a value, whose size is known once the value is. */
export interface Place {
  readonly value: Value;
  readonly axis: number;
}

/** multiply / divide · Π factors + offset. Without factors it is the number `offset`. */
export interface Formula {
  readonly factors: readonly Place[];
  readonly multiply: number;
  readonly divide: number;
  readonly offset: number;
}

/** A factor that varies like the sizes: number · (Π factors)^power. */
export interface NumberFormula {
  readonly factors: readonly Place[];
  readonly number: number;
  readonly power: 1 | -1;
}

/** A number at each of the sizes. */
export type Samples = readonly number[];

/** One graph cannot express the net for all sizes. */
export class NotGeneral extends Error {
  constructor(
    /** The layer where it shows. */
    readonly label: string,
    why: string,
  ) {
    super(`layer "${label}" ${why}`);
  }
}

export class GeneralGraph {
  /** The net at the first of the sizes: the one whose values `Place`s speak of. */
  readonly graph: Graph;
  private readonly position = new Map<Node, number>();
  /** Axes that vary, each course of numbers once, in the order in which they come to be known. */
  private readonly known: KnownSize[] = [];

  /** @throws NotGeneral where the graphs differ in more than numbers */
  constructor(private readonly graphs: readonly [Graph, ...Graph[]]) {
    this.graph = graphs[0];
    this.graph.nodes.forEach((node, i) => {
      this.position.set(node, i);
    });
    for (const other of graphs.slice(1)) this.compare(other);
    this.gather();
  }

  /** Whether it was made of more than one size. */
  get isGeneral(): boolean {
    return this.graphs.length > 1;
  }

  /** The size of an axis at each of the sizes. */
  axis(value: Value, axis: number): Samples {
    const i = need(this.position, value.node);
    return this.graphs.map(g => dim(nth(nth(g.nodes, i).outputs, value.index).shape, axis));
  }

  /** The sizes of all axes. */
  shape(value: Value): readonly Samples[] {
    return value.shape.map((_, axis) => this.axis(value, axis));
  }

  isFixed(value: Value): boolean {
    return this.shape(value).every(isConstant);
  }

  /** What `read` finds at the node in each of the graphs. */
  at<N extends Node, T>(node: N, read: (node: N) => T): readonly T[] {
    const i = need(this.position, node);
    return this.graphs.map(g => read(g.nodes[i] as N));
  }

  /** The formula of a whole number that varies, of axes known before `node`; undefined where none is found. */
  formula(samples: Samples, node: Node): Formula | undefined {
    if (isConstant(samples)) return { factors: [], multiply: 1, divide: 1, offset: samples[0]! };
    const known = this.knownAt(node);
    for (const { place, samples: s } of known)
      if (same(s, samples)) return { factors: [place], multiply: 1, divide: 1, offset: 0 };
    for (const { place, samples: s } of this.nearestFirst(known, node)) {
      const line = straightLine(s, samples);
      if (line) return { factors: [place], ...line };
    }
    for (const { factors, samples: s } of products(known)) {
      const line = straightLine(s, samples);
      if (line?.offset === 0) return { factors, ...line };
    }
    return undefined;
  }

  /** The same for a number of any kind, as 1 / (H·W) is. */
  numberFormula(samples: Samples, node: Node): NumberFormula | undefined {
    const known = this.knownAt(node);
    const singles = known.map(({ place, samples: s }) => ({ factors: [place], samples: s }));
    for (const { factors, samples: s } of [...singles, ...products(known)]) {
      for (const power of [1, -1] as const) {
        const ratios = samples.map((v, k) => v / s[k]! ** power);
        if (ratios.every(r => Math.abs(r - nth(ratios, 0)) <= 1e-6 * Math.abs(nth(ratios, 0))))
          return { factors, number: nth(ratios, 0), power };
      }
    }
    return undefined;
  }

  /** All axes that are as long as this one at all sizes: which of them a target has at hand is its own affair. */
  equals(place: Place): readonly Place[] {
    return this.known.find(({ places }) => places.some(p => p.value === place.value && p.axis === place.axis))!.places;
  }

  /** Sizes of the node's own inputs, then those known last: what is near is less likely to be on a line by chance. */
  private nearestFirst(known: readonly KnownSize[], node: Node): KnownSize[] {
    const isOwn = ({ places }: KnownSize) => places.some(p => node.inputs.some(x => x === p.value));
    const latest = [...known].reverse();
    return [...latest.filter(isOwn), ...latest.filter(k => !isOwn(k))];
  }

  private knownAt(node: Node): KnownSize[] {
    const before = need(this.position, node);
    return this.known.filter(({ from }) => from < before);
  }

  private compare(other: Graph): void {
    const { nodes, outputs } = this.graph;
    const places = new Map(other.nodes.map((node, i) => [node, i]));
    const agree = (a: Value, b: Value) =>
      this.position.get(a.node) === places.get(b.node) && a.index === b.index && a.shape.length === b.shape.length;
    nodes.forEach((node, i) => {
      const twin = other.nodes[i];
      const fits = twin?.op === node.op && twin.label === node.label && twin.inputs.length === node.inputs.length;
      if (!fits || !node.inputs.every((x, k) => agree(x, nth(twin.inputs, k)))) throw otherForm(node.label);
    });
    if (other.nodes.length !== nodes.length) throw otherForm(nodes.at(-1)!.label);
    for (const [name, value] of outputs)
      if (!agree(value, need(other.outputs, name))) throw otherForm(value.node.label);
  }

  private gather(): void {
    const byNumbers = new Map<string, KnownSize>();
    this.graph.nodes.forEach((node, from) => {
      for (const value of node.outputs)
        this.shape(value).forEach((samples, axis) => {
          if (isConstant(samples)) return;
          const place = { value, axis };
          const key = samples.join();
          const met = byNumbers.get(key);
          if (met) {
            met.places.push(place);
            return;
          }
          const first = { place, places: [place], samples, from };
          byNumbers.set(key, first);
          this.known.push(first);
        });
    });
  }
}

/** A course of numbers: the first axis that runs through it, all of them, and the node that makes it known. */
interface KnownSize {
  readonly place: Place;
  readonly places: Place[];
  readonly samples: Samples;
  readonly from: number;
}

function otherForm(label: string): NotGeneral {
  return new NotGeneral(label, 'is built in another way at another size');
}

export function isConstant(samples: Samples): boolean {
  return samples.every(n => n === samples[0]);
}

function same(a: Samples, b: Samples): boolean {
  return a.every((n, k) => n === b[k]);
}

/** y = multiply / divide · x + offset, where both series are on one line through whole numbers. */
function straightLine(x: Samples, y: Samples): Omit<Formula, 'factors'> | undefined {
  const other = x.findIndex(n => n !== x[0]);
  // A line goes through any two points: it takes a third to tell.
  if (other < 0 || new Set(x).size < 3) return undefined;
  const [dy, dx] = [y[other]! - y[0]!, x[other]! - x[0]!];
  const divisor = greatestCommonDivisor(Math.abs(dy), Math.abs(dx)) * Math.sign(dx);
  const [multiply, divide] = [dy / divisor, dx / divisor];
  const offset = y[0]! - (multiply * x[0]!) / divide;
  if (!(multiply > 0) || !Number.isInteger(offset)) return undefined;
  return y.every((n, k) => n === (multiply * x[k]!) / divide + offset) ? { multiply, divide, offset } : undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Products of two and of three of the axes known: [N, H·W], [N·H·W, C]. */
function* products(
  known: readonly { readonly place: Place; readonly samples: Samples }[],
): Generator<{ factors: readonly Place[]; samples: Samples }> {
  const times = (a: Samples, b: Samples) => a.map((n, k) => n * b[k]!);
  for (let i = 0; i < known.length; i++)
    for (let j = 0; j <= i; j++) {
      const pair = times(nth(known, i).samples, nth(known, j).samples);
      yield { factors: [nth(known, i).place, nth(known, j).place], samples: pair };
    }
  for (let i = 0; i < known.length; i++)
    for (let j = 0; j < i; j++)
      for (let k = 0; k < j; k++) {
        const three = [nth(known, i), nth(known, j), nth(known, k)];
        const samples = three.map(t => t.samples).reduce(times);
        yield { factors: three.map(t => t.place), samples };
      }
}

/** Whether a constant is the same at all sizes. */
export function sameConstant(general: GeneralGraph, node: Node & { op: 'constant' }): boolean {
  const [first, ...others] = general.at(node, n => n.attrs);
  const equal = (a: Float32Array, b: Float32Array) => a === b || a.every((v, i) => Object.is(v, b[i]));
  return others.every(
    ({ data, shape }) =>
      sizeOf(shape) === sizeOf(first!.shape) &&
      shape.every((d, i) => d === first!.shape[i]) &&
      equal(first!.data, data),
  );
}
