/** Pictures in another size, to the number as OpenCV's `resize` with INTER_LINEAR makes them of 8-bit pixels. */

/** Weights have 11 bits of fraction (INTER_RESIZE_COEF_BITS). */
const ONE = 1 << 11;

interface Taps {
  /** The first of the two pixels; the second is the next one, or the same at the border. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weights: Int32Array;
}

/** Halves go to the even number, as the processor rounds. */
function roundEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/**
 * Pixel centres are mapped to pixel centres. Columns outside of the picture count as the border pixel alone; rows keep their
 * two weights there, so that the two roundings below stay OpenCV's (imgproc's resize.cpp).
 */
function taps(from: number, to: number, clampWeights: boolean): Taps {
  const [first, second, weights] = [new Int32Array(to), new Int32Array(to), new Int32Array(2 * to)];
  const scale = from / to;
  for (let i = 0; i < to; i++) {
    const at = Math.fround((i + 0.5) * scale - 0.5);
    let pixel = Math.floor(at);
    let share = Math.fround(at - pixel);
    if (clampWeights && (pixel < 0 || pixel >= from - 1)) {
      share = 0;
      pixel = pixel < 0 ? 0 : from - 1;
    }
    first[i] = Math.min(Math.max(pixel, 0), from - 1);
    second[i] = Math.min(Math.max(pixel + 1, 0), from - 1);
    weights[2 * i] = roundEven(Math.fround(Math.fround(1 - share) * ONE));
    weights[2 * i + 1] = roundEven(Math.fround(share * ONE));
  }
  return { first, second, weights };
}

export interface BytePlanes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Uint8Array;
}

/** Channel by channel. */
export function resizeLinear(planes: BytePlanes, height: number, width: number): BytePlanes {
  const { channels, data } = planes;
  if (height === planes.height && width === planes.width) return planes;
  const columns = taps(planes.width, width, true);
  const rows = taps(planes.height, height, false);
  const out = new Uint8Array(channels * height * width);
  const across = new Int32Array(planes.height * width);
  for (let c = 0; c < channels; c++) {
    const plane = data.subarray(c * planes.height * planes.width, (c + 1) * planes.height * planes.width);
    stretchRows(plane, planes.height, planes.width, columns, across);
    stretchColumns(across, width, rows, out.subarray(c * height * width, (c + 1) * height * width));
  }
  return { channels, height, width, data: out };
}

function stretchRows(
  plane: Uint8Array,
  height: number,
  width: number,
  { first, second, weights }: Taps,
  to: Int32Array,
) {
  const count = first.length;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < count; x++) {
      const a = plane[y * width + first[x]!]! * weights[2 * x]!;
      to[y * count + x] = a + plane[y * width + second[x]!]! * weights[2 * x + 1]!;
    }
  }
}

/** The products are cut to 16 bits each before they are added: OpenCV's rule for bytes. */
function stretchColumns(across: Int32Array, width: number, { first, second, weights }: Taps, to: Uint8Array) {
  for (let y = 0; y < first.length; y++) {
    const [top, bottom] = [first[y]! * width, second[y]! * width];
    const [a, b] = [weights[2 * y]!, weights[2 * y + 1]!];
    for (let x = 0; x < width; x++) {
      const upper = (a * (across[top + x]! >> 4)) >> 16;
      const lower = (b * (across[bottom + x]! >> 4)) >> 16;
      to[y * width + x] = (upper + lower + 2) >> 2;
    }
  }
}
