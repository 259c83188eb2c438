/** How a blob got its shape: the layers from the inputs to it, each with the numbers of its rule. */

import { showShape } from '../ir/index.js';
import type { DescribedLayer, Description } from '../net/index.js';

/**
 * A line per layer between the inputs and the blob, in the net's order. Splits are left out.
 *
 * @param until stops at the layer of this name (the last that makes the blob, by default)
 */
export function shapeStory(net: Description, blob: string, until?: string): string {
  const all = net.layers;
  const end =
    until === undefined ? all.findLastIndex(l => l.tops.includes(blob)) : all.findIndex(l => l.name === until);
  const needed = new Set([blob, ...(all[end]?.bottoms ?? [])]);
  const lines: string[] = [];
  for (const layer of all.slice(0, end + 1).toReversed()) {
    if (!layer.tops.some(top => needed.has(top)) && layer !== all[end]) continue;
    for (const bottom of layer.bottoms) needed.add(bottom);
    if (!layer.isSplit) lines.unshift(`  ${line(net, layer)}`);
  }
  return lines.join('\n');
}

function line(net: Description, layer: DescribedLayer): string {
  const bottoms = layer.bottoms
    .map((name, i) => `${original(net, name)} ${showShape(layer.bottomShapes[i]!)}`)
    .join(', ');
  const tops = layer.tops.map((name, i) => `${name} ${showShape(layer.topShapes[i]!)}`).join(', ');
  const rule = layer.rule ? `   ${layer.rule}` : '';
  return `${layer.name} (${layer.type}): ${bottoms ? `${bottoms} → ` : ''}${tops}${rule}`;
}

/** A Split's top goes by the name of the blob it is. */
function original(net: Description, name: string): string {
  const split = net.layers.find(l => l.isSplit && l.tops.includes(name));
  return split ? original(net, split.bottoms[0]!) : name;
}
