/** What layers say and their rules do not read: fields of forks, blocks of other types, fields that Caffe passes over too. */

import type { Diagnostic } from '../diagnostics/index.js';
import { isBuiltIn, type LayerCatalogue, type LayerType } from '../layers/index.js';
import { isSet, type LayerParameter, noEffect, withoutEffect } from '../schema/index.js';
import { readsBlock } from './param_fields.js';

/** What no rule of built-in layers knows; what registered ones read of a fork's, nobody knows here. */
export function foreignInLayers(layers: readonly LayerParameter[], catalogue: LayerCatalogue): Diagnostic[] {
  return layers.flatMap(layer => {
    const type = catalogue.get(layer.type);
    return type && isBuiltIn(type) ? withoutEffect(layer, calledOf(layer), layer.name) : [];
  });
}

/** Blocks that a layer's type does not read, and fields that it passes over. A registered type says what it reads by `paramFields`. */
export function unreadInLayers(layers: readonly LayerParameter[], catalogue: LayerCatalogue): Diagnostic[] {
  return layers.flatMap(layer => {
    const type = catalogue.get(layer.type);
    return type && (isBuiltIn(type) || type.paramFields) ? unread(layer, type, catalogue) : [];
  });
}

const calledOf = ({ name, type }: LayerParameter) => `Layer "${name}" (${type})`;

function unread(layer: LayerParameter, type: LayerType, catalogue: LayerCatalogue): Diagnostic[] {
  const told = (message: object, field: string, hint: string) =>
    noEffect(message, field, calledOf(layer), { layer: layer.name, hint });
  return Object.entries(layer).flatMap(([name, block]: [string, object | null]) => {
    if (!name.endsWith('_param') || !block) return [];
    if (!readsBlock(type, name)) return told(layer, name, ownersOf(name, catalogue));
    return Object.entries(type.unheededFields ?? {}).flatMap(([path, why]) => {
      const [of, field] = path.split('.') as [string, string];
      const hint = `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
      return of === name && isSet(block as Record<string, unknown>, field) ? told(block, field, hint) : [];
    });
  });
}

function ownersOf(block: string, catalogue: LayerCatalogue): string {
  const types = [...catalogue.types.values()].filter(t => readsBlock(t, block)).map(t => t.type);
  return `It is read by ${types.length > 0 ? types.slice(0, 3).join(', ') : 'no layer type here'}: take it out.`;
}
