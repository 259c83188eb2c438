/** What a plan does one after the other, what it has of the engine, and how what is done reaches its arrays. */

import type { Node, Value } from '../../ir/types.js';
import type { Engine, Observer } from '../types.js';
import type { DeviceVariables } from './device_variables.js';
import type { FilterProducts } from './filter_step.js';
import type { Formula } from './formula.js';
import type { DeviceArray, OnnxRuntime, Session, SessionOptions } from './runtime.js';
import type { Block, Variables } from './variables.js';

/** Of the engine, what programs and their steps use. */
export interface EngineContext extends Pick<Engine, 'name' | 'limit' | 'memory'> {
  readonly runtime: OnnxRuntime;
  readonly provider: SessionOptions['provider'];
  readonly variables: Variables;
  /** Variables in the device's memory, where the library can keep them there: with WebGPU. */
  readonly deviceVariables: DeviceVariables | undefined;
  /** How many times the price of a session with constants goes into runs without one before it is made. */
  readonly patience: number;
  /** Channels in a block of the layout that the library's CPU kernels take, once that is known; undefined: none. */
  readonly block: number | undefined;
  /** Most bytes of one array, where the device has a limit. */
  readonly largest: number | undefined;
  notePeak(bytes: number): void;
  /** Rows of a block become sums of rows: its last `factors.length` of `count` ones from `first` on, all at once. */
  combineRows(block: Block, first: number, count: number, factors: readonly (readonly number[])[]): Promise<void>;
  /** The session that makes filters' gradients of so many taps, the same for all of a kind. */
  filterProducts(kind: FilterProducts): Promise<Session>;
  /** The session of an elementwise node's formula, the same for all nodes of one formula. */
  formula(node: Node): Promise<Formula>;
}

/** Arrays of values during a run, by root. */
export interface Arrays {
  /** What holds a value. */
  read(v: Value): Float32Array;
  /** What a value is to be written to; it is there from run to run. */
  write(v: Value): Float32Array;
  /** Takes a variable's new value that stays on the device. */
  keep(v: Value, array: DeviceArray): void;
}

export interface Step {
  run(arrays: Arrays, observe?: Observer): Promise<void>;
  dispose(): void;
}
