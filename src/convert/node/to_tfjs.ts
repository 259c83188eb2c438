/** To a TensorFlow.js graph model: `model.json` and shards of weights. */

import { emitTfjsGraph, TfjsModel } from '../../emit/tfjs/index.js';
import { loadTfjs } from './load_models.js';
import { checkModel, exportJob } from './model.js';
import type { Job, TargetReport } from './types.js';

const MODEL = 'model.json';

/** What a graph model in the folder consists of: what an earlier one left. */
const OWN = /^(model\.json|group\d+-shard\d+of\d+\.bin)$/;

export async function convertTfjs(job: Job): Promise<TargetReport> {
  const { options, stage, parameters } = job;
  const { layout = 'NCHW', quantize } = options;
  job.progress('building the graph');
  const exported = exportJob(job, 'tfjs', general => emitTfjsGraph(general, parameters, { layout }));
  const model = new TfjsModel(exported.result, { ...(quantize && { quantize }) });
  job.progress('writing the weights');
  for (const { name, parts } of model.shards()) await stage.write(name, parts);
  await stage.write(MODEL, [new TextEncoder().encode(JSON.stringify(model.json()))]);
  const checks = await checkModel(job, exported, () => loadTfjs(stage.folder, layout));
  const files = await stage.commit({ stale: OWN, last: MODEL });
  const { inputs, outputs } = exported.result;
  const { open, reasons } = exported;
  const worst = model.quantizationError;
  return {
    files,
    inputs,
    outputs,
    open,
    reasons,
    ...(checks && { checks }),
    ...(quantize && worst && { quantization: { to: quantize, ...worst } }),
  };
}
