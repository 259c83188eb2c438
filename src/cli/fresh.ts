/** A word about networks that compute with what their fillers made, where trained weights were surely meant. */

import { error } from '../diagnostics/index.js';
import type { Net } from '../runtime/node/net.js';
import { printDiagnostics } from './errors.js';
import type { Io } from './io.js';

/** Warns on stderr where a net has parameters and none was copied. */
export function warnOfFreshWeights(io: Io, net: Net): void {
  if (net.copies.length > 0 || net.params.size === 0) return;
  const message = 'No weights are given: the network computes with the random numbers that its fillers made.';
  const hint = 'Give trained ones: --weights FILE.caffemodel.';
  printDiagnostics(io, [error('fresh-weights', message, { severity: 'warning', hint })]);
}
