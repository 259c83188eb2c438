/** Valid files, damaged at random thousands of times: read whole, or refused with a diagnostic; nothing else. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import {
  readBinaryproto,
  readCaffemodel,
  readNpz,
  readSafetensors,
  readSolverstate,
  type WeightBlob,
  writeBinaryproto,
  writeNpz,
} from '../../src/weights/index.js';

const golden = (name: string) => new Uint8Array(readFileSync(new URL(`../goldens/solvers/${name}`, import.meta.url)));
const small = new Map<string, WeightBlob>([
  ['a', { shape: [2, 3], data: new Float32Array(6).fill(0.1) }],
  ['b', { shape: [40], data: new Float32Array(40).fill(2) }],
]);

const kinds: [string, Uint8Array, (bytes: Uint8Array) => Iterable<WeightBlob>][] = [
  ['caffemodel', golden('sgd_iter_4.caffemodel'), b => [...readCaffemodel(b).layers.values()].flat()],
  ['solverstate', golden('adam_iter_4.solverstate'), b => readSolverstate(b).history],
  ['binaryproto', writeBinaryproto(small.get('a')!), b => [readBinaryproto(b)]],
  ['safetensors', golden('sgd.safetensors'), b => readSafetensors(b).tensors.values()],
  ['npz', writeNpz(small), b => readNpz(b).values()],
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
    expect(refused).toBeGreaterThan(400);
  });
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
