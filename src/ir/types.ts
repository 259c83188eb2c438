/**
 * The intermediate representation: a small typed op set in static single assignment form. Every value is a dense array
 * of 32-bit floats in row-major order with a fixed shape (labels and indices are floats too, as in Caffe). Images are
 * N×C×H×W here and everywhere above the targets.
 */

import type { Builder } from './builder.js';
import type { ExportTarget, OnnxWriter } from './export.js';

/** Sizes of the axes, outermost first; [] is a single number. */
export type Shape = readonly number[];

/** What one op yields; used by reference. */
export interface Value {
  /** Its number in the graph. */
  readonly id: number;
  /** Its shape. */
  readonly shape: Shape;
  /** The node that yields it. */
  readonly node: Node;
  /** Which of the node's outputs this is. */
  readonly index: number;
}

/** Geometry of a 2-D convolution, also of its two gradients. All pairs are [vertical, horizontal]. */
export interface ConvAttrs {
  /** Places from one window to the next. */
  readonly stride: readonly [number, number];
  /** Zeros on either side. */
  readonly pad: readonly [number, number];
  /** Places from one tap of the filter to the next; 1 where it has no holes. */
  readonly dilation: readonly [number, number];
  /** Groups of channels that are convolved apart. */
  readonly groups: number;
}

/** Geometry of a pooling, with the output size already decided (Caffe's ceil rule with its last-window clipping). */
export interface PoolAttrs {
  /** Size of the window. */
  readonly kernel: readonly [number, number];
  /** Places from one window to the next. */
  readonly stride: readonly [number, number];
  /** Places on either side that the windows may reach over. */
  readonly pad: readonly [number, number];
  /** Size of the output. */
  readonly outSize: readonly [number, number];
}

/** Runs on the host between engine steps: user code on arrays, forward or backward. */
export type HostFunction = (inputs: readonly HostArray[]) => readonly Float32Array[] | Promise<readonly Float32Array[]>;

export type HostBackward = (arrays: readonly HostArray[], wanted: readonly boolean[]) => ReturnType<HostFunction>;

/** An array as user code gets it. */
export interface HostArray {
  /** Its shape. */
  readonly shape: Shape;
  /** Row-major numbers. */
  readonly data: Float32Array;
}

/** What a `hostCall` runs, and the shapes that come of it. */
export interface HostCallAttrs {
  /** What a person calls it: the layer's name. */
  readonly name: string;
  /** Shapes of what it returns. */
  readonly outputs: readonly Shape[];
  /** The forward: arrays in, one array an output. */
  readonly run: HostFunction;
  /**
   * The gradient, if there is one: called with the forward's inputs, then its outputs, then the outputs' gradients;
   * returns one array per input (an empty one where there is no gradient). It is told for which inputs one is wanted.
   */
  readonly backward?: HostBackward;
  /** The gradient in the graph instead: those of the inputs, of the forward's inputs and outputs and the outputs' gradients. */
  readonly gradient?: (
    b: Builder,
    values: { readonly inputs: readonly Value[]; readonly outputs: readonly Value[] },
    dy: readonly (Value | undefined)[],
  ) => readonly (Value | undefined)[];
  /**
   * What takes its place in a graph that becomes a model: the same in ops of the IR, or in another call that ONNX supports.
   * Undefined, or absent, where the target does not support it: then it cannot be exported.
   */
  readonly lower?: (b: Builder, inputs: readonly Value[], target: ExportTarget) => readonly Value[] | undefined;
  /** How ONNX computes it: nodes that make the outputs of the inputs, of the sizes that they have here. */
  readonly onnx?: (w: OnnxWriter, inputs: readonly string[]) => readonly string[];
  /** Whether `onnx` holds whatever sizes the inputs have. */
  readonly holdsForAllSizes?: boolean;
  /** Must run even where nothing reads its outputs (it prints, writes, counts). */
  readonly sideEffects?: boolean;
}

type ArraysOf<T extends readonly unknown[]> = { readonly [K in keyof T]: HostArray };

/** A host call whose functions are typed by its inputs and outputs: one array for each. */
export interface TypedHostCall<I extends readonly Value[], O extends readonly Shape[]>
  extends Omit<HostCallAttrs, 'outputs' | 'run' | 'backward'> {
  /** Shapes of the outputs. */
  readonly outputs: O;
  /** The forward: one array for each input. */
  readonly run: (inputs: ArraysOf<I>) => ReturnType<HostFunction>;
  /** The gradient, of inputs, outputs and the outputs' gradients: see `HostCallAttrs`. */
  readonly backward?: (
    arrays: readonly [...ArraysOf<I>, ...ArraysOf<O>, ...ArraysOf<O>],
    wanted: readonly boolean[],
  ) => ReturnType<HostFunction>;
}

/** One elementwise op inside a fused node; `args` count the node's inputs first, then the steps before this one. */
export interface FusedStep {
  readonly op: 'constant' | ElementwiseOp;
  readonly args: readonly number[];
  /** The constant, relu's slope, power's exponent. */
  readonly parameter: number;
}

export interface FusedAttrs {
  readonly steps: readonly FusedStep[];
  /** Which steps are outputs; all have the shape `shape`. */
  readonly results: readonly number[];
  readonly shape: Shape;
}

export type ElementwiseOp =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'tanh'
  | 'sigmoid'
  | 'floor'
  | 'relu'
  | 'power'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'max'
  | 'min'
  | 'greater'
  | 'greaterEqual'
  | 'equal'
  | 'select';

type None = Record<never, never>;

/** Every primitive with its attributes. `src/ir/ops/` gives each its shape rule and its gradient rule. */
export interface OpAttrs {
  // Leaves
  /** Fed at every run; `unfed` fills it where it is not. */
  input: { readonly name: string; readonly shape: Shape; readonly unfed?: number };
  /** Lives on the engine from run to run: a parameter, a solver's history, a running mean. */
  variable: { readonly name: string; readonly shape: Shape };
  constant: { readonly data: Float32Array; readonly shape: Shape };

  // Elementwise on one value
  neg: None;
  abs: None;
  sign: None;
  exp: None;
  log: None;
  sqrt: None;
  tanh: None;
  sigmoid: None;
  floor: None;
  /** x for x > 0, else slope·x. */
  relu: { readonly slope: number };
  /** x to a constant power. */
  power: { readonly exponent: number };

  // Elementwise on two values, shapes broadcast as NumPy does; comparisons give 1 or 0
  add: None;
  sub: None;
  mul: None;
  div: None;
  max: None;
  min: None;
  greater: None;
  greaterEqual: None;
  equal: None;
  /** select(mask, a, b): a where mask is not 0, else b. All three broadcast. */
  select: None;

  // Reductions over axes; the reduced axes are dropped unless keepDims
  reduceSum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  reduceMax: { readonly axes: readonly number[]; readonly keepDims: boolean };
  /** Index of the (first) greatest element along an axis, the axis dropped. */
  argMax: { readonly axis: number };
  /** Sum over a window of `size` (odd) elements centred on each one along an axis; nothing beyond the ends. */
  windowSum: { readonly axis: number; readonly size: number };

  // Shape
  reshape: { readonly shape: Shape };
  transpose: { readonly perm: readonly number[] };
  broadcast: { readonly shape: Shape };
  concat: { readonly axis: number };
  slice: { readonly begin: readonly number[]; readonly size: readonly number[] };
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number };
  /** Adds an axis of `depth` at `axis`: 1 where the (whole) value equals the position, else 0. */
  oneHot: { readonly axis: number; readonly depth: number };

  // Indexing
  /**
   * x, index → y[…, m, …] = x[…, index[…, m, …], …] along `axis`. The index has x's axes, each as long as x's or 1 (the
   * same for all places there), `axis` of any length. An index that is no whole number of 0 … size − 1 reads 0.
   */
  gather: { readonly axis: number };
  /**
   * x, index → y of `size` along `axis`, where y[…, index[…, m, …], …] is the sum of all such x[…, m, …] and 0 elsewhere:
   * gather's adjoint. What an index that is no whole number of 0 … size − 1 names goes nowhere.
   */
  scatterAdd: { readonly axis: number; readonly size: number };

  // Linear algebra
  /** [..., m, k] · [..., k, n] with equal leading axes. */
  matMul: { readonly transposeA: boolean; readonly transposeB: boolean };
  /** x [N, C, H, W], filter [O, C/groups, kh, kw] → [N, O, H', W'], sizes rounded down. */
  conv2d: ConvAttrs;
  /** dy [N, O, H', W'], filter [O, C/groups, kh, kw] → dx [N, C, H, W]; also the forward of a deconvolution. */
  convInputGrad: ConvAttrs & { readonly inputSize: readonly [number, number] };
  /** x [N, C, H, W], dy [N, O, H', W'] → filter gradient [O, C/groups, kh, kw]. */
  convFilterGrad: ConvAttrs & { readonly kernel: readonly [number, number] };

  // Pooling
  /** → the maxima and, second, the flat index h·W + w each came from (the first of equals, −1 of an empty window). */
  maxPool: PoolAttrs;
  /** dy, indices → dx of plane size `inputSize`; gradients that meet add up. */
  maxPoolGrad: { readonly inputSize: readonly [number, number] };
  /** Caffe's AVE: the divisor counts padding inside the padded plane, not beyond it. */
  avePool: PoolAttrs;
  avePoolGrad: PoolAttrs & { readonly inputSize: readonly [number, number] };

  // Control
  /** The value itself, as a constant to the gradient. */
  stopGradient: None;
  hostCall: HostCallAttrs;

  /** Several elementwise ops in one pass over the elements; made by `passes/fuse.ts` only. */
  fused: FusedAttrs;
}

export type OpName = keyof OpAttrs;

type Unary = Exclude<ElementwiseOp, Binary | 'select'> | 'reduceSum' | 'reduceMax' | 'argMax' | 'windowSum';
type Binary = 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'greater' | 'greaterEqual' | 'equal';
type Moving = 'reshape' | 'transpose' | 'broadcast' | 'slice' | 'pad' | 'oneHot';
type Linear = 'matMul' | 'conv2d' | 'convInputGrad' | 'convFilterGrad';

/** How many inputs each op takes. */
type OpArity = Record<'input' | 'variable' | 'constant', 0> &
  Record<Unary | Moving | 'maxPool' | 'avePool' | 'avePoolGrad' | 'stopGradient', 1> &
  Record<Binary | Linear | 'gather' | 'scatterAdd' | 'maxPoolGrad', 2> &
  Record<'select', 3> &
  Record<'concat' | 'hostCall' | 'fused', number>;

/** So many of T. */
interface Tuples<T> {
  readonly 0: readonly [];
  readonly 1: readonly [T];
  readonly 2: readonly [T, T];
  readonly 3: readonly [T, T, T];
  readonly [count: number]: readonly T[];
}

/** One T for each input of an op. */
export type InputsOf<K extends OpName, T = Value> = Tuples<T>[OpArity[K]];

/** One T for each output of an op. */
export type OutputsOf<K extends OpName, T = Value> = K extends 'hostCall'
  ? readonly T[]
  : K extends 'maxPool'
    ? readonly [T, T]
    : K extends 'fused'
      ? readonly [T, ...T[]]
      : readonly [T];

export interface NodeOf<K extends OpName> {
  readonly id: number;
  readonly op: K;
  readonly inputs: InputsOf<K>;
  readonly attrs: OpAttrs[K];
  readonly outputs: OutputsOf<K>;
  /** Whence it came: a layer's name, with `'` behind it for a gradient. */
  readonly label: string;
}

/** One op with its inputs, attributes and outputs; `op` names it. */
export type Node = { [K in OpName]: NodeOf<K> }[OpName];

/** Chance the graph needs: the host draws it from the seeded generator and feeds it under `name` at every run. */
export interface RandomInput {
  readonly name: string;
  readonly shape: Shape;
  /** bernoulli: 1 with probability p, else 0. uniform: in [0, 1). */
  readonly distribution: { readonly kind: 'bernoulli'; readonly p: number } | { readonly kind: 'uniform' };
}

/** What one run leaves to the next (an LSTM's memory): an input that starts as 0, and the output that it then is fed with. */
export interface CarriedState {
  readonly name: string;
  readonly shape: Shape;
  /** Undefined in a graph that only reads the state. */
  readonly output: string | undefined;
}

/** A graph ready for a target. Nodes stand in an order in which every value comes before its readers. */
export interface Graph {
  /** In an order in which they can run. */
  readonly nodes: readonly Node[];
  /** What can be fetched after a run, by name. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** Done at the end of a run, all at once: each variable takes its value. */
  readonly assignments: readonly { readonly variable: string; readonly value: Value }[];
  /** Inputs that the host draws at every run. */
  readonly randoms: readonly RandomInput[];
  /** Inputs that take what the run before left. */
  readonly states: readonly CarriedState[];
}
