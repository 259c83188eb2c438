/** Threads: the same numbers as without them, an end when they are closed, a diagnostic when they fail. */

import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { augment } from '../../../../src/data/augment/augment.js';
import { threadedAugmenter } from '../../../../src/data/augment/node/threads.js';
import { NOTHING, type Recipe } from '../../../../src/data/augment/recipe.js';
import type { Entry } from '../../../../src/data/sets/dataset.js';
import { MokapotError } from '../../../../src/diagnostics/index.js';
import { made, numbered } from '../made.js';

const recipe: Recipe = { ...NOTHING, crop: [24, 24], rotation: 180, elastic: 0.03, gamma: 0.4, noise: 0.2 };
const job = (entry: number, of: Entry = made([1, 32, 32], numbered, (y, x) => (y > x ? 1 : 0))) => ({
  entry: of,
  key: { seed: 5, epoch: 2, entry, turn: 0 },
});

function opened(more: Partial<Recipe> = {}, threads = 2) {
  const augmenter = threadedAugmenter({ ...recipe, ...more }, { threads });
  onTestFinished(() => augmenter.close());
  return augmenter;
}

const failureOf = async (work: Promise<unknown> | unknown): Promise<MokapotError> => {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof MokapotError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
};

describe('threads', () => {
  it('give what is computed without them, whichever does which entry, and leave the entry as it was', async () => {
    const augmenter = opened();
    const jobs = Array.from({ length: 12 }, (_, i) => job(i));
    const out = await Promise.all(jobs.map(j => augmenter.augment(j)));
    expect(out).toEqual(jobs.map(j => augment(j, recipe)));
    expect(jobs[0]!.entry.data.length).toBe(32 * 32);
    const one = opened({}, 1);
    expect(await Promise.all([...jobs].reverse().map(j => one.augment(j)))).toEqual([...out].reverse());
  });

  it('tell what is wrong with a picture, and go on', async () => {
    const augmenter = opened();
    const small = made([1, 20, 32], numbered);
    const failure = await failureOf(augmenter.augment(job(0, small)));
    expect(failure.diagnostics[0]).toMatchObject({ code: 'augment-crop', message: expect.stringContaining('20 × 32') });
    expect(await augmenter.augment(job(1))).toEqual(augment(job(1), recipe));
  });

  it('that break off are told, by what is under way and by what is asked later', async () => {
    // Not a picture: the thread's own code fails at it.
    const augmenter = opened({}, 1);
    const broken = { ...made([1, 32, 32], numbered), data: null as unknown as Float32Array };
    const both = [failureOf(augmenter.augment(job(0, broken))), failureOf(augmenter.augment(job(1)))];
    for (const failure of await Promise.all(both)) {
      expect(failure.diagnostics[0]!.code).toBe('augment-thread');
      expect(failure.message).not.toContain('    at ');
      expect(failure.diagnostics[0]!.hint).toContain('--resume');
    }
    expect((await failureOf(augmenter.augment(job(2)))).diagnostics[0]!.code).toBe('augment-thread');
  });

  it('end when they are closed: what is under way fails, and nothing starts after', async () => {
    const augmenter = opened({}, 1);
    await augmenter.augment(job(0));
    const waiting = failureOf(augmenter.augment(job(1)));
    await augmenter.close();
    expect((await waiting).message).toContain('closed');
    expect((await failureOf(augmenter.augment(job(2)))).diagnostics[0]!.code).toBe('augment-thread');
    await augmenter.close();
  });

  it('do not keep a process alive that has nothing more to do', async () => {
    const file = new URL('../../../../src/data/augment/node/threads.ts', import.meta.url).pathname;
    const code = `import('jiti').then(async ({ createJiti }) => {
      const { threadedAugmenter } = await createJiti(${JSON.stringify(file)}).import(${JSON.stringify(file)});
      const augmenter = threadedAugmenter(${JSON.stringify({ ...recipe, crop: undefined })}, { threads: 1 });
      const entry = { name: 'e', data: new Float32Array(64), shape: [1, 8, 8], label: new Float32Array(1), labelShape: [] };
      const out = await augmenter.augment({ entry, key: { seed: 1, epoch: 0, entry: 0, turn: 0 } });
      require('node:worker_threads').parentPort.postMessage(out.shape);
    });`;
    const worker = new Worker(code, { eval: true });
    const shape = await new Promise(resolve => worker.once('message', resolve));
    expect(shape).toEqual([1, 8, 8]);
    expect(await new Promise(resolve => worker.once('exit', resolve))).toBe(0);
  });
});
