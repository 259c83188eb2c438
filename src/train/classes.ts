/** Whether a net can tell as many classes as the data set in use has. */

import type { Manifest } from '../data/index.js';
import { fail } from '../diagnostics/index.js';
import type { NetGraph } from '../net/index.js';

/**
 * Throws where scores read against the data set's labels have fewer channels than the data set has classes: Caffe reads
 * past the end of the scores there, and the figures would be nonsense.
 */
export function checkClasses(net: NetGraph, { classes, name }: Manifest): void {
  for (const layer of net.layers) {
    const { classLabels } = layer.type;
    const [scores, label] = layer.bottoms;
    if (!classLabels || !label?.name.startsWith('label')) continue;
    const channels = scores!.shape.at(classLabels.axis(layer.context.param));
    if (channels === undefined || channels >= classes.length) continue;
    const message = `Layer "${layer.name}" has scores for ${channels} class${channels === 1 ? '' : 'es'} ("${scores!.name}"), and the data set ${name} has ${classes.length}: ${classes.join(', ')}.`;
    throw fail('too-few-scores', message, {
      layer: layer.name,
      hint: `Give the layer that makes the scores num_output: ${classes.length} (and what upsamples them num_output and group).`,
    });
  }
}
