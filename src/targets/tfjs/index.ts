/** Engines on TensorFlow.js. */

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type * as nodeUtil from 'node:util';
import { fail } from '../../diagnostics/index.js';
import { DeviceEngine } from '../executor.js';
import type { Engine } from '../types.js';
import { TensorDevice, type Tf } from './tensor_device.js';
import { WasmDevice } from './wasm_device.js';
import { wasmModule } from './wasm_module.js';

const require = createRequire(import.meta.url);

export async function createWasmEngine(): Promise<Engine> {
  return new DeviceEngine(new WasmDevice(await wasmModule()));
}

/** tfjs's plain JavaScript backend: slow; another implementation to compare with. */
export async function createCpuEngine(): Promise<Engine> {
  const tf = require('@tensorflow/tfjs-core') as Tf;
  require('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  // Keeps it from printing an advertisement at its first tensor.
  (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
  return new DeviceEngine(new TensorDevice(tf, 'cpu', 'cpu', os.totalmem() * 0.8));
}

/** The TensorFlow packages, fastest first. */
export const tensorflowPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** TensorFlow's own kernels through tfjs-node-gpu or tfjs-node. Throws where neither loads. */
export async function createTensorflowEngine(): Promise<Engine> {
  const problems: string[] = [];
  for (const name of tensorflowPackages) {
    const loaded = loadTensorflow(name);
    if (typeof loaded === 'string') {
      problems.push(`${name}: ${loaded}`);
      continue;
    }
    await loaded.setBackend('tensorflow');
    return new DeviceEngine(new TensorDevice(loaded, 'tensorflow', 'tensorflow', os.totalmem() * 0.8));
  }
  throw fail('no-tensorflow', `TensorFlow's native library is not here (${problems.join('; ')}).`, {
    hint: 'npm install @tensorflow/tfjs-node, or choose --backend wasm.',
  });
}

/** The package's tfjs, or why it does not load. */
export function loadTensorflow(name: (typeof tensorflowPackages)[number]): Tf | string {
  if (!hasBinding(name)) return 'no native library installed';
  // tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 took away.
  const util = createRequire(import.meta.url)('node:util') as typeof nodeUtil & { isNullOrUndefined?: unknown };
  util.isNullOrUndefined ??= (x: unknown) => x === null || x === undefined;
  try {
    require(name);
    return require('@tensorflow/tfjs-core') as Tf;
  } catch (e) {
    return String((e as Error).message).split('\n')[0]!;
  }
}

/**
 * Whether the package is there with its native part, which its install script fetches: a package without it takes half a
 * second to fail.
 */
function hasBinding(name: string): boolean {
  const folders = require.resolve.paths(name) ?? [];
  return folders.some(folder => {
    const lib = path.join(folder, name, 'lib');
    if (!existsSync(lib)) return false;
    return readdirSync(lib).some(version => existsSync(path.join(lib, version, 'tfjs_binding.node')));
  });
}
