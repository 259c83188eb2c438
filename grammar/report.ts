/** Gathers what is wrong with a text, one diagnostic for one mistake. */

import { type Diagnostic, error, type Fix } from '../src/diagnostics/index.js';
import type { Lines, Span } from './syntax.js';
import type { LexicalError } from './tokens.js';

export class Report {
  readonly diagnostics: Diagnostic[] = [];
  /** Where the tokens of a line are faulty, what follows on it tells nothing new. */
  readonly #faulty = new Map<number, number>();

  constructor(readonly lines: Lines) {}

  lexical(e: LexicalError): void {
    const line = this.lines.line(e.start);
    if (this.#faulty.has(line)) return;
    this.#faulty.set(line, e.start);
    const fix =
      e.replacement === undefined
        ? undefined
        : this.fix(`Write ${e.replacement === ' ' ? 'a space' : e.replacement}.`, e, e.replacement);
    this.add(e.code, e.message, e, { hint: e.hint, fix });
  }

  /** From here on to the end of the line nothing more is worth telling. */
  mark(offset: number): void {
    const line = this.lines.line(offset);
    if (!this.#faulty.has(line)) this.#faulty.set(line, offset);
  }

  /** Whether a fault was already told before this place on its line. */
  excused(offset: number): boolean {
    if (this.#faulty.size === 0) return false;
    const from = this.#faulty.get(this.lines.line(offset));
    return from !== undefined && from <= offset;
  }

  /** Adds an error unless a faulty token before it on the line explains it. */
  syntax(code: string, message: string, span: Span, more: Partial<Diagnostic> = {}): void {
    if (!this.excused(span.start)) this.add(code, message, span, more);
  }

  add(code: string, message: string, span: Span, more: Partial<Diagnostic> = {}): void {
    this.diagnostics.push(error(code, message, { location: this.lines.location(span), ...more }));
  }

  fix(title: string, span: Span, text: string): Fix {
    return { title, edits: [{ range: this.lines.range(span), text }] };
  }
}
