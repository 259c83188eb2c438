/**
 * Where a missing or a superfluous brace is. The builder keeps the open blocks on a stack of frames; a caller that knows
 * which names belong into which block (a schema) lends that knowledge as a `Scope`, and then a field that only an outer
 * block knows tells that a brace before it is missing. How braces pair up, and indentation, are the other witnesses.
 */

import type { Diagnostic, Fix, TextEdit } from '../src/diagnostics/index.js';
import type { IToken } from './chevrotain.js';
import type { Report } from './report.js';
import type { Lines, SyntaxField, SyntaxList, SyntaxMessage } from './syntax.js';
import { endOf, LAngle, LBrace, RAngle, RBrace } from './tokens.js';

/** What a block may hold. The grammar asks only for names; it knows no schema itself. */
export interface Scope {
  /** What the field takes: a block (`{ }`), a plain value, or `undefined` where the block has no such field. */
  kind(field: string): 'block' | 'value' | undefined;
  /** The scope inside the field's block. */
  child(field: string): Scope | undefined;
}

/** A block or list that is open at this point of the text. */
export interface Frame {
  readonly node: SyntaxMessage | SyntaxList;
  /** The field whose value this is; undefined for the whole text and for blocks without a name. */
  readonly field: SyntaxField | undefined;
  readonly scope: Scope | undefined;
  readonly open: IToken | undefined;
  /** The missing-brace story that a block directly inside this one has begun. */
  inner?: MissingBrace;
  /** In a list: an item stands here, so a comma or the end is due. */
  afterItem?: boolean;
}

/** One story of missing braces: blocks inside one another tell it together, from the innermost outwards. */
export interface MissingBrace {
  readonly blocks: { readonly frame: Frame; readonly before: IToken; readonly next: IToken | undefined }[];
  /** The field that gave it away, and the block it belongs into; none where only the end of the text did. */
  readonly witness: { readonly token: IToken; readonly owner: Frame } | undefined;
}

/** How braces pair up when nothing is mended: which closer each opener gets, and how many are left over. */
export interface Pairing {
  readonly closers: ReadonlyMap<number, IToken>;
  openersLeft: number;
  closersLeft: number;
}

export function pairBraces(tokens: readonly IToken[]): Pairing {
  const closers = new Map<number, IToken>();
  const stack: IToken[] = [];
  let closersLeft = 0;
  for (const token of tokens) {
    if (token.tokenType === LBrace || token.tokenType === LAngle) stack.push(token);
    else if (token.tokenType === RBrace || token.tokenType === RAngle) {
      const open = stack.pop();
      if (open) closers.set(open.startOffset, token);
      else closersLeft++;
    }
  }
  return { closers, openersLeft: stack.length, closersLeft };
}

/** Whether the layout says that this block is closed where it should be: `}` under the first letter of its line. */
export function looksClosed(frame: Frame, pairing: Pairing, lines: Lines): boolean {
  if (!frame.open) return true;
  const closer = pairing.closers.get(frame.open.startOffset);
  if (!closer || lines.line(closer.startOffset) === lines.line(frame.open.startOffset)) return false;
  return (
    lines.opensLine(closer.startOffset) && lines.indent(closer.startOffset) === lines.indent(frame.open.startOffset)
  );
}

const nameOf = (frame: Frame): string => (frame.field ? `\`${frame.field.name}\`` : 'the block');

/** Puts a story of missing braces into words and adds it to the report. */
export function tellMissing(story: MissingBrace, report: Report): void {
  const { lines } = report;
  const first = story.blocks[0]!;
  const opened = (f: Frame) => `${nameOf(f)}, opened on line ${lines.line(f.open?.startOffset ?? 0)},`;
  const where = (b: MissingBrace['blocks'][number]) =>
    sameLine(b, lines)
      ? `Its \`}\` belongs on line ${lines.line(b.before.startOffset)}, after \`${clip(b.before.image)}\`.`
      : `Its \`}\` belongs after line ${lines.line(b.before.startOffset)}.`;
  const { witness } = story;
  const why = witness
    ? `: \`${witness.token.image}\` is a field of ${witness.owner.field ? `the ${nameOf(witness.owner)} around it` : 'the whole text'}`
    : '';
  const others = story.blocks.slice(1).map(b => `${opened(b.frame)} is not closed either. ${where(b)}`);
  const at = witness?.token ?? first.frame.open ?? first.before;
  const opener = first.frame.field?.nameSpan;
  const more: Partial<Diagnostic> = {
    hint: [where(first), ...others].join(' '),
    fix: missingFix(story, report),
    ...(witness && opener
      ? { related: [{ message: `${nameOf(first.frame)} is opened here`, location: lines.location(opener) }] }
      : {}),
  };
  const span = witness
    ? { start: at.startOffset, end: endOf(at) }
    : (opener ?? { start: at.startOffset, end: endOf(at) });
  report.add('unclosed-block', `${opened(first.frame)} is not closed${why}.`, span, more);
}

const clip = (text: string): string => (text.length > 20 ? `${text.slice(0, 20)}…` : text);

/** Whether the brace goes into a line that holds more, rather than on a line of its own. */
function sameLine(b: MissingBrace['blocks'][number], lines: Lines): boolean {
  const line = lines.line(b.before.startOffset);
  if (b.next && lines.line(b.next.startOffset) === line) return true;
  return b.frame.open !== undefined && lines.line(b.frame.open.startOffset) === line;
}

function missingFix(story: MissingBrace, report: Report): Fix {
  const { lines } = report;
  const inserts = new Map<number, string>();
  for (const b of story.blocks) {
    const inline = sameLine(b, lines);
    const at = inline ? endOf(b.before) : lines.lineEnd(endOf(b.before));
    const brace = b.frame.open?.tokenType === LAngle ? '>' : '}';
    const text = inline ? ` ${brace}` : `\n${lines.indent(b.frame.open?.startOffset ?? 0)}${brace}`;
    inserts.set(at, (inserts.get(at) ?? '') + text);
  }
  const edits: TextEdit[] = [...inserts].map(([at, text]) => ({ range: lines.range({ start: at, end: at }), text }));
  return { title: `Insert the missing ${story.blocks.length > 1 ? 'braces' : 'brace'}.`, edits };
}
