/**
 * `mokapot fmt`: a text in one layout. It goes by the syntax tree, not by the message, so that nothing is lost: comments,
 * fields no schema knows, numbers as they were written. A block that stood on one line stays there where it fits; single
 * blank lines between fields stay, as they group what belongs together. Formatting what was formatted changes nothing.
 */

import {
  type Comment,
  type Lines,
  parseSyntax,
  type Span,
  type SyntaxField,
  type SyntaxList,
  type SyntaxScalar,
  type SyntaxValue,
  tokensOf,
} from '../../grammar/index.js';
import { error, hasErrors, MokapotError } from '../diagnostics/index.js';

/** Columns that a block on one line may take. */
const WIDTH = 120;
const STEP = '  ';
/** Deeper blocks are refused, as by the reader. */
const MAX_DEPTH = 1000;

/**
 * The text as it should be laid out.
 *
 * @param name what diagnostics call the text
 * @throws MokapotError where the text is broken: what is not understood is not moved about
 */
export function formatText(text: string, name = '<text>'): string {
  const { document, lines, diagnostics } = parseSyntax({ name, text });
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  const formatted = new Formatter(lines, document.comments).run(document.fields);
  if (essence(formatted) !== essence(text)) {
    throw new MokapotError(error('format-lost', `${name} would not be the same after formatting.`));
  }
  return formatted;
}

/** What a text says, whatever its layout: tokens without separators, and its comments. */
function essence(text: string): string {
  const { tokens, comments } = tokensOf(text);
  const plain = tokens.map(t => t.text).filter(t => !/^[,;:]$/.test(t));
  const braced = plain.map(t => (t === '<' ? '{' : t === '>' ? '}' : t));
  return [...braced, ...comments.map(c => c.text.trimEnd()).sort()].join('\n');
}

/** A field, an item of a list, or a comment between them. */
type Item = { readonly span: Span; readonly comment: Comment } | { readonly span: Span; readonly print: () => void };

class Formatter {
  readonly #text: string;
  readonly #out: string[] = [];

  constructor(
    readonly lines: Lines,
    readonly comments: readonly Comment[],
  ) {
    this.#text = lines.source.text;
  }

  run(fields: readonly SyntaxField[]): string {
    const whole = { start: 0, end: this.#text.length };
    this.#fields(fields, whole, 0);
    const newline = this.#text.includes('\r\n') ? '\r\n' : '\n';
    const mark = this.#text.startsWith('\ufeff') ? '\ufeff' : '';
    return mark + this.#out.map(line => line + newline).join('');
  }

  #fields(fields: readonly SyntaxField[], inside: Span, depth: number): void {
    if (depth > MAX_DEPTH) {
      const location = this.lines.location({ start: inside.start, end: inside.start + 1 });
      throw new MokapotError(error('too-deep', `Blocks are nested more than ${MAX_DEPTH} deep.`, { location }));
    }
    this.#items(
      fields.map(f => ({ span: f, print: () => this.#field(f, depth) })),
      inside,
      depth,
    );
  }

  /** One under the other, with the comments between them and the blank lines that group them. */
  #items(items: readonly Item[], inside: Span, depth: number): void {
    let next = 0;
    const between = this.#commentsIn(inside)
      .filter(c => {
        while (next < items.length && items[next]!.span.end <= c.start) next++;
        return !items[next] || c.start < items[next]!.span.start;
      })
      .map(comment => ({ span: comment, comment }));
    const all: Item[] = [...items, ...between].sort((a, b) => a.span.start - b.span.start);
    let before = inside.start;
    let first = true;
    for (const item of all) {
      const gap = this.#text.slice(before, item.span.start).split('\n').length - 1;
      before = item.span.end;
      if ('comment' in item && gap === 0 && this.#out.length > 0) {
        this.#out.push(`${this.#out.pop()}  ${item.comment.text.trimEnd()}`);
      } else {
        if (gap > 1 && !first) this.#out.push('');
        if ('comment' in item) this.#line(depth, item.comment.text.trimEnd());
        else item.print();
      }
      first = false;
    }
  }

  #line(depth: number, text: string): void {
    this.#out.push(STEP.repeat(depth) + text);
  }

  #field(field: SyntaxField, depth: number): void {
    const { value } = field;
    if (!value) return;
    const inner = value.kind === 'scalar' ? { start: value.end, end: value.end } : value;
    for (const c of this.#commentsIn(field)) {
      if (c.start < inner.start || c.start >= inner.end) this.#line(depth, c.text.trimEnd());
    }
    this.#value(value, nameOf(field), value.kind === 'message' ? ' ' : ': ', '', depth);
  }

  /** `head` with the value behind it, on one line where it stood on one and fits; `tail` behind all. */
  #value(value: SyntaxValue, head: string, between: string, tail: string, depth: number): void {
    const flat = this.#flat(value);
    if (flat !== undefined && STEP.length * depth + head.length + between.length + flat.length <= WIDTH) {
      this.#line(depth, head + between + flat + tail);
    } else if (value.kind === 'message') {
      this.#line(depth, `${head}${between}{`);
      this.#fields(value.fields, { start: value.start + 1, end: value.end - 1 }, depth + 1);
      this.#line(depth, `}${tail}`);
    } else if (value.kind === 'list') {
      this.#line(depth, `${head}${between}[`);
      this.#listItems(value, depth + 1);
      this.#line(depth, `]${tail}`);
    } else this.#scalarLines(value, head + between, tail, depth);
  }

  #listItems(list: SyntaxList, depth: number): void {
    const items = list.items.map((value, i) => {
      const comma = i < list.items.length - 1 ? ',' : '';
      // The comma belongs to the item, so that a comment behind it does too.
      const next = list.items[i + 1];
      const at = next ? this.#commaAfter(value.end, next.start) : value.end;
      return { span: { start: value.start, end: at }, print: () => this.#value(value, '', '', comma, depth) };
    });
    this.#items(items, { start: list.start + 1, end: list.end - 1 }, depth);
  }

  /** Where the item's comma ends, if no comment stands before it. */
  #commaAfter(from: number, to: number): number {
    const comma = /^[ \t\r\n]*,/.exec(this.#text.slice(from, to));
    return comma ? from + comma[0].length : from;
  }

  /** Strings beside one another each on a line of their own; a scalar that is merely long as it is. */
  #scalarLines(value: SyntaxScalar, head: string, tail: string, depth: number): void {
    const pieces = this.#pieces(value);
    if (pieces.length === 1) {
      this.#line(depth, head + pieces[0]! + tail);
      return;
    }
    if (head !== '') this.#line(depth, head.trimEnd());
    pieces.forEach((piece, i) => {
      this.#line(head === '' ? depth : depth + 1, i === pieces.length - 1 ? piece + tail : piece);
    });
  }

  /** The value on one line; undefined where it stood on several or has comments in it. */
  #flat(value: SyntaxValue): string | undefined {
    if (value.kind === 'message' && value.fields.length === 0 && this.#commentsIn(value).length === 0) return '{}';
    if (this.#text.slice(value.start, value.end).includes('\n')) return undefined;
    if (value.end - value.start > 4 * WIDTH && value.kind !== 'scalar') return undefined;
    if (value.kind === 'scalar') return this.#pieces(value).join(' ');
    if (value.kind === 'list') {
      const items = value.items.map(item => this.#flat(item));
      return items.includes(undefined) ? undefined : `[${items.join(', ')}]`;
    }
    const fields = value.fields.map(f => this.#flatField(f));
    return fields.includes(undefined) ? undefined : `{ ${fields.join(' ')} }`;
  }

  #flatField(field: SyntaxField): string | undefined {
    const flat = field.value && this.#flat(field.value);
    return flat === undefined ? undefined : `${nameOf(field)}${field.value?.kind === 'message' ? '' : ':'} ${flat}`;
  }

  /** A scalar as written; strings beside one another are several pieces. */
  #pieces(value: SyntaxScalar): string[] {
    if (value.type !== 'string') return [`${value.negative ? '-' : ''}${value.text}`];
    return tokensOf(this.#text.slice(value.start, value.end)).tokens.map(t => t.text);
  }

  /** The comments within a span, by bisection. */
  #commentsIn({ start, end }: Span): Comment[] {
    const { comments } = this;
    let low = 0;
    let high = comments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comments[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    let to = low;
    while (to < comments.length && comments[to]!.end <= end) to++;
    return comments.slice(low, to);
  }
}

/** An extension's name without the blanks that may stand in its brackets. */
function nameOf(field: SyntaxField): string {
  return field.extension
    ? tokensOf(field.name)
        .tokens.map(t => t.text)
        .join('')
    : field.name;
}
