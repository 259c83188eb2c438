/** The checksums of the formats that have some: zip's and zlib's. */

/** Eight tables: the CRC of a byte followed by none, one, … seven zero bytes. */
const CRC = (() => {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    tables[0]![n] = c;
  }
  for (let t = 1; t < 8; t++) {
    for (let n = 0; n < 256; n++) {
      const before = tables[t - 1]![n]!;
      tables[t]![n] = tables[0]![before & 255]! ^ (before >>> 8);
    }
  }
  return tables;
})();

type Crc32 = (bytes: Uint8Array, before?: number) => number;

/** Node's own, four times as fast, where there is one: not in browsers, nor in Node before 20.16. */
const native = (
  globalThis as { process?: { getBuiltinModule?(name: string): { crc32?: Crc32 } | undefined } }
).process?.getBuiltinModule?.('node:zlib')?.crc32;

/** CRC-32 as in zip and PNG. `before` is that of what precedes. */
export const crc32: Crc32 = (bytes, before = 0) =>
  // zlib's own begins anew where no bytes are given.
  bytes.length === 0 ? before : (native ?? crc32ByTables)(bytes, before);

/** Eight bytes at a time. */
export function crc32ByTables(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = CRC as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  let c = ~before;
  let i = 0;
  for (const end = bytes.length - 7; i < end; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c =
      t7[c & 255]! ^
      t6[(c >>> 8) & 255]! ^
      t5[(c >>> 16) & 255]! ^
      t4[c >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) c = t0[(c ^ bytes[i]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}

/** Adler-32 as at the end of a zlib stream (RFC 1950). */
export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length; ) {
    // 3800 steps cannot pass 2^32.
    for (const end = Math.min(i + 3800, bytes.length); i < end; i++) {
      a += bytes[i]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}
