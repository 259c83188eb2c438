/** The host engine: every primitive in plain TypeScript. Slow and exact; the oracle of the tests. */

import { sizeOf } from '../../ir/shape.js';
import type { Shape } from '../../ir/types.js';
import { hostKernel } from '../../kernels/index.js';
import { type Device, DeviceEngine } from '../executor.js';
import type { Engine } from '../types.js';

const hostDevice: Device<Float32Array> = {
  name: 'host',
  limit: 2 ** 34,
  upload: (data: Float32Array) => data.slice(),
  download: async (handle: Float32Array) => handle.slice(),
  downloadNow: (handle: Float32Array) => handle.slice(),
  alias: (handle: Float32Array) => handle,
  release: () => {},
  kernel(node) {
    const run = hostKernel(node);
    const sizes = node.outputs.map((v: { shape: Shape }) => sizeOf(v.shape));
    return inputs => {
      const outputs = sizes.map(n => new Float32Array(n));
      run(inputs, outputs);
      return outputs;
    };
  },
  dispose: () => {},
};

/**
 * The reference engine: plain TypeScript on the CPU, slow and exact.
 *
 * @param limit the most bytes that it may hold
 */
export function createHostEngine(limit = hostDevice.limit): Engine {
  return new DeviceEngine({ ...hostDevice, limit });
}
