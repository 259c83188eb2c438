/** Options that do not go together, told before anything is read. */

import { fail } from '../../diagnostics/index.js';
import { type ConvertOptions, isModel } from './types.js';

/** @throws MokapotError `convert-options` */
export function checkOptions(options: ConvertOptions): void {
  const { to, net, weights, quantize, layout, fixed, outputs, preprocessing, foldBatchNorm } = options;
  if (quantize && to !== 'tfjs') throw refuse(`--quantize is for tfjs, and the target is ${to}.`);
  if (layout === 'NHWC' && to !== 'tfjs') throw refuse(`--layout NHWC is for tfjs, and the target is ${to}.`);
  if (preprocessing && !isModel(to))
    throw refuse(`Preprocessing becomes part of a tfjs or onnx model, and ${to} holds parameters only.`);
  if (fixed && !isModel(to))
    throw refuse(`Sizes are open or fixed in a tfjs or onnx model; ${to} holds parameters only.`);
  if (outputs && !isModel(to)) throw refuse(`Outputs are chosen of a tfjs or onnx model; ${to} holds parameters only.`);
  const hasWeights = [weights ?? []].flat().length > 0;
  if (net !== undefined) return;
  if (isModel(to) || to === 'caffemodel' || foldBatchNorm)
    throw refuse(`A network is needed (--net) for ${foldBatchNorm ? 'folding' : to}.`);
  if (!hasWeights) throw refuse('Neither a network nor weights are given.');
}

function refuse(message: string) {
  return fail('convert-options', message);
}
