/** What JPEGs say before their pixels: EXIF orientation is applied, CMYK called by its name. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeImage, encodePng } from '../../../src/data/formats/image.js';
import { imread, imreadWarnings } from '../../../src/data/formats/imread.js';
import { type Orientation, readJpegHead, turned } from '../../../src/data/formats/jpeg_head.js';
import { failure } from '../../failure.js';

const jpeg = readFileSync(fileURLToPath(new URL('../../goldens/pictures/plain.jpg', import.meta.url)));

/** The JPEG with an Exif segment behind its first marker. */
function oriented(orientation: number, little: boolean): Uint8Array {
  const tiff = new DataView(new ArrayBuffer(26));
  tiff.setUint16(0, little ? 0x4949 : 0x4d4d);
  tiff.setUint16(2, 42, little);
  tiff.setUint32(4, 8, little);
  tiff.setUint16(8, 1, little);
  tiff.setUint16(10, 0x112, little);
  tiff.setUint16(12, 3, little);
  tiff.setUint32(14, 1, little);
  tiff.setUint16(18, orientation, little);
  const body = Buffer.concat([Buffer.from('Exif\0\0'), new Uint8Array(tiff.buffer)]);
  const head = Buffer.from([0xff, 0xe1, 0, body.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

describe('EXIF orientation', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8] as const)('%i turns two by three pixels as the standard shows it', orientation => {
    // What each row of the seen picture is of the stored one, a b c over d e f (Exif 2.3, orientation tag).
    const seen: Record<Orientation, string[]> = {
      1: ['abc', 'def'],
      2: ['cba', 'fed'],
      3: ['fed', 'cba'],
      4: ['def', 'abc'],
      5: ['ad', 'be', 'cf'],
      6: ['da', 'eb', 'fc'],
      7: ['fc', 'eb', 'da'],
      8: ['cf', 'be', 'ad'],
    };
    const stored = { width: 3, height: 2, channels: 1, data: Uint8Array.from(Buffer.from('abcdef')) };
    const { width, height, data } = turned(stored, orientation);
    const rows = Array.from({ length: height }, (_, y) =>
      Buffer.from(data.subarray(y * width, (y + 1) * width)).toString(),
    );
    expect(rows).toEqual(seen[orientation]);
  });

  it.each([true, false])('is read and applied, little endian %s; imread leaves it and says so', async little => {
    const bytes = oriented(6, little);
    expect(readJpegHead(bytes)).toEqual({ components: readJpegHead(jpeg).components, orientation: 6 });
    const [plain, seen] = [await decodeImage(jpeg), await decodeImage(bytes)];
    expect([seen.width, seen.height]).toEqual([plain.height, plain.width]);
    expect([...seen.data]).toEqual([...turned(plain, 6).data]);
    expect((await imread(bytes, true, 'x')).width).toBe(plain.width);
    expect(imreadWarnings(bytes, true, 'x.jpg').map(d => d.code)).toEqual(['exif-orientation']);
    expect(imreadWarnings(jpeg, true, 'x.jpg')).toEqual([]);
  });

  it('that is damaged counts as none', () => {
    const bytes = oriented(6, true);
    for (let at = 2; at < 40; at++) {
      const broken = bytes.slice();
      broken[at]! ^= 0xff;
      expect(() => readJpegHead(broken)).not.toThrow();
      expect(() => readJpegHead(bytes.subarray(0, at))).not.toThrow();
    }
    expect(readJpegHead(oriented(9, true)).orientation).toBe(1);
  });
});

it('a CMYK JPEG is called by its name', async () => {
  const bytes = Uint8Array.from(jpeg);
  const frame = bytes.findIndex((b, i) => b === 0xff && (bytes[i + 1] === 0xc0 || bytes[i + 1] === 0xc2));
  bytes[frame + 9] = 4;
  expect(await failure(decodeImage(bytes, 'print.jpg'))).toMatchObject({
    code: 'image-unsupported',
    message: expect.stringContaining('print.jpg is a CMYK JPEG'),
  });
});

describe('PNG', () => {
  it('that is indexed and read as grey is told', () => {
    const palette = [
      [0, 0, 0],
      [128, 0, 0],
    ] as const;
    const png = encodePng({ width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 1), palette });
    expect(imreadWarnings(png, false, 'x.png').map(d => d.code)).toEqual(['palette-as-grey']);
    expect(imreadWarnings(png, true, 'x.png')).toEqual([]);
    const grey = encodePng({ width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 1) });
    expect(imreadWarnings(grey, false, 'x.png')).toEqual([]);
  });

  it('with more packed data than pixels is refused before it is unpacked', async () => {
    const data = Uint8Array.from({ length: 400 * 400 }, (_, i) => ((i * 7919) % 251) ^ (i >> 3));
    const png = Buffer.from(encodePng({ width: 400, height: 400, channels: 1, data }));
    png.writeUInt32BE(4, 16);
    png.writeUInt32BE(4, 20);
    expect((await failure(decodeImage(png, 'x.png'))).message).toMatch(/bytes are too many for 4 × 4 pixels/);
  });
});
