/** Reads what `param_str` says: JSON, or a Python dictionary of plain values, as published layers are given. */

import { nearest } from '../../diagnostics/index.js';
import { HostFailure } from '../host/host_layer.js';

/** A message about `param_str`. */
export function badOption(message: string, hint?: string): HostFailure {
  return new HostFailure('python-layer', message, { hint });
}

/**
 * The options with their defaults.
 *
 * @throws HostFailure where the text is no dictionary, or has a name that `defaults` lacks
 */
export function readOptions<T extends object>(text: string, defaults: T): T {
  const given = text.trim() === '' ? {} : parse(text);
  const names = Object.keys(defaults);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    throw badOption(
      `param_str has no option "${name}"`,
      near ? `Did you mean "${near}"?` : `Its options: ${names.join(', ')}.`,
    );
  }
  return { ...defaults, ...given };
}

function parse(text: string): Record<string, unknown> {
  const asJson = text
    .replace(/'/g, '"')
    .replace(/\bTrue\b/g, 'true')
    .replace(/\bFalse\b/g, 'false')
    .replace(/\bNone\b/g, 'null')
    .replace(/,\s*([}\]])/g, '$1');
  for (const candidate of [text, asJson]) {
    try {
      const value: unknown = JSON.parse(candidate);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    } catch {
      // The other reading may do.
    }
  }
  throw badOption(`param_str is no dictionary: ${text}`, 'Write JSON, e.g. param_str: \'{"ignore_label": 255}\'.');
}

/** @throws HostFailure */
export function checkNumber(name: string, value: unknown, least = Number.NEGATIVE_INFINITY): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return;
  const need = Number.isFinite(least) ? `a number of at least ${least}` : 'a number';
  throw badOption(`param_str: ${name} is ${JSON.stringify(value)}, and must be ${need}`);
}

/** @throws HostFailure */
export function checkChoice(name: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  const list = choices.map(c => JSON.stringify(c)).join(', ');
  throw badOption(`param_str: ${name} is ${JSON.stringify(value)}, and must be one of ${list}`);
}

/** Weights of at least 0, one for each class and not all 0. @throws HostFailure */
export function checkWeights(name: string, value: unknown, classes: number): void {
  const fits = Array.isArray(value) && value.length === classes && value.every(w => Number.isFinite(w) && w >= 0);
  if (fits && value.some(w => w > 0)) return;
  throw badOption(
    `param_str: ${name} is ${JSON.stringify(value)}, and must be a list of ${classes} weights of at least 0, one for each class, not all 0`,
  );
}
