/**
 * Graphs of more than one input size as ONNX: sizes that vary are computed at run time, by the formulas of
 * `GeneralGraph`; what does not vary is emitted as for one size. Parameters, and what is computed of them alone, are
 * initializers.
 */

import { nth } from '../../diagnostics/index.js';
import { type GeneralGraph, isConstant, NotGeneral, type Place, type Samples } from '../../ir/passes/generalise.js';
import { dim } from '../../ir/shape.js';
import type { Node, NodeOf, OpName, PoolAttrs, Shape, Value } from '../../ir/types.js';
import { knownValues, type Parameters } from '../constants.js';
import { padAfter, wholePlane } from '../windows.js';
import { emitGraph, GREATEST_FILE, isSupported, tooLarge, unsupported, writeModel } from './emit.js';
import { emitGather, emitScatterAdd, type IndexForm } from './ops/gather.js';
import type { Emitter, Scope } from './ops/index.js';
import { ElementType, type GraphProto } from './schema.js';
import { GraphWriter } from './writer.js';

/** What the model takes or gives under a blob's name; −1 is a size that each run may choose. */
export interface Endpoint {
  readonly blob: string;
  readonly shape: Shape;
}

export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Endpoint[];
  readonly outputs: readonly Endpoint[];
}

/** onnxruntime loses the output of this name in JavaScript, where it would be the prototype of the results. */
const LOST = '__proto__';

interface ModelText {
  /** The model's name, for people. */
  readonly name: string;
  readonly doc?: string;
  readonly version?: string;
}

/**
 * @throws MokapotError `onnx-unsayable`, `onnx-too-large`
 * @throws NotGeneral where a size varies in a way that the graph cannot express; a graph of one size never does
 */
export function emitGeneralOnnx(general: GeneralGraph, parameters: Parameters, text: ModelText): OnnxModel {
  const { graph } = general;
  const folded = knownValues(general, parameters);
  const nodes = graph.nodes.filter(n => !n.outputs.every(v => folded.has(v)));
  const unsayable = nodes.find(n => !isSupported(n));
  if (unsayable) throw unsupported(unsayable);
  const w = new GraphWriter();
  const inputs = fedInputs(graph.nodes);
  const outputs = new Map([...graph.outputs].filter(([name, value]) => !inputs.some(n => isUnread(n, name, value))));
  for (const name of [...outputs.keys(), ...inputs.map(n => n.attrs.name)]) w.reserve(name);
  const modelNames = new Map([[LOST, w.fresh(`x${LOST}`)]]);
  const nameInModel = (blob: string) => modelNames.get(blob) ?? blob;
  const known = new Map<Value, string>();
  for (const node of inputs) {
    const name = nameInModel(node.attrs.name);
    w.addInput(name, dimsOf(general, node.outputs[0]));
    known.set(node.outputs[0], name);
  }
  for (const [value, { data, shape }] of folded) known.set(value, w.floats(data, shape, nameOf(value)));
  const wanted = [...outputs.values()];
  const names = emitGraph(w, nodes, { known, wanted, instead: node => generalEmitter(general, node) });
  for (const [blob, value] of outputs) w.addOutput(nameInModel(blob), names(value), dimsOf(general, value));
  const finished = withoutUnread(w.finish(text.name || 'net'));
  const size = finished.initializer.reduce((n, t) => n + t.raw_data.length, 0);
  if (size > GREATEST_FILE - 2 ** 20) throw tooLarge(size);
  const endpoint = (blob: string, value: Value) => {
    const name = nameInModel(blob);
    return { blob, shape: openShape(general, value), ...(name !== blob && { name }) };
  };
  return {
    bytes: writeModel(finished, text),
    inputs: inputs.map(n => endpoint(n.attrs.name, n.outputs[0])),
    outputs: [...outputs].map(([blob, value]) => endpoint(blob, value)),
  };
}

/** Inputs that a caller feeds; one with a number of its own (a state at its first run) is no input of the model. */
function fedInputs(nodes: readonly Node[]): NodeOf<'input'>[] {
  return nodes.flatMap(n => (n.op === 'input' && n.attrs.unfed === undefined ? [n as NodeOf<'input'>] : []));
}

/** Whether an output is the input of the same name, which Caffe lists as both; in ONNX a name stands once. */
function isUnread(input: NodeOf<'input'>, name: string, value: Value): boolean {
  return input.attrs.name === name && input.outputs[0] === value;
}

/** A parameter's own name; other constants are called after their layer by the writer. */
function nameOf(value: Value): string | undefined {
  return value.node.op === 'variable' ? value.node.attrs.name : undefined;
}

function openShape(general: GeneralGraph, value: Value): Shape {
  return general.shape(value).map(samples => (isConstant(samples) ? samples[0]! : -1));
}

/** Sizes that vary are named, alike where they are equal: `batch`, `height`, `width` of the first input, else a number. */
function dimsOf(general: GeneralGraph, value: Value): (number | string)[] {
  return general.shape(value).map((samples, axis) => {
    if (isConstant(samples)) return samples[0]!;
    const [first] = general.equals({ value, axis }) as [Place, ...Place[]];
    const named = ['batch', 'channels', 'height', 'width'][first.axis];
    const isInput = first.value.node.op === 'input' && first.value.shape.length === 4;
    if (isInput && named) return named;
    return first.value.node.op === 'input' && first.axis === 0 ? 'batch' : `${first.value.node.label}_${first.axis}`;
  });
}

/** Folded values that only others folded from them read. */
function withoutUnread(graph: GraphProto): GraphProto {
  const read = new Set([...graph.node.flatMap(n => n.input), ...graph.output.map(o => o.name)]);
  return { ...graph, initializer: graph.initializer.filter(t => read.has(t.name!)) };
}

/** How to emit a node whose sizes vary, where the usual way knows one size only. */
function generalEmitter(general: GeneralGraph, node: Node): Emitter<OpName> | undefined {
  if (node.op === 'input') return s => [filled(s, general, node)];
  const touched = [...node.inputs, ...node.outputs].some(v => !general.isFixed(v));
  if (!touched && node.op !== 'constant') return undefined;
  const emit = emitters[node.op] as GeneralEmitter<OpName> | undefined;
  return emit && (s => emit(new Sizes(s, general), node as never));
}

type GeneralEmitter<K extends OpName> = (z: Sizes, node: NodeOf<K>) => readonly string[];

function noFormula(node: Node): NotGeneral {
  return new NotGeneral(node.label, 'has a size that varies in a way of its own');
}

function filled(s: Scope, general: GeneralGraph, node: NodeOf<'input'>): string {
  const sizes = new Sizes(s, general).vector(general.shape(node.outputs[0]), node);
  return s.w.op('Expand', [s.w.scalar(node.attrs.unfed!), sizes]);
}

/** Sizes as lists of 64-bit integers. */
class Sizes {
  constructor(
    readonly s: Scope,
    readonly general: GeneralGraph,
  ) {}

  vector(sizes: readonly Samples[], node: Node): string {
    if (sizes.every(isConstant)) return this.s.w.ints(sizes.map(samples => samples[0]!));
    const parts = sizes.map(samples => this.one(samples, node));
    return parts.length === 1 ? nth(parts, 0) : this.op('Concat', parts, { axis: 0 });
  }

  one(samples: Samples, node: Node): string {
    if (isConstant(samples)) return this.s.w.ints([samples[0]!]);
    const formula = this.general.formula(samples, node);
    if (!formula) throw noFormula(node);
    const { factors, multiply, divide, offset } = formula;
    let name = factors.map(place => this.place(place)).reduce((a, b) => this.op('Mul', [a, b]));
    if (multiply !== 1) name = this.op('Mul', [name, this.s.w.ints([multiply])]);
    if (divide !== 1) name = this.op('Div', [name, this.s.w.ints([divide])]);
    return offset === 0 ? name : this.op('Add', [name, this.s.w.ints([offset])]);
  }

  /** A number that varies like the sizes, as 1 / (H·W) is. */
  number(samples: Samples, node: Node): string {
    const formula = this.general.numberFormula(samples, node);
    if (!formula) throw noFormula(node);
    const { w } = this.s;
    const product = formula.factors
      .map(place => w.cast(this.place(place), ElementType.FLOAT))
      .reduce((a, b) => w.op('Mul', [a, b]));
    const made = w.op(formula.power === 1 ? 'Mul' : 'Div', [w.scalar(formula.number), product]);
    return w.op('Squeeze', [made]);
  }

  /** Of two lists. */
  sum(a: string, b: string): string {
    return this.op('Add', [a, b]);
  }

  private place(wanted: Place): string {
    const found = this.general.equals(wanted).find(({ value }) => this.s.isEmitted(value));
    if (!found) throw noFormula(wanted.value.node);
    return this.op('Shape', [this.s.float(found.value)], { start: found.axis, end: found.axis + 1 });
  }

  private op(type: string, inputs: readonly string[], attrs = {}): string {
    return this.s.w.op(type, inputs, { attrs, type: ElementType.INT64 });
  }
}

/** Bound of a slice that goes to the end. */
const END = 2 ** 31 - 1;

const emitters: Partial<{ readonly [K in OpName]: GeneralEmitter<K> }> = {
  constant(z, node) {
    const samples = z.general.at(node, n => n.attrs.data[0]!);
    if (node.attrs.data.length !== 1) throw noFormula(node);
    return [isConstant(samples) ? z.s.w.floats(node.attrs.data, node.attrs.shape) : z.number(samples, node)];
  },

  /** −1 stands for the last size that varies. */
  reshape(z, node) {
    const sizes = z.general.shape(node.outputs[0]);
    const free = sizes.findLastIndex(samples => !isConstant(samples));
    const given = sizes.map((samples, i) => (i === free ? [-1] : samples));
    return [z.s.w.op('Reshape', [z.s.float(node.inputs[0]), z.vector(given, node)])];
  },

  broadcast: (z, node) => [
    z.s.w.op('Expand', [z.s.float(node.inputs[0]), z.vector(z.general.shape(node.outputs[0]), node)]),
  ],

  slice(z, node) {
    const [x] = node.inputs;
    const begin = x.shape.map((_, axis) => z.general.at(node, n => nth(n.attrs.begin, axis)));
    const size = x.shape.map((_, axis) => z.general.at(node, n => nth(n.attrs.size, axis)));
    // By its size and not by its end: a size is that of another blob, more often than an end is.
    const toEnd = (axis: number) =>
      z.general.axis(x, axis).every((whole, k) => whole === nth(nth(begin, axis), k) + nth(nth(size, axis), k));
    const starts = z.vector(begin, node);
    const bounds = size.map((s, axis) => (toEnd(axis) ? [END] : s));
    const fixed = [...begin, ...bounds].every(isConstant);
    const ends = fixed
      ? z.s.w.ints(bounds.map((s, axis) => Math.min(END, nth(nth(begin, axis), 0) + nth(s, 0))))
      : z.sum(starts, z.vector(bounds, node));
    return [z.s.w.op('Slice', [z.s.float(x), starts, ends])];
  },

  pad(z, node) {
    const amounts = z.general.at(node, n => [...n.attrs.before, ...n.attrs.after].join());
    if (new Set(amounts).size > 1) throw noFormula(node);
    const { before, after, value } = node.attrs;
    const { w } = z.s;
    return [w.op('Pad', [z.s.float(node.inputs[0]), w.ints([...before, ...after]), w.scalar(value)])];
  },

  oneHot(z, node) {
    const { axis, depth } = node.attrs;
    const [y] = node.outputs as readonly [Value];
    if (!isConstant(z.general.axis(y, axis))) throw noFormula(node);
    const { w } = z.s;
    const places = Float32Array.from({ length: depth }, (_, i) => i);
    const widened = w.op('Unsqueeze', [z.s.float(node.inputs[0]), w.ints([axis])]);
    const classes = w.floats(places, [depth, ...y.shape.slice(axis + 1).map(() => 1)]);
    return [w.op('Equal', [widened, classes], { type: ElementType.BOOL })];
  },

  hostCall(z, { label, inputs, attrs }) {
    if (!attrs.holdsForAllSizes) throw new NotGeneral(label, 'is said for one size of its inputs');
    return attrs.onnx!(z.s.w, inputs.map(z.s.float));
  },

  gather: (z, node) => emitGather(z.s, node, indexForm(z, node)),
  scatterAdd: (z, node) => emitScatterAdd(z.s, node, indexForm(z, node)),

  /** Across channels: a product with a band of ones, as a convolution of one pixel. */
  windowSum(z, node) {
    const [x] = node.inputs;
    const { axis, size } = node.attrs;
    const channels = dim(x.shape, 1);
    if (axis !== 1 || x.shape.length !== 4 || !isConstant(z.general.axis(x, 1))) throw noFormula(node);
    const band = new Float32Array(channels * channels);
    for (let from = 0; from < channels; from++)
      for (let to = 0; to < channels; to++) if (Math.abs(from - to) <= (size - 1) / 2) band[from * channels + to] = 1;
    return [z.s.w.op('Conv', [z.s.float(x), z.s.w.floats(band, [channels, channels, 1, 1])])];
  },

  convInputGrad(z, node) {
    const rest = z.general.at(node, n => {
      const { stride, pad, dilation, inputSize } = n.attrs;
      const [dy, filter] = n.inputs;
      return [0, 1].map(i => {
        const extent = nth(dilation, i) * (dim(filter.shape, i + 2) - 1) + 1;
        return nth(inputSize, i) - ((dim(dy.shape, i + 2) - 1) * nth(stride, i) + extent - 2 * nth(pad, i));
      });
    });
    const [first] = rest as [number[]];
    if (new Set(rest.map(r => r.join())).size > 1) throw noFormula(node);
    const [dy, filter] = node.inputs;
    const { stride, pad, dilation, groups } = node.attrs;
    const attrs = {
      kernel_shape: filter.shape.slice(2),
      strides: stride,
      pads: [...pad, ...pad],
      dilations: dilation,
      group: groups,
      output_padding: first.some(r => r > 0) ? first : undefined,
    };
    return [z.s.w.op('ConvTranspose', [z.s.float(dy), z.s.float(filter)], { attrs })];
  },

  maxPool(z, node) {
    if (z.s.isRead(node.outputs[1])) throw noFormula(node);
    const { w } = z.s;
    const [x] = node.inputs;
    if (wholePlane(z.general, node)) return [w.op('GlobalMaxPool', [z.s.float(x)])];
    return [w.op('MaxPool', [z.s.float(x)], { attrs: windowAttrs(z, node) })];
  },

  /** As in TensorFlow.js: a mean over whole windows, over the share of the window that lies in the padded image. */
  avePool(z, node) {
    const { w } = z.s;
    const [x] = node.inputs;
    if (wholePlane(z.general, node)) return [w.op('GlobalAveragePool', [z.s.float(x)])];
    const attrs = { ...windowAttrs(z, node), count_include_pad: 1 };
    const mean = w.op('AveragePool', [z.s.float(x)], { attrs });
    const [top, left, bottom, right] = attrs.pads as [number, number, number, number];
    if (bottom === top && right === left) return [mean];
    const inside = [2, 3].map(axis => z.general.axis(x, axis).map(n => n + 2 * nth([top, left], axis - 2)));
    const ones = w.op('Expand', [w.scalar(1), z.vector([[1], [1], ...inside], node)]);
    const share = w.op('AveragePool', [ones], { attrs: { ...attrs, pads: [0, 0, bottom - top, right - left] } });
    return [w.op('Div', [mean, share])];
  },
};

function indexForm(z: Sizes, node: NodeOf<'gather'> | NodeOf<'scatterAdd'>): IndexForm {
  const type = ElementType.INT64;
  const last = (v: Value, axis: number) =>
    z.s.w.op(
      'Squeeze',
      [
        z.one(
          z.general.axis(v, axis).map(d => d - 1),
          node,
        ),
      ],
      { type },
    );
  return { type, sizes: { shape: v => z.vector(z.general.shape(v), node), last } };
}

function windowAttrs(z: Sizes, node: NodeOf<'maxPool'> | NodeOf<'avePool'>) {
  const kernels = z.general.at<Node, string>(node, n => (n.attrs as PoolAttrs).kernel.join());
  if (new Set(kernels).size > 1) throw noFormula(node);
  const { kernel, stride, pad } = node.attrs;
  const after = ([0, 1] as const).map(i => {
    const [inputs, outputs] = [z.general.axis(node.inputs[0], i + 2), z.general.axis(node.outputs[0], i + 2)];
    const found = padAfter(inputs, outputs, { kernel: kernel[i], stride: stride[i], pad: pad[i] });
    // ONNX takes no padding as large as the window.
    if (found === undefined || found >= kernel[i]) throw noFormula(node);
    return found;
  });
  return { kernel_shape: kernel, strides: stride, pads: [...pad, ...after] };
}
