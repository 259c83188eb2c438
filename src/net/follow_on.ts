/** One mistake, one diagnostic: what the compiler finds only because the parser could not read something is left out. */

import type { Diagnostic } from '../diagnostics/index.js';
import { locate, type NetParameter } from '../schema/index.js';

/** Errors that a lost or half-read layer causes elsewhere. */
const CAUSED_ELSEWHERE: ReadonlySet<string> = new Set(['unknown-blob', 'data-phase', 'empty-net', 'no-data-set']);

/** The compiler's diagnostics without those that may follow from the parser's errors. */
export function withoutFollowOns(
  net: NetParameter,
  parsed: readonly Diagnostic[],
  compiled: readonly Diagnostic[],
): readonly Diagnostic[] {
  const errors = parsed.filter(d => d.severity === 'error');
  if (errors.length === 0) return compiled;
  const faults = errors.flatMap(d => d.location?.range.start.offset ?? []).toSorted((x, y) => x - y);
  const damaged = net.layer
    .flatMap(layer => locate(layer)?.range ?? [])
    .filter(({ start, end }) => (faults[firstFrom(faults, start.offset)] ?? Infinity) <= end.offset)
    .toSorted((x, y) => x.start.offset - y.start.offset);
  const starts = damaged.map(range => range.start.offset);
  return compiled.filter(({ code, severity, location }) => {
    if (severity !== 'error' || code === 'unknown-layer-type') return true;
    if (CAUSED_ELSEWHERE.has(code)) return false;
    const at = location?.range.start.offset;
    // Layers do not overlap: only the last that starts before the place can hold it.
    return at === undefined || !((damaged[firstFrom(starts, at + 1) - 1]?.end.offset ?? -1) >= at);
  });
}

/** What the parser found, without unknown fields of layers whose type is unknown: the type's message tells what they are of. */
export function withoutFieldsOfUnknownTypes(
  net: NetParameter,
  parsed: readonly Diagnostic[],
  compiled: readonly Diagnostic[],
): readonly Diagnostic[] {
  const told = new Set(compiled.filter(d => d.code === 'unknown-layer-type').map(d => d.layer));
  if (told.size === 0) return parsed;
  const types = new Set(net.layer.filter(l => told.has(l.name)).map(l => l.type));
  const ranges = net.layer.filter(l => types.has(l.type)).flatMap(l => locate(l)?.range ?? []);
  return parsed.filter(({ code, fix, location }) => {
    const at = location?.range.start.offset;
    if (code !== 'unknown-field' || fix || at === undefined) return true;
    return !ranges.some(({ start, end }) => start.offset <= at && at <= end.offset);
  });
}

/** The index of the first of these ascending numbers that is not below `least`. */
function firstFrom(numbers: readonly number[], least: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
