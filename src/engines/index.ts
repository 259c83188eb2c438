/**
 * The engines that run in a page: `onnx` (onnxruntime-web's kernels on the CPU), `onnx-webgpu` (those on a GPU), `wasm`
 * (tfjs-backend-wasm), `webgpu` (tfjs on a GPU) and `host` (plain TypeScript). Each loads its library when it is made.
 * Those that need Node.js, and the choice among all of them there, are in `node/`.
 */

import { fail, MokapotError, nearest, own } from '../diagnostics/index.js';
import { AutoEngine } from './auto.js';
import { createHostEngine } from './host/index.js';
import { createWebEngine } from './onnx/page.js';
import { createPageWasmEngine, createPageWebgpuEngine, pageAdapter } from './tfjs/page.js';
import type { Tf } from './tfjs/tensor_device.js';
import type { Engine } from './types.js';

export { createHostEngine } from './host/index.js';
export type { Engine, Observer, Program } from './types.js';

/** How an engine is made in a page: its threads, and where its files lie. */
export interface EngineOptions {
  /**
   * Threads of `onnx` and `wasm`. Default: as many as there are cores, and one in a page that is not cross-origin isolated,
   * which may have no more. What the first engine of a page asks for stays.
   */
  readonly threads?: number;
  /** Where the page serves WebAssembly files, if not where its bundler put them. */
  readonly wasm?: {
    /** The address of onnxruntime-web's `ort-wasm-simd-threaded.wasm` (14 MB), for `onnx`. */
    readonly onnx?: string | URL;
    /** The address of onnxruntime-web's `ort-wasm-simd-threaded.asyncify.wasm` (27 MB), for `onnx-webgpu`. */
    readonly onnxWebgpu?: string | URL;
    /** The folder of tfjs-backend-wasm's `.wasm` files (0.4 MB each), for `wasm`. */
    readonly tfjs?: string | URL;
  };
  /** For `webgpu`: the page's own tfjs, with `@tensorflow/tfjs-backend-webgpu` imported beside it. */
  readonly tf?: Tf;
}

const makers: Readonly<Record<string, (options: EngineOptions) => Promise<Engine>>> = {
  onnx: options => createWebEngine('onnx', onnxOptions(options, 'onnx')),
  'onnx-webgpu': options => createWebEngine('onnx-webgpu', onnxOptions(options, 'onnxWebgpu')),
  wasm: options =>
    createPageWasmEngine({ threads: threadsOf(options), ...(options.wasm?.tfjs && { wasm: options.wasm.tfjs }) }),
  webgpu: options => createPageWebgpuEngine(options.tf),
  host: async () => createHostEngine(),
};

/** Names of the engines that run in a page. */
export const pageEngineNames: readonly string[] = Object.keys(makers);

/**
 * Makes an engine that runs in a page: one of `pageEngineNames`, or `auto`: onnxruntime-web on a GPU where the browser has
 * one (and on the CPU for what that refuses), else on the CPU, else tfjs-backend-wasm.
 * @throws MokapotError `unknown-backend`, or why it cannot be had
 */
export async function createEngine(name = 'auto', options: EngineOptions = {}): Promise<Engine> {
  if (name !== 'auto') return makerOf(name)(options);
  if (await pageAdapter()) {
    const gpu = await unlessRefused(() => createWebEngine('onnx-webgpu', onnxOptions(options, 'onnxWebgpu')));
    if (gpu) return new AutoEngine(gpu, await createWebEngine('onnx', onnxOptions(options, 'onnxWebgpu'), 'webgpu'));
  }
  const onnx = await unlessRefused(() => makers['onnx']!(options));
  return onnx ?? makers['wasm']!(options);
}

async function unlessRefused(make: () => Promise<Engine>): Promise<Engine | undefined> {
  try {
    return await make();
  } catch (thrown) {
    if (thrown instanceof MokapotError) return undefined;
    throw thrown;
  }
}

function makerOf(name: string): (options: EngineOptions) => Promise<Engine> {
  const make = own(makers, name);
  if (make) return make;
  const near = nearest(name, [...pageEngineNames, 'auto']);
  throw fail('unknown-backend', `There is no backend ${JSON.stringify(name)} in a page.`, {
    hint: `${near ? `Did you mean ${near}? ` : ''}There are: auto, ${pageEngineNames.join(', ')}.`,
  });
}

function onnxOptions(options: EngineOptions, file: 'onnx' | 'onnxWebgpu') {
  const wasm = options.wasm?.[file];
  return { threads: threadsOf(options), ...(wasm !== undefined && { wasm }) };
}

function threadsOf({ threads }: EngineOptions): number {
  const { crossOriginIsolated, navigator } = globalThis as {
    crossOriginIsolated?: boolean;
    navigator?: { hardwareConcurrency?: number };
  };
  return crossOriginIsolated ? (threads ?? navigator?.hardwareConcurrency ?? 1) : 1;
}
