/** Caffe's pooling windows: rounded up, the last one clipped (pooling_layer.cpp). */

/**
 * Number of windows along one axis. Where the layer pads (along any axis), a last window that would start past the input's
 * end is left out.
 */
export function pooledSize(
  input: number,
  {
    kernel,
    stride,
    pad,
    padded = pad > 0,
    floor = false,
  }: { kernel: number; stride: number; pad: number; padded?: boolean; floor?: boolean },
): number {
  const steps = (input + 2 * pad - kernel) / stride;
  const size = (floor ? Math.floor(steps) : Math.ceil(steps)) + 1;
  return padded && (size - 1) * stride >= input + pad ? size - 1 : size;
}
