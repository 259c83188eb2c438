/** CTCLoss: −log of the probability of label sequences that nobody has aligned with time. */

import { nth } from '../../diagnostics/index.js';
import type { HostArray } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { ctc, softmaxOf } from '../rules/ctc.js';
import { readsElsewhere } from '../rules/families.js';
import { labelsOf, lengthOf, type Sequences, scoresAt, sequencesOf } from '../rules/sequences.js';
import type { LayerContext, LayerType } from '../types.js';

function plan(ctx: LayerContext<3>): Sequences {
  return sequencesOf(ctx, sub(ctx.param, 'ctc_loss_param').blank_index, 'ctc_loss_param.blank_index');
}

/** Of a sequence's labels those to be found. A label that is no class ends them. Throws where they do not fit its time. */
function targets(
  ctx: LayerContext<3>,
  s: Sequences,
  all: readonly number[],
  n: number,
  length: number,
): readonly number[] {
  const { output_delay, preprocess_collapse_repeated } = sub(ctx.param, 'ctc_loss_param');
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

/** The loss, and the gradients of its sum over the sequences by the scores. A sequence without labels has none. */
function compute(ctx: LayerContext<3>, inputs: readonly HostArray[]): Float32Array[] {
  const [scores, indicators, labels] = inputs as readonly [HostArray, HostArray, HostArray];
  const { output_delay, ctc_merge_repeated } = sub(ctx.param, 'ctc_loss_param');
  const s = plan(ctx);
  const slopes = { shape: scores.shape, data: new Float32Array(scores.data.length) };
  let sum = 0;
  for (let n = 0; n < s.count; n++) {
    const length = lengthOf(s, indicators, n);
    const own = labelsOf(s, labels, n);
    const sequence = targets(ctx, s, own, n, length);
    if (own.length === 0) continue;
    const times = Array.from({ length: length - output_delay }, (_, t) => t + output_delay);
    const shares = times.map(t => softmaxOf(scoresAt(s, scores, n, t)));
    const { loss, gradient } = ctc(shares, sequence, { blank: s.blank, mergeRepeated: ctc_merge_repeated });
    sum += loss;
    gradient.forEach((row, i) => {
      scoresAt(s, slopes, n, nth(times, i)).set(row);
    });
  }
  return [Float32Array.of(sum / s.count), slopes.data];
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
    const [loss] = b.hostCall(bottoms, {
      name: ctx.name,
      outputs: [[], bottoms[0].shape],
      run: inputs => compute(ctx, inputs),
      backward: ([, , , , slopes, dy]) => [slopes.data.map(v => v * dy.data[0]!)],
    });
    return [loss!];
  },
};
