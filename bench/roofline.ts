/** What the machine can do at best, measured in the run that it is held against: a product of matrices, and a copy. */

import { loadNative } from '../src/engines/onnx/node/native.js';
import { speedOf } from '../src/engines/onnx/trials.js';

export interface Roofline {
  /** Operations a second of a product of square matrices, on all threads. */
  readonly operations: number;
  /** Bytes a second that a copy reads and writes, on one thread. */
  readonly bytes: number;
}

const COPIED = 2 ** 26;
const ROUNDS = 5;

export async function roofline(): Promise<Roofline> {
  const native = loadNative();
  const operations = typeof native === 'string' ? Number.NaN : 1e9 * (await speedOf(native, 'cpu'));
  const [from, to] = [new Float32Array(COPIED).fill(1), new Float32Array(COPIED)];
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    to.set(from);
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return { operations, bytes: (8 * COPIED) / best };
}
