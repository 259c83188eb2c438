/** Collects what the passes find wrong, each with its place in the text. */

import { type Diagnostic, error, type Severity } from '../diagnostics/index.js';
import { locate } from '../schema/index.js';

export interface At {
  /** The message this is about, and the field in it (with the index of an entry). */
  readonly message?: object | undefined;
  readonly field?: string | undefined;
  readonly index?: number | undefined;
}

type More = Omit<Partial<Diagnostic>, 'code' | 'message' | 'location' | 'severity'>;

export class Report {
  readonly diagnostics: Diagnostic[] = [];

  add(severity: Severity, code: string, message: string, at: At = {}, more: More = {}): void {
    const location = placeOf(at);
    this.diagnostics.push({ ...error(code, message, more), severity, ...(location && { location }) });
  }

  error(code: string, message: string, at?: At, more?: More): void {
    this.add('error', code, message, at, more);
  }
}

/** The narrowest known place: the entry, else the field, else the message. */
export function placeOf({ message, field, index }: At): Diagnostic['location'] {
  if (!message) return undefined;
  const exact = field === undefined ? undefined : locate(message, field, index);
  return exact ?? locate(message);
}
