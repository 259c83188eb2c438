/** Every layer case of ../shared on every engine that is always there, and on a GPU that is here: outputs and gradients equal BVLC Caffe's. */

import { afterAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/engines/index.js';
import { goldenNames, readGolden } from '../../src/tools/golden_files.js';
import { verifyCase } from '../../src/tools/verify.js';
import { gpus, shared, sharedThere } from './folder.js';

const dir = shared('goldens/layers');
const there = sharedThere('goldens/layers');
const cases = there ? await Promise.all((await goldenNames(dir)).map(name => readGolden(dir, name))) : [];
describe.skipIf(!there)('the cases', () => {
  it('are there', () => expect(cases.length).toBeGreaterThan(100));
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
