/** Applies the fixes of diagnostics to a text. */

import type { Diagnostic, Fix, TextEdit } from './diagnostic.js';

/** A text after fixes, and which of them were applied. */
export interface Fixed {
  /** The text after them. */
  readonly text: string;
  /** In the order of the diagnostics. */
  readonly applied: readonly Fix[];
  /** Those left alone as they would change what the net computes. */
  readonly refused: readonly Fix[];
}

/**
 * Applies every safe fix of the diagnostics about the source called `name`, in their order; one that touches what an earlier
 * one changes is left for another turn. A fix is applied whole or not at all.
 */
export function applyFixes(text: string, name: string, diagnostics: readonly Diagnostic[]): Fixed {
  const applied: Fix[] = [];
  const refused: Fix[] = [];
  const taken: TextEdit[] = [];
  for (const { fix, location } of diagnostics) {
    if (!fix || location?.source.name !== name) continue;
    if (fix.unsafe) {
      refused.push(fix);
      continue;
    }
    if (fix.edits.some(edit => taken.some(other => touch(edit, other)))) continue;
    applied.push(fix);
    taken.push(...fix.edits);
  }
  const last = taken.toSorted((a, b) => b.range.start.offset - a.range.start.offset);
  const edited = last.reduce((t, e) => t.slice(0, e.range.start.offset) + e.text + t.slice(e.range.end.offset), text);
  return { text: edited, applied, refused };
}

/** Whether two edits overlap or stand at the same place. */
function touch({ range: a }: TextEdit, { range: b }: TextEdit): boolean {
  return a.start.offset <= b.end.offset && b.start.offset <= a.end.offset;
}
