/**
 * Convolution and its transpose over any number of spatial axes, made of the IR's 2-D primitives: fewer axes gain an
 * axis of 1, more axes are unrolled one at a time from the first.
 */

import { nth } from '../../diagnostics/index.js';
import { type Builder, type ConvAttrs, dim, type Value } from '../../ir/index.js';

export interface Axes {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly pad: readonly number[];
  readonly dilation: readonly number[];
  readonly group: number;
}

function attrs({ stride, pad, dilation, group }: Axes): ConvAttrs {
  const pair = (list: readonly number[]) => [nth(list, 0), nth(list, 1)] as const;
  return { stride: pair(stride), pad: pair(pad), dilation: pair(dilation), groups: group };
}

/** The same with axes of 1 put before the spatial ones until there are two. */
function atLeastTwo(a: Axes): Axes {
  const widen = (list: readonly number[], by: number) => [...new Array<number>(2 - list.length).fill(by), ...list];
  return {
    kernel: widen(a.kernel, 1),
    stride: widen(a.stride, 1),
    pad: widen(a.pad, 0),
    dilation: widen(a.dilation, 1),
    group: a.group,
  };
}

function rest(a: Axes): Axes {
  const tail = (list: readonly number[]) => list.slice(1);
  return {
    kernel: tail(a.kernel),
    stride: tail(a.stride),
    pad: tail(a.pad),
    dilation: tail(a.dilation),
    group: a.group,
  };
}

/** x with the entries `from`, `from + step`, … (`count` of them) of axis 2. */
function rows(b: Builder, x: Value, from: number, step: number, count: number): Value {
  const take = (at: number, n: number) =>
    b.slice(
      x,
      x.shape.map((_, i) => (i === 2 ? at : 0)),
      x.shape.map((d, i) => (i === 2 ? n : d)),
    );
  if (step === 1 || count === 1) return take(from, count);
  return b.concat(
    Array.from({ length: count }, (_, i) => take(from + i * step, 1)),
    2,
  );
}

/** x padded along axis 2. */
function padRows(b: Builder, x: Value, before: number, after: number): Value {
  const at2 = (n: number) => x.shape.map((_, i) => (i === 2 ? n : 0));
  return b.pad(x, at2(before), at2(after));
}

/** x [N, C, …in], filter [O, C/group, …kernel] → [N, O, …out]; places past the padding count as zeros. */
export function convolve(b: Builder, x: Value, filter: Value, a: Axes, out: readonly number[]): Value {
  const [n, c, ...spatial] = x.shape as readonly [number, number, ...number[]];
  const [o, depth, ...kernel] = filter.shape as readonly [number, number, ...number[]];
  if (spatial.length < 2) {
    const lead = new Array<number>(2 - spatial.length).fill(1);
    const y = convolve(
      b,
      b.reshape(x, [n, c, ...lead, ...spatial]),
      b.reshape(filter, [o, depth, ...lead, ...kernel]),
      atLeastTwo(a),
      [...lead, ...out],
    );
    return b.reshape(y, [n, o, ...out]);
  }
  if (spatial.length === 2) return convolve2d(b, x, filter, a, out);
  const extent = (nth(kernel, 0) - 1) * nth(a.dilation, 0) + 1;
  const needed = (nth(out, 0) - 1) * nth(a.stride, 0) + extent;
  const padded = padRows(b, x, nth(a.pad, 0), Math.max(0, needed - nth(spatial, 0) - nth(a.pad, 0)));
  const flat = b.reshape(filter, [o, depth * nth(kernel, 0), ...kernel.slice(1)]);
  const planes = Array.from({ length: nth(out, 0) }, (_, i) => {
    const window = rows(b, padded, i * nth(a.stride, 0), nth(a.dilation, 0), nth(kernel, 0));
    const folded = b.reshape(window, [n, c * nth(kernel, 0), ...spatial.slice(1)]);
    return b.reshape(convolve(b, folded, flat, rest(a), out.slice(1)), [n, o, 1, ...out.slice(1)]);
  });
  return b.concat(planes, 2);
}

function convolve2d(b: Builder, x: Value, filter: Value, a: Axes, out: readonly number[]): Value {
  // Caffe divides towards zero, so a kernel that sticks out by less than a stride still has one (zero-filled) place.
  const missing = [0, 1].map(i => {
    const needed = (nth(out, i) - 1) * nth(a.stride, i) + (nth(a.kernel, i) - 1) * nth(a.dilation, i) + 1;
    return Math.max(0, needed - dim(x.shape, i + 2) - 2 * nth(a.pad, i));
  });
  return b.conv2d(b.pad(x, [0, 0, 0, 0], [0, 0, ...missing]), filter, attrs(a));
}

/** The transpose: x [N, C, …in], filter [C, O/group, …kernel] → [N, O, …out]. */
export function deconvolve(b: Builder, x: Value, filter: Value, a: Axes, out: readonly number[]): Value {
  const [n, c, ...spatial] = x.shape as readonly [number, number, ...number[]];
  const [, depth, ...kernel] = filter.shape as readonly [number, number, ...number[]];
  const o = depth * a.group;
  if (spatial.length < 2) {
    const lead = new Array<number>(2 - spatial.length).fill(1);
    const y = deconvolve(
      b,
      b.reshape(x, [n, c, ...lead, ...spatial]),
      b.reshape(filter, [c, depth, ...lead, ...kernel]),
      atLeastTwo(a),
      [...lead, ...out],
    );
    return b.reshape(y, [n, o, ...out]);
  }
  if (spatial.length === 2) return b.convInputGrad(x, filter, { ...attrs(a), inputSize: [nth(out, 0), nth(out, 1)] });
  const flat = b.reshape(filter, [c, depth * nth(kernel, 0), ...kernel.slice(1)]);
  const full = nth(out, 0) + 2 * nth(a.pad, 0);
  const parts = Array.from({ length: nth(spatial, 0) }, (_, i) => {
    const plane = b.reshape(rows(b, x, i, 1, 1), [n, c, ...spatial.slice(1)]);
    const y = b.reshape(deconvolve(b, plane, flat, rest(a), out.slice(1)), [n, o, nth(kernel, 0), ...out.slice(1)]);
    const spread = Array.from({ length: nth(kernel, 0) }, (_, k) => {
      const at = i * nth(a.stride, 0) + k * nth(a.dilation, 0);
      return padRows(b, rows(b, y, k, 1, 1), at, full - at - 1);
    });
    return spread.reduce((sum, part) => b.add(sum, part));
  });
  const sum = parts.reduce((total, part) => b.add(total, part));
  return rows(b, sum, nth(a.pad, 0), 1, nth(out, 0));
}
