/**
 * Predictions and targets have one shape, not only as many numbers: Caffe compares them number by number in the order of
 * memory, so that 32×16 labels pass for 16×32 scores.
 */

import { nth } from '../../diagnostics/index.js';
import { type Shape, showShape, sizeOf } from '../../ir/index.js';
import type { NetLayer } from '../types.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { classAxis } from './walk.js';

const euclidean = (
  h: number,
  w: number,
) => `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 dim: 16 dim: 32 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 dim: 1 dim: ${h} dim: ${w} } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "label" top: "loss" }
`;

export const labelShapeDoc = (): CheckDoc => ({
  doc: 'Scores and labels have the same height and width.',
  cure: 'Caffe only compares how many numbers there are: height and width swapped, or axes folded otherwise, train on nonsense. Bring both to one shape.',
  example: { wrong: euclidean(32, 16), right: euclidean(16, 32) },
});

export const labelShape: CheckRule = {
  code: 'label-shape',
  run: graph =>
    graph.layers.flatMap(layer => {
      const wanted = expected(layer);
      const given = layer.bottoms[1]?.shape;
      if (!wanted || !given || sizeOf(wanted) !== sizeOf(given) || alike(wanted, given)) return [];
      const [x, label] = layer.context.param.bottom;
      return about(
        layer,
        'label-shape',
        `Layer "${layer.name}" (${layer.type.type}) compares "${x}" ${showShape(nth(layer.bottoms, 0).shape)} with "${label}" ${showShape(given)}: as many numbers, but of another shape.`,
        {
          field: 'bottom',
          index: 1,
          hint: `They are compared in the order of memory. Bring "${label}" to ${showShape(wanted)}.`,
        },
      );
    }),
};

function expected(layer: NetLayer): Shape | undefined {
  const shape = layer.bottoms[0]?.shape;
  if (!shape || layer.type.comparesElements) return shape;
  const axis = classAxis(layer);
  return axis === undefined ? undefined : shape.map((d, i) => (i === axis ? 1 : d));
}

/** The same axes, those of 1 left out. */
function alike(a: Shape, b: Shape): boolean {
  const [x, y] = [a, b].map(s => s.filter(d => d !== 1));
  return x!.length === y!.length && x!.every((d, i) => d === y![i]);
}
