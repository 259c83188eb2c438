/** Whether a net can tell as many classes as the data set in use has. */

import type { Manifest } from '../data/index.js';
import { fail } from '../diagnostics/index.js';
import type { Description } from '../net/index.js';

const READS_LABELS: ReadonlySet<string> = new Set(['SoftmaxWithLoss', 'Accuracy']);

/**
 * Throws where scores read against the data set's labels have fewer channels than the data set has classes: Caffe reads
 * past the end of the scores there, and the figures would be nonsense.
 */
export function checkClasses(net: Description, { classes, name }: Manifest): void {
  for (const layer of net.layers) {
    if (!READS_LABELS.has(layer.type) || !layer.bottoms[1]?.startsWith('label')) continue;
    const channels = layer.bottomShapes[0]?.[1];
    if (channels === undefined || channels >= classes.length) continue;
    const message = `Layer "${layer.name}" has scores for ${channels} class${channels === 1 ? '' : 'es'} ("${layer.bottoms[0]}"), and the data set ${name} has ${classes.length}: ${classes.join(', ')}.`;
    throw fail('too-few-scores', message, {
      layer: layer.name,
      hint: `Give the layer that makes the scores num_output: ${classes.length} (and what upsamples them num_output and group).`,
    });
  }
}
