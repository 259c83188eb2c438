/**
 * tfjs-backend-wasm under Node.js. There the backend turns threads off, and its thread count is half the cores it is told
 * of; its pthread build runs in worker_threads with three shims while it starts (the flag, the worker's file, the number of
 * cores).
 */

import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { numberOf } from '../../node/environment.js';
import type { Tf } from '../tensor_device.js';
import { MOST_THREADS, startModule, type WasmBackend, WasmModule } from '../wasm_module.js';

let shared: Promise<WasmModule> | undefined;

/** The module, started once a process. */
export function wasmModule(): Promise<WasmModule> {
  shared ??= start(threadCount());
  return shared;
}

/** How many threads to use: MOKAPOT_THREADS, else the cores, at most as many as tfjs starts. */
function threadCount(): number {
  return Math.min(MOST_THREADS, numberOf('MOKAPOT_THREADS') ?? os.availableParallelism());
}

let chosen: Promise<Tf> | undefined;

/**
 * tfjs with its own wasm backend ready for `setBackend('wasm')`, for graph models and whatever else goes by tfjs's own ops.
 * One thread: the module above has the others.
 */
export function tfjsWithWasm(): Promise<Tf> {
  chosen ??= readyWasm();
  return chosen;
}

async function readyWasm(): Promise<Tf> {
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs-core') as Tf;
  const entry = require.resolve('@tensorflow/tfjs-backend-wasm');
  const { setWasmPaths } = require(entry) as typeof import('@tensorflow/tfjs-backend-wasm');
  await shared;
  // Once a module runs, the path is settled.
  if (!shared) setWasmPaths(path.dirname(entry) + path.sep);
  const before = handlers();
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const chosenBefore = tf.getBackend() as string | undefined;
  await tf.setBackend('wasm');
  if (chosenBefore) await tf.setBackend(chosenBefore);
  dropHandlers(before);
  return tf;
}

async function start(threads: number): Promise<WasmModule> {
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs-core') as Tf;
  const entry = require.resolve('@tensorflow/tfjs-backend-wasm');
  const wasm = require(entry) as typeof import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(path.dirname(entry) + path.sep);
  let backend: WasmBackend;
  const before = handlers();
  const restore = threads > 1 ? shimThreads(threads) : undefined;
  try {
    backend = await startModule(tf, wasm, threads);
  } finally {
    restore?.();
    dropHandlers(before);
  }
  // A waiting thread must not keep the process alive.
  for (const worker of backend.wasm.PThread?.runningWorkers ?? []) worker.unref();
  return new WasmModule(backend, threads);
}

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

type Handlers = ReadonlyMap<string, ReadonlySet<unknown>>;

function handlers(): Handlers {
  return new Map(EVENTS.map(event => [event, new Set<unknown>(process.listeners(event as 'uncaughtException'))]));
}

/** The module sets handlers of uncaught errors for the whole process, which print its own source line; they are not ours to set. */
function dropHandlers(before: Handlers): void {
  for (const event of EVENTS)
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before.get(event)!.has(listener)) process.removeListener(event, listener);
}

/** Makes Node look like a browser with workers while the module starts; returns how to undo it. */
function shimThreads(threads: number): () => void {
  const createObjectURL = URL.createObjectURL;
  const cpus = os.cpus;
  URL.createObjectURL = () => fileURLToPath(new URL('./wasm_thread.cjs', import.meta.url));
  os.cpus = () => new Array(threads * 2).fill(cpus()[0]);
  return () => {
    URL.createObjectURL = createObjectURL;
    os.cpus = cpus;
  };
}
