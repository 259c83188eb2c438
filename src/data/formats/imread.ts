/**
 * Picture files as OpenCV's `imread` gives them to Caffe: 8 bits, blue, green, red, or grey by the rule of the file's own
 * library. EXIF's orientation is left alone, as OpenCV of Caffe's time did (2.4; 3.1 and later turn the picture).
 */

import { type Diagnostic, error } from '../../diagnostics/index.js';
import { decodeImage, isJpeg, isPng, type Raster, toPlanes } from './image.js';
import { readJpegHead } from './jpeg_head.js';
import type { BytePlanes } from './resize.js';

/** @throws MokapotError `image-unsupported`, `image-damaged`. */
export async function imread(bytes: Uint8Array, isColor: boolean, name: string): Promise<BytePlanes> {
  const asStored = true;
  if (isColor) return bytePlanes(await decodeImage(bytes, name, { asStored }), 3);
  const brightness = isJpeg(bytes) ? withoutChroma(bytes) : undefined;
  if (brightness) return firstSample(await decodeImage(brightness, name, { asStored }));
  const image = await decodeImage(bytes, name, { asStored });
  return isJpeg(bytes) ? bytePlanes(image, 1) : pngGrey(image);
}

/** What Caffe's way of reading a picture makes of it that people do not expect, as warnings. */
export function imreadWarnings(bytes: Uint8Array, isColor: boolean, name: string): Diagnostic[] {
  const INDEXED = 3;
  if (isPng(bytes) && bytes[25] === INDEXED && !isColor) {
    return [
      error('palette-as-grey', `${name} is an indexed PNG, and its colours are read as grey, as Caffe reads them.`, {
        severity: 'warning',
        hint: 'Is it a label picture? Save it as a grey PNG whose values are the classes, or make a data set, which reads the indices: mokapot dataset create images.',
      }),
    ];
  }
  const { orientation } = isJpeg(bytes) ? readJpegHead(bytes) : { orientation: 1 };
  if (orientation === 1) return [];
  return [
    error(
      'exif-orientation',
      `${name} is to be turned (EXIF orientation ${orientation}), and is read as stored, as Caffe with OpenCV 2.4 reads it.`,
      {
        severity: 'warning',
        hint: 'Turn the pixels themselves: magick in.jpg -auto-orient out.jpg. `mokapot dataset create images` turns them.',
      },
    ),
  ];
}

function bytePlanes(image: Raster, channels: 1 | 3): BytePlanes {
  const { data, ...rest } = toPlanes(image, channels);
  return { ...rest, data: data as Uint8Array };
}

function firstSample({ width, height, channels, data }: Raster): BytePlanes {
  if (channels === 1) return { channels: 1, width, height, data };
  return { channels: 1, width, height, data: data.filter((_, i) => i % channels === 0) };
}

/** libpng's png_set_rgb_to_gray with OpenCV's weights 0.299 and 0.587: 15 bits, what is beyond cut off at both steps. */
function pngGrey({ width, height, channels, data }: Raster): BytePlanes {
  if (channels === 1) return { channels: 1, width, height, data };
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    const [red, green, blue] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    grey[i] = red === green && green === blue ? red : (red * 9797 + green * 19234 + blue * 3737) >> 15;
  }
  return { channels: 1, width, height, data: grey };
}

const SOF_FIRST = 0xc0;
const SOF_LAST = 0xc2;
const DQT = 0xdb;
const SOS = 0xda;
const ADOBE = 0xee;

/**
 * libjpeg makes grey of a colour JPEG by leaving its chroma out, which is not the same as mixing the colours again. Its
 * decoder here only gives colours, so the file is told that its chroma is quantised by 0: all three colours are then the
 * brightness. Undefined for what is not brightness and chroma (grey, RGB, CMYK).
 */
function withoutChroma(bytes: Uint8Array): Uint8Array | undefined {
  const head = readHead(bytes);
  if (!head) return undefined;
  const { scanAt, frameAt, tables } = head;
  const components = frameAt + 10;
  const free = [3, 2, 1, 0].find(id => !tables.has(id) && bytes[components + 2] !== id);
  if (free === undefined) return undefined;
  const zeros = new Uint8Array(69);
  zeros.set([0xff, DQT, 0, 67, free]);
  const out = new Uint8Array(bytes.length + zeros.length);
  out.set(bytes.subarray(0, scanAt));
  out[components + 5] = free;
  out[components + 8] = free;
  out.set(zeros, scanAt);
  out.set(bytes.subarray(scanAt), scanAt + zeros.length);
  return out;
}

interface Head {
  /** Where the frame header's and the first scan's markers stand. */
  readonly frameAt: number;
  readonly scanAt: number;
  /** Quantisation tables that are defined. */
  readonly tables: ReadonlySet<number>;
}

/** The markers before the first scan, of a JPEG of brightness and chroma (libjpeg's default_decompress_parms). */
function readHead(bytes: Uint8Array): Head | undefined {
  const word = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const tables = new Set<number>();
  let frameAt = -1;
  let adobe: number | undefined;
  for (let at = 2; at + 4 < bytes.length; at += 2 + word(at + 2)) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff) return undefined;
    if (marker >= SOF_FIRST && marker <= SOF_LAST) frameAt = at;
    if (marker === ADOBE && bytes[at + 4] === 0x41) adobe = bytes[at + 15];
    if (marker === DQT) for (const id of tableIds(bytes, at + 4, at + 2 + word(at + 2))) tables.add(id);
    if (marker === SOS) return isChroma(bytes, frameAt, adobe) ? { frameAt, scanAt: at, tables } : undefined;
  }
  return undefined;
}

function tableIds(bytes: Uint8Array, start: number, end: number): number[] {
  const ids: number[] = [];
  for (let at = start; at < end; at += bytes[at]! >> 4 ? 129 : 65) ids.push(bytes[at]! & 15);
  return ids;
}

/** Three components that are neither marked (Adobe's transform 0) nor named R, G, B. */
function isChroma(bytes: Uint8Array, frameAt: number, adobe: number | undefined): boolean {
  if (frameAt < 0 || bytes[frameAt + 9] !== 3) return false;
  const names = [0, 3, 6].map(i => bytes[frameAt + 10 + i]!);
  return adobe !== 0 && String.fromCharCode(...names) !== 'RGB';
}
