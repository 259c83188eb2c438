/** One mistake, one diagnostic: what the compiler finds only because the parser could not read something is left out. */

import type { Diagnostic, Range } from '../diagnostics/index.js';
import { locate, type NetParameter } from '../schema/index.js';

/** Errors that a lost or half-read layer causes elsewhere. */
const CAUSED_ELSEWHERE: ReadonlySet<string> = new Set(['unknown-blob', 'empty-net', 'no-data-set']);

/** The compiler's diagnostics without those that may follow from the parser's errors. */
export function withoutEchoes(
  net: NetParameter,
  parsed: readonly Diagnostic[],
  compiled: readonly Diagnostic[],
): readonly Diagnostic[] {
  const errors = parsed.filter(d => d.severity === 'error');
  if (errors.length === 0) return compiled;
  const damaged = net.layer
    .flatMap(layer => locate(layer)?.range ?? [])
    .filter(range => errors.some(d => d.location && holds(range, d.location.range)));
  return compiled.filter(({ code, severity, location }) => {
    if (severity !== 'error') return true;
    return !CAUSED_ELSEWHERE.has(code) && !(location && damaged.some(range => holds(range, location.range)));
  });
}

function holds(outer: Range, inner: Range): boolean {
  return outer.start.offset <= inner.start.offset && inner.start.offset <= outer.end.offset;
}
