/** Collects the nodes and initializers of one ONNX graph, giving every result a name and sharing equal constants. */

import { nth } from '../../diagnostics/index.js';
import { sameShape } from '../../ir/shape.js';
import type { Shape } from '../../ir/types.js';
import {
  AttributeKind,
  type AttributeProto,
  ElementType,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type TypeProto,
  type ValueInfoProto,
} from './schema.js';

/** What an attribute may be given as: whole numbers are INT, others FLOAT; `{ float }` is a FLOAT whatever its value. */
export type Attribute = number | { readonly float: number } | string | readonly number[] | GraphProto;

export interface NodeOptions {
  readonly outputs?: number;
  readonly attrs?: Readonly<Record<string, Attribute | undefined>>;
  readonly domain?: string;
  /** Element type of the results; FLOAT by default. */
  readonly type?: ElementType;
}

/** Dimensions of a graph's input or output; a string is a size only known at run time. */
export type Dims = readonly (number | string)[];

export class GraphWriter {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];
  private readonly shared = new Map<string, string>();
  private readonly types = new Map<string, ElementType>();
  /** What nodes make, inputs and constants not among it. */
  private readonly results = new Set<string>();
  private readonly planes = new Map<string, { readonly whole: string; readonly size: number; made?: string }>();
  private readonly reshaped = new Map<string, { readonly name: string; readonly dims: Shape }>();
  /** Numbers that stay outside, by the name of their constant. */
  readonly files: { readonly path: string; readonly data: Uint8Array }[] = [];
  private readonly taken: Set<string>;
  private readonly counts = new Map<string, number>();
  /** Names of results that are known by another name outside. */
  private readonly renamed = new Map<string, string>();
  private label = '';

  /** A graph inside another (a loop's body) draws its names from the outer one, as ONNX wants. */
  constructor(outer?: GraphWriter) {
    this.taken = outer?.taken ?? new Set();
    if (outer) this.counts = outer.counts;
  }

  /** Nodes are called by this from now on. */
  setLabel(label: string): void {
    this.label = label;
  }

  /** A name like `stem` that nothing else has. */
  fresh(stem: string): string {
    if (!this.taken.has(stem)) {
      this.taken.add(stem);
      return stem;
    }
    const count = (this.counts.get(stem) ?? 1) + 1;
    this.counts.set(stem, count);
    return this.fresh(`${stem}_${count}`);
  }

  /** Keeps a name for an input or output, which must be called just so. */
  reserve(name: string): void {
    this.taken.add(name);
  }

  /** Adds a node with one result, and gives that one's name. */
  op(type: string, inputs: readonly string[], options: Omit<NodeOptions, 'outputs'> = {}): string {
    return nth(this.node(type, inputs, options), 0);
  }

  node(type: string, inputs: readonly string[], { outputs = 1, attrs = {}, domain, ...more }: NodeOptions = {}) {
    const stem = this.label ? `${this.label}/${type}` : type;
    const name = this.fresh(stem);
    const output = Array.from({ length: outputs }, (_, i) => (i === 0 ? name : this.fresh(`${name}:${i}`)));
    this.nodes.push({
      name,
      op_type: type,
      input: inputs,
      output,
      attribute: Object.entries(attrs).flatMap(([key, value]) => (value === undefined ? [] : [attribute(key, value)])),
      ...(domain !== undefined && { domain }),
    });
    for (const o of output) this.results.add(o);
    if (more.type !== undefined) for (const o of output) this.types.set(o, more.type);
    return output as readonly string[];
  }

  /** Element type of a name that this writer gave. */
  typeOf(name: string): ElementType {
    return this.types.get(name) ?? ElementType.FLOAT;
  }

  setType(name: string, type: ElementType): void {
    this.types.set(name, type);
  }

  /** A constant of 32-bit floats. The array is kept, not copied. */
  floats(data: Float32Array, dims: Shape, name?: string): string {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (name === undefined && data.length <= 64)
      return this.share(`f${dims}:${[...data].map(x => (Object.is(x, -0) ? '-0' : x))}`, 'constant', () => ({
        dims,
        data_type: ElementType.FLOAT,
        raw_data: raw,
      }));
    const own = this.fresh(name ?? (this.label ? `${this.label}/constant` : 'constant'));
    this.initializers.push({ name: own, dims, data_type: ElementType.FLOAT, raw_data: raw });
    return own;
  }

  /** A constant that many nodes want: one of that name, whose numbers are always these. */
  sharedFloats(data: Float32Array, dims: Shape, name: string): string {
    return this.share(`f:${name}`, name, () => ({
      dims,
      data_type: ElementType.FLOAT,
      raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    }));
  }

  /** A constant whose numbers stay outside the file; the session is given them under the constant's name. */
  external(data: Float32Array, dims: Shape, name: string): string {
    const own = this.fresh(name);
    const place = { location: own, offset: '0', length: String(data.byteLength) };
    this.initializers.push({
      name: own,
      dims,
      data_type: ElementType.FLOAT,
      raw_data: new Uint8Array(0),
      external_data: Object.entries(place).map(([key, value]) => ({ key, value })),
      data_location: 1,
    });
    this.files.push({ path: own, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) });
    return own;
  }

  scalar(x: number): string {
    return this.floats(Float32Array.of(x), []);
  }

  /** A list of 64-bit integers: shapes, axes, bounds. With `dims` [] a single one. */
  ints(values: readonly number[], dims: Shape = [values.length]): string {
    return this.share(`i${dims}:${values}`, 'ints', () => ({
      dims,
      data_type: ElementType.INT64,
      raw_data: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    }));
  }

  private share(key: string, stem: string, make: () => Omit<TensorProto, 'name'>): string {
    let name = this.shared.get(key);
    if (name === undefined) {
      name = this.fresh(stem);
      const tensor = make();
      this.initializers.push({ name, ...tensor });
      this.types.set(name, tensor.data_type);
      this.shared.set(key, name);
    }
    return name;
  }

  /** A result known to be of shape `from` under another shape. */
  reshape(name: string, from: Shape, to: Shape): string {
    if (sameShape(from, to)) return name;
    const reshaped = this.op('Reshape', [name, this.ints(to)], { type: this.typeOf(name) });
    if (this.results.has(name)) this.reshaped.set(reshaped, { name, dims: from });
    return reshaped;
  }

  /** What `reshape` made a name from: the numbers themselves, without the copy that a reshaped output would cost. */
  beforeReshape(name: string): { readonly name: string; readonly dims: Shape } | undefined {
    return this.reshaped.get(name);
  }

  /**
   * A name for pooling's indices, which ONNX counts through the whole tensor and we through planes of `size`; they are
   * brought into the plane by `inPlanes`, if anything asks for that.
   */
  perPlane(whole: string, size: number): string {
    const name = this.fresh(`${whole}/plane`);
    this.planes.set(name, { whole, size });
    return name;
  }

  /** The indices through the whole tensor, where a name is of such in planes of `size`. */
  beforePlanes(name: string, size: number): string | undefined {
    const plane = this.planes.get(name);
    return plane?.size === size ? plane.whole : undefined;
  }

  /** A name that nodes may read: that itself, or of the indices brought into their planes. */
  inPlanes(name: string): string {
    const plane = this.planes.get(name);
    if (!plane) return name;
    plane.made ??= this.op('Mod', [plane.whole, this.ints([plane.size], [])], { type: ElementType.INT64 });
    return plane.made;
  }

  /** The same numbers as another element type. */
  cast(name: string, type: ElementType): string {
    if (this.typeOf(name) === type) return name;
    return this.op('Cast', [name], { attrs: { to: type }, type });
  }

  addInput(name: string, dims: Dims | undefined, type: ElementType = ElementType.FLOAT): void {
    this.inputs.push({ name, type: tensorType(type, dims) });
    this.types.set(name, type);
  }

  /** Makes `inner` the graph's output `name`. */
  addOutput(name: string, inner: string, dims: Dims | undefined): void {
    const isFree = this.results.has(inner) && !this.renamed.has(inner);
    if (isFree && inner !== name) this.renamed.set(inner, name);
    if (!isFree) {
      const copy = { name: this.fresh(`${name}/Identity`), op_type: 'Identity', input: [inner], output: [name] };
      this.nodes.push({ ...copy, attribute: [] });
    }
    this.outputs.push({ name, type: tensorType(this.typeOf(inner), dims) });
  }

  /** The graph. With `stop`, its first output is an empty sequence of that name (see runtime.ts). */
  finish(name: string, { stop }: { readonly stop?: string } = {}): GraphProto {
    const outer = (x: string) => this.renamed.get(x) ?? x;
    const nodes = this.nodes.map(n => ({ ...n, input: n.input.map(outer), output: n.output.map(outer) }));
    const graph = { name, node: nodes, initializer: this.initializers, input: this.inputs, output: this.outputs };
    if (stop === undefined) return graph;
    const sequence = { sequence_type: { elem_type: tensorType(ElementType.FLOAT, undefined) } };
    return {
      ...graph,
      node: [{ name: stop, op_type: 'SequenceEmpty', input: [], output: [stop], attribute: [] }, ...nodes],
      output: [{ name: stop, type: sequence }, ...this.outputs],
    };
  }
}

function attribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'string') return { name, type: AttributeKind.STRING, s: new TextEncoder().encode(value) };
  if (typeof value === 'number')
    return Number.isInteger(value)
      ? { name, type: AttributeKind.INT, i: value }
      : { name, type: AttributeKind.FLOAT, f: value };
  if (Array.isArray(value)) return { name, type: AttributeKind.INTS, ints: value as readonly number[] };
  if ('float' in value) return { name, type: AttributeKind.FLOAT, f: value.float };
  return { name, type: AttributeKind.GRAPH, g: value as GraphProto };
}

function tensorType(elem_type: ElementType, dims: Dims | undefined): TypeProto {
  const shape = dims && { dim: dims.map(d => (typeof d === 'string' ? { dim_param: d } : { dim_value: d })) };
  return { tensor_type: { elem_type, ...(shape && { shape }) } };
}
