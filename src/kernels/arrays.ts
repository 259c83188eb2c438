/** What a kernel works on: the arrays of a node's inputs and outputs. */

import type { InputsOf, OpName, OutputsOf } from '../ir/types.js';

export type Inputs<K extends OpName> = InputsOf<K, Float32Array>;
export type Outputs<K extends OpName> = OutputsOf<K, Float32Array>;
