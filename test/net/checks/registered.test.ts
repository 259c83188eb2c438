/** Every check, and every error of a net, on layers that were registered: what is said of them is said of built-in ones. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it, describe as suite } from 'vitest';
import type { Diagnostic } from '../../../src/diagnostics/index.js';
import { compiled } from '../../../src/net/checks/compiled.js';
import { checks, type DescribeOptions, type Description, describe, trainedBy } from '../../../src/net/index.js';
import { twins, untwinned, withTwins } from '../../layers/twins.js';
import { alexNet, googLeNet } from '../../networks/classics.js';
import { mistakes } from '../mistakes/table.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** What hangs on the names themselves: which of them is nearest to a mistyped one. */
const NEAREST = /Registered types: .*?\.|Did you mean ".*?"\?( Caffe's type names are case-sensitive\.)?/;

/** What a diagnostic says and where, without the columns, which names move. */
function told(d: Diagnostic) {
  const lines = [d.location?.range.start.line, d.location?.range.end.line];
  const hint = untwinned(d.hint ?? '').replace(NEAREST, '');
  // So does the fix that writes it.
  const fix = d.code !== 'unknown-layer-type' && d.fix && [untwinned(d.fix.title), d.fix.edits.length];
  return { code: d.code, severity: d.severity, layer: d.layer, message: untwinned(d.message), hint, lines, fix };
}

const shown = (net: Description) => ({
  diagnostics: net.diagnostics.map(told),
  traces: net.diagnostics.map(d => d.shapes?.map(line => untwinned(line).replace(/ +/g, ' ')) ?? []),
  layers: net.layers.map(l => ({ ...l, type: untwinned(l.type) })),
});

function expectAlike(text: string, options: DescribeOptions = {}): Description {
  const plain = describe(text, options);
  const registered = describe(withTwins(text), { ...options, catalogue: twins });
  expect(shown(registered)).toEqual(shown(plain));
  return registered;
}

suite('the example of', () => {
  const all = [...checks, ...compiled].map(({ code, example }) => [code, example] as const);
  const data = { entryShapes: { data: [3, 8, 8], label: [1, 8, 8] } };

  it.each(all)('%s', (code, { head = '', wrong, right, phase = 'TEST', options = {}, solver, given }) => {
    const more = {
      phase,
      ...options,
      ...(solver && { solver: trainedBy(solver) }),
      ...(given === 'a data set' && data),
    };
    const net = expectAlike(head + wrong, more);
    expect(net.diagnostics.map(d => d.code)).toContain(code);
    expectAlike(head + right, more);
  });
});

suite('the mistake', () => {
  const nets = mistakes.filter(m => !m.base.includes('solver'));
  it.each(nets.map(m => [m.name, m] as const))('%s', (_, { base, from, to, first }) => {
    const text = read(`../mistakes/${base}.prototxt`);
    const at = first ? text.indexOf(from) : text.lastIndexOf(from);
    const changed = text.slice(0, at) + to + text.slice(at + from.length);
    for (const phase of ['TRAIN', 'TEST'] as const) expectAlike(changed, { phase });
  });
});

suite('the network', () => {
  const folder = new URL('../../../networks/', import.meta.url);
  const files = readdirSync(folder).filter(f => f.endsWith('.prototxt'));
  const texts = [
    ...files.map(f => [f, readFileSync(new URL(f, folder), 'utf8')] as const),
    ['AlexNet', alexNet] as const,
    ['GoogLeNet', googLeNet] as const,
  ];
  it.each(texts)('%s', (_, text) => {
    for (const phase of ['TRAIN', 'TEST'] as const)
      expectAlike(text, { phase, entryShapes: { data: [3, 227, 227], label: [1, 227, 227] } });
    expectAlike(text, { phase: 'TEST', stages: ['deploy'], entryShapes: { data: [3, 227, 227] } });
  });
});
