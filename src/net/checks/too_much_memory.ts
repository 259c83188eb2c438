/** What a net needs in memory is there. */

import { error } from '../../diagnostics/index.js';
import { showShape, sizeOf } from '../../ir/index.js';
import { estimateMemory } from '../memory.js';
import type { NetGraph } from '../types.js';
import type { CheckDoc, CheckRule } from './check.js';
import { trains } from './walk.js';

const input = (
  size: number,
) => `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: ${size} dim: ${size} } } }
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 64 kernel_size: 3 }
}
`;

export const tooMuchMemoryDoc = (): CheckDoc => ({
  doc: 'A net fits into the memory of the machine.',
  cure: 'Make the input or batch_size smaller (iter_size of the solver adds batches up), or the largest blob, which is named.',
  example: { wrong: input(2000), right: input(500), options: { memory: 2 ** 29 }, given: 'a machine of 512 MB' },
});

export const tooMuchMemory: CheckRule = {
  code: 'too-much-memory',
  run(graph, { memory }) {
    const estimate = estimateMemory(graph);
    const training = trains(graph);
    const needed = training ? estimate.training : estimate.forward;
    if (memory === undefined || needed <= memory) return [];
    const [blob, shape] = largest(graph);
    const what = training ? 'Training this net takes' : 'This net takes';
    return [
      error('too-much-memory', `${what} about ${gigabytes(needed)}, and there is ${gigabytes(memory)}.`, {
        severity: 'warning',
        hint: `The largest blob is "${blob}" ${showShape(shape)}, ${gigabytes(4 * sizeOf(shape))}. Make the input or batch_size smaller${training ? '; iter_size of the solver adds several batches up' : ''}.`,
      }),
    ];
  },
};

function largest(graph: NetGraph): readonly [string, readonly number[]] {
  const tops = graph.layers.flatMap(l => l.tops);
  const most = tops.reduce((a, b) => (sizeOf(b.shape) > sizeOf(a.shape) ? b : a));
  return [most.name, most.shape];
}

function gigabytes(bytes: number): string {
  const [size, unit] = bytes >= 1e9 ? [bytes / 1e9, 'GB'] : [bytes / 1e6, 'MB'];
  return `${size >= 10 ? Math.round(size) : Number(size.toFixed(1))} ${unit}`;
}
