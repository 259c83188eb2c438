/** One mistake, one diagnostic: what `mokapot check` tells of each, at which line, in which words. */

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, mokapot, project } from '../../cli/cli.js';
import { type Mistake, mistakes } from './table.js';

const HERE = project('test/net/mistakes');
const dir = folder();
cpSync(HERE, dir, { recursive: true, filter: source => !source.endsWith('.ts') });

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly range?: { readonly start: { readonly line: number } };
  readonly file?: string;
}

async function check(path: string): Promise<Told[]> {
  const { out } = await mokapot(['check', '--format', 'json', path]);
  const { files } = JSON.parse(out) as { files: [{ diagnostics: Told[] }] };
  // That no data set is named is no mistake.
  return files[0].diagnostics.filter(d => d.code !== 'assumed-shapes');
}

function made({ base, from, to, first }: Mistake): string {
  const text = readFileSync(join(HERE, `${base}.prototxt`), 'utf8');
  const at = first ? text.indexOf(from) : text.lastIndexOf(from);
  expect(at, `"${from}" in ${base}.prototxt`).toBeGreaterThanOrEqual(0);
  return text.slice(0, at) + to + text.slice(at + from.length);
}

describe('files without a mistake', () => {
  it.each(['lenet', 'fcn', 'deploy', 'solver', 'fcn_solver'])('%s: nothing is told', async base => {
    expect(await check(join(dir, `${base}.prototxt`))).toEqual([]);
  });
});

describe('single mistakes', () => {
  it('are a hundred at least, each of its own', () => {
    expect(mistakes.length).toBeGreaterThanOrEqual(100);
    expect(new Set(mistakes.map(m => `${m.base}: ${m.name}`)).size).toBe(mistakes.length);
  });

  it.each(mistakes.map(m => [`${m.base}: ${m.name}`, m] as const))('%s', async (_, mistake) => {
    const text = made(mistake);
    const path = join(dir, `${mistake.base}.prototxt`);
    const right = readFileSync(path);
    writeFileSync(path, text);
    try {
      const told = await check(mistake.via ? join(dir, `${mistake.via}.prototxt`) : path);
      const shown = told.map(d => `${d.code}@${d.range?.start.line ?? '-'}: ${d.message} ${d.hint ?? ''}`).join('\n');
      const offset = mistake.at === undefined ? -1 : text.lastIndexOf(mistake.at);
      const line = mistake.via ? expect.anything() : offset < 0 ? undefined : text.slice(0, offset).split('\n').length;
      expect(
        told.map(d => [d.code, d.range?.start.line]),
        shown,
      ).toEqual([[mistake.code, line]]);
      expect(`${told[0]!.message} ${told[0]!.hint}`).toMatch(mistake.says);
    } finally {
      writeFileSync(path, right);
    }
  });
});
