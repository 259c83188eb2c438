/**
 * Changes to a text as spans to replace: a field set, added or taken out, comments and layout left alone. `edit.ts` makes
 * them by path, checks make the fixes of their diagnostics with them, from the message they speak of.
 */

import protobuf from 'protobufjs';
import type { Lines, Span, SyntaxField, SyntaxMessage, SyntaxValue } from '../../grammar/index.js';
import type { TextEdit } from '../diagnostics/index.js';

import { findField, type Origin, originOf } from './parse.js';
import { typeOf } from './schema.js';

/** Replace this span by `text`. */
export interface Splice extends Span {
  readonly text: string;
}

/** The text with its splices made, in one pass. They must not overlap; what is put in at a place stands before what replaces it. */
export function spliced(text: string, splices: readonly Splice[]): string {
  const parts: string[] = [];
  let done = 0;
  for (const s of splices.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    parts.push(text.slice(done, s.start), s.text);
    done = s.end;
  }
  return parts.join('') + text.slice(done);
}

/** A block of a text: the fields in it and its braces; none for the whole text. */
export interface Block {
  readonly fields: readonly SyntaxField[];
  readonly block: SyntaxMessage | undefined;
}

/** Puts `text`, a field, into a block: after its likes, else after the last plain field, else at the end. */
export function insertion(lines: Lines, { fields, block }: Block, field: protobuf.Field, text: string): Splice {
  const source = lines.source.text;
  const likes = fields.filter(f => f.name === field.name);
  const plain = fields.filter(f => f.value?.kind !== 'message');
  const takesBlock = field.resolvedType instanceof protobuf.Type;
  const after = likes.at(-1) ?? (takesBlock ? undefined : plain.at(-1)) ?? fields.at(-1);
  const newline = source.includes('\r\n') ? '\r\n' : '\n';
  if (!after) {
    const at = block ? block.start + 1 : source.length;
    return { start: at, end: at, text: block ? ` ${text} ` : `${text}${newline}` };
  }
  const end = after.end + (/[,;]/.test(source[after.end] ?? '') ? 1 : 0);
  const lineEnd = lines.lineEnd(end);
  const ownLine = /^[ \t]*(#.*)?$/.test(source.slice(end, lineEnd)) && lines.opensLine(after.start);
  const at = ownLine ? lineEnd : end;
  const lead = ownLine ? `${newline}${lines.indent(after.start)}` : ' ';
  return { start: at, end: at, text: lead + text };
}

/** Takes a field out, and its line where nothing else stands on it. */
export function cutting(lines: Lines, field: Span): Splice {
  const { text } = lines.source;
  let { start, end } = field;
  if (/[,;]/.test(text[end] ?? '')) end++;
  const lineEnd = lines.lineEnd(end);
  const alone = lines.opensLine(start) && text.slice(end, lineEnd).trim() === '';
  if (alone) {
    start -= lines.indent(start).length;
    end = lineEnd;
    if (text.startsWith('\r\n', end)) end += 2;
    else if (text[end] === '\n') end++;
  } else if (lines.opensLine(start)) {
    while (/[ \t]/.test(text[end] ?? '')) end++;
  } else if (/[ \t]/.test(text[start - 1] ?? '')) start--;
  return { start, end, text: '' };
}

/**
 * The edits that give `path` below a message the value `text` (as in the text: strings with their quotes, blocks with
 * braces and without a colon): `setting(layer, 'crop_param.offset', '18')`, `setting(layer, 'bottom[1]', '"data"')`. Undefined where that is not safe: the message
 * comes from no text, was upgraded from an older form, or has the field several times.
 */
export function setting(message: object, path: string, text: string): readonly TextEdit[] | undefined {
  const origin = ownOrigin(message);
  const [step, ...rest] = path.split('.');
  const [, name, index] = /^(\w+)(?:\[(\d+)\])?$/.exec(step!) ?? [];
  const field = name && findField(typeOf(message), name);
  if (!origin || !field) return undefined;
  const found = occurrences(origin, field);
  if (found.length > 1 && index === undefined) return undefined;
  const value = found[Number(index ?? 0)];
  const below = rest.join('.');
  if (below !== '') {
    const inner = (message as Record<string, unknown>)[name!];
    if (!value) return insert(origin, field, `${name} { ${nested(field, rest, text)} }`);
    return typeof inner === 'object' && inner !== null ? setting(inner, below, text) : undefined;
  }
  return value ? asEdits(origin.lines, [{ ...value, text }]) : insert(origin, field, written(field, text));
}

/** The edits that add one more entry to a repeated field, or a field that is not there. */
export function adding(message: object, name: string, text: string): readonly TextEdit[] | undefined {
  const origin = ownOrigin(message);
  const field = origin && findField(origin.type, name);
  return field && insert(origin, field, written(field, text));
}

/** The edits that take a field out of a message, or, without a name, the message out of its text. */
export function removing(message: object, name?: string): readonly TextEdit[] | undefined {
  const origin = ownOrigin(message);
  if (!origin) return undefined;
  if (name === undefined)
    return origin.inList ? undefined : asEdits(origin.lines, [cutting(origin.lines, origin.span)]);
  const gone = origin.fields.filter(f => f.name === name);
  return gone.length === 0
    ? undefined
    : asEdits(
        origin.lines,
        gone.map(f => cutting(origin.lines, f)),
      );
}

/** The edits that put another field, `text`, in the place of the one field of this name. */
export function replacing(message: object, name: string, text: string): readonly TextEdit[] | undefined {
  const origin = ownOrigin(message);
  const [node, second] = origin?.fields.filter(f => f.name === name) ?? [];
  return origin && node && !second ? asEdits(origin.lines, [{ start: node.start, end: node.end, text }]) : undefined;
}

/** Where a message stands, unless it was made from an older form: its text then has other fields. */
function ownOrigin(message: object): Origin | undefined {
  const origin = originOf(message);
  return origin?.type === typeOf(message) ? origin : undefined;
}

function occurrences(origin: Origin, field: protobuf.Field): SyntaxValue[] {
  return origin.fields.flatMap(f => {
    if (!f.value || findField(origin.type, f.name) !== field) return [];
    return f.value.kind === 'list' ? f.value.items : [f.value];
  });
}

const insert = (origin: Origin, field: protobuf.Field, text: string) =>
  asEdits(origin.lines, [insertion(origin.lines, origin, field, text)]);

/** `a.b` = text as the inside of a new block. */
function nested(field: protobuf.Field, [name, ...rest]: readonly string[], text: string): string {
  const inner = findField(field.resolvedType as protobuf.Type, name!)!;
  return rest.length > 0 ? `${name} { ${nested(inner, rest, text)} }` : written(inner, text);
}

/** `field: value`, or `field { … }`. */
export const written = (field: protobuf.Field, value: string): string =>
  `${field.name}${field.resolvedType instanceof protobuf.Type ? '' : ':'} ${value}`;

const asEdits = (lines: Lines, splices: readonly Splice[]): readonly TextEdit[] =>
  splices.map(s => ({ range: lines.range(s), text: s.text }));
