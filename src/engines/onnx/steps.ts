/** What a plan does one after the other, and how what is done reaches its arrays. */

import type { Value } from '../../ir/types.js';
import type { Observer } from '../types.js';
import type { DeviceArray } from './runtime.js';

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
