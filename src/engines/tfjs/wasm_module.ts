/**
 * tfjs-backend-wasm as a compute library: its module, its heap and its XNNPACK matrix product, on as many threads as the
 * machine has.
 *
 * Facts this rests on (tfjs 4.22): under Node the backend turns threads off and its thread count is half the cores it is
 * told of; the pthread build runs in worker_threads with three shims while it starts (the flag, the worker's file, the
 * number of cores). A matrix product packs its right-hand side and keeps the packed copy under the tensor's id until that
 * id is disposed of, so every product here goes by ids of its own. Products with transpose flags are naive loops.
 */

import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '../../diagnostics/index.js';

interface EmscriptenModule {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(offset: number): void;
  cwrap(name: string, result: string | null, parameters: readonly string[]): (...args: unknown[]) => unknown;
  readonly PThread?: { readonly runningWorkers: readonly { unref(): void }[]; terminateAllThreads(): void };
  readonly tfjs: { registerTensor(id: number, size: number, offset: number): void; disposeData(id: number): void };
}

interface WasmBackend {
  readonly wasm: EmscriptenModule;
  dataIdNextNumber: number;
  dispose(): void;
}

/** A matrix somewhere in the heap: byte offset, rows, columns. */
export interface HeapMatrix {
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
}

/** The wasm module's heap and kernels. */
export class WasmModule {
  private readonly batchMatMul: (...args: unknown[]) => unknown;

  constructor(
    private readonly backend: WasmBackend,
    readonly threads: number,
  ) {
    this.batchMatMul = backend.wasm.cwrap('BatchMatMul', null, [
      'number',
      'array',
      'number',
      'number',
      'array',
      'number',
      'number',
      'number',
      'number',
    ]);
  }

  /** Byte offset of fresh memory. tfjs itself does not look whether there was any. */
  allocate(bytes: number): number {
    const offset = this.backend.wasm._malloc(Math.max(bytes, 16)) >>> 0;
    if (offset === 0 || offset + bytes > this.backend.wasm.HEAPU8.byteLength)
      throw fail('out-of-memory', `The wasm engine's memory (4 GiB at most) has no room for ${bytes} more bytes.`, {
        hint: 'A smaller batch or picture, or another engine (--backend) helps.',
      });
    return offset;
  }

  free(offset: number): void {
    this.backend.wasm._free(offset);
  }

  /** The heap at an offset as floats. Good until the next allocation, which may move the heap. */
  view(offset: number, length: number): Float32Array {
    return new Float32Array(this.backend.wasm.HEAPU8.buffer, offset, length);
  }

  /** c = a · b, where c's memory is there already. */
  multiply(a: HeapMatrix, b: HeapMatrix, c: HeapMatrix): void {
    const ids = [a, b, c].map(m => {
      const id = this.backend.dataIdNextNumber++;
      this.backend.wasm.tfjs.registerTensor(id, m.rows * m.columns, m.offset);
      return id;
    });
    this.batchMatMul(ids[0], shapeBytes(a), 3, ids[1], shapeBytes(b), 3, false, false, ids[2]);
    for (const id of ids) this.backend.wasm.tfjs.disposeData(id);
  }

  dispose(): void {
    this.backend.dispose();
  }
}

function shapeBytes({ rows, columns }: HeapMatrix): Uint8Array {
  return new Uint8Array(Int32Array.of(1, rows, columns).buffer);
}

let shared: Promise<WasmModule> | undefined;

/** The module, started once a process. */
export function wasmModule(): Promise<WasmModule> {
  shared ??= start(threadCount());
  return shared;
}

/** How many threads to use: MOKAPOT_THREADS, else the cores, at most 4 (the most that tfjs starts). */
function threadCount(): number {
  const asked = Number(process.env['MOKAPOT_THREADS']);
  const wanted = Number.isInteger(asked) && asked > 0 ? asked : os.availableParallelism();
  return Math.min(4, wanted);
}

let chosen: Promise<typeof import('@tensorflow/tfjs-core')> | undefined;

/**
 * tfjs with its own wasm backend ready for `setBackend('wasm')`, for graph models and whatever else goes by tfjs's own ops.
 * One thread: the module above has the others.
 */
export function tfjsWithWasm(): Promise<typeof import('@tensorflow/tfjs-core')> {
  chosen ??= readyWasm();
  return chosen;
}

async function readyWasm(): Promise<typeof import('@tensorflow/tfjs-core')> {
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
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
  const tf = require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
  const entry = require.resolve('@tensorflow/tfjs-backend-wasm');
  const { setWasmPaths, setThreadsCount } = require(entry) as typeof import('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(path.dirname(entry) + path.sep);
  let backend: WasmBackend;
  const before = handlers();
  const restore = threads > 1 ? shimThreads(threads) : undefined;
  try {
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', threads > 1);
    if (threads > 1) setThreadsCount(threads);
    // By its factory and not by setBackend: the module serves beside whatever backend tfjs has chosen.
    backend = (await tf.findBackendFactory('wasm')!()) as unknown as WasmBackend;
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
