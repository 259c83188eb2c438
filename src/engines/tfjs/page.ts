/** tfjs in a page: `wasm` loads the packages when an engine is made, `webgpu` takes the page's own tfjs. */

import { fail } from '../../diagnostics/index.js';
import { DeviceEngine } from '../executor.js';
import type { Engine } from '../types.js';
import { TensorDevice, type Tf } from './tensor_device.js';
import { WasmDevice } from './wasm_device.js';
import { MOST_THREADS, startModule, WasmModule } from './wasm_module.js';
import { type Adapter, adapterName, largestArray, listen } from './webgpu.js';

export interface TfjsWasmOptions {
  readonly threads: number;
  /** The folder that serves tfjs's `.wasm` files. */
  readonly wasm?: string | URL;
}

/** A page has one module: what the first engine asked for stays. */
let shared: Promise<WasmModule> | undefined;

/** @throws MokapotError `no-wasm` */
export async function createPageWasmEngine(options: TfjsWasmOptions): Promise<Engine> {
  shared ??= start(options);
  try {
    return new DeviceEngine(new WasmDevice(await shared));
  } catch (cause) {
    shared = undefined;
    throw fail('no-wasm', `tfjs's WebAssembly does not load: ${(cause as Error).message}`, {
      hint: "The page must serve @tensorflow/tfjs-backend-wasm/wasm-out/*.wasm beside its script, or in the folder that createEngine's wasm.tfjs names.",
    });
  }
}

async function start({ threads, wasm }: TfjsWasmOptions): Promise<WasmModule> {
  const [tf, backend] = await Promise.all([import('@tensorflow/tfjs-core'), import('@tensorflow/tfjs-backend-wasm')]);
  if (wasm !== undefined) backend.setWasmPaths(folderOf(wasm));
  // Elsewhere the package finds its files itself.
  else if ('location' in globalThis) backend.setWasmPaths(bundledFiles());
  const count = Math.min(MOST_THREADS, threads);
  return new WasmModule(await startModule(tf, backend, count), count);
}

function folderOf(wasm: string | URL): string {
  const folder = String(wasm);
  return folder.endsWith('/') ? folder : `${folder}/`;
}

/** Written out for bundlers, which put these files in place and their addresses here. */
function bundledFiles() {
  const plain = new URL('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm', import.meta.url);
  const simd = new URL('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm', import.meta.url);
  const threaded = new URL(
    '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.wasm',
    import.meta.url,
  );
  return {
    'tfjs-backend-wasm.wasm': plain.href,
    'tfjs-backend-wasm-simd.wasm': simd.href,
    'tfjs-backend-wasm-threaded-simd.wasm': threaded.href,
  };
}

interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

/** The page's GPU; undefined where there is none, or only a driver in software. */
export async function pageAdapter(): Promise<Adapter | undefined> {
  const { gpu } = (globalThis as { navigator?: { gpu?: Gpu } }).navigator ?? {};
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter && adapter.info?.isFallbackAdapter !== true ? adapter : undefined;
}

/** Bytes of a GPU's memory that are counted on: no page is told how many there are. */
const GPU_MEMORY = 4 * 2 ** 30;

/**
 * @param tf the page's own tfjs, with `@tensorflow/tfjs-backend-webgpu` imported beside it
 * @throws MokapotError `no-webgpu`
 */
export async function createPageWebgpuEngine(tf: Tf | undefined): Promise<Engine> {
  const none = (why: string, hint: string) => fail('no-webgpu', `There is no WebGPU here: ${why}.`, { hint });
  if (!tf?.findBackendFactory('webgpu'))
    throw none(
      'no tfjs with its webgpu backend is given',
      "createEngine('webgpu', { tf }) takes the page's tfjs, beside which @tensorflow/tfjs-backend-webgpu is imported.",
    );
  const adapter = await pageAdapter();
  if (!adapter) throw none('the browser has no adapter', 'Choose onnx or wasm.');
  if (!(await tf.setBackend('webgpu'))) throw none('tfjs could not start its webgpu backend', 'Choose onnx or wasm.');
  const gpu = { tf, detail: adapterName(adapter), largest: largestArray(adapter), complaint: listen(tf) };
  return new DeviceEngine(new TensorDevice(tf, 'webgpu', GPU_MEMORY, true, gpu));
}
