/** Numbers that are none: NaN and the infinities, which pass through much of what compares or averages without a word. */

import { fail } from '../diagnostics/index.js';
import type { Net } from './net.js';

/** Whether all numbers are finite. */
export function allFinite(numbers: ArrayLike<number>): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}

/** What a net with such weights computes means nothing. @throws MokapotError `non-finite` with the first layer that has some */
export function checkFiniteWeights(net: Net): void {
  for (const [layer, blobs] of net.params) {
    const at = blobs.findIndex(blob => !allFinite(blob.data));
    if (at < 0) continue;
    throw fail(
      'non-finite',
      `Parameter ${at} of layer "${layer}" holds numbers that are not finite (NaN or infinite).`,
      {
        layer,
        hint: 'The weights are of a training that diverged: take those of an earlier snapshot.',
      },
    );
  }
}
