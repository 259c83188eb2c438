/** Every layer type again under another name, as a program would register its own. */

import { defaultCatalogue, LayerCatalogue, type LayerType } from '../../src/layers/index.js';
import { paramFields } from '../../src/net/index.js';

const PREFIX = 'Twin';

const own = [...defaultCatalogue().types.values()];

function twin(type: LayerType): LayerType {
  const named = { paramFields: paramFields(type) };
  const applies = type.applies && { ...type.applies, layer: PREFIX + type.applies.layer };
  return { ...type, ...named, ...(applies && { applies }), type: PREFIX + type.type };
}

/** The twins alone: a net of them finds no built-in type. */
export const twins = new LayerCatalogue(own.map(twin));

/** The same net, every layer of a known type being its twin. */
export function withTwins(text: string): string {
  return text.replace(/(\btype\s*:?\s*)"(\w+)"/g, (whole, head: string, name: string) =>
    defaultCatalogue().get(name) ? `${head}"${PREFIX}${name}"` : whole,
  );
}

/** What is said of twins, as it would be said of the types themselves. */
export function untwinned(text: string): string {
  return text.replace(new RegExp(`\\b${PREFIX}(?=[A-Z])`, 'g'), '');
}
