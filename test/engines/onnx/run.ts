/** Runs an emitted model through onnxruntime-node as a user of the file would. */

import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-node';

const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;

export interface Fed {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export async function runModel(
  model: Uint8Array,
  feeds: Readonly<Record<string, Fed>>,
): Promise<Record<string, { shape: readonly number[]; data: Float32Array }>> {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [
    name,
    new ort.Tensor('float32', data, shape),
  ]);
  const results = await session.run(Object.fromEntries(tensors));
  const read = Object.entries(results).map(([name, t]) => [name, { shape: t.dims, data: t.data as Float32Array }]);
  await session.release();
  return Object.fromEntries(read);
}
