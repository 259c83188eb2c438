/**
 * WebGPU under Node: GPUs of every maker through the npm packages `webgpu` (Dawn) and `@tensorflow/tfjs-backend-webgpu`,
 * which whoever has such a GPU installs. Without an adapter (no Vulkan, Metal or Direct3D 12 driver) there is no engine.
 */

import { createRequire } from 'node:module';
import { firstLine } from '../../../diagnostics/index.js';
import type { Tf } from '../tensor_device.js';
import { type Adapter, adapterName, largestArray, listen, type Webgpu } from '../webgpu.js';

const require = createRequire(import.meta.url);
const PACKAGES = ['webgpu', '@tensorflow/tfjs-backend-webgpu'] as const;

interface Dawn {
  create(flags: readonly string[]): { requestAdapter(): Promise<Adapter | null> };
  readonly globals: object;
}

let loaded: Promise<Webgpu | string> | undefined;

/** tfjs on a GPU, or why there is none. Done once a process. */
export function loadWebgpu(): Promise<Webgpu | string> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Webgpu | string> {
  const missing = PACKAGES.filter(name => !isInstalled(name));
  if (missing.length > 0) return `not installed: npm install ${missing.join(' ')}`;
  try {
    const { create, globals } = (await import(String(PACKAGES[0]))) as Dawn;
    const gpu = create([]);
    const adapter = await gpu.requestAdapter();
    if (!adapter) return 'no adapter: this machine has no GPU with a Vulkan, Metal or Direct3D 12 driver';
    // tfjs asks the global `navigator`, which Node has from version 21 on, without a GPU in it.
    Object.assign(globalThis, globals);
    const own = (globalThis as { navigator?: object }).navigator;
    const navigator = Object.assign(Object.create(own ?? null) as object, { gpu });
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
    const tf = require('@tensorflow/tfjs-core') as Tf;
    require(PACKAGES[1]);
    if (!(await tf.setBackend('webgpu'))) return 'tfjs could not start its webgpu backend';
    const detail = `WebGPU through Dawn on ${adapterName(adapter)}`;
    return { tf, detail, largest: largestArray(adapter), complaint: listen(tf) };
  } catch (e) {
    return firstLine(e);
  }
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
