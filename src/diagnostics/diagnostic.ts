/**
 * What Mokapot says when something is wrong or worth knowing: one type, from the tokenizer to the trainer.
 * The terminal prints a diagnostic with a code frame, an editor underlines its range.
 */

/** A place in a text: 0-based UTF-16 offset, 1-based line and column. */
export interface Position {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** From `start` up to, and without, `end`. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** A text with the name people know it by (a file's path, or `<text>`). */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** A range in a source. */
export interface Location {
  readonly source: Source;
  readonly range: Range;
}

export type Severity = 'error' | 'warning' | 'note';

/** Replace `range` of the diagnostic's source by `text`. */
export interface TextEdit {
  readonly range: Range;
  readonly text: string;
}

/** A mend of what the diagnostic says: all of its edits, or none. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly TextEdit[];
  /** Something else may have been meant: an editor offers it, `mokapot check --fix` leaves it alone. */
  readonly unsafe?: true;
}

export interface Diagnostic {
  /** Stable kebab-case name, e.g. `unknown-field`. */
  readonly code: string;
  readonly severity: Severity;
  /** What is wrong, in one sentence; names the layer and blob where there is one. */
  readonly message: string;
  readonly location?: Location;
  /** The layer this is about. */
  readonly layer?: string;
  /** How to mend it, and why it is so. */
  readonly hint?: string;
  readonly fix?: Fix;
  /** What user code's own language says of where it failed: several lines. */
  readonly trace?: string;
  /** How the shapes that do not fit came about: a line a layer, from the input on. */
  readonly shapes?: readonly string[];
  /** Other places that belong to the story. */
  readonly related?: readonly { readonly message: string; readonly location: Location }[];
}

/** Thrown where a call cannot go on; carries every diagnostic found so far. Its message is for people. */
export class MokapotError extends Error {
  override readonly name = 'MokapotError';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: Diagnostic | readonly Diagnostic[], options?: ErrorOptions) {
    const list = Array.isArray(diagnostics) ? (diagnostics as readonly Diagnostic[]) : [diagnostics as Diagnostic];
    super(list.map(formatPlain).join('\n'), options);
    this.diagnostics = list;
  }
}

/** An error diagnostic, the usual case, in one line. */
export function error(
  code: string,
  message: string,
  more: Omit<Partial<Diagnostic>, 'code' | 'message'> = {},
): Diagnostic {
  return { code, severity: 'error', message: clip(message), ...more };
}

/** A name of megabytes is no message for people. */
const LONGEST = 2000;

function clip(message: string): string {
  return message.length <= LONGEST ? message : `${message.slice(0, LONGEST / 2)} … ${message.slice(-200)}`;
}

/** `throw fail(...)`: a MokapotError of one error diagnostic. */
export function fail(
  code: string,
  message: string,
  more: Omit<Partial<Diagnostic>, 'code' | 'message'> = {},
): MokapotError {
  return new MokapotError(error(code, message, more));
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(d => d.severity === 'error');
}

/** `file:line:column: message (hint)` on one line, for logs and `Error.message`. */
export function formatPlain(d: Diagnostic): string {
  const at = d.location
    ? `${d.location.source.name}:${d.location.range.start.line}:${d.location.range.start.column}: `
    : '';
  return `${at}${d.message}${d.hint ? ` ${d.hint}` : ''}`;
}
