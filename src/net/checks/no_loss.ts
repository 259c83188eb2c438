/** A net in phase TRAIN has a loss, else no weight has a gradient. */

import { error } from '../../diagnostics/index.js';
import { describeState, netState } from '../filter.js';
import type { Check } from './check.js';

export const noLoss: Check = {
  code: 'no-loss',
  doc: 'A net in phase TRAIN has a loss.',
  run(graph) {
    const hasLoss = graph.layers.some(l => l.lossWeights.some(w => w !== 0));
    if (graph.phase !== 'TRAIN' || hasLoss) return [];
    const excluded = graph.source.layer.find(l => l.type.endsWith('Loss') && !graph.layers.some(g => g.source === l));
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
