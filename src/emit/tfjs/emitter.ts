/**
 * What emission works with: which node of the GraphDef holds which value, in which layout, and how sizes that only a run
 * knows are emitted.
 *
 * Layouts: the IR's images are N×C×H×W; TensorFlow.js's convolutions and poolings want N×H×W×C. A value is held in the
 * layout that its op made it in, is transposed where an op needs the other one, once, and most ops work in either: so images
 * are transposed at the graph's borders and where a Flatten or Reshape looks at Caffe's order.
 */

import { fail, type MokapotError, need, nth } from '../../diagnostics/index.js';
import { type GeneralGraph, isConstant, NotGeneral, type Place, type Samples } from '../../ir/passes/generalise.js';
import { dim, sizeOf, stridesOf } from '../../ir/shape.js';
import type { Node, NodeOf, Shape, Value } from '../../ir/types.js';
import { type KnownArray, knownValues, type Parameters } from '../constants.js';
import { attr, GraphDef } from './graph_def.js';

/** `caffe` is the IR's own order of axes; `image` is N×H×W×C, of values with four axes. */
export type Layout = 'caffe' | 'image';

/** Axis of `image` that each of N, C, H, W is, and the other way round. */
export const TO_IMAGE = [0, 2, 3, 1] as const;
const FROM_IMAGE = [0, 3, 1, 2] as const;

export function cannotExport(label: string, why: string, hint?: string): MokapotError {
  return fail('cannot-export', `Layer "${label}" cannot be exported: ${why}.`, {
    layer: label,
    ...(hint !== undefined && { hint }),
  });
}

export function noFormula(node: Node): NotGeneral {
  return new NotGeneral(node.label, 'has a size that varies in a way of its own');
}

/** What a value is a reshaped form of. */
function sourceOf(value: Value): Value {
  return value.node.op === 'reshape' ? sourceOf(value.node.inputs[0]) : value;
}

type Names = Partial<Record<Layout, string>>;

export class Emitter {
  readonly def = new GraphDef();
  readonly known: ReadonlyMap<Value, KnownArray>;
  /** By the name of a mask of 1 and 0 that of the same as booleans. */
  readonly masks = new Map<string, string>();
  private readonly names = new Map<Value, Names>();
  private readonly readers = new Map<Value, Node[]>();
  /** Nodes that were emitted with an earlier one, as a bias is with its convolution. */
  private readonly done = new Set<Node>();
  private readonly made = new Map<string, string>();

  constructor(
    readonly general: GeneralGraph,
    parameters: Parameters,
  ) {
    this.known = knownValues(general, parameters);
    for (const node of general.graph.nodes)
      for (const x of node.inputs) this.readers.set(x, [...(this.readers.get(x) ?? []), node]);
  }

  // Values

  isDone(node: Node): boolean {
    return this.done.has(node) || node.outputs.every(y => this.known.has(y));
  }

  markDone(node: Node): void {
    this.done.add(node);
  }

  /** Whether the value is there in this layout without turning it. */
  has(value: Value, layout: Layout): boolean {
    return this.names.get(value)?.[layout] !== undefined;
  }

  hold(value: Value, name: string, layout: Layout): void {
    this.names.set(value, { ...this.names.get(value), [layout]: name });
  }

  /** The only node that reads the value; undefined where several do, or a caller of the graph. */
  onlyReader(value: Value): Node | undefined {
    const readers = this.readers.get(value) ?? [];
    const fetched = [...this.general.graph.outputs.values()].includes(value);
    return readers.length === 1 && !fetched ? readers[0] : undefined;
  }

  /** Whether anything reads the value. */
  isRead(value: Value): boolean {
    return this.readers.has(value) || [...this.general.graph.outputs.values()].includes(value);
  }

  /** The node that holds the value in this layout; transposed, or made a constant, where it is not there yet. */
  operand(value: Value, layout: Layout): string {
    const names = this.names.get(value);
    const there = names?.[layout];
    if (there !== undefined) return there;
    const known = this.known.get(value);
    const made = known ? this.constant(value, known, layout) : this.turn(value, names!, layout);
    this.hold(value, made, layout);
    return made;
  }

  private turn(value: Value, names: Names, layout: Layout): string {
    const [from, perm] = layout === 'image' ? [names.caffe!, TO_IMAGE] : [names.image!, FROM_IMAGE];
    if (value.shape.length !== 4) throw new Error(`tfjs graph: a value of ${value.shape.length} axes is no image`);
    return this.def.add('Transpose', [from, this.def.ints(perm)]);
  }

  /** In `image` layout its axes are aligned at the last of N, C, H, W first, as broadcasting does. */
  private constant(value: Value, { shape, data, isParameter }: KnownArray, layout: Layout): string {
    const name = this.constantName(value);
    const asIs = layout === 'caffe' || shape.length === 0;
    const four = [...new Array<number>(Math.max(0, 4 - shape.length)).fill(1), ...shape];
    const turned = () => (asIs ? data : permute(data, four, TO_IMAGE));
    const inLayout = asIs ? shape : TO_IMAGE.map(axis => nth(four, axis));
    if (!isParameter) return this.def.constant(turned(), inLayout);
    const make = () => this.def.weight(name, { shape: inLayout, dtype: 'float32', isParameter, data: turned });
    return this.isParameter(value) ? this.shared(`${name} ${layout} ${inLayout.join()}`, make) : make();
  }

  /** A parameter's own name where it is one, else the layer's. */
  constantName(value: Value): string {
    const { node } = sourceOf(value);
    return node.op === 'variable' ? node.attrs.name : `${value.node.label || 'graph'}/weight`;
  }

  isParameter(value: Value): boolean {
    return sourceOf(value).node.op === 'variable';
  }

  /** The node made under this key before, else a new one. */
  shared(key: string, make: () => string): string {
    let name = this.made.get(key);
    if (name === undefined) this.made.set(key, (name = make()));
    return name;
  }

  // Sizes

  /** A vector of sizes, as a constant or computed. A −1 may stand for what is left. */
  sizes(sizes: readonly Samples[], node: Node): string {
    if (sizes.every(isConstant)) return this.def.ints(sizes.map(s => s[0]!));
    const parts = sizes.map(samples => this.size(samples, node));
    if (parts.length === 1) return nth(parts, 0);
    return this.def.add('ConcatV2', [...parts, this.zero()], { N: attr.int(parts.length) });
  }

  /** One size as a vector of one. @throws NotGeneral */
  size(samples: Samples, node: Node): string {
    if (isConstant(samples)) return this.def.ints([samples[0]!]);
    const formula = this.general.formula(samples, node);
    if (!formula) throw noFormula(node);
    const { factors, multiply, divide, offset } = formula;
    let name = factors.map(place => this.place(place)).reduce((a, b) => this.def.add('Mul', [a, b]));
    if (multiply !== 1) name = this.def.add('Mul', [name, this.def.ints([multiply])]);
    if (divide !== 1) name = this.def.add('FloorDiv', [name, this.def.ints([divide])]);
    return offset === 0 ? name : this.def.add('AddV2', [name, this.def.ints([offset])]);
  }

  /** A number that varies like the sizes, as 1 / (H·W) is. @throws NotGeneral */
  number(samples: Samples, node: Node): string {
    const formula = this.general.numberFormula(samples, node);
    if (!formula) throw noFormula(node);
    const { factors, number, power } = formula;
    const floats = factors.map(place =>
      this.def.add('Cast', [this.place(place)], { SrcT: attr.type('DT_INT32'), DstT: attr.type('DT_FLOAT') }),
    );
    const product = floats.reduce((a, b) => this.def.add('Mul', [a, b]));
    const made = this.def.add(power === 1 ? 'Mul' : 'RealDiv', [this.def.scalar(number), product]);
    return this.def.add('Reshape', [made, this.def.constant(new Int32Array(0), [0])]);
  }

  private place(wanted: Place): string {
    // Of what a fused op computes on its way there is nothing to ask.
    const found = this.general.equals(wanted).find(({ value }) => this.names.has(value));
    if (!found) throw noFormula(wanted.value.node);
    const { value, axis } = found;
    const names = need(this.names, value);
    const layout = names.caffe === undefined ? 'image' : 'caffe';
    const source = names[layout]!;
    const at = layout === 'caffe' ? axis : TO_IMAGE.indexOf(axis as 0);
    return this.shared(`${source} axis ${at}`, () => {
      const shape = this.shared(`${source} shape`, () => this.def.add('Shape', [source]));
      return this.def.add('Slice', [shape, this.def.ints([at]), this.def.ints([1])]);
    });
  }

  private zero(): string {
    return this.def.constant(Int32Array.of(0), []);
  }

  /** Axis as a constant scalar. */
  axis(axis: number): string {
    return this.def.constant(Int32Array.of(axis), []);
  }
}

/** The axis in a layout. */
export function axisIn(layout: Layout, axis: number): number {
  return layout === 'image' ? TO_IMAGE.indexOf(axis as 0) : axis;
}

/** A list by axis, in the order of a layout. */
export function orderedIn<T>(layout: Layout, list: readonly T[]): readonly T[] {
  return layout === 'image' ? TO_IMAGE.map(axis => nth(list, axis)) : list;
}

export function permute(data: Float32Array, shape: Shape, perm: readonly number[]): Float32Array {
  const out = perm.map(axis => dim(shape, axis));
  const steps = perm.map(axis => nth(stridesOf(shape), axis));
  const made = new Float32Array(sizeOf(shape));
  const at = out.map(() => 0);
  let from = 0;
  for (let to = 0; to < made.length; to++) {
    made[to] = data[from]!;
    for (let axis = out.length - 1; axis >= 0; axis--) {
      at[axis]!++;
      from += steps[axis]!;
      if (at[axis]! < out[axis]!) break;
      from -= steps[axis]! * out[axis]!;
      at[axis] = 0;
    }
  }
  return made;
}

export type Emit<K extends Node['op']> = (e: Emitter, node: NodeOf<K>) => void;
