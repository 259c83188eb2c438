/** What entries a net seems made for, where nobody names a data set: as its own Input layer (DIGITS' stage "deploy") says. */

import type { Shape } from '../ir/index.js';
import type { LayerCatalogue } from '../layers/index.js';
import { type NetParameter, sub } from '../schema/index.js';
import { isDataLayer, isInputLayer } from './inputs.js';

/**
 * Entry shapes for Data layers: `data` as an Input layer of the same name has it in any stage, `label` of the same height
 * and width in one channel, or a single number where one layer makes both. Undefined where no Input layer tells.
 */
export function declaredEntries(
  net: NetParameter,
  catalogue?: LayerCatalogue,
): Readonly<Record<string, Shape>> | undefined {
  const input = net.layer.find(l => isInputLayer(l, catalogue) && l.top.includes('data'));
  const dims = input && sub(input, 'input_param').shape[0]?.dim.map(Number);
  return dims?.length === 4 ? entriesFor(net, dims.slice(1), catalogue) : undefined;
}

/** The same for `data` of a given shape [C, H, W]. */
export function entriesFor(
  net: NetParameter,
  data: Shape,
  catalogue?: LayerCatalogue,
): Readonly<Record<string, Shape>> {
  const scalarLabel = net.layer.some(l => isDataLayer(l, catalogue) && l.top.length > 1);
  return scalarLabel ? { data } : { data, label: [1, ...data.slice(1)] };
}
