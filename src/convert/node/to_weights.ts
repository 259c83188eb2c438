/** To parameters alone: arrays by name, or a `.caffemodel`; of a folded network its prototxt too. */

import { fail } from '../../diagnostics/index.js';
import { printText } from '../../schema/index.js';
import type { Staging } from './staging.js';
import type { ConvertOptions, Job, TargetReport } from './types.js';
import { difference, type Layers, layersOfNet, loadLayers, saveLayers, type WeightFormat } from './weights.js';

export async function convertWeights(job: Job): Promise<TargetReport> {
  const { options, net, stage, file } = job;
  job.progress('writing the weights');
  if (options.foldBatchNorm) {
    const name = `${file.replace(/\.(caffemodel\.h5|[^.]+)$/, '')}.prototxt`;
    await stage.write(name, [new TextEncoder().encode(printText(net.graph.source))]);
  }
  const layers = layersOfNet(net);
  if (options.to === 'safetensors' || options.to === 'npz') return writeLayers(options, stage, file, layers);
  await net.save(stage.path(file));
  stage.add(file);
  return finish(options, stage, file, layers);
}

/** Layers without a network. */
export async function writeLayers(
  options: ConvertOptions,
  stage: Staging,
  file: string,
  layers: Layers,
): Promise<TargetReport> {
  await saveLayers(options.to as Exclude<WeightFormat, 'caffemodel'>, stage.path(file), layers);
  stage.add(file);
  return finish(options, stage, file, layers);
}

async function finish({ check }: ConvertOptions, stage: Staging, file: string, layers: Layers): Promise<TargetReport> {
  if (check !== false) readBack(stage.path(file), layers);
  const files = await stage.commit();
  return { files, inputs: [], outputs: [], ...(check !== false && { identical: true }) };
}

/** @throws MokapotError `convert-differs` where what was written is not, to the bit, what was to be */
function readBack(path: string, layers: Layers): void {
  const found = difference(layers, loadLayers(path));
  if (found)
    throw fail('convert-differs', `What was written is not what was to be: ${found}. Nothing was put in place.`);
}
