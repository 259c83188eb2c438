/** Every golden of layers, BVLC Caffe's and the forks', on every engine that is always there. */

import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engines/node/index.js';
import { goldenNames, readGolden } from '../../src/tools/golden_files.js';
import { verifyCase } from '../../src/tools/verify.js';

const FOLDERS = ['layers', 'forks'].map(name => fileURLToPath(new URL(`../goldens/${name}`, import.meta.url)));

const cases = (
  await Promise.all(FOLDERS.map(async dir => Promise.all((await goldenNames(dir)).map(name => readGolden(dir, name)))))
).flat();

describe.each(['host', 'wasm', 'cpu', 'onnx', 'onnx-wasm'])('goldens of layers on %s', async backend => {
  const engine = await createEngine(backend);
  afterAll(() => engine.dispose());

  it.each(cases.map(c => [c.name, c] as const))('%s', async (_, golden) => {
    const { comparisons, failure } = await verifyCase(golden, engine);
    if (failure) throw failure;
    expect(comparisons.length).toBeGreaterThan(0);
    expect(comparisons.filter(c => !c.passed)).toEqual([]);
  });
});
