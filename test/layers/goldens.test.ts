/** Every golden of BVLC Caffe's layers, on every engine that is always there. */

import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { goldenNames, readGolden } from '../../src/infer/golden_files.js';
import { verifyCase } from '../../src/infer/verify.js';
import { layerTypes } from '../../src/layers/index.js';
import { createEngine } from '../../src/targets/index.js';

const DIR = fileURLToPath(new URL('../goldens/layers', import.meta.url));

/** Layer types of the goldens that Mokapot does not have yet; their cases are left out. */
const MISSING = new Set(['Filter']);

const cases = await Promise.all((await goldenNames(DIR)).map(name => readGolden(DIR, name)));

function typesOf(prototxt: string): string[] {
  return [...prototxt.matchAll(/ type: "(\w+)" (?:bottom|top)/g)].map(m => m[1]!);
}

describe('the list of missing layer types', () => {
  it('names what the goldens have and Mokapot lacks, and nothing else', () => {
    const used = new Set(cases.flatMap(c => typesOf(c.prototxt)));
    expect([...used].filter(type => !layerTypes.has(type)).sort()).toEqual([...MISSING].sort());
  });
});

const there = cases.filter(c => !typesOf(c.prototxt).some(type => MISSING.has(type)));

describe.each(['host', 'wasm', 'cpu'])('goldens of layers on %s', async backend => {
  const engine = await createEngine(backend);
  afterAll(() => engine.dispose());

  it.each(there.map(c => [c.name, c] as const))('%s', async (_, golden) => {
    const { comparisons, failure } = await verifyCase(golden, engine);
    if (failure) throw failure;
    expect(comparisons.length).toBeGreaterThan(0);
    expect(comparisons.filter(c => !c.passed)).toEqual([]);
  });
});
