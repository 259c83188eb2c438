/** What a layer is to Mokapot: its rule for shapes, its lowering to the IR, its traits. One file per Caffe layer type. */

import type { MokapotError } from '../diagnostics/index.js';
import type { Builder } from '../ir/builder.js';
import type { HostArray, Shape, Value } from '../ir/types.js';
import type { FillerParameter, LayerParameter } from '../schema/generated/caffe.js';
import type { HostLayer } from './host/host_layer.js';
import type { LayerTraits, ParamField } from './traits.js';

/** A net's phase: training, or everything else. */
export type Phase = 'TRAIN' | 'TEST';

/** N of T and perhaps more: those from the N-th on may be absent. Of `number` nothing is known. */
export type AtLeast<T, N extends number> = N extends 1
  ? readonly [T, ...T[]]
  : N extends 2
    ? readonly [T, T, ...T[]]
    : N extends 3
      ? readonly [T, T, T, ...T[]]
      : N extends 4
        ? readonly [T, T, T, T, ...T[]]
        : readonly T[];

/** The bottoms of a layer that has one at least, for what several layers share. */
export type OneOrMore = 1 | 2 | 3 | 4;

/**
 * What a layer may know: its own parameters and the shapes of its bottoms, nothing of other layers. It has `Bottoms`
 * bottoms at least.
 */
export interface LayerContext<Bottoms extends number = number> {
  /** The layer's name. */
  readonly name: string;
  /** The layer's message. */
  readonly param: LayerParameter;
  /** The net's phase. */
  readonly phase: Phase;
  /** One a bottom, whole. */
  readonly bottomShapes: AtLeast<Shape, Bottoms>;
  /** How many tops the prototxt names (some layers have optional ones, a loss may have none: then one is made). */
  readonly topCount: number;
  /** Of a layer with `settle`: the shapes of its tops that the run at hand found. Absent before. */
  readonly settledTops?: readonly Shape[];
  /** Shapes that come from outside: a Data layer's tops, without a batch axis of its own (it is batch_size). */
  readonly dataShapes?: readonly Shape[];
  /** Reads a file that holds one blob (`.binaryproto`); absent where there are no files. */
  readonly readBlob?: (source: string) => { readonly shape: Shape; readonly data: Float32Array };
  /** The instance of user code behind a Python layer. */
  readonly host?: HostLayer;
  /** Of a layer with `make`: the shapes that it made for the run at hand. */
  readonly madeTops?: readonly Shape[];
  /**
   * `throw ctx.fail(code, message, …)`: an error diagnostic that names the layer and points at `field` of its parameters
   * (dotted path below the layer, e.g. 'convolution_param.group').
   */
  fail(code: string, message: string, more?: Failing): MokapotError;
  /** The same where the shapes of the bottoms are what is wrong: the diagnostic then also tells how they came about. */
  misfit(code: string, message: string, more?: Failing): MokapotError;
}

/** Where below the layer's parameters something is wrong, how to mend it, and what user code's language says of it. */
export interface Failing {
  /** Dotted path below the layer. */
  readonly field?: string | undefined;
  /** How to mend it. */
  readonly hint?: string | undefined;
  /** Several lines. */
  readonly trace?: string | undefined;
}

/** A parameter that a layer declares. */
export interface ParamDeclaration {
  /** Caffe's layout: Convolution [O, C/group, kh, kw], InnerProduct [O, K], bias [O]. */
  readonly shape: Shape;
  /** What makes its first numbers; without one they are 0. */
  readonly filler: FillerParameter | null | undefined;
  /** What it starts as, instead of what a filler makes: user code has filled it. */
  readonly values?: Float32Array;
  /** No solver touches it (its lr_mult is 0 whatever the default): the layer itself changes it by `updates`. */
  readonly fixed?: boolean;
}

/** What a layer's Reshape gives. */
export interface LayerShapes<Params extends number = number> {
  /** One a top, whole. */
  readonly tops: readonly Shape[];
  /** Its parameters, in Caffe's order. */
  readonly params: AtLeast<ParamDeclaration, Params>;
}

/** How many bottoms or tops a layer takes. */
export interface Arity<Min extends number = number> {
  /** At least so many. */
  readonly min: Min;
  /** At most so many; Infinity for any number. */
  readonly max: number;
}

/** A top made on the host, and the input of the graph that it is fed to. */
export interface MadeTop {
  /** The input's name. */
  readonly name: string;
  /** Whole, with the batch axis. */
  readonly shape: Shape;
  /** Row-major numbers. */
  readonly data: Float32Array;
}

/** A top that a run has found. */
export interface SettledTop {
  readonly shape: Shape;
  /** Its numbers, where they are known with the shape. */
  readonly data?: Float32Array;
}

/** How the shapes of tops are found that depend on numbers. */
export interface Settling<Bottoms extends number = number> {
  /** Whether they are to be found at all: user code's only where it has changed them once. Default: they are. */
  when?(ctx: LayerContext<Bottoms>): boolean;
  /** The bottoms that decide, by index. Default: all. */
  bottoms?(ctx: LayerContext<Bottoms>): readonly number[];
  /** All tops for these bottoms. */
  tops(
    ctx: LayerContext<Bottoms>,
    bottoms: readonly HostArray[],
  ): readonly SettledTop[] | Promise<readonly SettledTop[]>;
}

/**
 * A layer type: its rule for shapes, its forward as IR, and what else is to be known of it. `LayerType<2, 1>` has two
 * bottoms and one parameter at least, which are there in every method: a net checks the number of bottoms before it asks.
 */
export interface LayerType<Bottoms extends number = number, Params extends number = number>
  extends LayerTraits<Bottoms> {
  /** Caffe's name, e.g. `Convolution`. */
  readonly type: string;
  /** One sentence: what it computes. */
  readonly doc: string;
  /** What it computes, as a formula in plain text. */
  readonly formula?: string;
  /** One sentence for people: the shape of its tops. */
  readonly shapeRule?: string;
  /** The fields of LayerParameter that it reads. Default: the one that is named after it, if there is one. */
  readonly paramFields?: readonly (keyof LayerParameter | ParamField)[];
  /** Where it departs from the Caffe it comes from. Absent: nowhere. */
  readonly differences?: string;
  /** Fields of its parameters that change no result, each with the reason. `engine` is one wherever there is such a field. */
  readonly unusedFields?: Readonly<Record<string, string>>;
  /** Fields that change nothing though who writes them means something by them, each with the reason: they are warned of. */
  readonly unheededFields?: Readonly<Record<`${ParamField}.${string}`, string>>;
  /** How many bottoms it takes. */
  readonly bottoms: Arity;
  /** How many tops it makes. */
  readonly tops: Arity;
  /** Bottoms and tops come in pairs (Convolution on several bottoms). */
  readonly equalBottomsAndTops?: boolean;
  /** Its first top counts as loss with weight 1 unless told otherwise; its top may go unnamed. */
  readonly isLoss?: boolean;
  /**
   * The shapes of its tops depend on numbers. Before a run `reshape` tells the greatest there can be; the run computes the
   * bottoms first, settles the tops by them, and the layers behind are compiled for what was found (`ctx.settledTops`).
   */
  readonly settle?: Settling<Bottoms>;
  /** Has no bottoms and is fed from outside (Data, Input, ImageData …). */
  readonly isSource?: boolean;
  /**
   * Of a source that reads files: shapes of one entry, one for each top, where its own parameters tell them without the
   * files.
   */
  entries?(layer: LayerParameter): readonly Shape[] | undefined;
  /** The file that a layer writes at every forward, and what its bottoms are called there. */
  writes?(ctx: LayerContext<Bottoms>): { readonly file: string; readonly datasets: readonly string[] };
  /** Which bottoms gradients can flow to, whatever force_backward says (labels: false). Default: all. */
  canBackward?(ctx: LayerContext<Bottoms>, bottom: number): boolean;
  /** The layer's Reshape: shapes of tops and parameters. Throws ctx.fail(...) or ctx.misfit(...) where Caffe would CHECK-fail. */
  reshape(ctx: LayerContext<Bottoms>): LayerShapes<Params>;
  /** The layer's Forward as IR; sources are never lowered (their tops are graph inputs). The gradient follows from the IR. */
  lower(
    ctx: LayerContext<Bottoms>,
    b: Builder,
    bottoms: AtLeast<Value, Bottoms>,
    params: AtLeast<Value, Params>,
  ): readonly Value[];
  /**
   * New values of parameters that the layer's own Forward changes (BatchNorm's statistics), one per parameter; undefined
   * where it stays. Absent: none changes.
   */
  updates?(
    ctx: LayerContext<Bottoms>,
    b: Builder,
    bottoms: AtLeast<Value, Bottoms>,
    params: AtLeast<Value, Params>,
  ): readonly (Value | undefined)[];
  /**
   * Tops that user code makes on the host from nothing (a Python layer without bottoms): called before every run, which is
   * fed with them, so that their shapes may change. Undefined where `lower` does it all. Absent: it always does.
   */
  make?(ctx: LayerContext<Bottoms>): Promise<readonly MadeTop[] | undefined>;
  /** Multiply-adds of one forward. Default 0. */
  macs?(ctx: LayerContext<Bottoms>, shapes: LayerShapes<Params>): number;
}
