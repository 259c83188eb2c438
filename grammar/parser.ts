/**
 * The grammar. Nesting lives on a stack of frames, not on the call stack, so that depth costs nothing: a document is a
 * flat run of items, each a chevrotain rule. Rules have alternatives for every token, the wrong ones too ("error
 * productions"); so one mistake gives one diagnostic and parsing goes on behind it. What an item does to the tree is
 * the builder's business (`builder.ts`).
 */

import type { TreeBuilder } from './builder.js';
import { EmbeddedActionsParser, type IToken } from './chevrotain.js';
import type { SyntaxField, SyntaxScalar } from './syntax.js';
import * as T from './tokens.js';

export class TextFormatParser extends EmbeddedActionsParser {
  #build!: TreeBuilder;

  constructor() {
    super(T.allTokens, { recoveryEnabled: false, maxLookahead: 1, skipValidations: true });
    this.performSelfAnalysis();
  }

  /** Feeds the tokens' items to `build`. */
  parse(tokens: IToken[], build: TreeBuilder): void {
    this.#build = build;
    this.input = tokens;
    this.document();
    for (const e of this.errors) build.unforeseen(e.token);
    this.input = [];
  }

  readonly document = this.RULE('document', () => {
    this.MANY(() => {
      this.OR([
        {
          GATE: () => this.#build.listGoesOn(this.LA(1), this.LA(2)),
          ALT: () => this.SUBRULE(this.listItem),
          IGNORE_AMBIGUITIES: true,
        },
        { ALT: () => this.SUBRULE(this.item) },
      ]);
    });
  });

  /** What may stand in a block: a field, the block's end, or a mistake. */
  readonly item = this.RULE('item', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.field) },
      { ALT: () => this.SUBRULE(this.blockEnd) },
      { ALT: () => this.SUBRULE(this.extension) },
      { ALT: () => this.SUBRULE(this.misnamedField) },
      { ALT: () => this.SUBRULE(this.stray) },
    ]);
  });

  readonly field = this.RULE('field', () => {
    const name = this.CONSUME(T.Identifier);
    const field = this.ACTION(() => this.#build.openField(name, this.LA(1), this.LA(2)));
    this.OR([
      { GATE: () => this.#plainFollows(), ALT: () => this.SUBRULE(this.plain, { ARGS: [field] }) },
      { ALT: () => this.SUBRULE(this.fieldRest, { ARGS: [field] }) },
    ]);
  });

  #plainFollows(): boolean {
    if (this.LA(1).tokenType !== T.Colon) return false;
    const { tokenType } = this.LA(2);
    if (tokenType === T.Integer || tokenType === T.Float) return true;
    return (
      tokenType === T.StringLiteral &&
      this.LA(3).tokenType !== T.StringLiteral &&
      this.LA(3).tokenType !== T.CurlyString
    );
  }

  /** `: 1` or `: "a"`, the commonest rests of a field, in one go. */
  readonly plain = this.RULE('plain', (field: SyntaxField) => {
    this.CONSUME(T.Colon);
    const token = this.OR([{ ALT: () => this.CONSUME(T.AnyNumber) }, { ALT: () => this.CONSUME(T.AnyString) }]);
    this.ACTION(() => this.#build.plain(field, token));
    this.OPTION(() => this.CONSUME(T.AnySeparator));
  });

  /** `[package.name]` or `[host/package.Type]`. */
  readonly extension = this.RULE('extension', () => {
    const open = this.CONSUME(T.LBracket);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(T.Identifier) },
        { ALT: () => this.CONSUME(T.Dot) },
        { ALT: () => this.CONSUME(T.Slash) },
        { ALT: () => this.CONSUME(T.Minus) },
        { ALT: () => this.CONSUME(T.AnyNumber) },
      ]);
    });
    const close = this.OPTION(() => this.CONSUME(T.RBracket));
    const field = this.ACTION(() => this.#build.openExtension(open, close, this.LA(0)));
    this.SUBRULE(this.fieldRest, { ARGS: [field] });
  });

  /** From the name on: colon, value, separator. */
  readonly fieldRest = this.RULE('fieldRest', (field: SyntaxField) => {
    this.OPTION(() => {
      const mark = this.OR([
        { ALT: () => this.CONSUME(T.Colon) },
        { ALT: () => this.CONSUME(T.Equals) },
        { ALT: () => this.CONSUME(T.Minus) },
      ]);
      this.ACTION(() => this.#build.colon(field, mark, this.LA(1)));
    });
    this.OPTION2(() => {
      const again = this.OR2([{ ALT: () => this.CONSUME2(T.Colon) }, { ALT: () => this.CONSUME2(T.Equals) }]);
      this.ACTION(() => this.#build.colon(field, again, this.LA(1)));
    });
    this.OPTION1({
      GATE: () => this.#build.valueFollows(field, this.LA(1), this.LA(2)),
      DEF: () =>
        this.OR1([
          { ALT: () => this.SUBRULE(this.scalarValue, { ARGS: [field] }) },
          { ALT: () => this.SUBRULE(this.blockStart, { ARGS: [field] }) },
          { ALT: () => this.SUBRULE(this.listStart, { ARGS: [field] }) },
        ]),
    });
  });

  readonly scalarValue = this.RULE('scalarValue', (field: SyntaxField) => {
    const value = this.SUBRULE(this.scalar);
    this.ACTION(() => this.#build.value(field, value));
    this.SUBRULE(this.separator);
  });

  readonly separator = this.RULE('separator', () => {
    this.OPTION(() => this.CONSUME(T.AnySeparator));
  });

  readonly scalar = this.RULE('scalar', (): SyntaxScalar => {
    const minus = this.OPTION(() => this.CONSUME(T.Minus));
    return this.OR([
      { ALT: () => this.SUBRULE(this.strings, { ARGS: [minus] }) },
      { ALT: () => this.#scalarOf(minus, this.CONSUME(T.Identifier)) },
      { ALT: () => this.#scalarOf(minus, this.CONSUME(T.AnyNumber)) },
      { ALT: () => this.ACTION(() => this.#build.loneMinus(minus)) as SyntaxScalar },
    ]);
  });

  #scalarOf(minus: IToken | undefined, token: IToken): SyntaxScalar {
    return this.ACTION(() => this.#build.scalar(minus, token)) as SyntaxScalar;
  }

  /** Adjacent literals are one string. */
  readonly strings = this.RULE('strings', (minus: IToken | undefined): SyntaxScalar => {
    const parts: IToken[] = [];
    this.AT_LEAST_ONE(() => parts.push(this.CONSUME(T.AnyString)));
    return this.ACTION(() => this.#build.strings(minus, parts)) as SyntaxScalar;
  });

  readonly blockStart = this.RULE('blockStart', (field: SyntaxField) => {
    const open = this.CONSUME(T.AnyOpen);
    this.ACTION(() => this.#build.openBlock(field, open));
  });

  readonly listStart = this.RULE('listStart', (field: SyntaxField) => {
    const open = this.CONSUME(T.LBracket);
    this.ACTION(() => this.#build.openList(field, open, this.LA(1), this.LA(2)));
  });

  readonly blockEnd = this.RULE('blockEnd', () => {
    const close = this.CONSUME(T.AnyClose);
    const maySeparate = this.ACTION(() => this.#build.closeBlock(close));
    this.OPTION({ GATE: () => maySeparate === true, DEF: () => this.SUBRULE(this.separator) });
  });

  /** A quoted or numbered name before a colon, or a value that no name owns. */
  readonly misnamedField = this.RULE('misnamedField', () => {
    const token = this.OR([{ ALT: () => this.CONSUME(T.AnyString) }, { ALT: () => this.CONSUME(T.AnyNumber) }]);
    const field = this.ACTION(() => this.#build.misnamed(token, this.LA(1)));
    this.OPTION({
      GATE: () => field !== undefined,
      DEF: () => this.SUBRULE(this.fieldRest, { ARGS: [field as SyntaxField] }),
    });
  });

  readonly stray = this.RULE('stray', () => {
    const token = this.OR([
      { ALT: () => this.CONSUME(T.AnyMark) },
      { ALT: () => this.CONSUME(T.AnySeparator) },
      { ALT: () => this.CONSUME(T.AnyOpen) },
      { ALT: () => this.CONSUME(T.RBracket) },
      { ALT: () => this.CONSUME(T.Minus) },
    ]);
    this.ACTION(() => this.#build.stray(token));
  });

  /** What may stand in a list: a value, a block, a comma, the list's end, or a mistake. */
  readonly listItem = this.RULE('listItem', () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.listValue) },
      { ALT: () => this.#listMark(this.CONSUME(T.Comma)) },
      { ALT: () => this.SUBRULE(this.listEnd) },
      { ALT: () => this.#listBlock(this.CONSUME(T.AnyOpen)) },
      { ALT: () => this.#listMark(this.CONSUME(T.LBracket)) },
      { ALT: () => this.#listMark(this.CONSUME(T.Semicolon)) },
      { ALT: () => this.#listMark(this.CONSUME(T.AnyMark)) },
      { ALT: () => this.#listMark(this.CONSUME(T.AnyClose)) },
    ]);
  });

  #listMark(token: IToken): void {
    this.ACTION(() => this.#build.listMark(token));
  }

  #listBlock(token: IToken): void {
    this.ACTION(() => this.#build.openListBlock(token));
  }

  readonly listValue = this.RULE('listValue', () => {
    const value = this.SUBRULE(this.scalar);
    this.ACTION(() => this.#build.listValue(value));
    this.SUBRULE(this.numberRun);
  });

  /** `, 1, 2, 3` in one go: a list of a million numbers is read here. */
  readonly numberRun = this.RULE('numberRun', () => {
    this.MANY({
      GATE: () => this.LA(2).tokenType === T.Integer || this.LA(2).tokenType === T.Float,
      DEF: () => {
        this.CONSUME(T.Comma);
        const number = this.CONSUME(T.AnyNumber);
        this.ACTION(() => this.#build.listNumber(number));
      },
    });
  });

  readonly listEnd = this.RULE('listEnd', () => {
    const close = this.CONSUME(T.RBracket);
    const maySeparate = this.ACTION(() => this.#build.closeList(close));
    this.OPTION({ GATE: () => maySeparate === true, DEF: () => this.SUBRULE(this.separator) });
  });
}
