/** Prints a diagnostic for people: a headline, the lines of source around it with a caret, the hint. */

import type { Diagnostic, Location, Severity } from './diagnostic.js';
import { visible } from './visible.js';

/** How to paint each part; the identity paints nothing (files, tests). */
export interface Paint {
  severity(text: string, severity: Severity): string;
  dim(text: string): string;
  bold(text: string): string;
}

export const plainPaint: Paint = { severity: t => t, dim: t => t, bold: t => t };

const CONTEXT_LINES = 2;
const MAX_LINE = 160;

/** The whole diagnostic as text of several lines, without a newline at its end. */
export function formatDiagnostic(d: Diagnostic, paint: Paint = plainPaint): string {
  const out: string[] = [
    `${paint.severity(d.severity, d.severity)}${paint.dim(`[${d.code}]`)}: ${paint.bold(visible(d.message))}`,
  ];
  if (d.location) out.push(codeFrame(d.location, paint));
  for (const r of d.related ?? [])
    out.push(`  ${paint.severity('note', 'note')}: ${visible(r.message)}`, codeFrame(r.location, paint, 0));
  if (d.trace) out.push(...d.trace.split('\n').map(line => `  ${paint.dim('|')} ${visible(line)}`));
  if (d.shapes) out.push(`  ${paint.dim('shapes:')}`, ...d.shapes.map(line => `    ${visible(line)}`));
  if (d.hint) out.push(`  ${paint.severity('help', 'note')}: ${visible(d.hint)}`);
  const by = d.fix?.unsafe ? 'by hand or in an editor, if it is what you mean' : 'mokapot check --fix';
  if (d.fix) out.push(`  ${paint.severity('fix', 'note')}: ${visible(d.fix.title)} (${by})`);
  return out.join('\n');
}

/** `--> file:line:column` and the source lines around the range, its first line underlined. */
export function codeFrame(location: Location, paint: Paint = plainPaint, context = CONTEXT_LINES): string {
  const { source, range } = location;
  const lines = source.text.split(/\r\n|\n|\r/);
  const first = Math.max(1, range.start.line - context);
  const last = Math.min(lines.length, range.start.line + (context ? 1 : 0));
  const width = String(last).length;
  const out = [`  ${paint.dim('-->')} ${visible(source.name)}:${range.start.line}:${range.start.column}`];
  for (let n = first; n <= last; n++) {
    const full = (lines[n - 1] ?? '').replace(/\t/g, ' ');
    // A line of megabytes is shown as the part around the mark.
    const from = n === range.start.line && range.start.column > MAX_LINE - 40 ? range.start.column - 60 : 0;
    const text = full.slice(from, from + MAX_LINE);
    out.push(`  ${paint.dim(`${String(n).padStart(width)} |`)} ${visible(text)}`);
    if (n !== range.start.line) continue;
    const endColumn = range.end.line === range.start.line ? range.end.column : full.length + 1;
    const start = range.start.column - 1 - from;
    const marked = text.slice(start, start + endColumn - range.start.column);
    const carets = '^'.repeat(Math.max(1, visible(marked).length));
    const before = ' '.repeat(visible(text.slice(0, start)).length);
    out.push(`  ${paint.dim(`${' '.repeat(width)} |`)} ${before}${paint.severity(carets, 'error')}`);
  }
  return out.join('\n');
}
