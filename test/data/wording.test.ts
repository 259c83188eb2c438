/** Whatever byte of a picture is missing or wrong, the message is in words of Mokapot's own, not of the libraries behind it. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readDicom } from '../../src/data/dicom/read.js';
import { decodeImage } from '../../src/data/formats/image.js';
import { MokapotError } from '../../src/diagnostics/index.js';

const goldens = new URL('../goldens/', import.meta.url).pathname;
const LIBRARIES =
  /DataView|Offset|CRC|chunk|IDAT|byteArray|position'|basic offset|invalid |getn|charls|turbo|ERROR|undefined/;

/** Messages of files cut off and with one byte flipped, at steps through the file. */
async function messages(
  bytes: Uint8Array,
  read: (bytes: Uint8Array) => Promise<unknown>,
  steps: number,
): Promise<string[]> {
  const step = Math.max(1, Math.floor(bytes.length / steps));
  const seen: string[] = [];
  const attempt = async (damaged: Uint8Array) => {
    const thrown: unknown = await read(damaged).then(
      () => undefined,
      e => e,
    );
    if (thrown === undefined) return;
    expect(thrown).toBeInstanceOf(MokapotError);
    seen.push(...(thrown as MokapotError).diagnostics.map(d => d.message));
  };
  for (let at = 0; at < bytes.length; at += step) {
    await attempt(bytes.subarray(0, at));
    const flipped = Uint8Array.from(bytes);
    flipped[at]! ^= 0x55;
    await attempt(flipped);
  }
  return seen;
}

describe('damage', () => {
  it.each(['color.png', 'palette.png', 'color420.jpg', 'progressive.jpg'])('of %s', async file => {
    const seen = await messages(
      readFileSync(`${goldens}opencv/${file}`),
      bytes => decodeImage(bytes, 'p'),
      file.endsWith('png') ? 80 : 15,
    );
    expect(seen.length).toBeGreaterThan(file.endsWith('png') ? 100 : 10);
    expect(seen.filter(m => LIBRARIES.test(m))).toEqual([]);
  });

  it.each(readdirSync(`${goldens}dicom`).filter(f => f.endsWith('.dcm')))('of %s', async file => {
    const seen = await messages(readFileSync(`${goldens}dicom/${file}`), bytes => readDicom(bytes, 'd'), 25);
    expect(seen.length).toBeGreaterThan(10);
    expect(seen.filter(m => LIBRARIES.test(m))).toEqual([]);
  });

  it('of a PNG that is cut off says how much is there', async () => {
    const whole = readFileSync(`${goldens}opencv/color.png`);
    await expect(decodeImage(whole.subarray(0, 500), 'p')).rejects.toThrow(
      /cut off: it has 500 bytes, and at least \d+ belong/,
    );
  });
});
