/** What an op is: its rule for shapes and its rule for gradients. */

import type { Builder } from '../builder.js';
import type { NodeOf, OpAttrs, OpName, Shape, Value } from '../types.js';

export interface OpDefinition<K extends OpName> {
  /** Shapes of the outputs. Throws an Error where the inputs do not fit: a lowering's bug, never a user's. */
  shapes(inputs: readonly Shape[], attrs: OpAttrs[K]): readonly Shape[];
  /**
   * Gradients of the inputs, given those of the outputs (`dy[0]` is there for ops of one output). Only those asked for
   * in `wanted` count. Absent: no gradient flows.
   */
  gradient?(
    b: Builder,
    node: NodeOf<K>,
    dy: readonly (Value | undefined)[],
    wanted: readonly boolean[],
  ): readonly (Value | undefined)[];
}

export type OpTable<K extends OpName> = { readonly [P in K]: OpDefinition<P> };
