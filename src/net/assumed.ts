/** What entries a net seems made for, where nobody names a data set: as its own Input layer (DIGITS' stage "deploy") says. */

import type { Shape } from '../ir/index.js';
import { type NetParameter, sub } from '../schema/index.js';
import { isDataLayer } from './inputs.js';

/**
 * Entry shapes for Data layers: `data` as an Input layer of the same name has it in any stage, `label` of the same height
 * and width in one channel, or a single number where one layer makes both. Undefined where no Input layer tells.
 */
export function declaredEntries(net: NetParameter): Readonly<Record<string, Shape>> | undefined {
  const input = net.layer.find(l => l.type === 'Input' && l.top.includes('data'));
  const dims = input && sub(input, 'input_param').shape[0]?.dim.map(Number);
  return dims?.length === 4 ? entriesFor(net, dims.slice(1)) : undefined;
}

/** The same for `data` of a given shape [C, H, W]. */
export function entriesFor(net: NetParameter, data: Shape): Readonly<Record<string, Shape>> {
  const scalarLabel = net.layer.some(l => isDataLayer(l) && l.top.length > 1);
  return scalarLabel ? { data } : { data, label: [1, ...data.slice(1)] };
}
