/**
 * tfjs-backend-wasm as a compute library: its module, its heap and its XNNPACK matrix product, on as many threads as it is
 * given.
 *
 * Facts this rests on (tfjs 4.22): a matrix product packs its right-hand side and keeps the packed copy under the tensor's id until that
 * id is disposed of, so every product here goes by ids of its own. Products with transpose flags are naive loops.
 */

import type { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { fail } from '../../diagnostics/index.js';
import type { Tf } from './tensor_device.js';

interface EmscriptenModule {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(offset: number): void;
  cwrap(name: string, result: string | null, parameters: readonly string[]): (...args: unknown[]) => unknown;
  readonly PThread?: { readonly runningWorkers: readonly { unref(): void }[]; terminateAllThreads(): void };
  readonly tfjs: { registerTensor(id: number, size: number, offset: number): void; disposeData(id: number): void };
}

export interface WasmBackend {
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

/** The most threads that tfjs starts. */
export const MOST_THREADS = 4;

/** Starts the module of a loaded package. By its factory and not by setBackend: it serves beside whatever backend tfjs has chosen. */
export async function startModule(
  tf: Tf,
  wasm: { readonly setThreadsCount: typeof setThreadsCount },
  threads: number,
): Promise<WasmBackend> {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', threads > 1);
  if (threads > 1) wasm.setThreadsCount(threads);
  return (await tf.findBackendFactory('wasm')()) as unknown as WasmBackend;
}
