/**
 * onnxruntime-web: onnxruntime's kernels in WebAssembly, and on a GPU through WebGPU. Its JavaScript (70 kB) and WebAssembly
 * (14 MB; 27 MB with WebGPU) are loaded when a session is first wanted.
 *
 * Facts this rests on (onnxruntime-web 1.30): what is fed is copied into the heap, and every result into a new array; a
 * preallocated result is left as it was. Threads are started once a page. Arrays of weights that a session is made with are
 * known to the module by name for all sessions that are being made, so they are made one after the other.
 */

import type * as Ort from 'onnxruntime-web';
import type { NativeSession, OnnxRuntime } from './runtime.js';

export interface WebRuntimeOptions {
  /** How many threads; more than one only in a page that is cross-origin isolated, or under Node.js. */
  readonly threads: number;
  /** Where the `.wasm` file is. Default: where the package looks. */
  readonly wasm?: string | URL;
}

/** wasm32 ends at 4 GiB; the last part of it goes to fragments. */
const MEMORY = 3.75 * 2 ** 30;

/** What a loaded package gives. */
export function webRuntime(ort: typeof Ort, { threads, wasm }: WebRuntimeOptions): OnnxRuntime {
  // What goes wrong is told in diagnostics, not by lines of the library's own.
  ort.env.logLevel = 'fatal';
  ort.env.wasm.numThreads = threads;
  if (wasm !== undefined) ort.env.wasm.wasmPaths = { wasm: String(wasm) };
  const inTurn = queue();
  return {
    name: 'onnxruntime-web',
    isInPlace: false,
    memory: MEMORY,
    tensor: (data, dims) => new ort.Tensor('float32', data, dims),
    async createSession(model, options): Promise<NativeSession> {
      const session = await inTurn(() => ort.InferenceSession.create(model, options));
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        run: (feeds, fetches) => inTurn(() => session.run(feeds, fetches)),
        release: () => inTurn(() => session.release()),
        endProfiling: () => session.endProfiling(),
      };
    },
  };
}

/** Does one thing after the other. */
function queue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return work => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
