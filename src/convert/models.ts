/**
 * A network with its weights as a model for other programs, in memory: ONNX, TensorFlow.js's graph model as files or as one
 * that is ready to predict. Nothing is computed for it, so no engine is started. `convert` writes them to files and compares
 * them with the network.
 */

import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { io } from '@tensorflow/tfjs-core';
import { type Diagnostic, hasErrors, MokapotError, recordOf } from '../diagnostics/index.js';
import { emitGeneralOnnx } from '../emit/onnx/index.js';
import { emitTfjsGraph, type Quantization, TfjsModel } from '../emit/tfjs/index.js';
import { createHostEngine } from '../engines/host/index.js';
import type { ExportTarget } from '../ir/index.js';
import type { GeneralGraph } from '../ir/passes/generalise.js';
import { Net, type NetWeights, type TextOptions } from '../runtime/net.js';
import { parseNet } from '../schema/index.js';
import { concatBytes } from '../weights/formats/wire.js';
import { type DynamicExport, inputShapes, type OpenSizes } from './dynamic_sizes.js';
import {
  checkOutputs,
  type ExportOptions,
  exportNet,
  inDeployForm,
  type ModelEndpoint,
  parametersOf,
  weightsNotes,
} from './export_net.js';
import { foldBatchNorm } from './fold_batch_norm.js';
import { type PreparedInput, type Preprocessing, prepareInput } from './prepare.js';

type NetPart =
  | 'name'
  | 'schema'
  | 'lenient'
  | 'phase'
  | 'stages'
  | 'level'
  | 'inputShapes'
  | 'entryShapes'
  | 'hostLayer'
  | 'catalogue'
  | 'seed';

/** The network's state is TEST with stage `deploy`, unless told otherwise. */
export interface ModelOptions extends Pick<TextOptions, NetPart>, ExportOptions {
  /** What to copy parameters from by layer name, in order. */
  readonly weights?: NetWeights | readonly NetWeights[];
  /** Works this into the model. */
  readonly preprocessing?: Preprocessing;
  /** Works batch normalisation, Scale and Bias into the layers before them. */
  readonly foldBatchNorm?: boolean;
}

/** Those of a model for TensorFlow.js. */
export interface TfjsModelOptions extends ModelOptions {
  /** Order of axes of pictures that go in and come out. Default NCHW, Caffe's. */
  readonly layout?: 'NCHW' | 'NHWC';
  /** Stores parameters in fewer bits. */
  readonly quantize?: Quantization;
}

/** What a model takes and gives. */
export interface ModelInfo {
  /** What it is fed. */
  readonly inputs: readonly ModelEndpoint[];
  /** What it gives. */
  readonly outputs: readonly ModelEndpoint[];
  /** What each run may choose. */
  readonly open: OpenSizes;
  /** Why the rest is fixed. */
  readonly reasons: DynamicExport<unknown>['reasons'];
  /** Notes and warnings about the network and its weights. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A network as ONNX. */
export interface OnnxFile extends ModelInfo {
  /** The file. */
  readonly bytes: Uint8Array;
}

/** A network as a graph model of TensorFlow.js. */
export interface TfjsFiles extends ModelInfo {
  /** `model.json` and the shards of weights that it names. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * A network as an ONNX file (opset 18).
 *
 * @throws MokapotError of the network and its weights; `cannot-export`, `onnx-unsayable`, `onnx-too-large`, `unknown-blob`,
 * `convert-preprocessing`
 */
export async function toOnnxModel(text: string, options: ModelOptions = {}): Promise<OnnxFile> {
  return withNet(text, options, ({ net, exportAs }) => {
    const { result, ...info } = exportAs('onnx', general =>
      emitGeneralOnnx(general, parametersOf(net), { name: net.name }),
    );
    return { bytes: result.bytes, ...info };
  });
}

/**
 * A network as the files of a TensorFlow.js graph model.
 *
 * @throws MokapotError of the network and its weights; `cannot-export`, `unknown-blob`, `convert-preprocessing`
 */
export async function toTfjsModel(text: string, options: TfjsModelOptions = {}): Promise<TfjsFiles> {
  return withNet(text, options, ({ net, exportAs }) => {
    const { model, ...info } = tfjsModel(net, exportAs, options);
    const shards = [...model.shards()].map(({ name, parts }) => [name, concatBytes(parts)] as const);
    const json = new TextEncoder().encode(JSON.stringify(model.json()));
    return { files: new Map([['model.json', json], ...shards]), ...info };
  });
}

/** What `loadGraphModel` of TensorFlow.js takes and gives: of the package `@tensorflow/tfjs` or `@tensorflow/tfjs-converter`. */
export interface GraphModelLoader<Model> {
  /** Makes a model of what an IOHandler gives. */
  loadGraphModel(handler: io.IOHandler): Promise<Model>;
}

/** Those of a model in memory. */
export interface GraphModelOptions<Model = GraphModel> extends TfjsModelOptions {
  /**
   * The caller's own TensorFlow.js, of which the model then is: `import * as tf from '@tensorflow/tfjs'`. Default: the package
   * `@tensorflow/tfjs-converter` beside Mokapot, which in a page is the caller's where the versions agree.
   */
  readonly tf?: GraphModelLoader<Model>;
}

/**
 * A network as a `tf.GraphModel` in memory, ready for `predict` on whatever backend the caller's TensorFlow.js has chosen.
 *
 *     const model = await toGraphModel(prototxt, { weights, tf });
 *     const scores = model.predict(tf.tensor(pixels, [1, 3, 227, 227]));
 *
 * @throws MokapotError of the network and its weights; `cannot-export`, `unknown-blob`, `convert-preprocessing`
 */
export async function toGraphModel<Model = GraphModel>(
  text: string,
  options: GraphModelOptions<Model> = {},
): Promise<Model> {
  const artifacts = await withNet(text, options, ({ net, exportAs }) =>
    tfjsModel(net, exportAs, options).model.artifacts(),
  );
  const tf = options.tf ?? ((await import('@tensorflow/tfjs-converter')) as unknown as GraphModelLoader<Model>);
  return tf.loadGraphModel({ load: async () => artifacts as io.ModelArtifacts });
}

type ExportAs = <T extends Emitted>(
  target: ExportTarget,
  emit: (general: GeneralGraph) => T,
) => ModelInfo & { readonly result: T };

/** What the emitters of both formats tell of what they made. */
type Emitted = Pick<ModelInfo, 'inputs' | 'outputs'>;

interface ReadyNet {
  readonly net: Net;
  readonly exportAs: ExportAs;
}

function tfjsModel(net: Net, exportAs: ExportAs, { layout = 'NCHW', quantize }: TfjsModelOptions) {
  const { result, ...info } = exportAs('tfjs', general => emitTfjsGraph(general, parametersOf(net), { layout }));
  return { model: new TfjsModel(result, { ...(quantize && { quantize }) }), ...info };
}

/** Loads the net, does something with it, and frees it. */
async function withNet<T>(text: string, options: ModelOptions, use: (ready: ReadyNet) => T): Promise<T> {
  const { net, notes } = await load(text, options);
  try {
    if (options.outputs) checkOutputs(options.outputs, [...net.graph.blobs.keys()]);
    const prepared = options.preprocessing && prepareInput(options.preprocessing, inputShapes(net.graph));
    return use({ net, exportAs: exporter(net, prepared, options, notes) });
  } finally {
    net.dispose();
  }
}

function exporter(
  net: Net,
  prepared: PreparedInput | undefined,
  options: ModelOptions,
  diagnostics: readonly Diagnostic[],
): ExportAs {
  const endpoint = ({ blob, name, shape }: ModelEndpoint): ModelEndpoint => ({ blob, ...(name && { name }), shape });
  return (target, emit) => {
    const { result, open, reasons } = exportNet({ net, prepared, options }, target, emit);
    const [inputs, outputs] = [result.inputs.map(endpoint), result.outputs.map(endpoint)];
    return { result, inputs, outputs, open, reasons, diagnostics };
  };
}

async function load(text: string, options: ModelOptions): Promise<{ net: Net; notes: readonly Diagnostic[] }> {
  const { phase, stages } = options;
  const { message, diagnostics } = parseNet(text, options);
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  const form = phase || stages ? { text, notes: [] } : inDeployForm(text, message, options);
  const engine = async () => createHostEngine();
  const net = await Net.fromText(form.text, { phase: 'TEST', stages: ['deploy'], ...options, engine });
  const notes = [...form.notes, ...net.diagnostics.filter(d => d.severity === 'warning'), ...weightsNotes(net)];
  if (options.foldBatchNorm !== true) return { net, notes };
  try {
    const { param, params } = foldBatchNorm(net);
    const folded = await Net.fromParam(param, {
      engine,
      phase: net.phase,
      inputShapes: recordOf(inputShapes(net.graph)),
      weights: { layers: params },
      ...(options.hostLayer && { hostLayer: options.hostLayer }),
      ...(options.catalogue && { catalogue: options.catalogue }),
    });
    return { net: folded, notes };
  } finally {
    net.dispose();
  }
}
