/** What a call to the host needs to know of a model that takes its place. */

import type { Shape } from './types.js';

/** What a graph is lowered for when it is to leave this program as a model. */
export type ExportTarget = 'onnx' | 'tfjs';

/** TensorProto.DataType of ONNX, as `to` of a Cast has it. */
export const OnnxType = { FLOAT: 1, INT64: 7, BOOL: 9 } as const;

type OnnxAttribute = number | string | { readonly float: number } | readonly number[];

/** What an ONNX graph is written with: nodes of one result each, called by name, and constants. Opset 18. */
export interface OnnxWriter {
  op(
    type: string,
    inputs: readonly string[],
    options?: {
      /** Whole numbers are INT, others FLOAT; `{ float }` is a FLOAT whatever its value. */
      readonly attrs?: Readonly<Record<string, OnnxAttribute>>;
      /** Element type of the result; FLOAT by default. */
      readonly type?: (typeof OnnxType)[keyof typeof OnnxType];
    },
  ): string;
  /** The same with several results. */
  node(
    type: string,
    inputs: readonly string[],
    options: { readonly outputs: number; readonly attrs?: Readonly<Record<string, OnnxAttribute>> },
  ): readonly string[];
  /** 64-bit integers; with `dims` [] a single one. */
  ints(values: readonly number[], dims?: Shape): string;
  floats(data: Float32Array, dims: Shape): string;
  scalar(x: number): string;
}
