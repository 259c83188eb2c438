/** Labels that are pictures have to move with the pictures whose labels they are. */

import type { LayerParameter } from '../../schema/index.js';
import { picturesOf } from '../inputs.js';
import type { NetGraph, NetLayer } from '../types.js';
import { about, type CheckDoc, type CheckRule } from './check.js';
import { makerOf, unsplit } from './walk.js';

const layers = (label: string) => `layer {
  name: "pictures" type: "Data" top: "data" data_param { source: "train/features" batch_size: 4 }
  augment_param { rotation: 20 }
}
layer {
  name: "masks" type: "Data" top: "label" data_param { source: "train/labels" batch_size: 4 }${label}
}
layer {
  name: "score" type: "Convolution" bottom: "data" top: "score"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
`;

export const augmentLabelsDoc = (): CheckDoc => ({
  doc: 'Label pictures move with the pictures that are augmented.',
  cure: 'A layer that reads label pictures from a source of its own says whose they are by labels_of; it then turns, scales and cuts them alike. The data set in use needs none: its labels follow.',
  example: {
    wrong: layers(''),
    right: layers('\n  augment_param { labels_of: "pictures" }'),
    phase: 'TRAIN',
    given: 'a data set',
  },
});

export const augmentLabels: CheckRule = {
  code: 'augment-labels',
  run(graph) {
    const left = new Set(graph.layers.flatMap(layer => leftBehind(graph, layer) ?? []));
    return graph.layers.flatMap(layer => {
      const { param } = layer.context;
      const named = param.augment_param?.labels_of;
      const lead = graph.layers.find(l => l.name === named);
      if (named && !augments(lead)) {
        return about(
          layer,
          'augment-labels',
          `Layer "${layer.name}" gives labels of "${named}", which augments nothing.`,
          {
            field: 'augment_param.labels_of',
            severity: 'error',
            hint: 'Name the data layer of the pictures, which has the augment_param.',
          },
        );
      }
      if (!left.has(layer)) return [];
      const other = graph.layers.find(l => l !== layer && augments(l))!;
      const message = `Layer "${layer.name}" gives label pictures that stay as they are, while "${other.name}" moves the pictures.`;
      return about(layer, 'augment-labels', message, {
        severity: 'error',
        hint: `Say whose labels they are: augment_param { labels_of: "${other.name}" }.`,
      });
    });
  },
};

function augments(layer: NetLayer | undefined): boolean {
  return !!layer?.type.reads && !!layer.context.param.augment_param && !layer.context.param.augment_param.labels_of;
}

/** The data layer of a layer's label pictures that does not move them as others move the pictures. */
function leftBehind(graph: NetGraph, { type, bottoms }: NetLayer): NetLayer | undefined {
  const label = type.classLabels && bottoms[1];
  const source = label && makerOf(graph, label);
  if (!source?.type.reads || unsplit(graph, label!) !== source.tops[0] || !((label?.shape.at(-1) ?? 1) > 1))
    return undefined;
  const { param } = source.context;
  const layers = graph.layers.map(l => l.context.param);
  const readsDataset = (l: LayerParameter) =>
    graph.layers.find(g => g.context.param === l)?.type.reads?.readsDataset === true;
  if (param.augment_param || picturesOf(param, layers, readsDataset)) return undefined;
  return graph.layers.some(l => l !== source && augments(l)) ? source : undefined;
}
