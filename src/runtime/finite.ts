/** Numbers that are none: NaN and the infinities, which pass through much of what compares or averages without a word. */

import { fail } from '../diagnostics/index.js';
import type { NetParam } from '../net/index.js';
import type { Net } from './net.js';

/** Whether all numbers are finite. */
export function allFinite(numbers: ArrayLike<number>): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}

/** The first parameter with a number that is not finite, by the arrays as they stand: they are not handed out by it. */
export function firstNotFinite({ graph, store }: Pick<Net, 'graph' | 'store'>): NetParam | undefined {
  return graph.params.find(p => !allFinite(store.get(p.key).values));
}

/** What a net with such weights computes means nothing. @throws MokapotError `non-finite` with the first layer that has some */
export function checkFiniteWeights(net: Net): void {
  const bad = firstNotFinite(net);
  if (!bad) return;
  const { layer, position } = bad;
  throw fail(
    'non-finite',
    `Parameter ${position} of layer "${layer}" holds numbers that are not finite (NaN or infinite).`,
    { layer, hint: 'The weights are of a training that diverged: take those of an earlier snapshot.' },
  );
}
