/** Small files that would unfold to very much are refused before they are unfolded; names that every object has are names. */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../../src/weights/formats/checksums.js';
import { readNpz, writeNpz } from '../../../src/weights/formats/npz.js';
import { readSafetensors, writeSafetensors } from '../../../src/weights/formats/safetensors.js';

/** A zip of one deflated entry of zeros behind a .npy header. */
function bomb(count: number): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${count},), }`.padEnd(117) + '\n';
  const content = Buffer.concat([
    Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0),
    Buffer.from(header),
    Buffer.alloc(4 * count),
  ]);
  const packed = deflateRawSync(content);
  const name = Buffer.from('x.npy');
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(crc32(content) >>> 0, 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, packed]);
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02', 'latin1'),
    Buffer.from([20, 0]),
    common,
    Buffer.alloc(14),
    name,
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

describe('an .npz', () => {
  it('of zeros is read as far as memory is no matter', () => {
    const { shape, data } = readNpz(bomb(100_000)).get('x')!;
    expect([shape, data.length, data.some(v => v !== 0)]).toEqual([[100_000], 100_000, false]);
  });

  it('that would unfold to more than 256 MiB and 100 times itself is refused, and nothing is unfolded', () => {
    const bytes = bomb(70_000_000);
    expect(bytes.length).toBeLessThan(2 ** 20);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => readNpz(bytes, 'x.npz')).toThrow(
      /x\.npz has 0\.\d+ MiB and would unfold to 267 MiB; 256 MiB are allowed/,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  });
});

describe.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('a tensor called %s', name => {
  const tensors = new Map([[name, { shape: [2], data: Float32Array.of(1, 2) }]]);

  it('comes back from .npz and .safetensors', () => {
    expect([...readNpz(writeNpz(tensors))]).toEqual([...tensors]);
    expect([...readSafetensors(writeSafetensors(tensors)).tensors]).toEqual([...tensors]);
  });
});
