/** Short ways to write nets in tests. */

import type { Diagnostic } from '../../src/diagnostics/index.js';
import { type CompileResult, compileNet, type NetGraph, type NetOptions, tryCompileNet } from '../../src/net/index.js';
import { type NetParameter, parseText } from '../../src/schema/index.js';

export function parse(text: string): NetParameter {
  const { message, diagnostics } = parseText(text, 'caffe.NetParameter', { name: 'net' });
  if (diagnostics.length > 0) throw new Error(diagnostics.map(d => d.message).join('\n'));
  return message;
}

export function compile(text: string, options: NetOptions = { phase: 'TEST' }): NetGraph {
  return compileNet(parse(text), options);
}

export function attempt(text: string, options: NetOptions = { phase: 'TEST' }): CompileResult {
  return tryCompileNet(parse(text), options);
}

/** `code@line` of each diagnostic. */
export function codes(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(d => `${d.code}@${d.location?.range.start.line ?? '-'}`);
}

export function input(name: string, ...dims: number[]): string {
  return `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims.map(d => `dim: ${d}`).join(' ')} } } }\n`;
}

/** `layer { name, type, bottoms, top(s) }` on one line. */
export function layer(type: string, name: string, bottoms: string, tops: string, more = ''): string {
  const list = (kind: string, names: string) =>
    names
      .split(' ')
      .filter(n => n)
      .map(n => `${kind}: "${n}"`)
      .join(' ');
  return `layer { name: "${name}" type: "${type}" ${list('bottom', bottoms)} ${list('top', tops)} ${more} }\n`;
}
