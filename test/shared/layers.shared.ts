/** Every layer case of ../shared on every engine that is always there, and on a GPU that is here: outputs and gradients equal Caffe's. */

import { afterAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engines/node/index.js';
import { goldenNames, readGolden } from '../../src/tools/golden_files.js';
import { verifyCase } from '../../src/tools/verify.js';
import { gpus, shared, sharedThere } from './folder.js';

/** BVLC Caffe's, then a fork's. */
const FOLDERS = ['goldens/layers', 'goldens/forks'];
const there = FOLDERS.every(sharedThere);
const casesIn = async (folder: string) => {
  const dir = shared(folder);
  return Promise.all((await goldenNames(dir)).map(name => readGolden(dir, name)));
};
const [layers = [], forks = []] = there ? await Promise.all(FOLDERS.map(casesIn)) : [];
const cases = [...layers, ...forks];
describe.skipIf(!there)('the cases', () => {
  it('are there', () => {
    expect(layers.length).toBeGreaterThan(100);
    expect(forks.length).toBe(26);
  });
});

describe.each(there ? ['onnx', 'wasm', 'cpu', 'host', ...(await gpus())] : [])('layers on %s', async backend => {
  const engine = await createEngine(backend);
  afterAll(() => engine.dispose());

  for (const golden of cases) {
    it(golden.name, async () => {
      const { comparisons, failure } = await verifyCase(golden, engine);
      if (failure) throw failure;
      expect(comparisons.length).toBeGreaterThan(0);
      expect(comparisons.filter(c => !c.passed)).toEqual([]);
    });
  }
});
