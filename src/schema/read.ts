/** The two texts that Caffe's users write, read and brought to today's form. */

import { type Diagnostic, hasErrors } from '../diagnostics/index.js';
import type { NetParameter, SolverParameter } from './generated/caffe.js';
import { type Parsed, type ParseOptions, parseText } from './parse.js';
import { upgradeNet, upgradeSolver } from './upgrade.js';

/** A network's text as a NetParameter of today. Never throws for bad input. */
export function parseNet(text: string, options?: ParseOptions): Parsed<NetParameter> {
  const parsed = parseText(text, 'caffe.NetParameter', options);
  return join(parsed, upgradeNet(parsed.message));
}

/** A solver's text as a SolverParameter of today. Never throws for bad input. */
export function parseSolver(text: string, options?: ParseOptions): Parsed<SolverParameter> {
  const parsed = parseText(text, 'caffe.SolverParameter', options);
  return join(parsed, upgradeSolver(parsed.message));
}

/** Caffe refuses a message without its required fields, which the text format alone allows. */
function refuseIncomplete(d: Diagnostic): Diagnostic {
  return d.code === 'missing-required' ? { ...d, severity: 'error' } : d;
}

/** Where the text has errors, an upgrade's own may follow from them: its notes stay, its errors do not. */
function join<T>(parsed: Parsed<T>, upgraded: Parsed<T>): Parsed<T> {
  const extra = hasErrors(parsed.diagnostics)
    ? upgraded.diagnostics.filter(d => d.severity !== 'error')
    : upgraded.diagnostics;
  return { message: upgraded.message, diagnostics: [...parsed.diagnostics.map(refuseIncomplete), ...extra] };
}
