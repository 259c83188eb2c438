/** To ONNX: one file. */

import { emitGeneralOnnx } from '../../emit/onnx/index.js';
import { loadOnnx } from './load_models.js';
import { checkModel, exportJob } from './model.js';
import type { Job, TargetReport } from './types.js';

export async function convertOnnx(job: Job): Promise<TargetReport> {
  const { net, stage, file, parameters } = job;
  job.progress('building the graph');
  const exported = exportJob(job, 'onnx', general => emitGeneralOnnx(general, parameters, { name: net.name }));
  job.progress('writing the file');
  const { bytes, inputs, outputs } = exported.result;
  await stage.write(file, [bytes]);
  const checks = await checkModel(job, exported, () => loadOnnx(stage.path(file), [...inputs, ...outputs]));
  const { open, reasons } = exported;
  return { files: await stage.commit(), inputs, outputs, open, reasons, ...(checks && { checks }) };
}
