/** SoftmaxWithLoss and SigmoidCrossEntropyLoss take scores as they are: they apply softmax or the sigmoid themselves. */

import { nth } from '../../diagnostics/index.js';
import { setting } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { SCORES } from './examples.js';
import { makerOf } from './walk.js';

const loss = (bottom: string) => `layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "${bottom}" bottom: "label" top: "loss" }
`;

export const doubleSoftmaxDoc = (): CheckDoc => ({
  doc: 'No Softmax stands before SoftmaxWithLoss, no Sigmoid before SigmoidCrossEntropyLoss.',
  cure: 'The loss applies it itself. Applied twice the scores differ by 1 at most, the loss never comes near 0 and gradients are small. Give the loss the blob before it.',
  example: { head: SCORES, wrong: loss('prob'), right: loss('score'), phase: 'TRAIN' },
});

export const doubleSoftmax: CheckRule = {
  code: 'double-softmax',
  run: graph =>
    graph.layers.flatMap(layer => {
      const { applies } = layer.type;
      const maker = applies && layer.bottoms[0] && makerOf(graph, layer.bottoms[0]);
      if (!maker || maker.type.activation !== applies.activation) return [];
      const other = applies.without;
      const raw = nth(maker.context.param.bottom, 0);
      const named = raw !== maker.context.param.top[0];
      const edits = named ? replaceFirstBottom(layer.context.param, raw) : undefined;
      return about(
        layer,
        'double-softmax',
        `Layer "${layer.name}" (${layer.type.type}) gets the output of "${maker.name}" (${maker.type.type}): ${applies.activation === 'softmax' ? 'softmax' : 'the sigmoid'} is applied twice.`,
        {
          field: 'bottom',
          index: 0,
          hint: `${layer.type.type} applies it itself: give it ${named ? `bottom "${raw}"` : 'the scores as they are'}${other ? `, or use ${other}, which takes shares` : ''}.`,
          fix: fixOf(`Read "${raw}" instead.`, edits),
        },
      );
    }),
};

function replaceFirstBottom(layer: object, name: string) {
  return setting(layer, 'bottom[0]', JSON.stringify(name));
}
