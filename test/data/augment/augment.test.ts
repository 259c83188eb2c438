/** Whole recipes: what is drawn, by which key, and what holds of every result. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { augment } from '../../../src/data/augment/augment.js';
import { augmentation } from '../../../src/data/augment/augmentation.js';
import { inlineAugmenter } from '../../../src/data/augment/augmenter.js';
import { type DrawKey, drawFor } from '../../../src/data/augment/draw.js';
import { inTest, NOTHING, type Recipe, recipeOf } from '../../../src/data/augment/recipe.js';
import { BatchLoader } from '../../../src/data/batches/loader.js';
import type { EntrySource } from '../../../src/data/sets/dataset.js';
import { create, typeOf } from '../../../src/schema/index.js';
import { failure } from '../../failure.js';
import { made, numbered } from './made.js';

const FULL: Recipe = {
  ...NOTHING,
  crop: [24, 20],
  randomCrop: true,
  flipHorizontal: 0.5,
  flipVertical: 0.5,
  rotation: 180,
  scale: 0.25,
  scaleAxes: 0.1,
  shift: 0.12,
  shear: 10,
  elastic: 0.03,
  blur: 1,
  biasField: 0.3,
  contrast: 0.3,
  brightness: 0.3,
  gamma: 0.4,
  noise: 0.2,
};
const KEY: DrawKey = { seed: 7, epoch: 0, entry: 3, turn: 0 };
const entry = made([1, 32, 30], numbered, (y, x) => (Math.hypot(y - 15, x - 14) < 8 ? 1 : 0));

describe('what is drawn', () => {
  it('is the same for the same key, and another for another seed, epoch, entry or turn', () => {
    const of = (key: Partial<DrawKey>) => [...augment({ entry, key: { ...KEY, ...key } }, FULL).data].join();
    const first = of({});
    expect(of({})).toBe(first);
    const others = [{ seed: 8 }, { epoch: 1 }, { entry: 4 }, { turn: 1 }].map(of);
    expect(new Set([first, ...others]).size).toBe(5);
  });

  it('stays for the others where one change more is asked for', () => {
    const { motion, tone } = drawFor(FULL, KEY);
    const without = drawFor({ ...FULL, rotation: 0, blur: 0, elastic: 0, biasField: 0 }, KEY);
    expect({ ...without.motion, rotation: motion.rotation, elastic: motion.elastic }).toEqual(motion);
    expect({ ...without.tone, blur: tone.blur, biasField: tone.biasField }).toEqual(tone);
  });

  it('lies evenly in the ranges', () => {
    const drawn = Array.from({ length: 2000 }, (_, i) => drawFor(FULL, { ...KEY, entry: i }));
    const each = (value: (d: (typeof drawn)[number]) => number) => drawn.map(value);
    const expectRange = (values: readonly number[], low: number, high: number) => {
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...values)).toBeLessThanOrEqual(high);
      const range = high - low;
      expect(Math.min(...values)).toBeLessThan(low + range * 0.01);
      expect(Math.max(...values)).toBeGreaterThan(high - range * 0.01);
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      expect(Math.abs(mean - (low + high) / 2)).toBeLessThan(0.03 * range);
    };
    expectRange(
      each(d => d.motion.rotation),
      -180,
      180,
    );
    expectRange(
      each(d => d.motion.shiftX),
      -0.12,
      0.12,
    );
    expectRange(
      each(d => d.motion.shearY),
      -10,
      10,
    );
    expectRange(
      each(d => d.tone.gamma!),
      0.6,
      1.4,
    );
    expectRange(
      each(d => d.tone.contrast!),
      0.7,
      1.3,
    );
    expectRange(
      each(d => d.tone.brightness!),
      -0.3,
      0.3,
    );
    expectRange(
      each(d => d.tone.noise!),
      0,
      0.2,
    );
    expectRange(
      each(d => d.tone.blur!),
      0,
      1,
    );
    for (const share of [each(d => Number(d.motion.flipX)), each(d => Number(d.motion.flipY))])
      expect(Math.abs(share.reduce((sum, v) => sum + v, 0) / 2000 - 0.5)).toBeLessThan(0.04);
    const ratio = each(d => d.motion.scaleX / d.motion.scaleY);
    expect(Math.max(...ratio)).toBeGreaterThan(1.15);
    expect(Math.max(...ratio)).toBeLessThan(1.1 / 0.9 + 1e-9);
  });

  it('happens as often as its probability says', () => {
    const often = {
      ...FULL,
      gammaProbability: 0.25,
      affineProbability: 0.25,
      elasticProbability: 0.25,
      noiseProbability: 0,
    };
    const drawn = Array.from({ length: 2000 }, (_, i) => drawFor(often, { ...KEY, entry: i }));
    const share = (is: (d: (typeof drawn)[number]) => boolean) => drawn.filter(is).length / 2000;
    expect(Math.abs(share(d => d.tone.gamma !== undefined) - 0.25)).toBeLessThan(0.04);
    expect(Math.abs(share(d => d.motion.rotation !== 0) - 0.25)).toBeLessThan(0.04);
    expect(share(d => (d.motion.rotation === 0) !== (d.motion.scaleX === 1))).toBe(0);
    expect(Math.abs(share(d => d.motion.elastic !== undefined) - 0.25)).toBeLessThan(0.04);
    expect(share(d => d.tone.noise !== undefined)).toBe(0);
  });
});

describe('every result', () => {
  it('is finite, has the shape asked for, and labels of the classes that were there and of the border', () => {
    const shares = fc.double({ min: 0, max: 0.9, noNaN: true });
    const recipes = fc.record({
      ...{ scale: shares, scaleAxes: shares, shift: shares, gamma: shares, contrast: shares, biasField: shares },
      ...{ noise: shares, brightness: shares, flipHorizontal: shares, flipVertical: shares },
      rotation: fc.double({ min: 0, max: 180, noNaN: true }),
      shear: fc.double({ min: 0, max: 44, noNaN: true }),
      elastic: fc.double({ min: 0, max: 0.1, noNaN: true }),
      elasticGrid: fc.integer({ min: 1, max: 5 }),
      blur: fc.double({ min: 0, max: 4, noNaN: true }),
      border: fc.constantFrom('CONSTANT' as const, 'EDGE' as const, 'REFLECT' as const),
    });
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
    );
    fc.assert(
      fc.property(recipes, sizes, fc.integer({ min: 0, max: 1e6 }), fc.boolean(), (given, shape, position, crops) => {
        const classes = [0, 2, 5];
        const source = made(shape, numbered, (y, x) => classes[(y + 2 * x) % 3]!);
        const [before, labelBefore] = [source.data.slice(), source.label.slice()];
        const crop = crops ? ([Math.ceil(shape[1] / 2), Math.ceil(shape[2] / 3)] as const) : undefined;
        const recipe = { ...NOTHING, ...given, crop, randomCrop: true, borderLabel: 255 };
        const out = augment({ entry: source, key: { ...KEY, entry: position } }, recipe);
        expect(out.data.every(Number.isFinite)).toBe(true);
        expect(out.shape).toEqual([shape[0], ...(crop ?? shape.slice(1))]);
        expect(out.labelShape).toEqual([1, ...(crop ?? shape.slice(1))]);
        expect(out.data.length).toBe(out.shape[0] * out.shape[1] * out.shape[2]);
        const allowed = given.border === 'CONSTANT' ? [...classes, 255] : classes;
        expect(out.label.every(v => allowed.includes(v))).toBe(true);
        // What was given is left as it was: it may be the caller's.
        expect(source.data).toEqual(before);
        expect(source.label).toEqual(labelBefore);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the one label of a classified picture', () => {
    const out = augment({ entry: made([3, 32, 30], numbered), key: KEY }, FULL);
    expect(out.label).toEqual(Float32Array.of(3));
    expect(out.labelShape).toEqual([]);
  });

  it('of labels that come by themselves is what the label beside its picture becomes', () => {
    const both = augment({ entry, key: KEY }, FULL);
    const alone = { ...entry, data: entry.label, label: Float32Array.of(0), labelShape: [] };
    const labels = augment({ entry: alone, key: KEY }, FULL, 'labels');
    expect(labels.data).toEqual(both.label);
    expect(labels.shape).toEqual([1, 24, 20]);
  });

  it('needs a picture as large as the crop', async () => {
    const cut = async () => augment({ entry, key: KEY }, { ...FULL, crop: [33, 20] });
    expect((await failure(cut())).code).toBe('augment-crop');
  });

  it('in TEST is the middle, and nothing else', () => {
    const out = augment({ entry, key: KEY }, inTest(FULL));
    expect(out).toEqual(augment({ entry, key: { ...KEY, epoch: 9 } }, { ...NOTHING, crop: [24, 20] }));
    for (let y = 0; y < 24; y++)
      expect(out.data.slice(20 * y, 20 * y + 20)).toEqual(entry.data.slice(30 * (y + 4) + 5, 30 * (y + 4) + 25));
  });
});

it('augmentation() of the library gives what a data layer gives', async () => {
  const text = 'crop_size: [24, 20] rotation: 180 elastic: 0.03 gamma: 0.4';
  const recipe = {
    ...NOTHING,
    crop: [24, 20] as const,
    rotation: 180,
    elastic: Math.fround(0.03),
    gamma: Math.fround(0.4),
  };
  expect(augmentation(text)(entry, KEY)).toEqual(augment({ entry, key: KEY }, recipe));
  expect(augmentation(`augment_param { ${text} }`, { phase: 'TEST' })(entry, KEY)).toEqual(
    augment({ entry, key: KEY }, inTest(recipe)),
  );
  const wrong = async () => augmentation('rotation: 200', { name: 'mine' });
  expect(await failure(wrong())).toMatchObject({ code: 'augment-range', location: { source: { name: 'mine' } } });
});

describe('a recipe', () => {
  it('without fields changes nothing', () => {
    expect(recipeOf(create('caffe.AugmentParameter', {}))).toEqual(NOTHING);
  });

  it('has every field of augment_param but the one that says whose labels they are', () => {
    const param = create('caffe.AugmentParameter', {});
    const camel = (name: string) => name.replace(/_(.)/g, (_, c: string) => c.toUpperCase());
    const own = Object.keys(recipeOf(param)).map(name => (name === 'crop' ? 'cropSize' : name));
    const theirs = typeOf(param).fieldsArray.map(f => camel(f.name));
    expect(own.sort()).toEqual(theirs.filter(name => name !== 'labelsOf').sort());
  });

  it('takes one side or two', () => {
    expect(recipeOf(create('caffe.AugmentParameter', { crop_size: [144] })).crop).toEqual([144, 144]);
    expect(recipeOf(create('caffe.AugmentParameter', { crop_size: [144, 160] })).crop).toEqual([144, 160]);
  });
});

describe('in a loader', () => {
  const source: EntrySource = {
    name: 'made',
    size: 5,
    entry: async position =>
      made(
        [1, 32, 30],
        (c, y, x) => numbered(c, y, x) + position,
        (y, x) => (y > x ? 1 : 0),
      ),
    close: async () => {},
  };
  const options = { batchSize: 2, shuffle: true, seed: 11, augmenter: inlineAugmenter(FULL) };
  const take = async (loader: BatchLoader, count: number) => {
    const taken = [];
    for (let i = 0; i < count; i++) taken.push(await loader.next());
    return taken;
  };

  it('does not depend on the order, the batch size or how much is decoded ahead', async () => {
    const byEntry = async (more: object) => {
      const found = new Map<string, string>();
      const seen = new Map<number, number>();
      const loader = new BatchLoader(source, { ...options, ...more });
      for (let left = 10; left > 0; ) {
        const { data, entries } = await loader.next();
        entries.forEach((e, i) => {
          if (left-- <= 0) return;
          const turn = seen.get(e) ?? 0;
          seen.set(e, turn + 1);
          found.set(`${e}/${turn}`, [...data.slice(i * 480, (i + 1) * 480)].join());
        });
      }
      return found;
    };
    const first = await byEntry({});
    expect(first.size).toBe(10);
    expect(new Set(first.values()).size).toBe(10);
    for (const more of [{ shuffle: false }, { batchSize: 5 }, { batchSize: 1, prefetch: 7 }])
      expect(await byEntry(more)).toEqual(first);
  });

  it('goes on after a resume as if it had not been broken off, into further epochs', async () => {
    const whole = await take(new BatchLoader(source, options), 9);
    const first = new BatchLoader(source, options);
    await take(first, 4);
    const state = JSON.parse(JSON.stringify(first.save()));
    const second = new BatchLoader(source, options);
    await take(second, 1);
    second.restore(state);
    expect(await take(second, 5)).toEqual(whole.slice(4));
  });

  it('gives entries that an order repeats a drawing each', async () => {
    const { EpochLoader } = await import('../../../src/data/batches/epochs.js');
    const keys: string[] = [];
    const loader = new EpochLoader({
      name: 'made',
      size: 4,
      batchSize: 4,
      order: () => Int32Array.of(2, 0, 2, 2),
      draw: () => undefined,
      load: async picks => {
        keys.push(...picks.map(p => `${p.epoch}:${p.entry}:${p.turn}`));
      },
      prefetch: 1,
    });
    await loader.next();
    expect(keys.slice(0, 8)).toEqual(['0:2:0', '0:0:0', '0:2:1', '0:2:2', '1:2:0', '1:0:0', '1:2:1', '1:2:2']);
  });
});
