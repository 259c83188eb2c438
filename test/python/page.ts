/** The examples of docs/python-layers.md: blocks behind `<!-- example: NAME -->`. */

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Net, type NetLoadOptions } from '../../src/index.js';

export function examples(): ReadonlyMap<string, string> {
  const page = readFileSync(new URL('../../docs/python-layers.md', import.meta.url), 'utf8');
  const found = page.matchAll(/<!-- example: (.*?) -->\n```\w+\n([\s\S]*?)```/g);
  return new Map([...found].map(([, name, code]) => [name!, code!]));
}

/** Runs the page's net with the page's file `name` as its module, and holds its numbers against the formula. */
export async function checkExample(name: string, options: NetLoadOptions = {}): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'mokapot-page-'));
  writeFileSync(join(dir, name.replace('weighted_graph', 'weighted')), examples().get(`file ${name}`)!);
  const net = await Net.fromText(examples().get('net')!, { phase: 'TRAIN', backend: 'host', dir, ...options });
  const [a, b] = [
    [1, 2, 3, 4],
    [0, 2, 5, 1],
  ] as const;
  const diff = a.map((v, i) => v + 0.5 - b[i]!);
  const loss = (await net.forward({ a, b })).get('loss')!.data[0];
  expect(loss).toBeCloseTo((3 * diff.reduce((s, d) => s + d * d, 0)) / 4, 5);
  await net.backward({}, { diffs: ['a', 'b'] });
  const towards = diff.map(d => (3 * d) / 2);
  expect([...net.blobs.get('a')!.diff]).toEqual(towards);
  expect([...net.blobs.get('b')!.diff]).toEqual(towards.map(d => -d));
  expect(net.params.get('loss')![0]!.diff[0]).toBeCloseTo(
    towards.reduce((x, y) => x + y),
    5,
  );
  expect(net.graph.params[0]!.lrMult).toBe(2);
  net.dispose();
}
