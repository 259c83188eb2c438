/** Sequences side by side as CTC's layers have them: time first, [T, N, …], with indicators that are 0 where one begins. */

import type { HostArray } from '../../ir/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import type { LayerContext } from '../types.js';

export interface Sequences {
  readonly steps: number;
  readonly count: number;
  readonly classes: number;
  /** The class that stands for no label: the last where blank_index is negative. */
  readonly blank: number;
}

/** Throws where the bottoms are not scores [T, N, classes] and numbers [T, N] beside them, or the blank is no class. */
export function sequencesOf(ctx: LayerContext, blank_index: number, field: string): Sequences {
  const [scores, ...others] = ctx.bottomShapes as readonly (readonly number[])[];
  if (scores!.length < 3 || countOf(scores!, 3) !== 1)
    throw ctx.misfit('ctc-axes', `${showBottom(ctx, 0)} must be [T, N, classes]: time, sequences, classes.`);
  const [steps, count, classes] = scores as readonly [number, number, number];
  const other = others.findIndex(s => s[0] !== steps || s[1] !== count || countOf(s, 2) !== 1);
  if (other >= 0)
    throw ctx.misfit('ctc-axes', `${showBottom(ctx, other + 1)} must be [${steps}, ${count}]: time and sequences.`);
  if (blank_index >= classes)
    throw ctx.fail('ctc-blank', `blank_index is ${blank_index}, and there are ${classes} classes.`, {
      field,
      hint: `It may go from 0 to ${classes - 1}; a negative one is the last class.`,
    });
  return { steps, count, classes, blank: blank_index < 0 ? classes - 1 : blank_index };
}

/** How long sequence `n` is: up to where the next one begins. */
export function lengthOf({ steps, count }: Sequences, indicators: HostArray, n: number): number {
  for (let t = 1; t < steps; t++) if (Math.trunc(indicators.data[t * count + n]! + 0.5) === 0) return t;
  return steps;
}

/** The labels of sequence `n`, up to the first negative number. */
export function labelsOf({ steps, count }: Sequences, labels: HostArray, n: number): readonly number[] {
  const found: number[] = [];
  for (let t = 0; t < steps && !(labels.data[t * count + n]! < 0); t++)
    found.push(Math.trunc(labels.data[t * count + n]! + 0.5));
  return found;
}

/** Scores of all classes of sequence `n` at time `t`. */
export function scoresAt({ count, classes }: Sequences, scores: HostArray, n: number, t: number): Float32Array {
  const at = (t * count + n) * classes;
  return scores.data.subarray(at, at + classes);
}
