/** Scores may be negative: a ReLU on them makes every unlikely class equally likely, and stops its gradient. */

import { nth } from '../../diagnostics/index.js';
import { removing } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { SCORES } from './examples.js';
import { inPlace, makerOf } from './walk.js';

const loss = `layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }\n`;

export const reluScoreDoc = (): CheckDoc => ({
  doc: 'No ReLU stands between the last learned layer and the loss.',
  cure: 'It cuts all negative scores to 0, and where a score is cut nothing is learnt. Take the ReLU out.',
  example: {
    head: SCORES,
    wrong: `layer { name: "relu" type: "ReLU" bottom: "score" top: "score" }\n${loss}`,
    right: loss,
    phase: 'TRAIN',
  },
});

export const reluScore: CheckRule = {
  code: 'relu-on-scores',
  run: graph =>
    graph.layers.flatMap(layer => {
      const { isLoss, classLabels, applies } = layer.type;
      if (!isLoss || !(classLabels || applies)) return [];
      const maker = makerOf(graph, nth(layer.bottoms, 0));
      if (maker.type.activation !== 'relu') return [];
      const removed = inPlace(maker) ? removing(maker.context.param) : undefined;
      return about(
        maker,
        'relu-on-scores',
        `Layer "${maker.name}" (${maker.type.type}) cuts the scores that the loss "${layer.name}" reads: no class can score below 0.`,
        {
          hint: `Scores may be negative, and a cut one has no gradient: give the loss "${maker.context.param.bottom[0]}" as it is before the ReLU.`,
          fix: fixOf('Take the ReLU out.', removed, 'unsafe'),
        },
      );
    }),
};
