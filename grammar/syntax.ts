/** The syntax tree of the protobuf text format: plain data, every node with its span, comments kept. */

import type { Location, Position, Range, Source } from '../src/diagnostics/index.js';

/** UTF-16 offsets into the source, `end` not included. Turn one into lines and columns with `Lines`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A whole text. Fields stand in source order; so do comments. */
export interface SyntaxDocument extends Span {
  readonly kind: 'document';
  readonly source: Source;
  readonly fields: SyntaxField[];
  readonly comments: Comment[];
}

/** From `#` to the end of its line, without the line break. */
export interface Comment extends Span {
  readonly kind: 'comment';
  readonly text: string;
}

/** `name: value`, `name { ... }`, `name: [ ... ]`, or `[extension.name]: value`. */
export interface SyntaxField {
  readonly kind: 'field';
  start: number;
  end: number;
  readonly name: string;
  readonly nameSpan: Span;
  /** The name stood in brackets: an extension or an Any. */
  readonly extension: boolean;
  colon: boolean;
  value: SyntaxValue | undefined;
  /** The text here was mended to be understood: what follows from it is not worth a second diagnostic. */
  broken: boolean;
}

export type SyntaxValue = SyntaxScalar | SyntaxMessage | SyntaxList;

/** One value. Adjacent strings are one scalar whose span holds them all. */
export interface SyntaxScalar extends Span {
  readonly kind: 'scalar';
  readonly type: 'identifier' | 'integer' | 'float' | 'string';
  /** As written, for a string what it means (see `strings.ts` for bytes that are no UTF-8); without the minus. */
  readonly text: string;
  readonly negative: boolean;
}

/** `{ ... }` or `< ... >`. */
export interface SyntaxMessage {
  readonly kind: 'message';
  readonly start: number;
  end: number;
  readonly fields: SyntaxField[];
  /** False where the closing brace was missing and its place had to be found. */
  closed: boolean;
}

/** `[ ... ]`. */
export interface SyntaxList {
  readonly kind: 'list';
  readonly start: number;
  end: number;
  readonly items: SyntaxValue[];
}

/** Where lines of a source begin; turns spans into ranges. */
export class Lines {
  readonly #starts: number[] = [0];

  constructor(readonly source: Source) {
    const { text } = source;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  /** 1-based line of an offset. */
  line(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  position(offset: number): Position {
    const line = this.line(offset);
    return { offset, line, column: offset - this.#starts[line - 1]! + 1 };
  }

  range(span: Span): Range {
    return { start: this.position(span.start), end: this.position(span.end) };
  }

  location(span: Span): Location {
    return { source: this.source, range: this.range(span) };
  }

  /** The blanks that open the line of `offset`. */
  indent(offset: number): string {
    const start = this.#starts[this.line(offset) - 1]!;
    let end = start;
    while (this.source.text[end] === ' ' || this.source.text[end] === '\t') end++;
    return this.source.text.slice(start, end);
  }

  /** Whether nothing but blanks stands before `offset` on its line. */
  opensLine(offset: number): boolean {
    return this.#starts[this.line(offset) - 1]! + this.indent(offset).length === offset;
  }

  /** The offset of the line break (or the end of text) that ends the line of `offset`. */
  lineEnd(offset: number): number {
    const next = this.source.text.indexOf('\n', offset);
    if (next < 0) return this.source.text.length;
    return this.source.text[next - 1] === '\r' && next > offset ? next - 1 : next;
  }
}
