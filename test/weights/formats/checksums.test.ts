import fc from 'fast-check';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { adler32, crc32, crc32ByTables } from '../../../src/weights/formats/checksums.js';

const digits = Uint8Array.from('123456789', c => c.charCodeAt(0));

describe('CRC-32', () => {
  it('of 123456789 is the value every description gives', () => {
    for (const crc of [crc32, crc32ByTables]) {
      expect(crc(digits)).toBe(0xcbf43926);
      expect(crc(new Uint8Array(0))).toBe(0);
    }
  });

  it('goes on where it stopped, by either way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
        const whole = Uint8Array.from([...a, ...b]);
        expect(crc32ByTables(whole)).toBe(crc32(whole));
        expect(crc32ByTables(b, crc32ByTables(a))).toBe(crc32(whole));
      }),
    );
  });
});

it('Adler-32 is that of a zlib stream', () => {
  for (const bytes of [digits, new Uint8Array(10_000).fill(255), new Uint8Array(0)]) {
    const stream = zlibSync(bytes);
    expect(adler32(bytes)).toBe(new DataView(stream.buffer, stream.byteOffset).getUint32(stream.length - 4));
  }
});
