/** Caffe's pooling windows for libraries that know only whole ones. */

import { nth } from '../diagnostics/index.js';
import type { GeneralGraph, Samples } from '../ir/passes/generalise.js';
import type { Node, NodeOf, PoolAttrs } from '../ir/types.js';

/** Whether every window is the whole plane. */
export function wholePlane(general: GeneralGraph, node: NodeOf<'maxPool'> | NodeOf<'avePool'>): boolean {
  const planes = general.at<Node, boolean>(node, n => {
    const { kernel, pad, outSize } = n.attrs as PoolAttrs;
    const [, , h, w] = nth(n.inputs, 0).shape;
    return kernel[0] === h && kernel[1] === w && [...pad].every(p => p === 0) && [...outSize].every(o => o === 1);
  });
  return planes.every(Boolean);
}

/**
 * By how much an axis must grow at its end, besides `pad` at its start, for whole windows to be as many as Caffe's, at
 * all sizes: `stride − 1` more than `pad` for sizes rounded up, less where a window that begins behind the image is left
 * out. Undefined where no number does it.
 */
export function padAfter(
  inputs: Samples,
  outputs: Samples,
  { kernel, stride, pad }: { readonly kernel: number; readonly stride: number; readonly pad: number },
): number | undefined {
  const fits = (after: number) =>
    inputs.every((n, k) => Math.floor((n + pad + after - kernel) / stride) + 1 === outputs[k]);
  const clipped = Math.min(kernel - 1, pad + stride - 1);
  const roundedUp = pad > 0 ? [clipped] : [stride - 1, clipped];
  const varies = new Set(inputs).size > 1;
  return [...(varies ? roundedUp : []), ...Array.from({ length: kernel + stride }, (_, i) => pad + i)].find(fits);
}
