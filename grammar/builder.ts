/** Builds the tree from the grammar's items, mends what is wrong on the way and says so once. */

import { EOF, type IToken, type TokenType } from './chevrotain.js';
import type { Report } from './report.js';
import { unescapeText } from './strings.js';
import {
  type Frame,
  looksClosed,
  type MissingBrace,
  type Pairing,
  pairBraces,
  type Scope,
  tellMissing,
} from './structure.js';
import type { Lines, Span, SyntaxField, SyntaxList, SyntaxMessage, SyntaxScalar } from './syntax.js';
import * as T from './tokens.js';

const isOpen = (token: IToken): boolean => token.tokenType === T.LBrace || token.tokenType === T.LAngle;
const isColon = (token: IToken): boolean => token.tokenType === T.Colon || token.tokenType === T.Equals;
const isString = (token: IToken): boolean => token.tokenType === T.StringLiteral || token.tokenType === T.CurlyString;
const isClose = (token: IToken): boolean => token.tokenType === T.RBrace || token.tokenType === T.RAngle;
const NUMBERS = new Set<TokenType>([T.Integer, T.Float, T.BadNumber]);
const spanOf = (token: IToken): Span => ({ start: token.startOffset, end: T.endOf(token) });

export class TreeBuilder {
  readonly root: SyntaxMessage;
  readonly #lines: Lines;
  readonly #stack: Frame[];
  readonly #stories: MissingBrace[] = [];
  #top: Frame;
  #pairing: Pairing | undefined;
  /** The block closed last: where a field of it follows, its brace came too early. */
  #closed: { frame: Frame; parent: Frame; token: IToken } | undefined;

  constructor(
    readonly tokens: readonly IToken[],
    readonly report: Report,
    scope: Scope | undefined,
  ) {
    this.#lines = report.lines;
    this.root = { kind: 'message', start: 0, end: report.lines.source.text.length, fields: [], closed: true };
    this.#top = { node: this.root, field: undefined, scope, open: undefined };
    this.#stack = [this.#top];
  }

  // ------------------------------------------------------------------ fields

  openField(name: IToken, next: IToken, afterNext: IToken): SyntaxField {
    const block = isOpen(next) || (isColon(next) && isOpen(afterNext));
    const list = next.tokenType === T.LBracket || (isColon(next) && afterNext.tokenType === T.LBracket);
    this.#place(name, list ? 'any' : block ? 'block' : 'value');
    return this.#add(name.image, spanOf(name), false);
  }

  openExtension(open: IToken, close: IToken | undefined, last: IToken): SyntaxField {
    if (!close) this.report.syntax('unclosed-bracket', 'This extension name has no closing "]".', spanOf(open));
    const span = { start: open.startOffset, end: T.endOf(close ?? last) };
    return this.#add(this.#lines.source.text.slice(span.start, span.end), span, true);
  }

  /** A literal where a name should be: a quoted or numbered field if a colon or block follows it, else nobody's value. */
  misnamed(token: IToken, next: IToken): SyntaxField | undefined {
    const text = isString(token) ? token.image.slice(1, -1) : token.image;
    if (!isColon(next) && !isOpen(next)) {
      this.report.syntax('unexpected-value', `No field name stands before this value.`, spanOf(token), {
        hint: 'A field takes one value: `name: value`. Several go into a list `[a, b]` or into one field each.',
      });
      this.report.mark(token.startOffset);
      return undefined;
    }
    const quoted = isString(token);
    this.report.syntax('bad-field-name', `A field name stands without quotes and is no number.`, spanOf(token), {
      ...(quoted ? { fix: this.report.fix(`Write ${text}.`, spanOf(token), text) } : {}),
    });
    const field = this.#add(text, spanOf(token), false);
    field.broken = !quoted;
    return field;
  }

  #add(name: string, nameSpan: Span, extension: boolean): SyntaxField {
    const broken = this.report.excused(nameSpan.start);
    const { start, end } = nameSpan;
    const field: SyntaxField = {
      kind: 'field',
      start,
      end,
      name,
      nameSpan,
      extension,
      colon: false,
      value: undefined,
      broken,
    };
    (this.#top.node as SyntaxMessage).fields.push(field);
    return field;
  }

  /** The mark between name and value. */
  colon(field: SyntaxField, mark: IToken, next: IToken): void {
    const at = spanOf(mark);
    if (field.colon) this.report.syntax('double-colon', `\`${field.name}\` has more than one ":".`, at);
    else if (mark.tokenType === T.Equals) {
      this.report.syntax('equals-sign', 'A colon stands between a field and its value, not "=".', at, {
        fix: this.report.fix('Write a colon.', at, ':'),
      });
    } else if (mark.tokenType === T.Minus && NUMBERS.has(next.tokenType)) this.#missingColon(field);
    else if (mark.tokenType === T.Minus) {
      this.report.syntax('bad-field-name', 'A field name holds letters, digits and "_" only.', at);
      this.report.mark(at.start);
      field.broken = true;
    }
    field.colon = true;
    field.end = at.end;
  }

  /** Whether a value comes now; where none does, says so. */
  valueFollows(field: SyntaxField, next: IToken, afterNext: IToken): boolean {
    if (isOpen(next) || next.tokenType === T.LBracket) return true;
    const plain = isString(next) || NUMBERS.has(next.tokenType) || next.tokenType === T.Minus;
    const nextField = next.tokenType === T.Identifier && (isColon(afterNext) || isOpen(afterNext));
    if (plain || (next.tokenType === T.Identifier && !nextField)) {
      if (!field.colon) this.#missingColon(field);
      return true;
    }
    if (!field.broken) this.#noValue(field, next);
    return false;
  }

  #missingColon(field: SyntaxField): void {
    const at = { start: field.nameSpan.end, end: field.nameSpan.end };
    this.report.syntax('missing-colon', `A colon is missing after \`${field.name}\`.`, field.nameSpan, {
      fix: this.report.fix('Insert the colon.', at, ':'),
    });
  }

  #noValue(field: SyntaxField, next: IToken): void {
    field.broken = true;
    const takesBlock = this.#top.scope?.kind(field.name) === 'block';
    const paren = next.tokenType === T.Junk && next.image.startsWith('(');
    const more = this.#lines.line(next.startOffset || 0) !== this.#lines.line(field.nameSpan.start) || isClose(next);
    if (takesBlock && (paren || next.tokenType === T.Identifier)) {
      const at = { start: field.nameSpan.end, end: field.nameSpan.end };
      this.report.syntax(
        'missing-open-brace',
        `\`${field.name}\` opens a block: a "{" is missing after it.`,
        field.nameSpan,
        {
          fix: paren ? undefined : this.report.fix('Insert the brace.', at, ' {'),
        },
      );
      if (paren) this.report.mark(next.startOffset);
      this.openBlock(field, next);
      if (!paren) this.#pairs().closersLeft--;
      return;
    }
    if (next.tokenType === T.Junk) {
      this.report.syntax(...strayWords(next), spanOf(next));
      this.report.mark(next.startOffset);
      return;
    }
    this.report.syntax('missing-value', `\`${field.name}\` has no value.`, field.nameSpan, {
      hint: takesBlock ? 'It takes a block: `{ ... }`.' : 'Write `name: value`, or remove the field.',
    });
    if (!more && next.tokenType !== T.Identifier) this.report.mark(next.startOffset);
  }

  value(field: SyntaxField, value: SyntaxScalar): void {
    field.value = value;
    field.end = value.end;
    if (this.report.excused(value.end)) field.broken = true;
  }

  /** A colon and one number or string. */
  plain(field: SyntaxField, token: IToken): void {
    field.colon = true;
    this.value(field, isString(token) ? this.strings(undefined, [token]) : this.scalar(undefined, token));
  }

  scalar(minus: IToken | undefined, token: IToken): SyntaxScalar {
    const type =
      token.tokenType === T.Identifier ? 'identifier' : token.tokenType === T.Integer ? 'integer' : ('float' as const);
    const start = minus ? minus.startOffset : token.startOffset;
    return { kind: 'scalar', type, text: token.image, negative: minus !== undefined, start, end: T.endOf(token) };
  }

  /** A minus that no number follows. */
  loneMinus(minus: IToken | undefined): SyntaxScalar {
    const at = minus ? spanOf(minus) : { start: 0, end: 0 };
    this.report.syntax('missing-value', 'No number stands after this "-".', at);
    this.report.mark(at.start);
    return { kind: 'scalar', type: 'float', text: '0', negative: true, ...at };
  }

  /** What no rule foresaw: parsing ends here, and that is never silent. */
  unforeseen(token: IToken): void {
    const at = token.tokenType === EOF ? { start: this.root.end, end: this.root.end } : spanOf(token);
    this.report.add('unexpected-token', 'The text cannot be read from here on.', at);
  }

  strings(minus: IToken | undefined, parts: IToken[]): SyntaxScalar {
    const first = parts[0]!;
    const last = parts[parts.length - 1]!;
    const text = parts.length === 1 ? this.#content(first) : parts.map(p => this.#content(p)).join('');
    const start = minus ? minus.startOffset : first.startOffset;
    return { kind: 'scalar', type: 'string', text, negative: minus !== undefined, start, end: T.endOf(last) };
  }

  #content(token: IToken): string {
    const { image } = token;
    const closed = image.length > 1 && (token.tokenType === T.CurlyString || image.endsWith(image[0]!));
    const { value, errors } = unescapeText(closed ? image.slice(1, -1) : image.slice(1));
    for (const e of errors) {
      const start = token.startOffset + 1 + e.at;
      if (this.report.excused(start)) continue;
      this.report.add(
        'bad-escape',
        e.message,
        { start, end: start + e.length },
        { hint: 'For a backslash write "\\\\".' },
      );
    }
    return value;
  }

  // ------------------------------------------------------------------ blocks

  openBlock(field: SyntaxField, open: IToken): void {
    const node: SyntaxMessage = {
      kind: 'message',
      start: open.startOffset,
      end: T.endOf(open),
      fields: [],
      closed: true,
    };
    field.value = node;
    this.#push({ node, field, scope: this.#top.scope?.child(field.name), open });
  }

  #push(frame: Frame): void {
    this.#stack.push(frame);
    this.#top = frame;
  }

  #pop(end: number, closed: boolean): Frame {
    const frame = this.#stack.pop()!;
    this.#top = this.#stack[this.#stack.length - 1]!;
    frame.node.end = end;
    if (frame.node.kind === 'message') frame.node.closed = closed;
    if (frame.field) frame.field.end = Math.max(frame.field.end, end);
    if (this.#top.node.kind === 'list') this.#top.afterItem = true;
    return frame;
  }

  /** Takes a closing brace; whether a separator may follow it. */
  closeBlock(token: IToken): boolean {
    if (this.#stack.length === 1) {
      this.#strayBrace(token);
      return false;
    }
    this.#closeByIndent(token);
    const frame = this.#top;
    const wanted = frame.open?.tokenType === T.LAngle ? T.RAngle : T.RBrace;
    if (token.tokenType !== wanted) {
      const mark = wanted === T.RAngle ? '>' : '}';
      this.report.syntax(
        'mismatched-brace',
        `This block was opened with "${frame.open?.image}": close it with "${mark}".`,
        spanOf(token),
        {
          fix: this.report.fix(`Write ${mark}.`, spanOf(token), mark),
        },
      );
    }
    this.#pop(T.endOf(token), true);
    this.#closed = { frame, parent: this.#top, token };
    return this.#top.node.kind === 'message';
  }

  #strayBrace(token: IToken): void {
    this.report.syntax('stray-brace', `No open block belongs to this "${token.image}".`, spanOf(token), {
      hint: 'Remove it, or see whether a block above was closed too early.',
      fix: this.report.fix('Remove it.', spanOf(token), ''),
    });
    this.report.mark(token.startOffset);
    this.#pairs().closersLeft--;
  }

  #pairs(): Pairing {
    this.#pairing ??= pairBraces(this.tokens);
    return this.#pairing;
  }

  /** A brace that opens its line and stands under an outer block's line closes that block: the inner one lacks its own. */
  #closeByIndent(token: IToken): void {
    if (this.#stack.length < 3 || !this.#top.open) return;
    const lines = this.#lines;
    if (!lines.opensLine(token.startOffset) || this.#pairs().openersLeft <= 0) return;
    const indent = lines.indent(token.startOffset).length;
    const own = this.#top.open.startOffset;
    if (lines.line(own) === lines.line(token.startOffset) || lines.indent(own).length <= indent) return;
    for (let i = this.#stack.length - 2; i > 0; i--) {
      const open = this.#stack[i]!.open;
      if (!open || lines.indent(open.startOffset).length > indent) continue;
      if (lines.indent(open.startOffset).length === indent && lines.line(open.startOffset) !== lines.line(own)) {
        this.#closeImplicitly(i, token, undefined);
      }
      return;
    }
  }

  /** Closes the frames above `depth` as if their braces stood before `next`. */
  #closeImplicitly(depth: number, next: IToken | undefined, witness: MissingBrace['witness']): void {
    const before = this.#before(next?.startOffset ?? Number.POSITIVE_INFINITY) ?? this.#top.open!;
    let story: MissingBrace | undefined;
    while (this.#stack.length - 1 > depth) {
      const frame = this.#pop(T.endOf(before), false);
      if (frame.node.kind === 'list') continue;
      this.#pairs().openersLeft--;
      if (!story) {
        story = frame.inner ?? { blocks: [], witness };
        if (!frame.inner) this.#stories.push(story);
      }
      story.blocks.push({ frame, before, next });
    }
    if (story) this.#top.inner = story;
  }

  /** The token before an offset. */
  #before(offset: number): IToken | undefined {
    let low = 0;
    let high = this.tokens.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tokens[middle]!.startOffset < offset) low = middle + 1;
      else high = middle;
    }
    return this.tokens[low - 1];
  }

  /** Finds the block a field belongs into where the one that is open does not know it. */
  #place(name: IToken, usage: 'block' | 'value' | 'any'): void {
    const { scope } = this.#top;
    if (!scope) return;
    const fits = (s: Scope | undefined) => {
      const kind = s?.kind(name.image);
      return kind !== undefined && (usage === 'any' || kind === usage);
    };
    if (fits(scope)) return;
    for (let i = this.#stack.length - 2; i >= 0; i--) {
      const owner = this.#stack[i]!;
      if (owner.node.kind === 'list' || !fits(owner.scope)) continue;
      const pairs = this.#pairs();
      if (pairs.openersLeft > 0 && !looksClosed(this.#top, pairs, this.#lines)) {
        this.#closeImplicitly(i, name, { token: name, owner });
      }
      return;
    }
    this.#reopen(fits);
  }

  /** A field of the block that was just closed: its brace was one too many. */
  #reopen(fits: (scope: Scope | undefined) => boolean): void {
    const closed = this.#closed;
    if (!closed || closed.parent !== this.#top || !fits(closed.frame.scope) || this.#pairs().closersLeft <= 0) return;
    this.#strayBrace(closed.token);
    this.#push(closed.frame);
  }

  /** At the end of the text: whatever is still open. */
  closeRest(): void {
    for (const frame of this.#stack) {
      if (frame.node.kind === 'list' && frame.open) this.#unclosedList(frame);
    }
    if (this.#stack.length > 1) this.#closeImplicitly(0, undefined, undefined);
    for (const story of this.#stories) tellMissing(story, this.report);
  }

  stray(token: IToken): void {
    const at = spanOf(token);
    if (token.tokenType === T.LBrace || token.tokenType === T.LAngle) {
      this.report.syntax('nameless-block', 'No field name stands before this block.', at);
      const node: SyntaxMessage = { kind: 'message', start: at.start, end: at.end, fields: [], closed: true };
      this.#push({ node, field: undefined, scope: undefined, open: token });
      return;
    }
    const opener = this.#top.open;
    const closesParen = token.image.startsWith(')') && opener?.image.startsWith('(');
    const closesBracket = token.tokenType === T.RBracket && opener?.tokenType === T.LBracket;
    if ((closesParen || closesBracket) && this.#stack.length > 1) {
      this.#pop(at.end, true);
      return;
    }
    this.report.syntax(...strayWords(token), at);
    this.report.mark(at.start);
  }

  // ------------------------------------------------------------------ lists

  openList(field: SyntaxField, open: IToken, next: IToken, afterNext: IToken): void {
    if (next.tokenType === T.Identifier && (isColon(afterNext) || isOpen(afterNext))) {
      this.report.syntax('wrong-bracket', `A block stands in braces, not in brackets.`, spanOf(open));
      this.openBlock(field, open);
      return;
    }
    const node: SyntaxList = { kind: 'list', start: open.startOffset, end: T.endOf(open), items: [] };
    field.value = node;
    this.#push({ node, field, scope: this.#top.scope?.child(field.name), open });
  }

  /** Whether the next token still belongs to an open list. Ends a list whose "]" is missing. */
  listGoesOn(next: IToken, afterNext: IToken): boolean {
    if (this.#top.node.kind !== 'list') return false;
    const nextField = next.tokenType === T.Identifier && (isColon(afterNext) || isOpen(afterNext));
    const ends = next.tokenType === EOF || nextField || (isClose(next) && this.#pairs().closersLeft <= 0);
    if (!ends) return true;
    this.#unclosedList(this.#top);
    this.#pop(T.endOf(this.#before(next.startOffset) ?? next), true);
    return false;
  }

  #unclosedList(frame: Frame): void {
    this.report.syntax('unclosed-list', `This list is not closed: a "]" is missing.`, spanOf(frame.open!));
  }

  listValue(value: SyntaxScalar): void {
    this.#item(value);
    (this.#top.node as SyntaxList).items.push(value);
    this.#top.afterItem = true;
  }

  /** A number after a comma. */
  listNumber(token: IToken): void {
    (this.#top.node as SyntaxList).items.push(this.scalar(undefined, token));
  }

  openListBlock(open: IToken): void {
    const list = this.#top;
    const node: SyntaxMessage = {
      kind: 'message',
      start: open.startOffset,
      end: T.endOf(open),
      fields: [],
      closed: true,
    };
    this.#item(node);
    (list.node as SyntaxList).items.push(node);
    this.#push({ node, field: list.field, scope: list.scope, open });
  }

  #item(span: Span): void {
    if (!this.#top.afterItem) return;
    this.report.syntax('missing-comma', 'A comma is missing before this list item.', span);
    this.report.mark(span.start);
  }

  listMark(token: IToken): void {
    const frame = this.#top;
    const at = spanOf(token);
    if (token.tokenType === T.LBracket) {
      this.report.syntax('nested-list', 'A list cannot hold a list.', at);
      this.report.mark(at.start);
      if (frame.field) frame.field.broken = true;
      const node: SyntaxList = { kind: 'list', start: at.start, end: at.end, items: [] };
      this.#push({ node, field: undefined, scope: undefined, open: token });
    } else if (isClose(token)) {
      this.report.syntax('wrong-bracket', 'A list ends with "]".', at, { fix: this.report.fix('Write ].', at, ']') });
      this.#pairs().closersLeft--;
      this.#pop(at.end, true);
    } else if (token.tokenType === T.Comma || token.tokenType === T.Semicolon) {
      if (token.tokenType === T.Semicolon) this.report.syntax('wrong-separator', 'Commas separate list items.', at);
      else if (!frame.afterItem) this.report.syntax('empty-list-item', 'Nothing stands before this comma.', at);
      frame.afterItem = false;
    } else {
      this.report.syntax(...strayWords(token), at);
      this.report.mark(at.start);
    }
  }

  /** Takes a list's end; whether a separator may follow it. */
  closeList(token: IToken): boolean {
    const list = this.#top.node as SyntaxList;
    if (!this.#top.afterItem && list.items.length > 0) {
      this.report.syntax('trailing-comma', 'A list does not end with a comma.', spanOf(token));
    }
    this.#pop(T.endOf(token), true);
    return this.#top.node.kind === 'message';
  }
}

function strayWords(token: IToken): [code: string, message: string] {
  const { image, tokenType } = token;
  if (tokenType === T.Comma || tokenType === T.Semicolon) {
    return ['stray-separator', `A "${image}" stands here without a field before it.`];
  }
  if (tokenType === T.Junk) {
    const code = image.codePointAt(0)!;
    const shown = code < 32 || code === 127 ? `The control character ${code}` : `"${image.slice(0, 20)}"`;
    return ['unexpected-character', `${shown} has no meaning here.`];
  }
  return ['unexpected-token', `"${image}" has no meaning here.`];
}
