/** PNG and JPEG pictures ⇄ pixels; label pictures as class indices with their palette; pictures for a network. */

import { extname } from 'node:path';
import { decode as decodePngFile, encode as encodePngFile } from 'fast-png';
import { fail } from '../../diagnostics/index.js';
import { readFileAs } from '../../files/index.js';
import { CodecError, decodeJpegFamily } from '../dicom/codecs.js';
import { type DicomPicture, readDicom } from '../dicom/read.js';
import { readJpegHead, turned } from './jpeg_head.js';

/** Red, green, blue, 0 to 255. */
export type Color = readonly [number, number, number];

/** 8-bit pixels, interleaved: grey (1) or RGB (3). */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Class indices, row by row. */
export interface LabelPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Of an indexed PNG; a grey picture has none. */
  readonly palette?: readonly Color[];
}

/** Planes of pixels, channel by channel as Caffe has them: grey, or blue, green, red. */
export interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Uint8Array | Float32Array;
}

const MAX_PIXELS = 2 ** 28;
const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47];

export function isPng(bytes: Uint8Array): boolean {
  return PNG_MAGIC.every((b, i) => bytes[i] === b);
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8;
}

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** As the file has them: unpacked, not scaled. */
  readonly data: Uint8Array | Uint16Array;
  readonly bits: number;
  readonly palette?: readonly Color[];
}

export interface DecodeOptions {
  /** A JPEG as its pixels are stored, not turned as its EXIF orientation says. */
  readonly asStored?: boolean;
}

/** @throws MokapotError `image-unsupported`, `image-damaged`. */
async function decode(bytes: Uint8Array, name: string, { asStored = false }: DecodeOptions = {}): Promise<Decoded> {
  const jpeg = isJpeg(bytes) ? readJpegHead(bytes) : undefined;
  if (jpeg?.components === 4) {
    throw fail(
      'image-unsupported',
      `${name} is a CMYK JPEG: it has four inks for printing, and no red, green and blue.`,
      {
        hint: 'Save it as RGB (ImageMagick: magick in.jpg -colorspace sRGB out.jpg).',
      },
    );
  }
  try {
    if (isPng(bytes)) return decodePng(bytes);
    if (jpeg) {
      const { data, width, height, samples, bits } = await decodeJpegFamily(bytes);
      if (data instanceof Uint8Array) {
        return { ...turned({ data, width, height, channels: samples }, asStored ? 1 : jpeg.orientation), bits };
      }
    }
  } catch (cause) {
    const reason = cause instanceof CodecError ? cause.message : 'its data are damaged';
    throw fail('image-damaged', `The picture ${name} cannot be decoded: ${reason}.`, {
      hint: 'It is damaged or cut off: save it again or remove it.',
    });
  }
  throw fail('image-unsupported', `${name} is neither a PNG nor a JPEG picture.`, {
    hint: 'Convert it to PNG first.',
  });
}

function decodePng(bytes: Uint8Array): Decoded {
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkPngChunks(head);
  const [columns, rows] = [head.getUint32(16), head.getUint32(20)];
  if (columns * rows > MAX_PIXELS) throw new CodecError(`it says it is ${columns} × ${rows}`);
  checkPngSize(head, columns, rows);
  const png = decodePngFile(bytes, { checkCrc: true });
  const { width, height, channels, depth } = png;
  const packed = png.data instanceof Uint16Array ? png.data : Uint8Array.from(png.data);
  const data = depth < 8 ? unpackBits(packed as Uint8Array, width * channels, height, depth) : packed;
  if (data.length < width * height * channels) throw new CodecError('pixels are missing');
  const palette = png.palette?.map(([r = 0, g = 0, b = 0]): Color => [r, g, b]);
  return { width, height, channels, data, bits: depth, palette };
}

/** Whether all chunks are there, up to the last one (PNG, 5.3). */
function checkPngChunks(file: DataView): void {
  const END = 0x49454e44;
  for (let at = 8; ; ) {
    if (at + 12 > file.byteLength) throw cutOff(file, at + 12);
    const next = at + 12 + file.getUint32(at);
    if (next > file.byteLength) throw cutOff(file, next);
    if (at === 8 && file.getUint32(at + 4) !== 0x49484452) throw new CodecError('it has no header');
    if (file.getUint32(at + 4) === END) return;
    at = next;
  }
}

/** Deflate makes no row longer: packed data that are longer than the pixels would unfold to who knows what. */
function checkPngSize(file: DataView, columns: number, rows: number): void {
  const DATA = 0x49444154;
  const samples = [1, 0, 3, 1, 2, 0, 4][file.getUint8(25)] ?? 1;
  const pixels = rows * (8 + Math.ceil((columns * samples * file.getUint8(24)) / 8));
  let packed = 0;
  for (let at = 8; at + 12 <= file.byteLength; at += 12 + file.getUint32(at)) {
    if (file.getUint32(at + 4) === DATA) packed += file.getUint32(at);
  }
  if (packed > 1.01 * pixels + 4096)
    throw new CodecError(`${packed} bytes are too many for ${columns} × ${rows} pixels`);
}

function cutOff({ byteLength }: DataView, wanted: number): CodecError {
  return new CodecError(`it is cut off: it has ${byteLength} bytes, and at least ${wanted} belong to it`);
}

/** Rows of 1, 2 or 4 bits a sample, each row begun on a byte. */
function unpackBits(packed: Uint8Array, rowSamples: number, rows: number, bits: number): Uint8Array {
  const rowBytes = Math.ceil((rowSamples * bits) / 8);
  const out = new Uint8Array(rowSamples * rows);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < rowSamples; x++) {
      const bit = x * bits;
      const shift = 8 - bits - (bit & 7);
      out[y * rowSamples + x] = (packed[y * rowBytes + (bit >> 3)]! >> shift) & ((1 << bits) - 1);
    }
  }
  return out;
}

/**
 * A PNG or JPEG as 8-bit grey or RGB: palettes are resolved, alpha is dropped, 16 bits become 8, fewer are stretched, and
 * the picture is turned as its EXIF orientation says.
 * @throws MokapotError `image-unsupported`, `image-damaged`.
 */
export async function decodeImage(bytes: Uint8Array, name = '<picture>', options: DecodeOptions = {}): Promise<Raster> {
  const source = await decode(bytes, name, options);
  const { width, height, palette } = source;
  const size = width * height;
  const colors = palette ? 3 : source.channels >= 3 ? 3 : 1;
  const data = new Uint8Array(size * colors);
  const top = 2 ** source.bits - 1;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < colors; c++) {
      const value = source.data[i * source.channels + (palette ? 0 : c)]!;
      data[i * colors + c] = palette
        ? (palette[value]?.[c] ?? 0)
        : source.bits > 8
          ? value >> 8
          : Math.round((value * 255) / top);
    }
  }
  return { width, height, channels: colors, data };
}

/**
 * A label picture: an indexed PNG's indices, or a grey picture's values as they are.
 * @throws MokapotError `label-color` for a colour picture, `label-depth` for 16 bits, and as decodeImage.
 */
export async function decodeLabel(bytes: Uint8Array, name = '<label>'): Promise<LabelPicture> {
  const { width, height, channels, data, bits, palette } = await decode(bytes, name);
  if (channels > 2) {
    throw fail('label-color', `The label picture ${name} is in colour; its pixels must be class numbers.`, {
      hint: 'Save it as an indexed (palette) PNG or as a grey PNG whose values are the classes 0, 1, 2 … and 255.',
    });
  }
  if (bits > 8) {
    throw fail('label-depth', `The label picture ${name} has 16 bits a pixel; classes are 0 to 255.`, {
      hint: 'Save it as an 8-bit grey or indexed PNG.',
    });
  }
  const indices = new Uint8Array(width * height);
  for (let i = 0; i < indices.length; i++) indices[i] = data[i * channels]!;
  return { width, height, data: indices, palette };
}

/** A grey, RGB, or (with a palette) indexed PNG. */
export function encodePng(image: Raster & { readonly palette?: readonly Color[] }): Uint8Array {
  const { width, height, channels, data, palette } = image;
  return encodePngFile({ width, height, channels, data, depth: 8, palette: palette?.map(c => [...c]) });
}

/** A mask as an indexed PNG: pixel values are the classes, the palette shows them. */
export function encodeMask(mask: LabelPicture, palette: readonly Color[] = defaultPalette()): Uint8Array {
  const highest = mask.data.reduce((a, b) => Math.max(a, b), 0);
  const full = [...palette];
  while (full.length <= highest) full.push(defaultPalette()[full.length]!);
  return encodePng({ ...mask, channels: 1, palette: full });
}

/** Pascal VOC's colours: every index has its own, 0 is black. */
export function defaultPalette(): Color[] {
  return Array.from({ length: 256 }, (_, index): Color => {
    const color = [0, 0, 0];
    for (let bit = 0, rest = index; rest > 0; bit++, rest >>= 3) {
      for (let c = 0; c < 3; c++) color[c]! |= ((rest >> c) & 1) << (7 - bit);
    }
    return color as unknown as Color;
  });
}

/** Planes in Caffe's order: grey (ITU-R 601 weights), or blue, green, red. */
export function toPlanes(image: Raster, channels: 1 | 3): Planes {
  const { width, height, data } = image;
  const size = width * height;
  const out = new Uint8Array(size * channels);
  for (let i = 0; i < size; i++) {
    const red = data[i * image.channels]!;
    const green = image.channels === 3 ? data[i * 3 + 1]! : red;
    const blue = image.channels === 3 ? data[i * 3 + 2]! : red;
    if (channels === 1) out[i] = (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;
    else {
      out[i] = blue;
      out[size + i] = green;
      out[2 * size + i] = red;
    }
  }
  return { channels, height, width, data: out };
}

/** Grey planes from three, or three alike from grey; unchanged where they fit. */
export function convertChannels(planes: Planes, channels: 1 | 3): Planes {
  if (planes.channels === channels) return planes;
  const { data, width, height } = planes;
  const size = width * height;
  const out = data instanceof Uint8Array ? new Uint8Array(size * channels) : new Float32Array(size * channels);
  if (planes.channels === 1) for (let c = 0; c < channels; c++) out.set(data, c * size);
  else {
    const [blue, green, red] = [data.subarray(0, size), data.subarray(size, 2 * size), data.subarray(2 * size)];
    for (let i = 0; i < size; i++) {
      const grey = (red[i]! * 19595 + green[i]! * 38470 + blue[i]! * 7471) / 65536;
      out[i] = data instanceof Uint8Array ? Math.round(grey) : grey;
    }
  }
  return { channels, width, height, data: out };
}

/** A DICOM picture's first frame: its stored values as planes, as DIGITS' Sunnybrook plug-in takes them. */
export function dicomPlanes(picture: DicomPicture, channels: 1 | 3, name = '<DICOM>'): Planes {
  if (picture.photometric === 'PALETTE COLOR' || (picture.samples !== 1 && picture.samples !== 3)) {
    throw fail('dicom-unsupported', `${name} has colours by ${picture.photometric}, which a network cannot read.`, {
      hint: 'Convert it to grey (MONOCHROME2) or RGB first.',
    });
  }
  const { rows: height, columns: width, samples } = picture;
  const stored = picture.stored[0]!;
  const interleaved = stored.every(v => v >= 0 && v <= 255) ? Uint8Array.from(stored) : Float32Array.from(stored);
  const size = width * height;
  const data = interleaved.slice();
  if (samples === 3) {
    for (let c = 0; c < 3; c++) for (let i = 0; i < size; i++) data[(2 - c) * size + i] = interleaved[i * 3 + c]!;
  }
  return convertChannels({ channels: samples, height, width, data }, channels);
}

/** A picture ready for a network: Float32 planes (1 or 3 × height × width), values as the file has them. */
export interface Picture {
  readonly name: string;
  readonly data: Float32Array;
  readonly shape: readonly [channels: number, height: number, width: number];
}

/**
 * Reads a PNG, JPEG or DICOM file, told apart by content.
 * @param channels what the network takes; the picture's own number where it is left out.
 * @throws MokapotError `file-unreadable`, and as decodeImage and readDicom.
 */
export async function loadPicture(path: string, channels?: 1 | 3): Promise<Picture> {
  const bytes = await readFileAs('file-unreadable', path);
  const dicom = String.fromCharCode(...bytes.subarray(128, 132)) === 'DICM' || extname(path).toLowerCase() === '.dcm';
  let planes: Planes;
  if (dicom) {
    const picture = await readDicom(bytes, path);
    planes = dicomPlanes(picture, channels ?? (picture.samples === 3 ? 3 : 1), path);
  } else {
    const image = await decodeImage(bytes, path);
    planes = toPlanes(image, channels ?? image.channels);
  }
  const { data, height, width } = planes;
  return { name: path, data: Float32Array.from(data), shape: [planes.channels, height, width] };
}
