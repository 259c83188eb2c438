/** Layers have different names: trained weights find their layer by name, and only the last of that name gets them. */

import { error } from '../../diagnostics/index.js';
import { placeOf } from '../report.js';
import type { NetLayer } from '../types.js';
import type { CheckDoc, CheckRule } from './check.js';
import { PIXELS } from './examples.js';

const two = (name: string) => `layer {
  name: "conv" type: "Convolution" bottom: "data" top: "a"
  convolution_param { num_output: 4 kernel_size: 3 }
}
layer {
  name: "${name}" type: "Convolution" bottom: "a" top: "b"
  convolution_param { num_output: 4 kernel_size: 3 }
}
`;

export const duplicateNamesDoc = (): CheckDoc => ({
  doc: 'Layers of one net have different names.',
  cure: 'Trained weights find their layer by its name, so that only one of the two gets them. Give each layer a name of its own.',
  example: { head: PIXELS, wrong: two('conv'), right: two('conv2') },
});

export const duplicateNames: CheckRule = {
  code: 'duplicate-layer-name',
  run(graph) {
    const seen = new Map<string, NetLayer>();
    return graph.layers.flatMap(layer => {
      const before = seen.get(layer.name);
      seen.set(layer.name, layer);
      // Sources are left out: DIGITS' networks like to name "data" and "label" layers alike, and they hold no weights.
      if (!before || layer.type.isSource || before.type.isSource) return [];
      const weights = layer.params.length > 0 || before.params.length > 0;
      const first = placeOf({ message: before.context.param, field: 'name' });
      return error(
        'duplicate-layer-name',
        `Two layers are named "${layer.name}" (${before.type.type} and ${layer.type.type}).`,
        {
          severity: weights ? 'warning' : 'note',
          layer: layer.name,
          location: placeOf({ message: layer.context.param, field: 'name' }),
          hint: 'Trained weights are matched by layer name: give each layer its own.',
          ...(first && { related: [{ message: 'the first of that name', location: first }] }),
        },
      );
    });
  },
};
