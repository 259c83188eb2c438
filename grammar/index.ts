/**
 * The protobuf text format: text → syntax tree, every node with its span, comments kept. Knows no schema and no Caffe.
 * Reads what protoc's parser reads; recovers from errors, one diagnostic a mistake.
 */

import type { Diagnostic, Source } from '../src/diagnostics/index.js';
import { TreeBuilder } from './builder.js';
import type { IToken } from './chevrotain.js';
import { TextFormatParser } from './parser.js';
import { Report } from './report.js';
import type { Scope } from './structure.js';
import { Lines, type Span, type SyntaxDocument } from './syntax.js';
import { endOf, tokenize } from './tokens.js';

export { bytesToText, textToBytes } from './strings.js';
export type { Scope } from './structure.js';
export * from './syntax.js';

let parser: TextFormatParser | undefined;

/** What `parseSyntax` found. `report` is open for the stages after it, so that they too tell one mistake once. */
export interface SyntaxResult {
  readonly document: SyntaxDocument;
  readonly lines: Lines;
  readonly report: Report;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Parses a text. Never throws for bad input. `scope` lends knowledge of field names, by which missing braces are found
 * where they are missing; without it they are found at the end of the text.
 */
export function parseSyntax(source: Source, scope?: Scope): SyntaxResult {
  const lines = new Lines(source);
  const report = new Report(lines);
  const { tokens, comments, errors } = tokenize(source.text);
  for (const e of errors) report.lexical(e);
  const builder = new TreeBuilder(tokens, report, scope);
  parser ??= new TextFormatParser();
  parser.parse(tokens, builder);
  builder.closeRest();
  const document: SyntaxDocument = {
    kind: 'document',
    source,
    start: 0,
    end: source.text.length,
    fields: builder.root.fields,
    comments: comments.map(c => ({ kind: 'comment', text: c.image, start: c.startOffset, end: endOf(c) })),
  };
  return { document, lines, report, diagnostics: report.diagnostics };
}

/** A token or comment as it is written, with its place. */
export interface Piece extends Span {
  readonly text: string;
}

/** The tokens of a text and its comments, in order. Bytes that make no token are left out. */
export function tokensOf(text: string): { readonly tokens: readonly Piece[]; readonly comments: readonly Piece[] } {
  const { tokens, comments } = tokenize(text);
  const piece = (t: IToken): Piece => ({ text: t.image, start: t.startOffset, end: endOf(t) });
  return { tokens: tokens.map(piece), comments: comments.map(piece) };
}

export { Report };
