/** An emitter writes one IR op in ONNX: given the node, it adds ONNX nodes and names the results. */

import type { NodeOf, OpName, Value } from '../../../ir/types.js';
import type { GraphWriter } from '../writer.js';

/** What an emitter sees of the graph it writes to. */
export interface Scope {
  readonly w: GraphWriter;
  /** Channels in a block of onnxruntime's own layout, where its ops may be used (blocked.ts). */
  readonly block?: number | undefined;
  /** Whether the graph is for onnxruntime's CPU kernels: then in the ops that are fastest there. */
  readonly onCpu: boolean;
  /** Name of a value as floats. */
  float(v: Value): string;
  /** Name of a value, of whatever element type. */
  any(v: Value): string;
  /** Name of a value as booleans: whether it is not 0. */
  bool(v: Value): string;
  /** Name of a value as 64-bit integers. */
  int(v: Value): string;
  /** Whether anything reads a value. */
  isRead(v: Value): boolean;
  /** Whether a value has a name: what lies inside a pattern has none. */
  isEmitted(v: Value): boolean;
}

/** The names of the node's results, of any element type. */
export type Emitter<K extends OpName> = (s: Scope, node: NodeOf<K>) => readonly string[];

export type EmitterTable<K extends OpName> = { readonly [P in K]: Emitter<P> };
