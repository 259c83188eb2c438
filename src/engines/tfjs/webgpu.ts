/**
 * WebGPU under Node: GPUs of every maker through the npm packages `webgpu` (Dawn) and `@tensorflow/tfjs-backend-webgpu`,
 * which whoever has such a GPU installs. Without an adapter (no Vulkan, Metal or Direct3D 12 driver) there is no engine.
 */

import { createRequire } from 'node:module';
import type { Tf } from './tensor_device.js';

const require = createRequire(import.meta.url);
const PACKAGES = ['webgpu', '@tensorflow/tfjs-backend-webgpu'] as const;

export interface Webgpu {
  readonly tf: Tf;
  readonly detail: string;
  /** Most bytes that one array may have: what the device lets a kernel bind. */
  readonly largest: number;
  /** What the device complained of since it was last asked: its arrays are garbage then. */
  readonly complaint: () => string | undefined;
}

/** What of WebGPU's own interface is used here. */
interface Adapter {
  readonly info?: { readonly vendor?: string; readonly architecture?: string; readonly description?: string };
  readonly limits: { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number };
}

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
    const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
    const largest = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    return { tf, detail: nameOf(adapter), largest, complaint: listen(tf) };
  } catch (e) {
    return String((e as Error).message).split('\n')[0]!;
  }
}

/** WebGPU reports errors of kernels to the device's listeners, not to whoever ran them. */
function listen(tf: Tf): Webgpu['complaint'] {
  let first: string | undefined;
  const { device } = tf.backend() as unknown as { device: EventTarget };
  device.addEventListener('uncapturederror', event => {
    event.preventDefault();
    first ??= (event as Event & { error: { message: string } }).error.message.split('\n')[0]!;
  });
  return () => {
    const told = first;
    first = undefined;
    return told;
  };
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

function nameOf({ info }: Adapter): string {
  const words = [info?.vendor, info?.architecture, info?.description].filter(Boolean).join(' ');
  return `WebGPU through Dawn on ${words || 'an unnamed adapter'}`;
}
