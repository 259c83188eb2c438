/**
 * onnxruntime-node: sessions that write their results where they are told to.
 *
 * Facts this rests on (onnxruntime-node 1.30, measured): a tensor that is fed is read in place, and a preallocated result
 * is written in place; but the binding then makes a new array of every result all the same, which for the 228 MB of
 * FCN-AlexNet's gradients costs more than computing them. It makes none once it meets a result that is no tensor, which
 * it refuses with an error after the run. So every model here has an empty sequence as its first output, that error
 * is the sign of a run that went well, and no result is copied. Should another version do otherwise (copy what is fed,
 * give results without an error), the numbers are still right: results are then taken from where they are.
 * An array over a SharedArrayBuffer is refused.
 */

import { createRequire } from 'node:module';
import os from 'node:os';
import type * as Ort from 'onnxruntime-web';
import { firstLine } from '../../../diagnostics/index.js';
import { numberOf } from '../../node/environment.js';
import type { OnnxRuntime } from '../runtime.js';
import { observeProfile } from './profile.js';

let loaded: OnnxRuntime | string | undefined;

/** onnxruntime-node, or why it does not load. */
export function loadNative(): OnnxRuntime | string {
  loaded ??= tryLoading();
  return loaded;
}

function tryLoading(): OnnxRuntime | string {
  try {
    const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
    // What goes wrong is told in diagnostics, not by lines of the library's own.
    ort.env.logLevel = 'fatal';
    return {
      name: 'onnxruntime-node',
      isInPlace: true,
      memory: hostMemory(),
      tensor: (data, dims) => new ort.Tensor('float32', data, dims),
      createSession: (model, options) =>
        ort.InferenceSession.create(model, {
          intraOpNumThreads: threadCount(),
          interOpNumThreads: 1,
          // Each session has threads of its own, which go on looking for work when a run is over, and so take a core from
          // the next session's: LeNet's step took 24 ms so, 12 without.
          extra: { session: { force_spinning_stop: '1' } },
          ...options,
        }),
      observeProfile,
    };
  } catch (e) {
    return firstLine(e);
  }
}

/** How many threads to use: MOKAPOT_THREADS, else the cores. */
export function threadCount(): number {
  return numberOf('MOKAPOT_THREADS') ?? os.availableParallelism();
}

/** How many bytes an engine in this process's memory may take: MOKAPOT_MEMORY (in MB), else nine tenths of what this process may have. */
export function hostMemory(): number {
  const asked = numberOf('MOKAPOT_MEMORY');
  if (asked !== undefined) return asked * 2 ** 20;
  const allowed = process.constrainedMemory?.() || os.totalmem();
  return 0.9 * Math.min(allowed, os.totalmem());
}
