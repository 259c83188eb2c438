/** Valid files, damaged at random thousands of times: read whole, or refused with a diagnostic; nothing else. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { MokapotError } from '../../../src/diagnostics/index.js';
import { concatBytes } from '../../../src/weights/formats/wire.js';
import {
  caffeH5Parts,
  copyWeights,
  readBinaryproto,
  readCaffeH5,
  readCaffemodel,
  readNpz,
  readSafetensors,
  readSolverstate,
  scanNetWeights,
  tensorsOf,
  type WeightBlob,
  writeBinaryproto,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from '../../../src/weights/index.js';

const golden = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../goldens/solvers/${name}`, import.meta.url)));
const small = new Map<string, WeightBlob>([
  ['a', { shape: [2, 3], data: new Float32Array(6).fill(0.1) }],
  ['b', { shape: [40], data: new Float32Array(40).fill(2) }],
]);

const layers = new Map([
  ['a', [small.get('a')!]],
  ['b', [small.get('b')!, small.get('a')!]],
]);
const packed = zipSync({ 'a/0.npy': writeNpy(small.get('a')!), 'b/0.npy': writeNpy(small.get('b')!) }, { level: 9 });

const kinds: [string, Uint8Array, (bytes: Uint8Array) => Iterable<WeightBlob>][] = [
  ['caffemodel', golden('sgd_iter_4.caffemodel'), b => [...readCaffemodel(b).layers.values()].flat()],
  ['solverstate', golden('adam_iter_4.solverstate'), b => readSolverstate(b).history],
  ['binaryproto', writeBinaryproto(small.get('a')!), b => [readBinaryproto(b)]],
  ['safetensors', golden('sgd.safetensors'), b => readSafetensors(b).tensors.values()],
  ['npz', writeNpz(small), b => readNpz(b).values()],
  ['packed npz', packed, b => readNpz(b).values()],
  ['caffemodel.h5', concatBytes([...caffeH5Parts(layers)]), b => [...readCaffeH5(b).layers.values()].flat()],
  [
    'caffemodel.h5 of packed chunks',
    new Uint8Array(readFileSync(new URL('../../goldens/weights/chunks.h5', import.meta.url))),
    b => [...readCaffeH5(b).layers.values()].flat(),
  ],
];

type Damage = (bytes: Uint8Array) => Uint8Array;
const at = fc.nat(1 << 20);
const overwrite = fc.array(fc.tuple(at, fc.nat(255)), { minLength: 1, maxLength: 8 }).map(
  (edits): Damage =>
    bytes => {
      const out = bytes.slice();
      for (const [i, value] of edits) out[i % out.length] = value;
      return out;
    },
);
const truncate = at.map(
  (n): Damage =>
    bytes =>
      bytes.slice(0, n % bytes.length),
);
const remove = fc.tuple(at, fc.nat(64)).map(
  ([n, length]): Damage =>
    bytes => {
      const from = n % bytes.length;
      return Uint8Array.from([...bytes.slice(0, from), ...bytes.slice(from + 1 + length)]);
    },
);
const insert = fc.tuple(at, fc.uint8Array({ minLength: 1, maxLength: 16 })).map(
  ([n, more]): Damage =>
    bytes => {
      const from = n % bytes.length;
      return Uint8Array.from([...bytes.slice(0, from), ...more, ...bytes.slice(from)]);
    },
);

describe.each(kinds)('a damaged %s', (_, whole, read) => {
  it('is refused with a diagnostic, or its numbers make its shapes', () => {
    expect([...read(whole)].length).toBeGreaterThan(0);
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(overwrite, truncate, remove, insert), damage => {
        try {
          for (const { shape, data } of read(damage(whole))) {
            expect(data).toHaveLength(shape.reduce((a, b) => a * b, 1));
          }
        } catch (e) {
          if (!(e instanceof MokapotError)) throw e;
          refused++;
        }
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(300);
  });
});

it('a damaged size of shuffled elements is no loop of four thousand million rounds', { timeout: 5000 }, () => {
  const [, whole, read] = kinds.at(-1)!;
  const damaged = Buffer.from(whole);
  // Behind the filter's name stands the size of an element, in four bytes.
  const size = damaged.indexOf('shuffle\0') + 8;
  expect(damaged.readUInt32LE(size)).toBe(4);
  damaged[size + 3] = 255;
  expect(() => [...read(damaged)]).toThrow(MokapotError);
});

it.each(['sgd_iter_4.caffemodel', 'adam_iter_4.solverstate'])(
  '%s, cut off anywhere, is never read past its end',
  name => {
    const whole = golden(name);
    const read = name.endsWith('caffemodel') ? readCaffemodel : readSolverstate;
    let readable = 0;
    for (let length = 0; length < whole.length; length++) {
      try {
        read(whole.slice(0, length));
        readable++;
      } catch (e) {
        expect(e).toBeInstanceOf(MokapotError);
      }
    }
    // Between two fields of the outermost message a shorter file is a valid one.
    expect(readable).toBeLessThanOrEqual(13);
  },
);

it('a flipped bit among the numbers of an .npz is found by its checksum', () => {
  for (const whole of [writeNpz(small), packed]) {
    for (let bit = 0; bit < 8; bit++) {
      const wrong = whole.slice();
      wrong[whole.length >> 1]! ^= 1 << bit;
      expect(() => readNpz(wrong)).toThrow(MokapotError);
    }
  }
});

describe.each([
  ['caffemodel', golden('sgd_iter_4.caffemodel')],
  ['h5', concatBytes([...caffeH5Parts(readCaffemodel(golden('sgd_iter_4.caffemodel')).layers)])],
  ['npz', writeNpz(tensorsOf(readCaffemodel(golden('sgd_iter_4.caffemodel')).layers))],
  ['safetensors', writeSafetensors(tensorsOf(readCaffemodel(golden('sgd_iter_4.caffemodel')).layers))],
])('a net that a damaged %s is copied into', (_, whole) => {
  const shapes = [...readCaffemodel(golden('sgd_iter_4.caffemodel')).layers].filter(([, blobs]) => blobs.length > 0);
  const fresh = () =>
    new Map(shapes.map(([n, blobs]) => [n, blobs.map(b => ({ shape: b.shape, data: b.data.map(() => 7) }))]));

  it('has all of a layer or none, and nothing at all where the file is refused', () => {
    fc.assert(
      fc.property(fc.oneof(overwrite, truncate, remove, insert), damage => {
        const params = fresh();
        const untouched = () => [...params.values()].flat().every(b => b.data.every(v => v === 7));
        try {
          const { copied } = copyWeights(scanNetWeights(damage(whole)).layers, params);
          if (copied.length === 0) expect(untouched()).toBe(true);
        } catch (e) {
          if (!(e instanceof MokapotError)) throw e;
          expect(untouched()).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
