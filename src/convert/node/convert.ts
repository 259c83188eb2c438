/**
 * `convert`: a network with its weights as a model for something else: TensorFlow.js, ONNX, arrays. What was written is
 * read back and compared before it is put in place.
 */

import { basename, dirname } from 'node:path';
import { type Diagnostic, fail, MokapotError, nth, recordOf } from '../../diagnostics/index.js';
import { checkFiniteWeights } from '../../runtime/finite.js';
import { Net } from '../../runtime/node/net.js';
import { readPrototxt } from '../../runtime/node/schemas.js';
import { parseNet } from '../../schema/index.js';
import { distance, randomFeeds, runNet } from '../compare.js';
import { inputShapes } from '../dynamic_sizes.js';
import { checkOutputs, inDeployForm, parametersOf, weightsNotes } from '../export_net.js';
import { foldBatchNorm } from '../fold_batch_norm.js';
import { prepareInput } from '../prepare.js';
import { checkOptions } from './check_options.js';
import { placeOf, Staging } from './staging.js';
import { convertOnnx } from './to_onnx.js';
import { convertTfjs } from './to_tfjs.js';
import { convertWeights, writeLayers } from './to_weights.js';
import { type ConvertOptions, type ConvertReport, isModel, type Job, type Target, type TargetReport } from './types.js';
import { EXTENSIONS, fillNet, type Layers, loadLayers } from './weights.js';

const RUN: Readonly<Record<Target, (job: Job) => Promise<TargetReport>>> = {
  tfjs: convertTfjs,
  onnx: convertOnnx,
  safetensors: convertWeights,
  npz: convertWeights,
  h5: convertWeights,
  caffemodel: convertWeights,
};

/**
 * Writes a network as a model for another program, or its weights in another format, and compares what was written with
 * the network before it is put in place.
 *
 * @throws MokapotError of the network and its weights; `cannot-export`, `convert-options`, `convert-preprocessing`,
 * `convert-out`; `convert-differs` where the model does not compute what the network computes (nothing is put in place)
 */
export async function convert(options: ConvertOptions): Promise<ConvertReport> {
  checkOptions(options);
  const { folder, file } = placeFor(options);
  const progress = options.onProgress ?? (() => undefined);
  if (options.net === undefined) {
    const layers = weightsOf(options).map(path => loadLayers(path, options.catalogue));
    const merged = new Map(layers.flatMap(l => [...l]));
    return inStage(folder, async stage => {
      const report = await writeLayers(options, stage, file, merged);
      return { to: options.to, ...report, diagnostics: [] };
    });
  }
  progress('reading the network and its weights');
  const { net: original, diagnostics } = await load(options);
  try {
    const { net, folded } = options.foldBatchNorm
      ? await fold(original, options)
      : { net: original, folded: undefined };
    try {
      if (options.outputs) checkOutputs(options.outputs, [...net.graph.blobs.keys()]);
      const prepared = options.preprocessing && prepareInput(options.preprocessing, inputShapes(net.graph));
      return await inStage(folder, async stage => {
        const job: Job = { options, net, prepared, stage, file, progress, parameters: parametersOf(net) };
        const report = await RUN[options.to](job);
        return { to: options.to, ...report, diagnostics, ...(folded && { folded }) };
      });
    } finally {
      if (net !== original) net.dispose();
    }
  } finally {
    original.dispose();
  }
}

async function inStage<T>(folder: string, run: (stage: Staging) => Promise<T>): Promise<T> {
  const stage = await Staging.in(folder);
  try {
    return await run(stage);
  } finally {
    await stage.drop();
  }
}

/** The folder, and the file's name where the target is one file. */
function placeFor({ to, out, net, weights }: ConvertOptions): { folder: string; file: string } {
  if (to === 'tfjs') return { folder: out, file: 'model.json' };
  const from = net ?? nth([weights ?? []].flat(), 0);
  const stem = basename(from).replace(/\.(prototxt|caffemodel\.h5|caffemodel|h5|safetensors|npz)$/i, '');
  const extension = to === 'onnx' ? '.onnx' : EXTENSIONS[to];
  return placeOf(out, `${stem}${extension}`, to === 'h5' ? ['.h5'] : [extension]);
}

function weightsOf({ weights }: ConvertOptions): readonly string[] {
  return [weights ?? []].flat();
}

async function load(options: ConvertOptions): Promise<{ net: Net; diagnostics: Diagnostic[] }> {
  const { phase = 'TEST', stages = ['deploy'], check = true, foldBatchNorm = false } = options;
  // Without anything to compute no engine is started.
  const runs = check && (foldBatchNorm || isModel(options.to));
  const backend = runs ? options.backend : 'host';
  const { level, inputShapes, entryShapes, pythonLayers, catalogue, seed } = options;
  const { text, schema, notes } = await textOf(options);
  const given = { backend, level, inputShapes, entryShapes, pythonLayers, catalogue, seed, schema };
  const place = { name: options.net!, dir: dirname(options.net!) };
  const net = await Net.fromText(text, { ...defined(given), phase, stages, ...place }).catch(thrown => {
    throw withShapeHint(thrown);
  });
  try {
    for (const path of weightsOf(options)) net.copyFrom(path);
    if (net.copies.length > 0) checkFiniteWeights(net);
    return {
      net,
      diagnostics: [...notes, ...net.diagnostics.filter(d => d.severity === 'warning'), ...weightsNotes(net)],
    };
  } catch (thrown) {
    net.dispose();
    throw thrown;
  }
}

/** The network's text; of one that is only for training, where a model is wanted and no state named, its deploy form. */
async function textOf({ net, netText, to, phase, stages, inputShapes, catalogue, ...options }: ConvertOptions) {
  const { text, schema } = await readPrototxt(net!, options, netText);
  const { message } = parseNet(text, { name: net, schema });
  if (!isModel(to) || phase || stages) return { text, schema, notes: [] };
  return { ...inDeployForm(text, message, { name: net!, schema, ...defined({ inputShapes, catalogue }) }), schema };
}

/** A net in its training form leaves shapes to the data set. */
function withShapeHint(thrown: unknown): unknown {
  if (!(thrown instanceof MokapotError)) return thrown;
  const hint =
    'Give them, for example --input data=1,3,227,227, or convert the form of the network that is for deployment.';
  return new MokapotError(thrown.diagnostics.map(d => (d.code === 'no-data-set' ? { ...d, hint } : d)));
}

function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined)) as never;
}

/** The network with its batch normalisation folded, on the same engine. */
async function fold(original: Net, options: ConvertOptions) {
  options.onProgress?.('folding batch normalisation');
  const { param, params, folded } = foldBatchNorm(original);
  const { phase } = original;
  const { pythonLayers, catalogue } = options;
  const net = await Net.fromParam(param, {
    phase,
    engine: original.engine,
    inputShapes: recordOf(inputShapes(original.graph)),
    dir: dirname(options.net!),
    ...defined({ pythonLayers, catalogue }),
  });
  fillNet(net, params as Layers);
  const error = options.check === false ? undefined : await errorOf(original, net);
  return { net, folded: { layers: folded, ...(error !== undefined && { error }) } };
}

/** Greatest difference of the outputs at a random input. */
async function errorOf(original: Net, folded: Net): Promise<number> {
  const feeds = randomFeeds(recordOf(inputShapes(original.graph)), original.graph);
  const [before, after] = [await runNet(original, feeds), await runNet(folded, feeds)];
  const names = original.graph.outputs;
  const differences = names.map((name, i) => {
    const at = folded.graph.outputs.indexOf(name);
    if (at < 0) throw fail('convert-fold', `Folding lost the output "${name}".`);
    return distance(after[at]!, before[i]!).error;
  });
  return Math.max(0, ...differences);
}
