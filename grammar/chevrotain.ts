/**
 * What is used of chevrotain. The build puts it, with lodash behind it, into this file's place as one module
 * (scripts/bundle-cli.mjs): 680 small ones take longer to find than to run.
 */

export { createToken, EmbeddedActionsParser, EOF, type IToken, Lexer, type TokenType } from 'chevrotain';
