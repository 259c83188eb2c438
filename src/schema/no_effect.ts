/** What a text says and nothing in Mokapot reads: told, so that it is not taken for done. */

import { type Diagnostic, error } from '../diagnostics/index.js';
import { foreignFields } from './foreign.js';
import { forkField } from './fork_fields.js';
import { locate } from './parse.js';
import { typeOf } from './schema.js';

/** An enum that chooses how a layer is computed, and changes no result. */
const CHOOSES_NOTHING: ReadonlySet<string> = new Set(['engine']);

/**
 * Fields of a message that no rule reads, as warnings; enum values that no rule knows, as errors.
 *
 * @param whose what messages call it: `The solver`
 */
export function withoutEffect(message: object, whose: string, layer?: string): Diagnostic[] {
  return foreignFields(message).map(({ message: inner, field, value }) => {
    if (value !== undefined && !CHOOSES_NOTHING.has(field)) {
      const location = locate(inner, field);
      const told = `${whose} has ${field}: ${value}, which the schema allows and Mokapot does not know.`;
      const hint = "It is a fork's: write one of Caffe's values.";
      return error('unsupported-value', told, {
        hint,
        ...(layer !== undefined && { layer }),
        ...(location && { location }),
      });
    }
    const fork = forkField(typeOf(inner).name, field);
    const hint = fork?.hint ?? "It is a fork's: take it out, or do not count on it.";
    return noEffect(inner, field, whose, { hint, ...(layer !== undefined && { layer }) }, value);
  });
}

/** The warning about one field of a message. */
export function noEffect(
  message: object,
  field: string,
  whose: string,
  more: Partial<Diagnostic>,
  value?: string,
): Diagnostic {
  const location = locate(message, field);
  const shown = value === undefined ? field : `${field}: ${value}`;
  return error('no-effect', `${whose} has ${shown}, which is read and has no effect: nothing in Mokapot uses it.`, {
    severity: 'warning',
    ...more,
    ...(location && { location }),
  });
}
