/** onnxruntime-web in a page: its package is loaded by `import()` when an engine is made, its WebAssembly by URL. */

import type * as Ort from 'onnxruntime-web';
import { fail } from '../../diagnostics/index.js';
import type { Engine } from '../types.js';
import { OnnxEngine } from './engine.js';
import type { OnnxRuntime } from './runtime.js';
import { failureOf, largestOf } from './trials.js';
import { type WebRuntimeOptions, webRuntime } from './web.js';

/** The builds of the package: `webgpu` has the CPU's kernels too, but runs them half as fast. */
const BUILDS = {
  cpu: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
} as const;

const FILES = { cpu: 'ort-wasm-simd-threaded.wasm', webgpu: 'ort-wasm-simd-threaded.asyncify.wasm' } as const;

type Build = keyof typeof BUILDS;

/** A page has one heap and one set of threads of each build: what the first engine asked for stays. */
const loaded = new Map<Build, Promise<OnnxRuntime>>();

/**
 * `onnx` on the CPU, `onnx-webgpu` on the GPU; the latter's build serves both in `onnx`, where `from` is `webgpu`.
 * @throws MokapotError `no-onnx`, `no-gpu`
 */
export async function createWebEngine(
  name: 'onnx' | 'onnx-webgpu',
  options: WebRuntimeOptions,
  from: Build = name === 'onnx' ? 'cpu' : 'webgpu',
): Promise<Engine> {
  const provider = name === 'onnx' ? 'cpu' : 'webgpu';
  const runtime = await runtimeOf(from, options);
  const problem = await failureOf(runtime, 'cpu');
  if (problem !== undefined) throw notLoaded(from, problem);
  if (provider === 'cpu') return new OnnxEngine(runtime, name, provider);
  const refusal = await failureOf(runtime, provider);
  if (refusal !== undefined)
    throw fail('no-gpu', `There is nothing for ${name} to compute on: ${refusal}`, { hint: 'Choose onnx.' });
  return new OnnxEngine(runtime, name, provider, { largest: await largestOf(runtime, provider) });
}

function runtimeOf(build: Build, options: WebRuntimeOptions): Promise<OnnxRuntime> {
  let runtime = loaded.get(build);
  if (!runtime) {
    runtime = load(build, options);
    loaded.set(build, runtime);
  }
  return runtime;
}

async function load(build: Build, options: WebRuntimeOptions): Promise<OnnxRuntime> {
  try {
    // Elsewhere the package finds its files itself.
    const bundled = 'location' in globalThis ? { wasm: bundledFile(build) } : {};
    return webRuntime((await BUILDS[build]()) as typeof Ort, { ...bundled, ...options });
  } catch (cause) {
    throw notLoaded(build, String((cause as Error).message));
  }
}

/** Written out for bundlers, which put these files in place and their addresses here. */
function bundledFile(build: Build): URL {
  return build === 'cpu'
    ? new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url)
    : new URL('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm', import.meta.url);
}

function notLoaded(build: Build, problem: string) {
  const option = build === 'cpu' ? 'onnx' : 'onnxWebgpu';
  return fail('no-onnx', `onnxruntime-web does not load: ${problem}`, {
    hint: `The page must serve ${FILES[build]} of the package onnxruntime-web: as onnxruntime-web/${FILES[build]} beside its script, or where createEngine's wasm.${option} says.`,
  });
}
