/** onnxruntime-web under Node.js, where its WebAssembly is read from the package and its threads are worker_threads. */

import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-web';
import { firstLine } from '../../../diagnostics/index.js';
import type { OnnxRuntime } from '../runtime.js';
import { webRuntime } from '../web.js';
import { hostMemory, threadCount } from './native.js';

let loaded: OnnxRuntime | string | undefined;

/** onnxruntime-web, or why it does not load. */
export function loadWeb(): OnnxRuntime | string {
  loaded ??= tryLoading();
  return loaded;
}

function tryLoading(): OnnxRuntime | string {
  try {
    const ort = createRequire(import.meta.url)('onnxruntime-web') as typeof Ort;
    const runtime = webRuntime(ort, { threads: threadCount() });
    return { ...runtime, memory: Math.min(runtime.memory, hostMemory()) };
  } catch (e) {
    return firstLine(e);
  }
}
