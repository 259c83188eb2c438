/** What can run a graph. An engine holds variables; programs compiled for it read and assign them. */

import type { Diagnostic } from '../diagnostics/index.js';
import type { Graph, Shape } from '../ir/types.js';

/** What runs graphs: it holds variables and compiles programs over them. */
export interface Engine {
  /** `onnx`, `wasm`, `cpu`, `tensorflow`, `host`, … */
  readonly name: string;
  /** Sets a variable, in the IR's (Caffe's) layout. The array is copied. */
  write(variable: string, data: Float32Array, shape: Shape): void;
  /** Sets a variable to 0, at no cost where the engine can put that off. */
  zero(variable: string, shape: Shape): void;
  /** A copy of a variable's value, in the IR's layout. */
  read(variable: string): Promise<Float32Array>;
  /** The same at once; absent on an engine whose memory can only be read asynchronously. */
  readonly readNow?: (variable: string) => Float32Array;
  /** Exchanges the values of two variables of one shape, without copying. No program may be running. */
  swap(a: string, b: string): Promise<void>;
  /** Whether a variable of this name has been set. */
  has(variable: string): boolean;
  /** Whether variables are arrays of this process's own memory, to be read at any time at the cost of copying. */
  readonly isOnHost: boolean;
  /** Makes a graph runnable. */
  compile(graph: Graph): Promise<Program>;
  /** Most bytes it can hold. */
  readonly limit: number;
  /** Bytes held by variables now, and the most that a run planned so far takes together with them. */
  memory(): { readonly bytes: number; readonly peakBytes: number };
  /** What a person should know of where it computes, if anything. */
  readonly notes?: readonly Diagnostic[];
  /** Frees its memory and threads. It cannot be used again. */
  dispose(): void;
}

/** Hears of every node that ran: the label of the IR node (the layer's name, `'` behind it for its gradient) and milliseconds. */
export type Observer = (label: string, ms: number) => void;

/** A compiled graph. */
export interface Program {
  /**
   * Runs the graph once: feeds its inputs by name (an array of the declared size each), performs the assignments, returns
   * copies of the fetched outputs, in an object without a prototype. Only what the fetched outputs, assignments and side effects need is computed.
   *
   * @param observe told how long each node took; it may slow the run down
   */
  run(
    feeds: Readonly<Record<string, Float32Array>>,
    fetch: readonly string[],
    observe?: Observer,
  ): Promise<Record<string, Float32Array>>;
  /** Plans a run that fetches these outputs. Throws a MokapotError where it would not fit the engine's memory. */
  prepare(fetch: readonly string[]): void;
  /**
   * Nodes that run on the host one by one because the engine has no ops for them, as `layer: op`; absent where that is
   * no exception. User code is not among them.
   */
  readonly fallbacks?: readonly string[];
  /** Greatest number of bytes its temporaries take at once, over the runs planned so far. */
  readonly peakBytes: number;
  /** Frees what it holds besides the engine's variables. */
  dispose(): void;
}
