/** Names with control characters, and names that every JavaScript object has. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { colors } from '../../src/cli/io.js';
import { formatDiagnostic, visible, visiblePainted } from '../../src/diagnostics/index.js';
import { folder, mokapot } from './cli.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: those must not be printed.
const RAW = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/;

describe('control characters in names', () => {
  const dir = folder();
  const net = join(dir, 'net.prototxt');
  const hostile = '\x1b]0;title\x07\x1b[2J\x9b31m\u202e';
  writeFileSync(
    net,
    `layer { name: "in${hostile}" type: "Input" top: "x${hostile}" input_param { shape { dim: 1 dim: 3 } } }
     layer { name: "ip${hostile}" type: "InnerProduct" bottom: "x${hostile}" top: "y" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
     layer { name: "unread${hostile}" type: "ReLU" bottom: "nothing${hostile}" top: "z" }`,
  );
  const good = join(dir, 'good.prototxt');
  writeFileSync(good, readFileSync(net, 'utf8').split('\n').slice(0, 2).join('\n'));

  it.each([
    ['check', net],
    ['check', '--format', 'json', net],
    ['check', '--format', 'github', net],
    ['summary', net],
    ['summary', good],
    ['explain', good, `ip${hostile}`],
    ['explain', good, `no${hostile}`],
    ['time', '--net', good, '--backend', 'host', '--iterations', '1'],
    ['check', `none${hostile}.prototxt`],
    [`no-command${hostile}`],
  ])('%s', async (...args) => {
    const { out, err } = await mokapot(args);
    expect(out + err).not.toMatch(RAW);
    expect(out + err).toMatch(/\\x1b|\\u001b/);
  });

  it.each(['svg', 'dot'])('graph as %s', async type => {
    const out = join(dir, `x.${type}`);
    expect((await mokapot(['graph', good, '-o', out])).code).toBe(0);
    const text = readFileSync(out, 'utf8');
    expect(text).not.toMatch(RAW);
    expect(text).toContain('x1b');
  });

  it('are kept in texts for programs', async () => {
    const { bytes } = await mokapot(['fmt', '--print', good]);
    expect(bytes.toString('utf8')).toContain(hostile);
  });

  it('colours of the terminal stay, and marks stand under what they mark', () => {
    const painted = colors({ stdout: { isTTY: true }, env: { FORCE_COLOR: '1' } } as never).red('a\x1b[2J');
    expect(visiblePainted(painted)).toBe('\x1b[31ma\\x1b[2J\x1b[39m');
    expect(visible('a\tb\nc\r')).toBe('a\tb\nc\\x0d');
    const source = { name: 'x', text: 'ab\x1bcd' };
    const range = { start: { line: 1, column: 4, offset: 3 }, end: { line: 1, column: 6, offset: 5 } };
    const lines = formatDiagnostic({ severity: 'error', code: 'c', message: 'm', location: { source, range } }).split(
      '\n',
    );
    expect(lines.slice(-2)).toEqual(['  1 | ab\\x1bcd', '    |       ^^']);
  });
});
