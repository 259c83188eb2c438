/**
 * DICOM files → pictures of stored values. The data set comes from dicom-parser; pixel data of every transfer syntax
 * that still pictures are stored in: implicit and explicit, little and big endian, deflated, RLE, JPEG, JPEG lossless,
 * JPEG-LS, JPEG 2000. Stored values are those of PS3.5 section 8: the BitsStored bits up to HighBit, sign-extended
 * where PixelRepresentation is 1, before any rescale; MONOCHROME1 is not inverted.
 */

import { inflateRawSync } from 'node:zlib';
import dicomParser, { type DataSet, type Element } from 'dicom-parser';
import { fail, MokapotError, messageOf } from '../../diagnostics/index.js';
import { readFileAs } from '../../files/index.js';
import { CodecError, type DecodedFrame, decodeJpegFamily, decodeRle, interleave } from './codecs.js';

export interface DicomPicture {
  readonly rows: number;
  readonly columns: number;
  /** How many frames `stored` holds. */
  readonly frames: number;
  /** Samples of a pixel: 1, or 3 for colour. */
  readonly samples: number;
  /** `MONOCHROME2` and so on; `RGB` where a codec turned YBR into RGB. */
  readonly photometric: string;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  readonly transferSyntax: string;
  /** Stored values before rescale, a frame each: rows × columns × samples. */
  readonly stored: readonly (Int32Array | Uint32Array)[];
  /** 1 and 0 where the file has none. */
  readonly rescaleSlope: number;
  readonly rescaleIntercept: number;
  readonly patientId?: string;
  readonly seriesNumber?: number;
  readonly instanceNumber?: number;
  /** Millimetres from a pixel's centre to the next one's, down and across (PixelSpacing). */
  readonly pixelSpacing?: readonly [down: number, across: number];
  /** Millimetres (SliceThickness). */
  readonly sliceThickness?: number;
  /** Millimetres from a slice's centre to the next one's (SpacingBetweenSlices). */
  readonly spacingBetweenSlices?: number;
  /** Where the slice lies along its normal, in millimetres (of ImagePositionPatient and ImageOrientationPatient). */
  readonly slicePosition?: number;
}

const DEFLATED = '1.2.840.10008.1.2.1.99';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
const NATIVE = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', DEFLATED, BIG_ENDIAN];
const RLE = '1.2.840.10008.1.2.5';
const ENCAPSULATED_NATIVE = '1.2.840.10008.1.2.1.98';
const DEFLATED_FRAMES = '1.2.840.10008.1.2.8.1';
const JPEG_FAMILY = /^1\.2\.840\.10008\.1\.2\.4\.(5[0-9]|6[0-6]|70|8[01]|9[0-3]|20[123])$/;
const MAX_PIXELS = 2 ** 28;

/** Why a file cannot be read; becomes a diagnostic with the file's name. */
class DicomProblem extends Error {
  constructor(
    readonly code: string,
    reason: string,
    readonly cure: string,
  ) {
    super(reason);
  }
}

const EXPORT_AGAIN = 'The file is damaged or cut off: copy or export it again, or remove it.';

/** Reads and decodes a DICOM file. @throws MokapotError as readDicom, and `file-unreadable`. */
export async function readDicomFile(path: string): Promise<DicomPicture> {
  const bytes = await readFileAs('file-unreadable', path);
  return readDicom(bytes, path);
}

/**
 * Decodes a DICOM picture: stored values as they are, without rescale or window.
 *
 * @param name what diagnostics call the file.
 * @throws MokapotError `dicom-not-dicom`, `dicom-damaged`, `dicom-truncated`, `dicom-no-pixels`, `dicom-unsupported`;
 *   each names the file, the reason and the cure.
 */
export async function readDicom(bytes: Uint8Array, name = '<DICOM>'): Promise<DicomPicture> {
  try {
    return await readPicture(bytes);
  } catch (cause) {
    if (cause instanceof MokapotError) throw cause;
    const problem = cause instanceof DicomProblem ? cause : parserProblem(problemOf(cause));
    throw fail(problem.code, `${name} cannot be read as DICOM: ${problem.message}.`, { hint: problem.cure });
  }
}

/** What dicom-parser and zlib mean, in words of our own. */
function parserProblem(message: string): DicomProblem {
  if (
    /overr(un|ead)|past end|past the end|or equal to 'byteArray'|missing required meta header|unexpected end/i.test(
      message,
    )
  ) {
    return new DicomProblem('dicom-truncated', 'it ends in the middle of its data', EXPORT_AGAIN);
  }
  if (/larger than \d+ bytes/i.test(message)) {
    return new DicomProblem(
      'dicom-damaged',
      'its deflated part unfolds to more than 256 MiB and 100 times the file',
      EXPORT_AGAIN,
    );
  }
  const what = /distance|literal|stored block|code lengths|header check/i.test(message)
    ? 'its deflated part is'
    : 'its elements are';
  return new DicomProblem('dicom-damaged', `${what} damaged`, EXPORT_AGAIN);
}

/** dicom-parser throws strings and objects as well as errors. */
function problemOf(cause: unknown): string {
  const inner = (cause as { exception?: unknown } | null)?.exception ?? cause;
  const text = messageOf(inner);
  return text.replace(/^dicomParser\.\w+: /, '').replace(/\.$/, '');
}

async function readPicture(bytes: Uint8Array): Promise<DicomPicture> {
  const dataSet = parse(bytes);
  const header = readHeader(dataSet);
  const stored: (Int32Array | Uint32Array)[] = [];
  let { samples, photometric } = header;
  for (let frame = 0; frame < header.frames; frame++) {
    const decoded = await decodeFrame(dataSet, header, frame);
    stored.push(storedValues(decoded, header));
    samples = decoded.samples;
  }
  if (samples === 3 && JPEG_FAMILY.test(header.transferSyntax)) photometric = 'RGB';
  return { ...header, samples, photometric, stored };
}

/** What a deflated part may unfold to, in bytes, so that a small file cannot fill the memory. */
function mostUnpacked(packed: number): number {
  return Math.max(2 ** 28, 100 * packed);
}

function parse(bytes: Uint8Array): DataSet {
  const magic = String.fromCharCode(...bytes.subarray(128, 132));
  if (magic !== 'DICM') {
    throw new DicomProblem(
      'dicom-not-dicom',
      bytes.length < 132 ? `it has only ${bytes.length} bytes` : 'the mark "DICM" at byte 128 is missing',
      'Give DICOM files (part 10), or PNG and JPEG pictures through `mokapot dataset create images`.',
    );
  }
  const inflater = (all: Uint8Array, position: number): Uint8Array => {
    const rest = inflateRawSync(all.subarray(position), { maxOutputLength: mostUnpacked(all.length) });
    const whole = new Uint8Array(position + rest.length);
    whole.set(all.subarray(0, position));
    whole.set(rest, position);
    return whole;
  };
  return dicomParser.parseDicom(bytes, { inflater });
}

interface Header extends Omit<DicomPicture, 'stored'> {
  readonly planar: boolean;
}

function readHeader(dataSet: DataSet): Header {
  const required = (tag: string, what: string): number => {
    const value = dataSet.uint16(tag);
    if (value === undefined) throw new DicomProblem('dicom-damaged', `it does not say its ${what}`, EXPORT_AGAIN);
    return value;
  };
  if (!dataSet.elements['x7fe00010']) {
    const reason = dataSet.uint16('x00280010') === undefined ? 'it holds no picture' : 'it holds no pixel data';
    throw new DicomProblem('dicom-no-pixels', reason, EXPORT_AGAIN);
  }
  const bitsAllocated = required('x00280100', 'BitsAllocated');
  const bitsStored = dataSet.uint16('x00280101') ?? bitsAllocated;
  const header: Header = {
    rows: required('x00280010', 'Rows'),
    columns: required('x00280011', 'Columns'),
    frames: Math.max(1, dataSet.intString('x00280008') ?? 1),
    samples: dataSet.uint16('x00280002') ?? 1,
    photometric: dataSet.string('x00280004') ?? 'MONOCHROME2',
    bitsAllocated,
    bitsStored,
    highBit: dataSet.uint16('x00280102') ?? bitsStored - 1,
    signed: dataSet.uint16('x00280103') === 1,
    transferSyntax: dataSet.string('x00020010') ?? '1.2.840.10008.1.2',
    rescaleSlope: dataSet.floatString('x00281053') ?? 1,
    rescaleIntercept: dataSet.floatString('x00281052') ?? 0,
    patientId: dataSet.string('x00100020'),
    seriesNumber: dataSet.intString('x00200011'),
    instanceNumber: dataSet.intString('x00200013'),
    planar: dataSet.uint16('x00280006') === 1,
    ...readPlace(dataSet),
  };
  checkHeader(header);
  return header;
}

/** Sizes and place in millimetres, as far as the file tells them in numbers that can be so. */
function readPlace(
  dataSet: DataSet,
): Pick<DicomPicture, 'pixelSpacing' | 'sliceThickness' | 'spacingBetweenSlices' | 'slicePosition'> {
  const [down, across] = numbersOf(dataSet, 'x00280030', 2) ?? [];
  const length = (value: number | undefined) => (value !== undefined && value > 0 ? value : undefined);
  const [sliceThickness] = numbersOf(dataSet, 'x00180050', 1) ?? [];
  const [between] = numbersOf(dataSet, 'x00180088', 1) ?? [];
  // Some scanners write the direction as its sign.
  const spacingBetweenSlices = length(between === undefined ? undefined : Math.abs(between));
  const slicePosition = alongNormal(numbersOf(dataSet, 'x00200032', 3), numbersOf(dataSet, 'x00200037', 6));
  return {
    ...(length(down) && length(across) && { pixelSpacing: [down!, across!] as const }),
    ...(length(sliceThickness) && { sliceThickness }),
    ...(spacingBetweenSlices && { spacingBetweenSlices }),
    ...(slicePosition !== undefined && { slicePosition }),
  };
}

/** The values of a decimal string; undefined where it has another number of them, or one that is no number. */
function numbersOf(dataSet: DataSet, tag: string, count: number): readonly number[] | undefined {
  const texts = (dataSet.string(tag) ?? '').split('\\').map(text => text.trim());
  const values = texts.map(text => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN));
  return values.length === count && values.every(Number.isFinite) ? values : undefined;
}

/** The position's part in the direction of rows × columns. */
function alongNormal(position?: readonly number[], orientation?: readonly number[]): number | undefined {
  if (!position || !orientation) return undefined;
  const [a, b, c, d, e, f] = orientation as [number, number, number, number, number, number];
  const [x, y, z] = position as [number, number, number];
  return x * (b * f - c * e) + y * (c * d - a * f) + z * (a * e - b * d);
}

function checkHeader(h: Header): void {
  const pixels = h.rows * h.columns * h.samples;
  const problems: [boolean, string][] = [
    [pixels === 0, `it says it has ${h.rows} rows, ${h.columns} columns and ${h.samples} samples`],
    [pixels > MAX_PIXELS || pixels * h.frames > 4 * MAX_PIXELS, `${h.frames} × ${h.rows} × ${h.columns} is too large`],
    [![1, 8, 16, 32].includes(h.bitsAllocated), `BitsAllocated ${h.bitsAllocated} is not supported`],
    [
      h.bitsStored < 1 ||
        h.bitsStored > h.bitsAllocated ||
        h.highBit >= h.bitsAllocated ||
        h.highBit + 1 < h.bitsStored,
      `BitsStored ${h.bitsStored} and HighBit ${h.highBit} do not fit BitsAllocated ${h.bitsAllocated}`,
    ],
  ];
  for (const [wrong, reason] of problems) if (wrong) throw new DicomProblem('dicom-damaged', reason, EXPORT_AGAIN);
}

async function decodeFrame(dataSet: DataSet, h: Header, frame: number): Promise<DecodedFrame> {
  const element = dataSet.elements['x7fe00010']!;
  if (NATIVE.includes(h.transferSyntax)) return nativeFrame(dataSet.byteArray, element, h, frame);
  if (!element.encapsulatedPixelData || !element.fragments) {
    throw new DicomProblem('dicom-damaged', 'its compressed pixel data have no fragments', EXPORT_AGAIN);
  }
  const bytes = frameBytes(dataSet.byteArray, element, h, frame);
  return decompress(bytes, h, frame);
}

async function decompress(bytes: Uint8Array, h: Header, frame: number): Promise<DecodedFrame> {
  const { transferSyntax: syntax } = h;
  try {
    if (syntax === RLE) return decodeRle(bytes, h.columns, h.rows, h.samples, h.bitsAllocated);
    if (syntax === ENCAPSULATED_NATIVE) return unpackNative(bytes, 0, h, false);
    if (syntax === DEFLATED_FRAMES)
      return unpackNative(inflateRawSync(bytes, { maxOutputLength: mostUnpacked(bytes.length) }), 0, h, false);
    if (JPEG_FAMILY.test(syntax)) {
      return await decodeJpegFamily(bytes, { width: h.columns, height: h.rows });
    }
  } catch (cause) {
    if (cause instanceof DicomProblem) throw cause;
    const reason = cause instanceof CodecError ? cause.message : problemOf(cause);
    const code = reason.includes('not supported') ? 'dicom-unsupported' : 'dicom-damaged';
    const cure = code === 'dicom-damaged' ? EXPORT_AGAIN : DECOMPRESS;
    const which = h.frames > 1 ? ` of frame ${frame + 1}` : '';
    throw new DicomProblem(code, `its pixels${which} cannot be decoded: ${reason}`, cure);
  }
  throw new DicomProblem('dicom-unsupported', `its transfer syntax ${syntax} is not supported`, DECOMPRESS);
}

const DECOMPRESS = 'Decompress it first, e.g. `gdcmconv --raw in.dcm out.dcm` or `dcmdjpeg in.dcm out.dcm`.';

/** The bytes of one compressed frame: by the offset table, one fragment each, or by where JPEG streams begin. */
function frameBytes(all: Uint8Array, element: Element, h: Header, frame: number): Uint8Array {
  const fragments = element.fragments!;
  let starts: number[];
  const table = element.basicOffsetTable ?? [];
  if (h.frames === 1) starts = [0];
  else if (fragments.length === h.frames) starts = fragments.map((_, i) => i);
  else if (table.length >= h.frames) starts = table.map(offset => fragments.findIndex(f => f.offset === offset));
  else starts = fragments.flatMap((f, i) => (beginsStream(all, f.position) ? [i] : []));
  const first = starts[frame] ?? -1;
  const next = frame + 1 < h.frames ? (starts[frame + 1] ?? -1) : fragments.length;
  if (first < 0 || next <= first) {
    const reason = `it should hold ${h.frames} frames, and frame ${frame + 1} is missing`;
    throw new DicomProblem('dicom-truncated', reason, EXPORT_AGAIN);
  }
  const parts = fragments.slice(first, next).map(f => all.subarray(f.position, f.position + f.length));
  return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
}

function beginsStream(all: Uint8Array, at: number): boolean {
  return all[at] === 0xff && (all[at + 1] === 0xd8 || all[at + 1] === 0x4f);
}

function nativeFrame(all: Uint8Array, element: Element, h: Header, frame: number): DecodedFrame {
  const bigEndian = h.transferSyntax === BIG_ENDIAN;
  const have = Math.min(element.length, all.length - element.dataOffset);
  let bytes = all.subarray(element.dataOffset, element.dataOffset + have);
  // Words of two bytes hold two 8-bit pixels, the first in the low byte.
  if (bigEndian && h.bitsAllocated <= 8 && element.vr === 'OW') bytes = swapPairs(bytes);
  return unpackNative(bytes, frame, h, bigEndian);
}

function swapPairs(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  for (let i = 0; i + 1 < out.length; i += 2) [out[i], out[i + 1]] = [out[i + 1]!, out[i]!];
  return out;
}

function unpackNative(bytes: Uint8Array, frame: number, h: Header, bigEndian: boolean): DecodedFrame {
  if (/_42[02]$/.test(h.photometric)) {
    throw new DicomProblem('dicom-unsupported', `uncompressed ${h.photometric} is not supported`, DECOMPRESS);
  }
  const count = h.rows * h.columns * h.samples;
  const needed = Math.ceil((count * h.frames * h.bitsAllocated) / 8);
  const start = frame * count;
  const bits = h.bitsAllocated;
  if (bytes.length < Math.ceil(((start + count) * bits) / 8)) {
    const reason = `its pixel data are cut off: ${bytes.length} of ${needed} bytes are there`;
    throw new DicomProblem('dicom-truncated', reason, EXPORT_AGAIN);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = bits === 32 ? new Uint32Array(count) : bits === 16 ? new Uint16Array(count) : new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const at = start + i;
    if (bits === 1) data[i] = (bytes[at >> 3]! >> (at & 7)) & 1;
    else if (bits === 8) data[i] = bytes[at]!;
    else if (bits === 16) data[i] = view.getUint16(2 * at, !bigEndian);
    else data[i] = view.getUint32(4 * at, !bigEndian);
  }
  const pixels = h.planar && h.samples > 1 ? interleave(data, h.samples) : data;
  return { data: pixels, width: h.columns, height: h.rows, samples: h.samples, bits };
}

/** Cuts BitsStored bits out of each word and extends their sign. */
function storedValues(frame: DecodedFrame, h: Header): Int32Array | Uint32Array {
  const stored = Math.min(h.bitsStored, 32);
  // A codec that keeps fewer bits than HighBit reaches has dropped the padding below already.
  const shift = frame.bits > h.highBit ? h.highBit + 1 - stored : 0;
  const unused = 32 - stored;
  const out = h.signed ? new Int32Array(frame.data.length) : new Uint32Array(frame.data.length);
  for (let i = 0; i < out.length; i++) {
    const high = (frame.data[i]! >>> shift) << unused;
    out[i] = h.signed ? high >> unused : high >>> unused;
  }
  return out;
}
