/** CTCGreedyDecoder: the labels of the best class at each step, blanks and repetitions left out. */

import type { HostArray, Shape } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { readsElsewhere } from '../rules/families.js';
import { labelsOf, type Sequences, scoresAt, sequencesOf } from '../rules/sequences.js';
import type { LayerContext, LayerType } from '../types.js';

function plan(ctx: LayerContext<2>): Sequences {
  return sequencesOf(ctx, sub(ctx.param, 'ctc_decoder_param').blank_index, 'ctc_decoder_param.blank_index');
}

/** Labels found in sequence `n`, and the sum of its best scores. */
function decode(ctx: LayerContext<2>, s: Sequences, scores: HostArray, indicators: HostArray, n: number) {
  const { ctc_merge_repeated } = sub(ctx.param, 'ctc_decoder_param');
  const found: number[] = [];
  let [before, sum] = [-1, 0];
  for (let t = 0; t < s.steps; t++) {
    if (t > 0 && indicators.data[t * s.count + n] === 0) break;
    const own = scoresAt(s, scores, n, t);
    const best = own.reduce((at, v, k) => (v > own[at]! ? k : at), 0);
    sum = Math.fround(sum + own[best]!);
    if (best !== s.blank && !(ctc_merge_repeated && best === before)) found.push(best);
    before = best;
  }
  return { found, sum };
}

/** The least number of labels to put in, take out or change. */
function editDistance(a: readonly number[], b: readonly number[]): number {
  let row = b.map((_, j) => j + 1);
  for (const [i, label] of a.entries()) {
    let [corner, left] = [i, i + 1];
    row = row.map((above, j) => {
      const cost = Math.min(above + 1, left + 1, corner + (label === b[j] ? 0 : 1));
      [corner, left] = [above, cost];
      return cost;
    });
  }
  return row.at(-1) ?? a.length;
}

/** What the tops are: labels always, then scores and accuracy as the counts of bottoms and tops say. */
function topKinds(ctx: LayerContext<2>): readonly ('labels' | 'scores' | 'accuracy')[] {
  const measured = ctx.bottomShapes.length === 3;
  if (ctx.topCount <= (measured ? 3 : 2)) {
    if (ctx.topCount === 3) return ['labels', 'scores', 'accuracy'];
    return ctx.topCount === 1 ? ['labels'] : ['labels', measured ? 'accuracy' : 'scores'];
  }
  throw ctx.fail('top-count', `it has ${ctx.topCount} tops for ${ctx.bottomShapes.length} bottoms.`, {
    hint: 'Labels and scores; with true labels as third bottom labels and accuracy, or labels, scores and accuracy.',
  });
}

/** After ctc_decoder_layer.cpp of crnn.caffe (C. Wick). Bottoms are scores, indicators and, for the accuracy, true labels. */
export const ctcGreedyDecoder: LayerType<2> = {
  type: 'CTCGreedyDecoder',
  doc: 'The class of the greatest score at each step of each sequence, blanks left out and repetitions once; what is left of a row is −1. Further tops are the negative sum of these scores and, with true labels as third bottom, 1 − the mean edit distance by the longer length.',
  formula: 'y[n] = argmax_c x[t, n, c] for each t, without repetitions, then without blanks',
  shapeRule: '[N, T, 1, 1]; the scores [N, 1, 1, 1], the accuracy [1, 1, 1, 1].',
  paramFields: ['ctc_decoder_param'],
  category: 'measure',
  ...readsElsewhere,
  endsNet: true,
  bottoms: { min: 2, max: 3 },
  tops: { min: 1, max: 3 },
  canBackward: () => false,
  reshape(ctx) {
    const { steps, count } = plan(ctx);
    const shapes: Readonly<Record<ReturnType<typeof topKinds>[number], Shape>> = {
      labels: [count, steps, 1, 1],
      scores: [count, 1, 1, 1],
      accuracy: [1, 1, 1, 1],
    };
    return { tops: topKinds(ctx).map(kind => shapes[kind]), params: [] };
  },
  lower(ctx, b, bottoms) {
    return b.hostCall(bottoms, {
      name: ctx.name,
      outputs: ctcGreedyDecoder.reshape(ctx).tops,
      run: ([scores, indicators, truth]) => {
        const s = plan(ctx);
        const decoded = Array.from({ length: s.count }, (_, n) => decode(ctx, s, scores, indicators, n));
        const labels = new Float32Array(s.count * s.steps).fill(-1);
        for (const [n, { found }] of decoded.entries()) labels.set(found, n * s.steps);
        const wrong = decoded.map(({ found }, n) => {
          const right = truth ? labelsOf(s, truth, n) : [];
          return editDistance(right, found) / Math.max(1, right.length, found.length);
        });
        const made = {
          labels,
          scores: Float32Array.from(decoded, ({ sum }) => -sum),
          accuracy: Float32Array.of(1 - wrong.reduce((a, v) => a + v, 0) / s.count),
        };
        return topKinds(ctx).map(kind => made[kind]);
      },
    });
  },
};
