import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import {
  readBinaryproto,
  readNpy,
  readNpz,
  readSafetensors,
  type WeightBlob,
  writeBinaryproto,
  writeNpz,
  writeSafetensors,
} from '../../../src/weights/index.js';

const ascii = (s: string) => Uint8Array.from(s, c => c.charCodeAt(0));
const join = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap(p => [...p]));

/** Blobs of random shapes, zero axes and sizes too, with any bits that are no NaN. */
const blobs = fc.array(fc.nat(4), { maxLength: 5 }).chain(shape => {
  const count = shape.reduce((a, b) => a * b, 1);
  return fc
    .float32Array({ minLength: count, maxLength: count, noNaN: true })
    .map((data): WeightBlob => ({ shape, data }));
});
const named = fc.array(fc.tuple(fc.stringMatching(/^[a-z_][\w./-]*$/), blobs), { maxLength: 6 }).map(e => new Map(e));

describe('safetensors', () => {
  it('comes back bit for bit', () => {
    fc.assert(
      fc.property(named, tensors => {
        const back = readSafetensors(writeSafetensors(tensors, { phase: 'TEST' }));
        expect(back.tensors).toEqual(tensors);
        expect(back.metadata).toEqual({ phase: 'TEST' });
      }),
    );
  });

  const file = (header: string, data: number[]) =>
    join(Uint8Array.of(header.length, 0, 0, 0, 0, 0, 0, 0), ascii(header), Uint8Array.from(data));

  it.each([
    ['F16', [0x00, 0x3c, 0x01, 0x00], [1, 2 ** -24]],
    ['BF16', [0x80, 0x3f, 0x80, 0xff], [1, -Infinity]],
    ['I16', [1, 0, 0xff, 0xff], [1, -1]],
    ['U8', [7, 255], [7, 255]],
    ['I64', [1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255], [1, -1]],
  ])('reads %s', (dtype, data, numbers) => {
    const header = `{"a":{"dtype":"${dtype}","shape":[2],"data_offsets":[0,${data.length}]}}`;
    expect([...readSafetensors(file(header, data)).tensors.get('a')!.data]).toEqual(numbers);
  });

  it.each([
    ['{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', /shape 2 and dtype F32 takes 8 bytes/],
    ['{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', /takes 8 bytes, but bytes/],
    ['{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', /lacks its dtype, shape/],
    ['{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}', /dtype Q4/],
    ['{"a":7}', /lacks its dtype/],
    ['[1]', /no JSON object/],
    ['{', /no JSON/],
  ])('refuses %s', (header, message) => {
    expect(() => readSafetensors(file(header, [0, 0, 0, 0]))).toThrow(message);
  });
});

describe('npz', () => {
  it('comes back bit for bit, the same weights as the same bytes', () => {
    fc.assert(
      fc.property(named, arrays => {
        const bytes = writeNpz(arrays);
        expect(readNpz(bytes)).toEqual(arrays);
        expect(writeNpz(arrays)).toEqual(bytes);
      }),
    );
  });

  const npy = (header: string, data: number[]) =>
    join(ascii('\x93NUMPY\x01\x00'), Uint8Array.of(header.length, 0), ascii(header), Uint8Array.from(data));

  it('reads column-major, big-endian and compressed arrays', () => {
    const bytes = npy(
      "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }",
      [0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6],
    );
    const truth = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    expect(readNpy(bytes)).toEqual(truth);
    expect(readNpz(zipSync({ 'a.npy': bytes }, { level: 6 })).get('a')).toEqual(truth);
  });

  it.each([
    [npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", [0, 0, 0, 0]), /takes 8 bytes, 4 are there/],
    [npy("{'descr': '|O', 'fortran_order': False, 'shape': (), }", []), /no plain numbers/],
    [npy('{}', []), /lacks the shape/],
    [ascii('no array at all'), /no \.npy/],
  ])('refuses what is none (%#)', (bytes, message) => {
    expect(() => readNpy(bytes)).toThrow(message);
    expect(() => readNpz(zipSync({ 'a.npy': bytes }))).toThrow(message);
  });

  it('refuses what is no zip', () => {
    expect(() => readNpz(ascii('no zip'), 'x.npz')).toThrow(/x\.npz is damaged.*zip/);
  });
});

describe('binaryproto', () => {
  it('is written with num, channels, height and width, and read from either form', () => {
    const mean = { shape: [3, 2, 2], data: Float32Array.from({ length: 12 }, (_, i) => i / 7) };
    const bytes = writeBinaryproto(mean);
    expect([...bytes.slice(0, 10)]).toEqual([8, 1, 16, 3, 24, 2, 32, 2, 42, 48]);
    expect(readBinaryproto(bytes)).toEqual({ shape: [1, 3, 2, 2], data: mean.data, legacy: true });
    const five = { shape: [1, 1, 1, 1, 2], data: Float32Array.of(1, 2) };
    expect(readBinaryproto(writeBinaryproto(five))).toEqual(five);
  });
});
