/** CTCLoss: −log of the probability of label sequences that nobody has aligned with time. */

import { nth } from '../../diagnostics/index.js';
import type { HostArray } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { type Ctc, ctc, softmaxOf } from '../rules/ctc.js';
import { readsElsewhere } from '../rules/families.js';
import { labelsOf, lengthOf, type Sequences, scoresAt, sequencesOf } from '../rules/sequences.js';
import type { LayerContext, LayerType } from '../types.js';

function plan(ctx: LayerContext<3>): Sequences {
  return sequencesOf(ctx, sub(ctx.param, 'ctc_loss_param').blank_index, 'ctc_loss_param.blank_index');
}

/** The labels to be found in sequence `n`. A label that is no class ends them. Throws where they do not fit its time. */
function targets(ctx: LayerContext<3>, s: Sequences, labels: HostArray, n: number, length: number): readonly number[] {
  const { output_delay, preprocess_collapse_repeated } = sub(ctx.param, 'ctc_loss_param');
  const all = labelsOf(s, labels, n);
  const wrong = (message: string, hint: string) => ctx.fail('ctc-labels', `sequence ${n}: ${message}`, { hint });
  if (all.length === 0 && length > 1)
    throw wrong(`it has ${length} steps and no label.`, 'A sequence without labels has one step at most.');
  if (all.length > length - (all.length > 0 ? output_delay : 0))
    throw wrong(`${all.length} labels do not fit into ${length} steps.`, 'Each label needs a step of its own.');
  const kept = preprocess_collapse_repeated ? all.filter((label, i) => i === 0 || label !== all[i - 1]) : all;
  const isClass = (label: number) => label < s.classes && label !== s.blank;
  const end = kept.findIndex(label => !isClass(label));
  if (end < 0) return kept;
  if (kept.slice(end).some(isClass))
    throw wrong(
      `label ${kept[end]} is none of the classes, and labels follow it.`,
      `Labels go from 0 to ${s.classes - 1} without the blank ${s.blank}; a negative number ends them.`,
    );
  return kept.slice(0, end);
}

/** Each sequence with what CTC says of it; undefined of one without labels. */
function all(ctx: LayerContext<3>, inputs: readonly HostArray[]): readonly (Ctc | undefined)[] {
  const [scores, indicators, labels] = inputs as readonly [HostArray, HostArray, HostArray];
  const { output_delay, ctc_merge_repeated } = sub(ctx.param, 'ctc_loss_param');
  const s = plan(ctx);
  return Array.from({ length: s.count }, (_, n) => {
    const length = lengthOf(s, indicators, n);
    const sequence = targets(ctx, s, labels, n, length);
    if (labelsOf(s, labels, n).length === 0) return undefined;
    const times = Array.from({ length: length - output_delay }, (_, t) => t + output_delay);
    const shares = times.map(t => softmaxOf(scoresAt(s, scores, n, t)));
    return ctc(shares, sequence, { blank: s.blank, mergeRepeated: ctc_merge_repeated });
  });
}

/** Gradients of the summed loss, at the steps that count. */
function backward(ctx: LayerContext<3>, inputs: readonly HostArray[], dy: number): Float32Array {
  const { output_delay } = sub(ctx.param, 'ctc_loss_param');
  const s = plan(ctx);
  const dx = new Float32Array(nth(inputs, 0).data.length);
  for (const [n, found] of all(ctx, inputs).entries())
    found?.gradient.forEach((row, t) => {
      const own = scoresAt(s, { shape: nth(inputs, 0).shape, data: dx }, n, t + output_delay);
      row.forEach((d, k) => {
        own[k] = d * dy;
      });
    });
  return dx;
}

/** After ctc_loss_layer.cpp of crnn.caffe (C. Wick). Bottoms are scores before the softmax, indicators, labels. */
export const ctcLoss: LayerType<3> = {
  type: 'CTCLoss',
  doc: 'Connectionist temporal classification: −log of the softmax’s probability of each label sequence over all its alignments with time, averaged over the sequences. Labels end with a negative number; indicators are 0 where a sequence begins.',
  formula: '−Σ_n log Σ_{alignments π of labels_n} Π_t softmax(x_t)[π_t] / N',
  shapeRule: 'A scalar.',
  differences:
    'As in the port, the loss is divided by the number of sequences and its gradient is not; unlike there, loss_weight counts for the gradient.',
  unusedFields: { loss_calculation_t: 'the loss is the same for every t' },
  ...readsElsewhere,
  bottoms: { min: 3, max: 3 },
  tops: { min: 1, max: 1 },
  isLoss: true,
  canBackward: (_, bottom) => bottom === 0,
  reshape(ctx) {
    const { steps } = plan(ctx);
    const { output_delay } = sub(ctx.param, 'ctc_loss_param');
    if (!(output_delay >= 0 && output_delay < steps))
      throw ctx.fail('ctc-delay', `output_delay is ${output_delay}, and there are ${steps} steps.`, {
        field: 'ctc_loss_param.output_delay',
      });
    return { tops: [[]], params: [] };
  },
  lower(ctx, b, bottoms) {
    return b.hostCall(bottoms, {
      name: ctx.name,
      outputs: [[]],
      run: inputs => {
        const sum = all(ctx, inputs).reduce((total, found) => total + (found?.loss ?? 0), 0);
        return [Float32Array.of(sum / plan(ctx).count)];
      },
      backward: ([x, indicators, labels, , dy]) => [backward(ctx, [x, indicators, labels], dy.data[0]!)],
    });
  },
};
