/**
 * What Mokapot says when something is wrong or worth knowing: one type, from the tokenizer to the trainer.
 * The terminal prints a diagnostic with a code frame, an editor underlines its range.
 */

/** A place in a text: 0-based UTF-16 offset, 1-based line and column. */
export interface Position {
  /** 0-based, in UTF-16 code units. */
  readonly offset: number;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 code units. */
  readonly column: number;
}

/** From `start` up to, and without, `end`. */
export interface Range {
  /** The first place in it. */
  readonly start: Position;
  /** The first place behind it. */
  readonly end: Position;
}

/** A text with the name people know it by (a file's path, or `<text>`). */
export interface Source {
  /** A path, or a name in angle brackets. */
  readonly name: string;
  /** The whole text. */
  readonly text: string;
}

/** A range in a source. */
export interface Location {
  /** The text. */
  readonly source: Source;
  /** Where in it. */
  readonly range: Range;
}

/** `error`: it cannot run; `warning`: it runs, and likely not as meant; `note`: worth knowing. */
export type Severity = 'error' | 'warning' | 'note';

/** Replace `range` of the diagnostic's source by `text`. */
export interface TextEdit {
  /** What is replaced. */
  readonly range: Range;
  /** What stands there then. */
  readonly text: string;
}

/** A mend of what the diagnostic says: all of its edits, or none. */
export interface Fix {
  /** What it does, in words. */
  readonly title: string;
  /** They do not overlap. */
  readonly edits: readonly TextEdit[];
  /** Something else may have been meant: an editor offers it, `mokapot check --fix` leaves it alone. */
  readonly unsafe?: true;
}

/** What is wrong or worth knowing: a code for programs, a sentence for people, where, and what helps. */
export interface Diagnostic {
  /** Stable kebab-case name, e.g. `unknown-field`. */
  readonly code: string;
  /** Whether it can run all the same. */
  readonly severity: Severity;
  /** What is wrong, in one sentence; names the layer and blob where there is one. */
  readonly message: string;
  /** Where; absent for what is of no text. */
  readonly location?: Location;
  /** The layer this is about. */
  readonly layer?: string;
  /** How to mend it, and why it is so. */
  readonly hint?: string;
  /** A change of the text that mends it. */
  readonly fix?: Fix;
  /** What user code's own language says of where it failed: several lines. */
  readonly trace?: string;
  /** How the shapes that do not fit came about: a line a layer, from the input on. */
  readonly shapes?: readonly string[];
  /** Related places. */
  readonly related?: readonly { readonly message: string; readonly location: Location }[];
}

/** Thrown where a call cannot go on; carries every diagnostic found so far. Its message is for people. */
export class MokapotError extends Error {
  /** `MokapotError`, also where two copies of the package are loaded. */
  override readonly name = 'MokapotError';
  /** All that was found, errors and others, in the order of the text. */
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

/** Whether one of them is an error. */
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
