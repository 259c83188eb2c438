/** Fillers are those that Caffe has. It refuses others only when it fills, long after the text was read. */

import { nearest, nth } from '../../diagnostics/index.js';
import { setting } from '../../schema/index.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { PIXELS } from './examples.js';

/** The types of FillerParameter (filler.hpp). */
export const FILLERS: readonly string[] = [
  ...['constant', 'gaussian', 'uniform', 'xavier', 'msra', 'bilinear', 'positive_unitball'],
];

const conv = (filler: string) => `layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {
    num_output: 8
    kernel_size: 3
    weight_filler { type: "${filler}" }
  }
}
`;

export const unknownFillerDoc = (): CheckDoc => ({
  doc: 'The type of a filler is one that Caffe has.',
  cure: `There are ${FILLERS.join(', ')}, all in lower case.`,
  example: { head: PIXELS, wrong: conv('Xavier'), right: conv('xavier') },
});

export const unknownFiller: CheckRule = {
  code: 'unknown-filler',
  run: graph =>
    graph.layers.flatMap(layer =>
      layer.params.flatMap((index, i) => {
        const { declaration, layer: owner } = nth(graph.params, index);
        const { filler } = declaration;
        if (!filler || owner !== layer.name || FILLERS.includes(filler.type)) return [];
        const near = nearest(filler.type, FILLERS);
        const edits = near === undefined ? undefined : setting(filler, 'type', JSON.stringify(near));
        return about(
          layer,
          'unknown-filler',
          `There is no filler "${filler.type}" (parameter ${i} of layer "${layer.name}").`,
          {
            at: { message: filler, field: 'type' },
            severity: 'error',
            hint: `${near ? `Did you mean "${near}"? ` : ''}There are: ${FILLERS.join(', ')}.`,
            fix: fixOf(`Write "${near}".`, edits),
          },
        );
      }),
    ),
};
