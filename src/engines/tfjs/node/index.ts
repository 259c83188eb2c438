/** Engines on TensorFlow.js under Node.js. */

import { createRequire } from 'node:module';
import os from 'node:os';
import { fail } from '../../../diagnostics/index.js';
import { DeviceEngine } from '../../executor.js';
import type { Engine } from '../../types.js';
import { TensorDevice, type Tf } from '../tensor_device.js';
import { WasmDevice } from '../wasm_device.js';
import { loadTensorflow } from './tensorflow.js';
import { wasmModule } from './wasm.js';
import { loadWebgpu } from './webgpu.js';

export { loadTensorflow } from './tensorflow.js';
export { loadWebgpu } from './webgpu.js';

const require = createRequire(import.meta.url);

export async function createWasmEngine(): Promise<Engine> {
  return new DeviceEngine(new WasmDevice(await wasmModule()));
}

/**
 * tfjs's plain JavaScript backend: slow; another implementation to compare with.
 *
 * @param asTensorflow goes the ways that TensorFlow's own kernels go, to test these where TensorFlow is not
 */
export async function createCpuEngine(asTensorflow = false): Promise<Engine> {
  const tf = require('@tensorflow/tfjs-core') as Tf;
  require('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  // Keeps it from printing an advertisement at its first tensor.
  (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
  return new DeviceEngine(new TensorDevice(tf, 'cpu', os.totalmem() * 0.8, asTensorflow));
}

/** TensorFlow's own kernels, on the CPU or on a GPU of NVIDIA's. Throws where there are none. */
export async function createTensorflowEngine(): Promise<Engine> {
  const found = loadTensorflow();
  if (typeof found === 'string') {
    throw fail('no-tensorflow', `TensorFlow's native library is not here: ${found}.`, {
      hint: 'Run `npm run tensorflow:build` in Mokapot’s folder, or `npm install @tensorflow/tfjs-node`, or choose another --backend.',
    });
  }
  await found.tf.setBackend('tensorflow');
  return new DeviceEngine(new TensorDevice(found.tf, 'tensorflow', os.totalmem() * 0.8, true));
}

/** A GPU of any maker through WebGPU. Throws where there is none. */
export async function createWebgpuEngine(): Promise<Engine> {
  const found = await loadWebgpu();
  if (typeof found === 'string') {
    throw fail('no-webgpu', `There is no WebGPU here: ${found}.`, {
      hint: '`mokapot doctor` shows the backends there are.',
    });
  }
  await found.tf.setBackend('webgpu');
  return new DeviceEngine(new TensorDevice(found.tf, 'webgpu', os.totalmem() * 0.8, true, found));
}
