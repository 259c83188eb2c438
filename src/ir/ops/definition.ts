/** What an op is: its rule for shapes and its rule for gradients. */

import type { Builder } from '../builder.js';
import type { InputsOf, NodeOf, OpAttrs, OpName, OutputsOf, Shape, Value } from '../types.js';

export interface OpDefinition<K extends OpName> {
  /** Shapes of the outputs. Throws an Error where the inputs do not fit: a lowering's bug, never a user's. */
  shapes(inputs: InputsOf<K, Shape>, attrs: OpAttrs[K]): OutputsOf<K, Shape>;
  /**
   * Gradients of the inputs, given those of the outputs (undefined only where an op has several). Only those asked for in
   * `wanted` count. Absent: no gradient flows.
   */
  gradient?(
    b: Builder,
    node: NodeOf<K>,
    dy: OutputGradients<K>,
    wanted: readonly boolean[],
  ): readonly (Value | undefined)[];
}

/** Of an op with one output its gradient is there, or the rule is not asked. */
type OutputGradients<K extends OpName> =
  OutputsOf<K> extends readonly [Value] ? readonly [Value] : OutputsOf<K, Value | undefined>;

export type OpTable<K extends OpName> = { readonly [P in K]: OpDefinition<P> };
