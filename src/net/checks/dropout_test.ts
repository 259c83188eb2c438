/** Dropout acts in phase TRAIN and hands its input through in TEST by itself: rules that say so can only do harm. */

import { isSet, Phase, removing } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { PICTURES } from './examples.js';

const dropout = (more: string) => `layer {
  name: "drop" type: "Dropout" bottom: "data" top: "drop"${more}
}
`;

export const dropoutTestDoc = (): CheckDoc => ({
  doc: 'Dropout drops in phase TRAIN only, and stands in every phase.',
  cure: 'It does nothing in phase TEST by itself. A field phase: TRAIN in the layer makes it drop in TEST too; an include rule takes its top away where other layers may read it. Leave both out.',
  example: {
    head: PICTURES,
    wrong: dropout('\n  phase: TRAIN'),
    right: dropout(''),
    phase: 'TEST',
  },
});

export const dropoutTest: CheckRule = {
  code: 'dropout-at-test',
  run: graph =>
    graph.layers.flatMap(layer => {
      const { param } = layer.context;
      if (!layer.type.trainOnly) return [];
      if (graph.phase === 'TEST' && isSet(param, 'phase') && param.phase === Phase.TRAIN) {
        return about(layer, 'dropout-at-test', `Layer "${layer.name}" (${layer.type.type}) drops in phase TEST too.`, {
          field: 'phase',
          hint: `phase: TRAIN in a layer holds whatever phase the net is in. Take it out: ${layer.type.type} knows the phase of the net.`,
          fix: fixOf('Take phase: TRAIN out.', removing(param, 'phase')),
        });
      }
      const [rule] = param.include;
      if (graph.phase !== 'TRAIN' || !rule || !isSet(rule, 'phase') || rule.phase !== Phase.TRAIN) return [];
      return about(
        layer,
        'dropout-at-test',
        `Layer "${layer.name}" (${layer.type.type}) is left out in phase TEST, where it does nothing anyway.`,
        {
          field: 'include',
          severity: 'note',
          hint: `${layer.type.type} hands its input through in TEST: the include rule is needless, and a layer that reads its top would lack it there.`,
        },
      );
    }),
};
