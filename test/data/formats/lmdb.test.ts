import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeDatum, encodeDatum } from '../../../src/data/formats/datum.js';
import { openLmdbReader } from '../../../src/data/formats/lmdb.js';
import { createLmdb } from '../../../src/data/formats/lmdb_write.js';
import { openLmdb } from '../../../src/data/sets/dataset.js';
import { MokapotError } from '../../../src/diagnostics/index.js';
import { Random } from '../../../src/random/index.js';
import { temporaryFolder } from '../temporary.js';

const fixture = fileURLToPath(new URL('../../goldens/lmdb', import.meta.url));
const folder = temporaryFolder();

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const wrong = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(wrong).toBeInstanceOf(MokapotError);
  return (wrong as MokapotError).diagnostics[0]?.code;
}

describe("a database that Python's lmdb wrote", () => {
  it('gives its Datums: bytes, floats, overflow pages, encoded pictures as blue, green, red', async () => {
    const source = await openLmdb(fixture);
    const entries = await Promise.all(Array.from({ length: source.size }, (_, i) => source.entry(i)));
    await source.close();
    expect(entries.map(e => e.name)).toEqual([
      '00000000_bytes',
      '00000001_floats',
      '00000002_large',
      '00000003_png',
      '00000004_grey_png',
    ]);
    expect(entries.map(e => e.label[0])).toEqual([7, 1, 2, 3, 4]);
    expect([...entries[0]!.data]).toEqual([250, 251, 252, 253, 254, 255]);
    expect([...entries[1]!.data]).toEqual([-1.5, 300, 0.25, 4095]);
    expect(entries[2]!.shape).toEqual([1, 70, 70]);
    expect([...entries[2]!.data]).toEqual(Array.from({ length: 4900 }, (_, i) => i % 251));
    const channel = (f: (i: number) => number) => [0, 1, 2, 3, 4, 5].map(f);
    expect(entries[3]!.shape).toEqual([3, 2, 3]);
    expect([...entries[3]!.data]).toEqual([...channel(i => 255 - i), ...channel(i => 2 * i), ...channel(i => i)]);
    expect([...entries[4]!.data]).toEqual([0, 1, 2, 3, 255, 9]);
    expect(entries.every(e => e.labelShape.length === 0)).toBe(true);
  });

  it('gives three channels where force_color asks for them', async () => {
    const source = await openLmdb(fixture, { channels: 3 });
    expect((await source.entry(4)).shape).toEqual([3, 2, 3]);
    await source.close();
  });
});

describe('a database that is written', () => {
  it('is read back in the order of its keys, whatever its size', async () => {
    const path = join(folder, 'a.b', 'many');
    const count = 2500;
    const value = (i: number) => new Uint8Array(i % 50 === 0 ? 9000 + i : i % 97).fill(i);
    const random = new Random(1);
    const writer = await createLmdb(path);
    for (const i of random.permutation(count)) await writer.put(String(i).padStart(8, '0'), value(i));
    await writer.close();
    const reader = await openLmdbReader(path);
    expect(reader.size).toBe(count);
    for (let i = 0; i < count; i++) {
      const entry = await reader.entry(i);
      expect(entry.key).toBe(String(i).padStart(8, '0'));
      expect(Buffer.compare(entry.value, value(i))).toBe(0);
    }
    await expect(reader.entry(count)).rejects.toThrow(RangeError);
    await reader.close();
  });

  it('may be empty, and replaces an older one', async () => {
    const path = join(folder, 'empty');
    for (const keys of [['x', 'y'], []]) {
      const writer = await createLmdb(path);
      for (const key of keys) await writer.put(key, Uint8Array.of(1));
      await writer.close();
    }
    const reader = await openLmdbReader(path);
    expect(reader.size).toBe(0);
    await reader.close();
    expect(await codeOf(openLmdb(path))).toBe('lmdb-empty');
  });

  it('is in data format 1', async () => {
    const path = join(folder, 'format');
    await (await createLmdb(path)).close();
    const head = readFileSync(join(path, 'data.mdb'));
    expect(head.readUInt32LE(16)).toBe(0xbeefc0de);
    expect(head.readUInt32LE(20)).toBe(1);
  });
});

describe('Datums', () => {
  it('survive a round trip as bytes and as floats', async () => {
    for (const data of [Uint8Array.of(0, 128, 255, 1), Float32Array.of(-3, 1e5, 0.5, 2)]) {
      const back = await decodeDatum(encodeDatum({ channels: 1, height: 2, width: 2, data }, 9));
      expect(back).toEqual({ channels: 1, height: 2, width: 2, data, label: 9, isRaw: true });
    }
  });

  it('whose size does not fit are refused', async () => {
    const wrong = encodeDatum({ channels: 1, height: 2, width: 3, data: new Uint8Array(5) });
    expect(await codeOf(decodeDatum(wrong))).toBe('datum-damaged');
    expect(await codeOf(decodeDatum(Uint8Array.of(0x22, 0xff, 0xff)))).toBe('datum-damaged');
  });
});

describe('damaged databases', () => {
  const whole = readFileSync(join(fixture, 'data.mdb'));

  async function readAll(bytes: Uint8Array): Promise<void> {
    const path = join(folder, 'damaged');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'data.mdb'), bytes);
    const reader = await openLmdbReader(path);
    try {
      for (let i = 0; i < reader.size; i++) await reader.entry(i);
    } finally {
      await reader.close();
    }
  }

  it('are told from missing ones, other files and other formats', async () => {
    expect(await codeOf(openLmdbReader(join(folder, 'nowhere')))).toBe('lmdb-missing');
    expect(await codeOf(readAll(Buffer.alloc(9000, 7)))).toBe('lmdb-not-lmdb');
    expect(await codeOf(readAll(Buffer.from('short')))).toBe('lmdb-not-lmdb');
    const newer = Buffer.from(whole);
    newer.writeUInt32LE(2, 20);
    expect(await codeOf(readAll(newer))).toBe('lmdb-format');
  });

  it('give a diagnostic wherever they are cut off', async () => {
    // The last pages of this file are free ones.
    for (let size = 0; size <= whole.length / 2; size += 1500) {
      expect(await codeOf(readAll(whole.subarray(0, size)))).toMatch(/^lmdb-/);
    }
  });

  it('give a diagnostic or other values, never a crash, where bytes are changed', async () => {
    const random = new Random(3);
    let told = 0;
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(whole);
      for (let i = 0; i < 12; i++) bytes[random.integer(bytes.length)] = random.integer(256);
      // Most of a page is values: aim at its head and at the lists of entries.
      bytes[4096 * random.integer(10) + random.integer(40)] = random.integer(256);
      await readAll(bytes).catch((e: unknown) => {
        expect(e).toBeInstanceOf(MokapotError);
        told++;
      });
    }
    expect(told).toBeGreaterThan(20);
  });
});
