/**
 * Weights that start at 0 and can never leave it. A layer without `weight_filler` starts at the constant 0, Caffe's
 * default. One such layer may still learn; a chain of them cannot: the outputs are 0, so the next layer's weights have no
 * gradient, and the weights are 0, so the layer before has none either.
 */

import { type Diagnostic, error, nth } from '../../diagnostics/index.js';
import { multiplies } from '../../layers/index.js';
import { placeOf } from '../report.js';
import type { BlobVersion, NetGraph, NetLayer } from '../types.js';
import type { CheckDoc, CheckRule } from './check.js';
import { PIXELS } from './examples.js';
import { fillsZero } from './fillers.js';
import { isLoss, trains } from './walk.js';

const chain = (filler: string) => `layer {
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 1${filler} }
}
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer {
  name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2"
  convolution_param { num_output: 2 kernel_size: 1${filler} }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv2" bottom: "label" top: "loss" }
`;

export const zeroWeightsDoc = (): CheckDoc => ({
  doc: 'No weights stay exactly 0 for want of a filler.',
  cure: 'Without a weight_filler weights start at 0; the outputs are then 0, and so are all gradients. Give the layers a weight_filler, or start from trained weights.',
  example: { head: PIXELS, wrong: chain(''), right: chain(' weight_filler { type: "xavier" }'), phase: 'TRAIN' },
});

export const zeroWeights: CheckRule = {
  code: 'zero-weights',
  run(graph, { weightsLoaded }) {
    if (weightsLoaded || !trains(graph)) return [];
    const stuck = stuckParams(graph);
    const layers = graph.layers.filter(l => multiplies(l.type) && stuck.has(nth(l.params, 0)));
    return layers.length === 0 ? [] : [warning(layers)];
  },
};

function warning(layers: readonly NetLayer[]): Diagnostic {
  const names = layers.map(l => l.name).join(', ');
  const [first] = layers;
  const one = layers.length === 1;
  const message = one
    ? `The weights of layer ${names} are 0 and stay exactly 0, however long it is trained.`
    : `The weights of ${layers.length} layers are 0 and stay exactly 0, however long they are trained: ${names}.`;
  return error('zero-weights', message, {
    severity: 'warning',
    layer: first!.name,
    location: placeOf({ message: first!.context.param }),
    hint:
      `${one ? 'It has' : 'They have'} no weight_filler, and Caffe's default is the constant 0: outputs are 0, and so are all gradients but the last bias's. ` +
      'Give each weight_filler { type: "xavier" }, or start from trained weights: --weights FILE.',
  });
}

/**
 * Parameters that are 0 for ever: assume it of all that start at 0, see which would have a gradient all the same, free
 * those, and look again until nothing changes.
 */
function stuckParams(graph: NetGraph): Set<number> {
  const weighted = graph.layers.flatMap(l => (multiplies(l.type) ? l.params : []));
  const stuck = new Set(weighted.filter(index => fillsZero(nth(graph.params, index).declaration.filler)));
  for (let before = -1; before !== stuck.size; ) {
    before = stuck.size;
    const zero = zeroBlobs(graph, stuck);
    const moving = blobsWithGradient(graph, stuck, zero);
    for (const layer of graph.layers) {
      if (!multiplies(layer.type) || !layer.tops.some(t => moving.has(t.id))) continue;
      const [weight, bias] = layer.params;
      if (learns(graph, bias)) stuck.delete(bias!);
      if (learns(graph, weight) && !layer.bottoms.every(b => zero.has(b.id))) stuck.delete(weight!);
    }
  }
  return stuck;
}

function learns(graph: NetGraph, param: number | undefined): boolean {
  return param !== undefined && nth(graph.params, param).lrMult !== 0;
}

/** Versions of blobs that are exactly 0, whatever is fed. */
function zeroBlobs(graph: NetGraph, stuck: ReadonlySet<number>): Set<number> {
  const zero = new Set<number>();
  for (const layer of graph.layers) {
    if (staysZero(layer, stuck, blob => zero.has(blob.id))) for (const top of layer.tops) zero.add(top.id);
  }
  return zero;
}

function staysZero(layer: NetLayer, stuck: ReadonlySet<number>, isZero: (blob: BlobVersion) => boolean): boolean {
  const zero = layer.bottoms.map(isZero);
  if (!multiplies(layer.type)) return layer.type.zeroTops?.(layer.context, zero) ?? false;
  const [weight, bias] = layer.params;
  return ((zero.length > 0 && zero.every(z => z)) || stuck.has(weight!)) && (bias === undefined || stuck.has(bias));
}

/** Versions of blobs that a gradient other than 0 may reach. */
function blobsWithGradient(graph: NetGraph, stuck: ReadonlySet<number>, zero: ReadonlySet<number>): Set<number> {
  const moving = new Set<number>();
  for (const layer of graph.layers.toReversed()) {
    if (!isLoss(layer) && !layer.tops.some(top => moving.has(top.id))) continue;
    if (multiplies(layer.type) && stuck.has(nth(layer.params, 0))) continue;
    layer.bottoms.forEach((blob, i) => {
      const dead = zero.has(blob.id) && layer.type.blocksAtZero?.(layer.context);
      if (!layer.blocked[i] && !dead) moving.add(blob.id);
    });
  }
  return moving;
}
