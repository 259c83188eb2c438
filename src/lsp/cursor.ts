/**
 * Where in a text a cursor stands: in which blocks, at a field's name or at its value. It goes by tokens, not by the tree,
 * so that it knows its place in a text half written.
 */

import protobuf from 'protobufjs';
import { type Piece, tokensOf } from '../../grammar/index.js';
import { findField } from '../schema/parse.js';

export interface Cursor {
  /** The fields whose blocks are open here, outermost first. */
  readonly path: readonly string[];
  /** The type of the innermost block; undefined where the schema knows none. */
  readonly type: protobuf.Type | undefined;
  /** The field whose value this is; undefined where a name belongs. */
  readonly field: protobuf.Field | undefined;
  readonly place: 'name' | 'value' | 'comment';
  /** What of the name or value stands before the cursor, and where it and what follows it begin and end. */
  readonly prefix: string;
  readonly start: number;
  readonly end: number;
  /** The value stands in quotes, of which this is the opening one; `start` to `end` is what is inside. */
  readonly quote: string;
  /** Offset at which the innermost block begins (behind its brace). */
  readonly blockStart: number;
}

interface Open {
  readonly name: string;
  readonly at: number;
}

/** The place of an offset in a text that is a message of type `root`. */
export function cursorAt(text: string, offset: number, root: protobuf.Type): Cursor {
  const { tokens, comments } = tokensOf(text);
  const before = tokens.filter(t => t.end < offset || (t.end === offset && !isWord(t)));
  const touched = tokens.find(t => t.start < offset && offset <= t.end && (isWord(t) || isString(t)));
  const inString = touched !== undefined && isString(touched) && (offset < touched.end || !closed(touched.text));
  const here = inString || (touched && isWord(touched)) ? touched : undefined;
  const { open, valueFor } = walk(here ? before.filter(t => t.end <= here.start) : before);
  const type = typeAt(root, open);
  const field = valueFor !== undefined && type ? findField(type, valueFor) : undefined;
  const inComment = comments.some(c => c.start < offset && offset <= c.end);
  const place = inComment ? 'comment' : valueFor === undefined ? 'name' : 'value';
  const base = { path: open.map(o => o.name), type, field, place, blockStart: open.at(-1)?.at ?? 0 } as const;
  if (here && inString) {
    const quote = here.text[0]!;
    // An unclosed string goes on to the end of its line: it is replaced as far as it looks like a name.
    const end = closed(here.text) ? here.end - 1 : offset + /^[\w./-]*/.exec(text.slice(offset))![0].length;
    return { ...base, prefix: text.slice(here.start + 1, offset), start: here.start + 1, end, quote };
  }
  if (here) return { ...base, prefix: text.slice(here.start, offset), start: here.start, end: here.end, quote: '' };
  return { ...base, prefix: '', start: offset, end: offset, quote: '' };
}

const isWord = (t: Piece): boolean => /^[A-Za-z_]/.test(t.text);
const isString = (t: Piece): boolean => /^["']/.test(t.text);
const closed = (literal: string): boolean => literal.length > 1 && literal.at(-1) === literal[0];

/** The blocks that are open behind the tokens, and the field whose value comes next. */
function walk(tokens: readonly Piece[]): { open: Open[]; valueFor: string | undefined } {
  const open: Open[] = [];
  /** The lists that are open, by the field's name, at the depth of their block. */
  const lists: { name: string; depth: number }[] = [];
  let name: string | undefined;
  let valueFor: string | undefined;
  const list = () => {
    const last = lists.at(-1);
    return last && last.depth === open.length ? last : undefined;
  };
  for (const t of tokens) {
    if (t.text === '{' || t.text === '<') {
      open.push({ name: name ?? list()?.name ?? '', at: t.end });
      [name, valueFor] = [undefined, undefined];
    } else if (t.text === '}' || t.text === '>') {
      while (lists.length > 0 && lists.at(-1)!.depth >= open.length) lists.pop();
      open.pop();
      [name, valueFor] = [undefined, undefined];
    } else if (t.text === ':') valueFor = name;
    else if (t.text === '[') {
      lists.push({ name: name ?? '', depth: open.length });
      valueFor = name;
    } else if (t.text === ']') {
      lists.pop();
      [name, valueFor] = [undefined, undefined];
    } else if (isWord(t) && valueFor === undefined && !list()) name = t.text;
    else if (t.text === '-') continue;
    else if (!/^[,;]$/.test(t.text) && !list()) [name, valueFor] = [undefined, undefined];
  }
  return { open, valueFor: list()?.name ?? valueFor };
}

function typeAt(root: protobuf.Type, open: readonly Open[]): protobuf.Type | undefined {
  let type: protobuf.Type | undefined = root;
  for (const { name } of open) {
    const inner: unknown = type && findField(type, name)?.resolvedType;
    type = inner instanceof protobuf.Type ? inner : undefined;
  }
  return type;
}
