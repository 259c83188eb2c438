/** `.caffemodel.h5`: written here and read by the HDF Group's own library (h5wasm), written by it and read here. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MokapotError } from '../../../src/diagnostics/index.js';
import { concatBytes } from '../../../src/weights/formats/wire.js';
import {
  caffeH5Parts,
  copyWeights,
  readCaffeH5,
  readWeights,
  scanCaffeH5,
  type WeightBlob,
} from '../../../src/weights/index.js';
import { loadCaffeH5, loadWeights, saveCaffeH5 } from '../../../src/weights/node/files.js';

const dir = mkdtempSync(join(tmpdir(), 'mokapot-h5-'));
beforeAll(async () => {
  const library = await h5wasm.ready;
  library.activate_throwing_error_handler();
});
afterAll(() => rmSync(dir, { recursive: true }));

const blob = (shape: number[], first = 0): WeightBlob => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i / 7),
});
const bytesOf = (layers: Map<string, WeightBlob[]>, diffs?: Map<string, WeightBlob[]>) =>
  concatBytes([...caffeH5Parts(layers, diffs)]);

function failure(bytes: Uint8Array): MokapotError['diagnostics'][number] {
  try {
    readCaffeH5(bytes, 'x.h5');
  } catch (e) {
    if (e instanceof MokapotError) return e.diagnostics[0]!;
    throw e;
  }
  throw new Error('it was read');
}

describe('what is written', () => {
  it('comes back bit for bit, whatever the shapes and names', () => {
    const blobs = fc.array(fc.nat(4), { maxLength: 5 }).chain(shape => {
      const count = shape.reduce((a, b) => a * b, 1);
      return fc.float32Array({ minLength: count, maxLength: count }).map((data): WeightBlob => ({ shape, data }));
    });
    const layers = fc.array(
      fc.tuple(fc.stringMatching(/^[a-zé_][\w.é-]*(\/[a-z]\w*)?$/), fc.array(blobs, { maxLength: 3 })),
    );
    fc.assert(
      fc.property(layers, entries => {
        const params = new Map(entries);
        const bits = (m: Map<string, WeightBlob[]>) =>
          new Map(
            [...m].map(([name, b]) => [name, b.map(x => [x.shape, [...new Uint32Array(x.data.slice().buffer)]])]),
          );
        const front = (name: string) => [...params.keys()].some(other => other.startsWith(`${name}/`));
        const wanted = [...params].filter(([name, b]) => b.length > 0 || !front(name));
        expect(bits(readCaffeH5(bytesOf(params)).layers)).toEqual(bits(new Map(wanted)));
      }),
    );
  });

  it("is what HDF5's own library reads, more layers than one node of an index holds too", async () => {
    const params = new Map<string, WeightBlob[]>();
    for (let i = 0; i < 700; i++) params.set(`layer${i}`, [blob([2, 3], i), blob([], i)]);
    params.set('inception/1x1', [blob([1, 1, 1, 1, 2])]);
    params.set('relu', []);
    const path = join(dir, 'many.h5');
    await saveCaffeH5(path, params);
    const file = new h5wasm.File(path, 'r');
    const data = file.get('data') as h5wasm.Group;
    expect(data.keys()).toEqual([...params.keys(), 'inception'].filter(n => n !== 'inception/1x1').sort());
    for (const name of ['layer0', 'layer9', 'layer77', 'layer699', 'inception/1x1']) {
      params.get(name)!.forEach(({ shape, data: numbers }, i) => {
        const dataset = data.get(`${name}/${i}`) as h5wasm.Dataset;
        expect(dataset.shape).toEqual(shape);
        const { value } = dataset;
        expect(value instanceof Float32Array ? [...value] : [value]).toEqual([...numbers]);
      });
    }
    expect((data.get('relu') as h5wasm.Group).keys()).toEqual([]);
    file.close();
    expect(loadCaffeH5(path).layers).toEqual(new Map([...params].sort(([a], [b]) => (a < b ? -1 : 1))));
  });

  it('has the same bytes for the same weights', () => {
    const params = new Map([['a', [blob([2, 2])]]]);
    expect(bytesOf(params)).toEqual(bytesOf(params));
  });

  it('has shared parameters once, their gradients in every layer, as Caffe', () => {
    const weight = blob([2, 2]);
    const params = new Map([
      ['left', [weight, blob([2])]],
      ['right', [weight, blob([2], 5)]],
      ['third', [weight]],
    ]);
    const { layers, diffs } = readCaffeH5(bytesOf(params, params));
    expect(layers.get('left')).toEqual(params.get('left'));
    expect(layers.get('right')![0]).toMatchObject({ shared: true });
    expect(layers.get('right')![1]).toEqual(blob([2], 5));
    expect(layers.get('third')).toEqual([]);
    expect(diffs).toEqual(params);
  });

  it.each(['', 'a//b', '.', 'a/./b', 'a\0b'])('refuses the name %j, which HDF5 cannot hold', name => {
    expect(() => bytesOf(new Map([[name, [blob([1])]]]))).toThrow(/cannot be saved as HDF5/);
  });

  it('refuses a layer that stands where another has its blob', () => {
    const both = [
      ['a', [blob([1])]],
      ['a/0', [blob([1])]],
    ] as [string, WeightBlob[]][];
    expect(() => bytesOf(new Map(both))).toThrow(/"a\/0" cannot be saved/);
    expect(() => bytesOf(new Map(both.reverse()))).toThrow(/"a" cannot be saved/);
  });
});

describe('into a net', () => {
  const target = (shape: number[], shared = false) => ({ shape, shared, data: new Float32Array(4) });

  it('a shared parameter that the file has once is no fault', () => {
    const weight = blob([2, 2]);
    const file = scanCaffeH5(bytesOf(new Map([['a', [weight]], ['b', [weight]]]))); // biome-ignore format: one line
    const params = new Map([
      ['a', [target([2, 2])]],
      ['b', [target([2, 2], true)]],
    ]);
    expect(copyWeights(file.layers, params).copied).toEqual(['a', 'b']);
    expect(params.get('a')![0]!.data).toEqual(weight.data);
    expect(() => copyWeights(file.layers, new Map([['b', [target([2, 2])]]]))).toThrow(/has 0 blobs for layer "b"/);
  });
});

describe("what HDF5's library writes", () => {
  const write = (name: string, options: object, fill: (data: h5wasm.Group) => void) => {
    const path = join(dir, name);
    const file = new h5wasm.File(path, 'w', options);
    fill(file.create_group('data'));
    file.close();
    return path;
  };
  const numbers = Float32Array.from({ length: 7 * 5 * 3 }, (_, i) => Math.fround(i / 7));
  const truth = { shape: [7, 5, 3], data: numbers };

  type Chunks = { chunks?: number[]; compression?: number | 'gzip' };
  it.each<[string, object, Chunks]>([
    ['the oldest form', { libver: ['earliest', 'latest'] }, {}],
    ['the form of 1.8', {}, {}],
    ['chunks', {}, { chunks: [2, 2, 2] }],
    ['packed chunks', {}, { chunks: [3, 5, 2], compression: 6 }],
    [
      'packed chunks in the oldest form',
      { libver: ['earliest', 'latest'] },
      { chunks: [7, 1, 2], compression: 'gzip' },
    ],
  ])('is read in %s', (what, options, more) => {
    const path = write(`${what}.h5`, options, data => {
      const layer = data.create_group('conv');
      layer.create_dataset({ name: '0', data: numbers, shape: [7, 5, 3], ...more });
      layer.create_dataset({ name: '1', data: Float64Array.of(0.5, 1e300), shape: [2] });
      layer.create_dataset({ name: '2', data: Int16Array.of(-3, 7), shape: [2] });
    });
    const conv = loadWeights(path).layers.get('conv')!;
    expect(conv[0]).toEqual(truth);
    expect(conv[1]!.data).toEqual(Float32Array.of(0.5, Infinity));
    expect(conv[2]!.data).toEqual(Float32Array.of(-3, 7));
  });

  it('is read from chunks that are shuffled, packed and summed', () => {
    // Made by h5py: shuffle, gzip and fletcher32.
    const path = new URL('../../goldens/weights/chunks.h5', import.meta.url).pathname;
    expect(loadWeights(path).layers.get('conv')![0]).toEqual(truth);
  });

  it('is read with many links in a group', () => {
    const path = write('links.h5', { libver: ['earliest', 'latest'] }, data => {
      for (let i = 0; i < 300; i++) {
        data.create_group(`l${i}`).create_dataset({ name: '0', data: Float32Array.of(i), shape: [1] });
      }
    });
    const { layers } = loadCaffeH5(path);
    expect(layers.size).toBe(300);
    expect(layers.get('l271')![0]!.data[0]).toBe(271);
  });

  it('is refused with a way out where its groups are of a newer kind', () => {
    const path = write('new.h5', { libver: 'latest' }, data => {
      for (let i = 0; i < 40; i++) data.create_group(`l${i}`);
    });
    expect(() => loadCaffeH5(path)).toThrow(/fractal heap.*does not read/);
  });
});

describe('what is wrong with a file', () => {
  const whole = bytesOf(new Map([['conv1', [blob([4, 3, 5, 5]), blob([4])]]]));

  it('says which layer, and how many bytes are there', () => {
    expect(failure(whole.slice(0, -8)).message).toMatch(/x\.h5 is damaged at byte \d+: it says it is \d+ bytes long/);
    const wrong = whole.slice();
    const text = Buffer.from(wrong.buffer).indexOf(Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0));
    wrong[text] = 5;
    expect(failure(wrong)).toMatchObject({
      code: 'weights-count',
      message: expect.stringMatching(
        /blob 0 of layer "conv1" has 1200 bytes of numbers, but its shape 5×3×5×5 takes 1500/,
      ),
    });
  });

  it('an HDF5 file of something else is told apart', () => {
    const path = join(dir, 'other.h5');
    const file = new h5wasm.File(path, 'w', { libver: ['earliest', 'latest'] });
    file.create_dataset({ name: 'label', data: Float32Array.of(1), shape: [1] });
    file.close();
    expect(() => readWeights(new Uint8Array(readFileSync(path)), 'o.h5')).toThrow(
      /o\.h5 is an HDF5 file without the group "data"/,
    );
  });

  it('a user block before it does not disturb', () => {
    const behind = concatBytes([new Uint8Array(512), whole]);
    const view = new DataView(behind.buffer);
    view.setBigUint64(512 + 24, 512n, true);
    view.setBigUint64(512 + 40, BigInt(behind.length), true);
    expect(readWeights(behind)).toMatchObject({ format: 'h5', layers: readCaffeH5(whole).layers });
  });
});
