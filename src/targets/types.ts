/** What can run a graph. An engine holds variables; programs compiled for it read and assign them. */

import type { Graph, Shape } from '../ir/types.js';

export interface Engine {
  /** `wasm`, `cpu`, `tensorflow`, `host`. */
  readonly name: string;
  /** Sets a variable, in the IR's (Caffe's) layout. The array is copied. */
  write(variable: string, data: Float32Array, shape: Shape): void;
  /** A copy of a variable's value, in the IR's layout. */
  read(variable: string): Promise<Float32Array>;
  has(variable: string): boolean;
  /** Makes a graph runnable. Throws a MokapotError where it would not fit the engine's memory. */
  compile(graph: Graph): Promise<Program>;
  /** Bytes held by variables and programs now. */
  memory(): { readonly bytes: number; readonly peakBytes: number };
  dispose(): void;
}

export interface Program {
  /**
   * Runs the graph once: feeds its inputs by name (an array of the declared size each), performs the assignments, returns
   * copies of the fetched outputs. Only what the fetched outputs, assignments and side effects need is computed.
   */
  run(feeds: Readonly<Record<string, Float32Array>>, fetch: readonly string[]): Promise<Record<string, Float32Array>>;
  /** Greatest number of bytes its temporaries take at once. */
  readonly peakBytes: number;
  dispose(): void;
}
