/** TensorFlow's GraphDef as JSON, node by node, with the weights apart: what TensorFlow.js's graph executor loads. */

import { isInherited } from '../../diagnostics/index.js';
import type { Shape } from '../../ir/types.js';

export type Attr =
  | { readonly type: string }
  | { readonly i: string }
  | { readonly f: number }
  | { readonly b: boolean }
  | { readonly s: string }
  | { readonly shape: { readonly dim: readonly { readonly size: string }[] } }
  | { readonly tensor: { readonly dtype: string; readonly tensorShape: object } }
  | { readonly list: { readonly i: readonly string[] } | { readonly s: readonly string[] } };

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** Names of nodes; `split:1` is a node's second output. */
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, Attr>>;
}

/** An array beside the graph. `data` makes it anew at each call: a filter of 150 MB need not lie about in two layouts. */
export interface Weight {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: 'float32' | 'int32';
  /** Made of parameters, so that it may be quantised; other constants are part of an op. */
  readonly isParameter: boolean;
  data(): Float32Array | Int32Array;
}

const base64 = (text: string) => btoa(text);

export const attr = {
  type: (type: string): Attr => ({ type }),
  int: (i: number): Attr => ({ i: String(i) }),
  float: (f: number): Attr => ({ f }),
  flag: (b: boolean): Attr => ({ b }),
  text: (s: string): Attr => ({ s: base64(s) }),
  texts: (list: readonly string[]): Attr => ({ list: { s: list.map(base64) } }),
  ints: (list: readonly number[]): Attr => ({ list: { i: list.map(String) } }),
  /** −1 is a size that only a run knows. */
  shape: (shape: Shape): Attr => ({ shape: dims(shape) }),
};

function dims(shape: Shape) {
  return { dim: shape.map(d => ({ size: String(d) })) };
}

const TYPES = { float32: 'DT_FLOAT', int32: 'DT_INT32' } as const;

export class GraphDef {
  private readonly nodes: NodeDef[] = [];
  private readonly weights = new Map<string, Weight>();
  private readonly taken = new Set<string>();
  private readonly shared = new Map<string, string>();
  /** Stands before the names of nodes made from now on: the layer they come from. */
  scope = '';

  /** A node named after the scope and its op. @returns its name */
  add(op: string, input: readonly string[], attrs: Readonly<Record<string, Attr>> = {}): string {
    return this.named(`${this.scope || 'graph'}/${op.replace(/^_/, '')}`, op, input, attrs);
  }

  /** A node with a name of its own, or the next free one like it. */
  named(wanted: string, op: string, input: readonly string[], attrs: Readonly<Record<string, Attr>> = {}): string {
    const name = this.free(wanted);
    this.nodes.push({ name, op, input, attr: attrs });
    return name;
  }

  weight(name: string, weight: Omit<Weight, 'name'>): string {
    const dtype = TYPES[weight.dtype];
    const free = this.named(name, 'Const', [], {
      dtype: attr.type(dtype),
      value: { tensor: { dtype, tensorShape: dims(weight.shape) } },
    });
    this.weights.set(free, { ...weight, name: free });
    return free;
  }

  /** A constant of the op's own; equal small ones are one node. */
  constant(data: Float32Array | Int32Array, shape: Shape): string {
    const dtype = data instanceof Int32Array ? 'int32' : 'float32';
    const make = () =>
      this.weight(`${this.scope || 'graph'}/const`, { shape, dtype, isParameter: false, data: () => data });
    if (data.length > 64) return make();
    const key = `${dtype} ${shape.join()} ${Array.from(data, v => (Object.is(v, -0) ? '-0' : v)).join()}`;
    let name = this.shared.get(key);
    if (!name) this.shared.set(key, (name = make()));
    return name;
  }

  ints(values: readonly number[]): string {
    return this.constant(Int32Array.from(values), [values.length]);
  }

  scalar(value: number): string {
    return this.constant(Float32Array.of(value), []);
  }

  /** Nodes and weights that these nodes need, in an order in which every node comes before its readers. */
  needed(outputs: readonly string[]): { nodes: NodeDef[]; weights: Weight[] } {
    const wanted = new Set(outputs);
    const nodes = this.nodes.reduceRight<NodeDef[]>((kept, node) => {
      // An input of the graph stays, read or not: who feeds it must find it.
      if (!wanted.has(node.name) && node.op !== 'Placeholder') return kept;
      for (const name of node.input) wanted.add(name.replace(/:\d+$/, ''));
      kept.push(node);
      return kept;
    }, []);
    nodes.reverse();
    return { nodes, weights: nodes.flatMap(({ name }) => this.weights.get(name) ?? []) };
  }

  private free(wanted: string): string {
    const stem = nodeName(wanted);
    let name = stem;
    for (let n = 1; this.taken.has(name); n++) name = `${stem}_${n}`;
    this.taken.add(name);
    return name;
  }
}

/**
 * TensorFlow's alphabet for names: letters, digits and `_.-/`, the first a letter, a digit or a dot. TensorFlow.js looks nodes
 * up in plain objects, where `constructor` and its like stand for something else.
 */
export function nodeName(name: string): string {
  const legal = name.replace(/[^\w./-]/g, '_').replace(/^[^A-Za-z0-9.]/, m => `x${m}`) || 'x';
  return isInherited(legal) ? `x_${legal}` : legal;
}
