/** What a JPEG says before its pixels: how many components it has, and how it is to be turned (ITU-T T.81; Exif 2.3, 4.6). */

/** Exif's orientations: 1 as stored, 2 to 8 turned or mirrored. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface JpegHead {
  /** 1 grey, 3 colours, 4 inks (CMYK); undefined where the file ends before it says so. */
  readonly components: number | undefined;
  readonly orientation: Orientation;
}

const SOS = 0xda;
const APP1 = 0xe1;
/** Among the frame headers' codes, but tables. */
const NO_FRAME = [0xc4, 0xc8, 0xcc];

export function readJpegHead(bytes: Uint8Array): JpegHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let components: number | undefined;
  let orientation: Orientation = 1;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) break;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (marker === SOS || end > bytes.length) break;
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.includes(marker)) components = bytes[at + 9];
    if (marker === APP1) orientation = orientationIn(bytes.subarray(at + 4, end)) ?? orientation;
    at = end;
  }
  return { components, orientation };
}

/** Of an Exif segment: "Exif", two zeros, and a TIFF file whose first directory may have the tag 0x112. */
function orientationIn(segment: Uint8Array): Orientation | undefined {
  if (String.fromCharCode(...segment.subarray(0, 6)) !== 'Exif\0\0') return undefined;
  const tiff = new DataView(segment.buffer, segment.byteOffset + 6, segment.length - 6);
  if (tiff.byteLength < 8) return undefined;
  const little = tiff.getUint16(0) === 0x4949;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return undefined;
  const count = tiff.getUint16(directory, little);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.byteLength) return undefined;
    if (tiff.getUint16(entry, little) !== 0x112) continue;
    const value = tiff.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? (value as Orientation) : undefined;
  }
  return undefined;
}

interface Pixels<T extends Uint8Array | Uint16Array> {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: T;
}

/** The picture as it is to be seen. */
export function turned<T extends Uint8Array | Uint16Array>(image: Pixels<T>, orientation: Orientation): Pixels<T> {
  if (orientation === 1) return image;
  const { width, height, channels } = image;
  const swaps = orientation >= 5;
  const [columns, rows] = swaps ? [height, width] : [width, height];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBelow = [3, 4, 6, 7].includes(orientation);
  const data = image.data.slice() as T;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const [across, down] = swaps ? [y, x] : [x, y];
      const column = fromRight ? width - 1 - across : across;
      const row = fromBelow ? height - 1 - down : down;
      for (let c = 0; c < channels; c++)
        data[(y * columns + x) * channels + c] = image.data[(row * width + column) * channels + c]!;
    }
  }
  return { width: columns, height: rows, channels, data };
}
