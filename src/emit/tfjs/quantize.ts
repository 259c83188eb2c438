/** Weights in fewer bits, as TensorFlow.js's own converter makes them (its quantization.py) and its loader reads them. */

export type Quantization = 'float16' | 'uint8' | 'uint16';

export interface Quantized {
  readonly bytes: Uint8Array;
  /** The manifest's `quantization` of the weight. */
  readonly entry: object;
  /** Greatest |stored − true|. */
  readonly error: number;
}

export const BYTES: Readonly<Record<Quantization, number>> = { float16: 2, uint8: 1, uint16: 2 };

export function quantize(data: Float32Array, to: Quantization): Quantized {
  return to === 'float16' ? toHalf(data) : toWhole(data, to);
}

function toHalf(data: Float32Array): Quantized {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = new Uint16Array(data.length);
  let error = 0;
  for (let i = 0; i < data.length; i++) {
    const half = halfOf(bits[i]!);
    halves[i] = half;
    error = Math.max(error, Math.abs(floatOf(half) - data[i]!));
  }
  return { bytes: new Uint8Array(halves.buffer), entry: { dtype: 'float16', original_dtype: 'float32' }, error };
}

/** binary16 of a float's bits, rounded to the nearest, ties to even; what is too great becomes the infinity. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below the least normal half: whole multiples of 2^-24.
    const shift = 126 - (magnitude >>> 23);
    if (shift > 24) return sign;
    return sign | rounded((magnitude & 0x7fffff) | 0x800000, shift);
  }
  return sign | rounded(magnitude - 0x38000000, 13);
}

function rounded(n: number, shift: number): number {
  const kept = n >>> shift;
  const rest = n - kept * 2 ** shift;
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

function floatOf(half: number): number {
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  const size =
    exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? Infinity : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return half & 0x8000 ? -size : size;
}

/** Even steps from the least to the greatest; where 0 lies between them it is met exactly. */
function toWhole(data: Float32Array, to: 'uint8' | 'uint16'): Quantized {
  const steps = to === 'uint8' ? 255 : 65535;
  const whole = to === 'uint8' ? new Uint8Array(data.length) : new Uint16Array(data.length);
  let [least, greatest] = [Infinity, -Infinity];
  for (const v of data) {
    if (v < least) least = v;
    if (v > greatest) greatest = v;
  }
  const single = !(greatest > least);
  const scale = single ? 1 : (greatest - least) / steps;
  const min = single ? least : least <= 0 && greatest >= 0 ? -Math.round(-least / scale) * scale : least;
  let error = 0;
  for (let i = 0; i < data.length; i++) {
    const q = Math.min(steps, Math.max(0, Math.round((data[i]! - min) / scale)));
    whole[i] = q;
    error = Math.max(error, Math.abs(Math.fround(q * scale + min) - data[i]!));
  }
  const entry = { dtype: to, min, scale, original_dtype: 'float32' };
  return { bytes: new Uint8Array(whole.buffer), entry, error };
}
