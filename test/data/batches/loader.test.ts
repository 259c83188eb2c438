import { describe, expect, it } from 'vitest';
import { BatchLoader, type LoaderOptions } from '../../../src/data/batches/loader.js';
import { applyTransform, readTransform } from '../../../src/data/batches/transform.js';
import type { Entry, EntrySource } from '../../../src/data/sets/dataset.js';
import { MokapotError } from '../../../src/diagnostics/index.js';
import { create } from '../../../src/schema/index.js';

/** Entries 1 × height × width with values 100·position + pixel, decoded in any order. */
function source(size: number, shape: (i: number) => [number, number] = () => [4, 6]): EntrySource & { open: number } {
  return {
    name: 'made',
    size,
    open: 0,
    async entry(position): Promise<Entry> {
      this.open++;
      await new Promise(resolve => setTimeout(resolve, (position * 7) % 5));
      const [h, w] = shape(position);
      const data = Float32Array.from({ length: h * w }, (_, i) => 100 * position + i);
      return { name: `e${position}`, data, shape: [1, h, w], label: data.slice(), labelShape: [1, h, w] };
    },
    close: async () => {},
  };
}

async function take(loader: BatchLoader, count: number): Promise<number[][]> {
  const out: number[][] = [];
  for (let i = 0; i < count; i++) out.push([...(await loader.next()).entries]);
  return out;
}

const shuffled: LoaderOptions = { batchSize: 3, shuffle: true, seed: 4 };

describe('order', () => {
  it('is that of the source, and wraps round inside of a batch', async () => {
    const loader = new BatchLoader(source(5), { batchSize: 3 });
    expect(await take(loader, 4)).toEqual([
      [0, 1, 2],
      [3, 4, 0],
      [1, 2, 3],
      [4, 0, 1],
    ]);
    expect(loader.batchesPerEpoch).toBe(2);
  });

  it('is new in each epoch where shuffled, each entry once an epoch, the same for the same seed', async () => {
    const epochs = (await take(new BatchLoader(source(12), shuffled), 12)).flat();
    const sorted = Array.from({ length: 12 }, (_, i) => i);
    for (let e = 0; e < 3; e++) expect(epochs.slice(12 * e, 12 * e + 12).sort((a, b) => a - b)).toEqual(sorted);
    expect(epochs.slice(0, 12)).not.toEqual(epochs.slice(12, 24));
    expect((await take(new BatchLoader(source(12), shuffled), 12)).flat()).toEqual(epochs);
    expect((await take(new BatchLoader(source(12), { ...shuffled, seed: 5 }), 12)).flat()).not.toEqual(epochs);
  });

  it('does not depend on how much is decoded ahead', async () => {
    const transform = { mirror: true, cropSize: 2 };
    const run = async (prefetch: number) => {
      const loader = new BatchLoader(source(7), { ...shuffled, transform, prefetch });
      const out: number[][] = [];
      for (let i = 0; i < 9; i++) out.push([...(await loader.next()).data]);
      return out;
    };
    expect(await run(4)).toEqual(await run(1));
  });
});

describe('decoding ahead', () => {
  it('has the next batches under way when one is handed out', async () => {
    const entries = source(100);
    const loader = new BatchLoader(entries, { batchSize: 2, prefetch: 3 });
    await loader.next();
    expect(entries.open).toBe(8);
  });
});

describe('resuming', () => {
  it('goes on with the very batches of the unbroken run, at any point', async () => {
    const transform = { mirror: true, cropSize: 3 };
    const options = { ...shuffled, transform };
    for (const stop of [0, 1, 2, 3, 4, 5, 9]) {
      const whole = new BatchLoader(source(8), options);
      for (let i = 0; i < stop; i++) await whole.next();
      const state = JSON.parse(JSON.stringify(whole.save()));
      const resumed = new BatchLoader(source(8), { ...options, seed: 99 });
      await resumed.next();
      resumed.restore(state);
      for (let i = 0; i < 8; i++) {
        const [a, b] = [await whole.next(), await resumed.next()];
        expect(b.entries).toEqual(a.entries);
        expect(b.data).toEqual(a.data);
        expect(b.label).toEqual(a.label);
      }
    }
  });

  it('refuses the state of another source', () => {
    const state = { ...new BatchLoader(source(8), shuffled).save(), position: 40 };
    expect(() => new BatchLoader(source(8), shuffled).restore(state)).toThrow(MokapotError);
  });
});

describe('batches', () => {
  it('are stacked', async () => {
    const batch = await new BatchLoader(source(3), { batchSize: 2 }).next();
    expect(batch.dataShape).toEqual([2, 1, 4, 6]);
    expect(batch.labelShape).toEqual([2, 1, 4, 6]);
    expect([batch.data[0], batch.data[24], batch.label[47]]).toEqual([0, 100, 123]);
  });

  it('of different shapes need a batch size of 1', async () => {
    const mixed = () => source(4, i => [2 + i, 3]);
    const single = new BatchLoader(mixed(), { batchSize: 1 });
    expect((await single.next()).dataShape).toEqual([1, 1, 2, 3]);
    expect((await single.next()).dataShape).toEqual([1, 1, 3, 3]);
    await expect(new BatchLoader(mixed(), { batchSize: 2 }).next()).rejects.toThrow(
      /e0 is 1 × 2 × 3 and e1 is 1 × 3 × 3/,
    );
    const cropped = new BatchLoader(mixed(), { batchSize: 4, transform: { cropSize: 2 } });
    expect((await cropped.next()).dataShape).toEqual([4, 1, 2, 2]);
  });

  it('come to an end nowhere, and an empty source is refused', async () => {
    expect(() => new BatchLoader(source(0), { batchSize: 1 })).toThrow(/made has no entries/);
    expect(() => new BatchLoader(source(1), { batchSize: 0 })).toThrow(/batch size is 0/);
    let count = 0;
    for await (const batch of new BatchLoader(source(2), { batchSize: 5 })) {
      expect(batch.entries).toHaveLength(5);
      if (++count === 3) break;
    }
  });

  it('tell an entry that cannot be read when its turn comes, not before', async () => {
    const entries = source(6);
    const read = entries.entry.bind(entries);
    entries.entry = async i => (i === 2 ? Promise.reject(new Error('broken entry')) : read(i));
    const loader = new BatchLoader(entries, { batchSize: 1 });
    await loader.next();
    await new Promise(resolve => setTimeout(resolve, 20));
    await loader.next();
    await expect(loader.next()).rejects.toThrow('broken entry');
  });
});

describe('transform_param', () => {
  const entry: Entry = {
    name: 'e',
    data: Float32Array.from({ length: 24 }, (_, i) => i),
    shape: [2, 3, 4],
    label: Float32Array.from({ length: 12 }, (_, i) => i),
    labelShape: [1, 3, 4],
  };
  const still = { mirror: false, top: 0, left: 0 };

  it('subtracts the mean, then scales', async () => {
    const param = create('caffe.TransformationParameter', { scale: 0.5, mean_value: [2, 10] });
    const out = applyTransform(entry, await readTransform(param, 'TRAIN'), still);
    expect([out.data[0], out.data[11], out.data[12]]).toEqual([-1, 4.5, 1]);
    expect(out.label).toEqual(entry.label);
    const mean = { data: Float32Array.from({ length: 24 }, (_, i) => i), shape: [1, 2, 3, 4] };
    const zero = applyTransform(entry, { mean, cropSize: 2 }, { ...still, top: 0.99, left: 0.5 });
    expect([...zero.data]).toEqual(new Array(8).fill(0));
  });

  it('crops anywhere in TRAIN, in the middle in TEST, the label alike', () => {
    const train = applyTransform(entry, { cropSize: 2, phase: 'TRAIN' }, { mirror: false, top: 0.99, left: 0.4 });
    expect([...train.data]).toEqual([5, 6, 9, 10, 17, 18, 21, 22]);
    expect([...train.label]).toEqual([5, 6, 9, 10]);
    const test = applyTransform(entry, { cropSize: 2, phase: 'TEST' }, { mirror: false, top: 0.99, left: 0.99 });
    expect([...test.label]).toEqual([1, 2, 5, 6]);
  });

  it('mirrors, the label alike', () => {
    const out = applyTransform(entry, { mirror: true }, { ...still, mirror: true });
    expect([...out.label.subarray(0, 4)]).toEqual([3, 2, 1, 0]);
    expect([...out.data.subarray(12, 16)]).toEqual([15, 14, 13, 12]);
  });

  it('refuses what cannot be', async () => {
    const both = create('caffe.TransformationParameter', { mean_file: 'm', mean_value: [1] });
    await expect(readTransform(both, 'TRAIN')).rejects.toThrow(/both mean_file and mean_value/);
    const missing = create('caffe.TransformationParameter', { mean_file: 'nowhere.binaryproto' });
    await expect(readTransform(missing, 'TRAIN')).rejects.toThrow(/There is no mean file/);
    expect(() => applyTransform(entry, { cropSize: 9 }, still)).toThrow(/crop_size 9 is larger/);
    expect(() => applyTransform(entry, { meanValue: [1, 2, 3] }, still)).toThrow(/3 values of mean_value/);
    const mean = { data: new Float32Array(6), shape: [1, 1, 2, 3] };
    expect(() => applyTransform(entry, { mean }, still)).toThrow(/The mean is 1 × 1 × 2 × 3/);
  });

  it('makes colour of grey and grey of colour', () => {
    const grey: Entry = { ...entry, shape: [1, 3, 4], data: entry.data.subarray(0, 12) };
    const color = applyTransform(grey, { channels: 3 }, still);
    expect(color.shape).toEqual([3, 3, 4]);
    expect(applyTransform(color, { channels: 1 }, still).data).toEqual(grey.data);
  });
});
