/** What a fork's schema lets a text say and nothing in Mokapot reads: told, so that it is not taken for done. */

import { type Diagnostic, error } from '../diagnostics/index.js';
import { defaultCatalogue, isBuiltIn, type LayerCatalogue } from '../layers/index.js';
import { foreignFields, forkField, type LayerParameter, locate, typeOf } from '../schema/index.js';

/** Fields of built-in layers that no rule reads, as warnings; enum values that no rule knows, as errors. */
export function layersWithoutEffect(
  layers: readonly LayerParameter[],
  catalogue: LayerCatalogue = defaultCatalogue(),
): Diagnostic[] {
  return layers.flatMap(layer => {
    const type = catalogue.get(layer.type);
    return type && isBuiltIn(type) ? withoutEffect(layer, `Layer "${layer.name}" (${layer.type})`, layer.name) : [];
  });
}

/** An enum that chooses how a layer is computed, and changes no result. */
const CHOOSES_NOTHING: ReadonlySet<string> = new Set(['engine']);

/**
 * The same of any message but a net's layers.
 *
 * @param whose what messages call it: `The solver`
 */
export function withoutEffect(message: object, whose: string, layer?: string): Diagnostic[] {
  return foreignFields(message).map(({ message: inner, field, value }) => {
    const location = locate(inner, field);
    const more = { ...(layer !== undefined && { layer }), ...(location && { location }) };
    if (value !== undefined && !CHOOSES_NOTHING.has(field)) {
      return error(
        'unsupported-value',
        `${whose} has ${field}: ${value}, which the schema allows and Mokapot does not know.`,
        {
          ...more,
          hint: "It is a fork's: write one of Caffe's values.",
        },
      );
    }
    const shown = value === undefined ? field : `${field}: ${value}`;
    const fork = forkField(typeOf(inner).name, field);
    return error('no-effect', `${whose} has ${shown}, which is read and has no effect: nothing in Mokapot uses it.`, {
      ...more,
      severity: 'warning',
      hint: fork?.hint ?? "It is a fork's: take it out, or do not count on it.",
    });
  });
}
