/**
 * Decoders of one compressed DICOM frame. RLE is our own (PS3.5 annex G); JPEG lossless, JPEG-LS, JPEG and JPEG 2000
 * come from kept libraries, loaded when first needed. Which JPEG it is, the bitstream says and not the header's
 * transfer syntax, because files that claim the wrong one of the family are common.
 */

/** A decoded frame: samples interleaved by pixel, each as wide as the bitstream says. */
export interface DecodedFrame {
  readonly data: Uint8Array | Uint16Array | Int16Array | Uint32Array;
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  /** Bits of a sample in the bitstream. */
  readonly bits: number;
}

/** The reason in words that follow "its pixels cannot be decoded:". */
export class CodecError extends Error {}

const SOF_NAMES: Record<number, string> = { 201: 'arithmetic', 202: 'arithmetic', 203: 'arithmetic lossless' };

const MAX_PIXELS = 2 ** 28;

/**
 * @param due the size that the header promises, checked before anything of that size is allocated.
 * @throws CodecError
 */
export async function decodeJpegFamily(bytes: Uint8Array, due?: Size): Promise<DecodedFrame> {
  const codestream = findCodestream(bytes);
  if (codestream !== undefined) {
    checkSize(codestream, due);
    return decodeWith('openjpeg', bytes);
  }
  const frame = startOfFrame(bytes);
  checkSize(frame, due);
  switch (frame.marker) {
    case 0xc0:
    case 0xc1:
    case 0xc2:
      if (frame.bits !== 8) throw new CodecError(`JPEG with ${frame.bits} bits a sample is not supported`);
      return decodeWith('libjpeg-turbo', bytes);
    case 0xc3:
      return decodeLossless(bytes, frame);
    case 0xf7:
      return decodeWith('charls', bytes);
    default:
      throw new CodecError(
        `JPEG of the kind ${SOF_NAMES[frame.marker] ?? `SOF 0x${frame.marker.toString(16)}`} is not supported`,
      );
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function checkSize({ width, height }: Size, due: Size | undefined): void {
  if (due && (width !== due.width || height !== due.height)) {
    throw new CodecError(`the header says ${due.width} × ${due.height}, the compressed data say ${width} × ${height}`);
  }
  if (width * height === 0 || width * height > MAX_PIXELS) throw new CodecError(`it says it is ${width} × ${height}`);
}

/** The size of a JPEG 2000 picture, bare or in a JP2 box; undefined for anything else. */
function findCodestream(bytes: Uint8Array): Size | undefined {
  const bare = bytes[0] === 0xff && bytes[1] === 0x4f;
  const boxed = bytes[4] === 0x6a && bytes[5] === 0x50;
  if (!bare && !boxed) return undefined;
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('ff4fff51', 0, 'hex');
  if (at < 0 || at + 24 > bytes.length) throw new CodecError('it ends before its JPEG 2000 header');
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 24);
  return {
    width: view.getUint32(8) - view.getUint32(16),
    height: view.getUint32(12) - view.getUint32(20),
  };
}

interface StartOfFrame extends Size {
  readonly marker: number;
  readonly bits: number;
  readonly samples: number;
}

/** Walks a JPEG's markers up to its frame header. */
function startOfFrame(bytes: Uint8Array): StartOfFrame {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new CodecError('it does not start as a JPEG does');
  const word = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) throw new CodecError('a JPEG marker is missing');
    const marker = bytes[at + 1]!;
    const frame = (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7;
    if (frame) {
      const shape = { bits: bytes[at + 4]!, height: word(at + 5), width: word(at + 7), samples: bytes[at + 9]! };
      return { marker, ...shape };
    }
    at += marker === 0xff ? 1 : 2 + word(at + 2);
  }
  throw new CodecError('it ends before its JPEG frame header');
}

/** The part of jpeg-lossless-decoder-js that is used here (it ships no types). */
interface LosslessModule {
  readonly Decoder: new () => {
    decode(buffer: ArrayBuffer, offset: number, length: number, bytes: number): Uint8Array | Uint16Array | null;
  };
}

async function decodeLossless(bytes: Uint8Array, frame: StartOfFrame): Promise<DecodedFrame> {
  if (frame.samples !== 1 && frame.bits > 8) {
    throw new CodecError('JPEG lossless in colour with more than 8 bits is not supported');
  }
  const copy = Uint8Array.from(bytes);
  const library: string = 'jpeg-lossless-decoder-js';
  const { Decoder } = (await import(library)) as LosslessModule;
  let data: Uint8Array | Uint16Array | null;
  try {
    data = new Decoder().decode(copy.buffer, 0, copy.length, frame.bits > 8 ? 2 : 1);
  } catch (cause) {
    throw new CodecError('the lossless JPEG data are damaged', { cause });
  }
  if (data === null) throw new CodecError('it holds no scan');
  return { data, width: frame.width, height: frame.height, samples: frame.samples, bits: frame.bits };
}

/** What the Emscripten builds of @cornerstonejs have in common. */
interface WasmDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  getFrameInfo(): {
    width: number;
    height: number;
    componentCount: number;
    bitsPerSample?: number;
    isSigned?: boolean;
  };
  getInterleaveMode?(): number;
  delete(): void;
}

interface WasmModule {
  readonly [name: string]: new () => WasmDecoder;
}

const MODULES = {
  charls: { path: '@cornerstonejs/codec-charls/decodewasmjs', decoder: 'JpegLSDecoder' },
  openjpeg: { path: '@cornerstonejs/codec-openjpeg/decodewasmjs', decoder: 'J2KDecoder' },
  'libjpeg-turbo': { path: '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs', decoder: 'JPEGDecoder' },
} as const;

type Codec = keyof typeof MODULES;

const loaded = new Map<Codec, Promise<WasmModule>>();

async function load(codec: Codec): Promise<WasmModule> {
  let module = loaded.get(codec);
  if (!module) {
    const { default: factory } = (await import(MODULES[codec].path)) as {
      default: (options: object) => Promise<WasmModule>;
    };
    const quiet = () => {};
    module = factory({ print: quiet, printErr: quiet });
    loaded.set(codec, module);
  }
  return module;
}

async function decodeWith(codec: Codec, bytes: Uint8Array): Promise<DecodedFrame> {
  const module = await load(codec);
  const decoder = new module[MODULES[codec].decoder]!();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const info = decoder.getFrameInfo();
    const raw = Uint8Array.from(decoder.getDecodedBuffer());
    const { width, height, componentCount: samples } = info;
    const bits = info.bitsPerSample ?? 8;
    const count = width * height * samples;
    if (count === 0 || raw.length < count * (bits > 8 ? 2 : 1)) throw new CodecError('the data are damaged');
    let data: Uint8Array | Uint16Array = bits > 8 ? new Uint16Array(raw.buffer, 0, count) : raw.subarray(0, count);
    if (samples > 1 && decoder.getInterleaveMode?.() === 0) data = interleave(data, samples);
    return { data, width, height, samples, bits };
  } catch (cause) {
    // An aborted module cannot be trusted any longer: the next frame gets a fresh one.
    loaded.delete(codec);
    throw cause instanceof CodecError ? cause : new CodecError('the data are damaged', { cause });
  } finally {
    try {
      decoder.delete();
    } catch {
      loaded.delete(codec);
    }
  }
}

/** Planes one after the other to samples side by side. */
export function interleave<T extends Uint8Array | Uint16Array | Uint32Array>(planes: T, samples: number): T {
  const out = planes.slice() as T;
  const size = planes.length / samples;
  for (let s = 0; s < samples; s++) for (let i = 0; i < size; i++) out[i * samples + s] = planes[s * size + i]!;
  return out;
}

/**
 * DICOM's RLE (PackBits by byte plane, the most significant byte of each sample first).
 * @throws CodecError where a segment is cut off or the number of segments does not fit.
 */
export function decodeRle(
  bytes: Uint8Array,
  width: number,
  height: number,
  samples: number,
  bitsAllocated: number,
): DecodedFrame {
  const perSample = bitsAllocated / 8;
  const size = width * height;
  if (bytes.length < 64) throw new CodecError('the RLE header is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const segments = view.getUint32(0, true);
  if (segments !== samples * perSample) {
    throw new CodecError(`it has ${segments} RLE segments where ${samples * perSample} are due`);
  }
  const words = new Uint32Array(size * samples);
  for (let s = 0; s < segments; s++) {
    const start = view.getUint32(4 + 4 * s, true);
    const end = s + 1 < segments ? view.getUint32(8 + 4 * s, true) : bytes.length;
    if (start < 64 || end < start || end > bytes.length) throw new CodecError(`RLE segment ${s + 1} lies outside`);
    const plane = unpackBits(bytes.subarray(start, end), size, s + 1);
    const sample = Math.floor(s / perSample);
    for (let i = 0; i < size; i++) {
      const at = i * samples + sample;
      words[at] = ((words[at]! << 8) | plane[i]!) >>> 0;
    }
  }
  return { data: words, width, height, samples, bits: bitsAllocated };
}

function unpackBits(bytes: Uint8Array, size: number, segment: number): Uint8Array {
  const out = new Uint8Array(size);
  let to = 0;
  let at = 0;
  while (to < size) {
    if (at >= bytes.length) throw new CodecError(`RLE segment ${segment} ends after ${to} of ${size} bytes`);
    const head = bytes[at++]!;
    if (head < 128) {
      const run = bytes.subarray(at, at + Math.min(head + 1, size - to));
      if (run.length === 0) throw new CodecError(`RLE segment ${segment} is cut off`);
      out.set(run, to);
      to += run.length;
      at += head + 1;
    } else if (head > 128) {
      if (at >= bytes.length) throw new CodecError(`RLE segment ${segment} is cut off`);
      const end = Math.min(size, to + 257 - head);
      out.fill(bytes[at++]!, to, end);
      to = end;
    }
  }
  return out;
}
