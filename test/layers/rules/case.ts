/** What a rule written down anew is checked by: a layer at random parameters, what it is fed and what each top must be. */

import fc from 'fast-check';
import { Random } from '../../../src/random/index.js';
import type { Shapes } from '../net_of.js';

export type Numbers = ArrayLike<number>;
export type Feeds = Readonly<Record<string, Float32Array>>;

export interface Case {
  readonly type: string;
  readonly body: string;
  readonly shapes: Shapes;
  readonly feeds: Feeds;
  readonly params?: readonly Float32Array[];
  readonly phase?: 'TEST';
  /** What each top must be. */
  readonly tops: readonly Numbers[];
}

/** What a case's numbers are drawn from: begun anew for each by `ownNumbers`. */
export let random = new Random(3);

/** Builds a case whose numbers follow from its own parameters alone, so that a counterexample is the same when it is run alone. */
export function ownNumbers<C, R>(build: (c: C) => R): (c: C) => R {
  return c => {
    const text = JSON.stringify(c);
    let hash = 7;
    for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) >>> 0;
    random = new Random(hash);
    return build(c);
  };
}

/** Numbers from −scale to scale. */
export const some = (count: number, scale = 1) =>
  Float32Array.from({ length: count }, () => random.uniform(-scale, scale));
/** Whole numbers from 0 on, less than `below`. */
export const whole = (count: number, below: number) =>
  Float32Array.from({ length: count }, () => random.integer(below));

/** Every place of a shape, in row-major order. */
export function* placesOf(shape: readonly number[]): Generator<readonly number[]> {
  if (shape.length === 0) return yield [];
  for (let i = 0; i < shape[0]!; i++) for (const rest of placesOf(shape.slice(1))) yield [i, ...rest];
}

/** The flat index of a place. */
export const at = (shape: readonly number[], place: readonly number[]) =>
  place.reduce((sum, p, i) => sum * shape[i]! + p, 0);
export const inside = (shape: readonly number[], place: readonly number[]) =>
  place.every((p, i) => p >= 0 && p < shape[i]!);
/** A blob by a rule for each place. */
export const fill = (shape: readonly number[], rule: (place: readonly number[]) => number) =>
  Array.from(placesOf(shape), rule);
/** A repeated field as prototxt. */
export const each = (field: string, values: readonly number[]) => values.map(v => `${field}: ${v}`).join(' ');
export const add = (numbers: Iterable<number>) => [...numbers].reduce((sum, v) => sum + v, 0);

export const dim = (max: number, min = 1) => fc.integer({ min, max });
export const list = (of: fc.Arbitrary<number>, length: number) =>
  fc.array(of, { minLength: length, maxLength: length });

export const anyShape = fc.array(dim(4), { minLength: 1, maxLength: 4 });
/** A shape and one of its axes, which may count from the end (`real` counts from the start). */
export const withAxis = anyShape.chain(shape =>
  fc.record({ shape: fc.constant(shape), axis: dim(shape.length - 1, -shape.length) }),
);
export const real = (c: { axis: number; shape: readonly number[] }) => (c.axis < 0 ? c.axis + c.shape.length : c.axis);

export const number = fc.constantFrom(-2, -0.5, 0.5, 1, 1.5, 3);
export const positive = fc.constantFrom(0.3, 1, 2.5);
