/** The gradient of a loss reaches something that learns. */

import { nth } from '../../diagnostics/index.js';
import type { BlobVersion, NetGraph, NetLayer } from '../types.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { PIXELS } from './examples.js';
import { isLoss, trains } from './walk.js';

const net = (lr: number) => `layer {
  name: "score" type: "Convolution" bottom: "data" top: "score"
  param { lr_mult: ${lr} }
  param { lr_mult: ${lr} }
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
`;

export const lossReachDoc = (): CheckDoc => ({
  doc: 'The gradient of every loss reaches a parameter that learns.',
  cure: 'Where all lr_mult behind a loss are 0, or propagate_down: false or a layer without gradient stands between, training changes nothing. Free the layers that are to learn.',
  example: { head: PIXELS, wrong: net(0), right: net(1), phase: 'TRAIN' },
});

export const lossReach: CheckRule = {
  code: 'loss-reaches-nothing',
  run(graph) {
    if (!trains(graph) || graph.params.length === 0) return [];
    return graph.layers.flatMap(layer => {
      if (!isLoss(layer) || layer.source === undefined) return [];
      const { learns, params, wall } = reach(graph, layer);
      if (learns || (params === 0 && !wall)) return [];
      const why =
        params > 0
          ? `the lr_mult of all ${params} parameters behind it is 0`
          : `no gradient passes layer "${wall!.name}" (${wall!.type.type})`;
      return about(layer, 'loss-reaches-nothing', `The loss "${layer.name}" changes nothing: ${why}.`, {
        hint:
          params > 0
            ? 'Give the layers that are to learn param { lr_mult: 1 }.'
            : 'See propagate_down there, and whether the layer has a gradient at all.',
      });
    });
  },
};

interface Reach {
  readonly learns: boolean;
  /** How many parameters the gradient comes by, all frozen. */
  readonly params: number;
  /** A layer where it ends, behind which something learns. */
  readonly wall: NetLayer | undefined;
}

function reach(graph: NetGraph, loss: NetLayer): Reach {
  const seen = new Set<number>();
  const stack: NetLayer[] = [];
  let params = 0;
  let learns = false;
  let wall: NetLayer | undefined;
  const enter = (layer: NetLayer) =>
    layer.bottoms.forEach((blob: BlobVersion, i) => {
      if (layer.blocked[i]) {
        const isLabel = layer.type.canBackward?.(layer.context, i) === false;
        if (!isLabel || layer.bottoms.every((_, k) => layer.blocked[k])) wall ??= layer;
        return;
      }
      if (seen.has(blob.producer)) return;
      seen.add(blob.producer);
      stack.push(nth(graph.layers, blob.producer));
    });
  enter(loss);
  for (let layer = stack.pop(); layer; layer = stack.pop()) {
    for (const p of layer.params) {
      params++;
      if (nth(graph.params, p).lrMult !== 0) learns = true;
    }
    if (learns) break;
    enter(layer);
  }
  return { learns, params, wall };
}
