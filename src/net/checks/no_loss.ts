/**
 * A net in phase TRAIN has a loss, else no weight has a gradient. A net made for use only, all of whose sources are
 * inputs, needs none.
 */

import { error } from '../../diagnostics/index.js';
import { describeState, netState } from '../filter.js';
import { isInputLayer } from '../inputs.js';
import type { NetGraph } from '../types.js';
import type { CheckDoc, CheckRule } from './check.js';
import { PIXELS } from './examples.js';
import { isLoss } from './walk.js';

const score = `layer {
  name: "score" type: "Convolution" bottom: "data" top: "score"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } }
}
`;

export const noLossDoc = (): CheckDoc => ({
  doc: 'A net in phase TRAIN has a loss.',
  cure: 'Without a loss no weight has a gradient. Add a loss layer, or see which include rule leaves it out.',
  example: {
    head: PIXELS,
    wrong: score,
    right: `${score}layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }\n`,
    phase: 'TRAIN',
  },
});

export const noLoss: CheckRule = {
  code: 'no-loss',
  run(graph) {
    if (graph.phase !== 'TRAIN' || graph.layers.some(isLoss) || isForUse(graph)) return [];
    const excluded = graph.source.layer.find(
      l => graph.catalogue.isLoss(l.type) && !graph.layers.some(g => g.source === l),
    );
    const state = describeState({ ...netState(graph.source, {}), phase: graph.phase });
    return [
      error('no-loss', 'The net has no loss in phase TRAIN: nothing can be learnt.', {
        severity: 'warning',
        hint: excluded
          ? `Layer "${excluded.name}" (${excluded.type}) is left out by its include/exclude rules (${state}).`
          : 'Add a loss, e.g. layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }.',
      }),
    ];
  },
};

/** A deploy net: it has no loss in any state, and all that is fed are inputs, none of them labels. */
function isForUse({ source, catalogue, layers, inputs }: NetGraph): boolean {
  if (source.layer.some(l => catalogue.isLoss(l.type) || l.loss_weight.some(w => w !== 0))) return false;
  const sources = layers.filter(l => l.type.isSource);
  return sources.every(l => isInputLayer(l.param, catalogue)) && !inputs.some(name => name.startsWith('label'));
}
