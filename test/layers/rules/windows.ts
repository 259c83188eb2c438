/** Windows that slide over planes: Convolution, Deconvolution and Im2col over any number of axes, Pooling, SPP. */

import fc from 'fast-check';
import { sizeOf } from '../../../src/ir/index.js';
import { add, at, type Case, dim, each, fill, inside, list, ownNumbers, placesOf, some } from './case.js';

const sliding = (
  least: (w: { size: number; kernel: number; stride: number; pad: number; dilation: number }) => boolean,
) =>
  dim(3).chain(n =>
    fc
      .record({
        batch: dim(2),
        group: dim(2),
        into: dim(2),
        out: dim(2),
        size: list(dim(5, 2), n),
        kernel: list(dim(3), n),
        stride: list(dim(3), n),
        pad: list(dim(2, 0), n),
        dilation: list(dim(2), n),
        bias: fc.boolean(),
        deep: fc.boolean(),
      })
      .filter(c =>
        c.size.every((size, i) =>
          least({ size, kernel: c.kernel[i]!, stride: c.stride[i]!, pad: c.pad[i]!, dilation: c.dilation[i]! }),
        ),
      ),
  );

type Window = typeof sliding extends (...args: never[]) => fc.Arbitrary<infer T> ? T : never;

const windowBody = (c: Window, more = '') =>
  `convolution_param { ${each('kernel_size', c.kernel)} ${each('stride', c.stride)} ${each('pad', c.pad)} ${each('dilation', c.dilation)} ${more} }`;

/** The bottom's shape and the axis of its channels: with `deep` there are two axes before it. */
const deep = (c: Window, shape: readonly number[]) =>
  c.deep ? { shape: [1, ...shape], axis: 'axis: 2' } : { shape, axis: `axis: ${-1 - c.size.length}` };

/** Where element `k` of the kernel lies when the window is at `place`. */
const under = (c: Window, place: readonly number[], k: readonly number[]) =>
  place.map((p, i) => p * c.stride[i]! - c.pad[i]! + k[i]! * c.dilation[i]!);

const reach = (c: { kernel: number; dilation: number }) => c.dilation * (c.kernel - 1) + 1;
const convolved = (c: Window) =>
  c.size.map(
    (d, i) =>
      Math.trunc((d + 2 * c.pad[i]! - reach({ kernel: c.kernel[i]!, dilation: c.dilation[i]! })) / c.stride[i]!) + 1,
  );
const fits = (w: Parameters<Parameters<typeof sliding>[0]>[0]) => w.size + 2 * w.pad >= reach(w);

export const convolution = sliding(fits).map(
  ownNumbers((c): Case => {
    const [channels, outputs] = [c.into * c.group, c.out * c.group];
    const [inShape, outShape, filterShape] = [
      [c.batch, channels, ...c.size],
      [c.batch, outputs, ...convolved(c)],
      [outputs, c.into, ...c.kernel],
    ];
    const [x, filter, bias] = [some(sizeOf(inShape)), some(sizeOf(filterShape)), some(outputs)];
    const top = fill(outShape, ([n, o, ...place]) => {
      let sum = c.bias ? bias[o!]! : 0;
      for (const [i, ...k] of placesOf([c.into, ...c.kernel])) {
        const from = under(c, place, k);
        const channel = Math.floor(o! / c.out) * c.into + i!;
        if (inside(c.size, from))
          sum += x[at(inShape, [n!, channel, ...from])]! * filter[at(filterShape, [o!, i!, ...k])]!;
      }
      return sum;
    });
    const given = deep(c, inShape);
    const body = windowBody(c, `num_output: ${outputs} group: ${c.group} bias_term: ${c.bias} ${given.axis}`);
    return {
      type: 'Convolution',
      body,
      shapes: { x: given.shape },
      feeds: { x },
      params: c.bias ? [filter, bias] : [filter],
      tops: [top],
    };
  }),
);

export const deconvolution = sliding(w => w.stride * (w.size - 1) + reach(w) > 2 * w.pad).map(
  ownNumbers((c): Case => {
    const [channels, outputs] = [c.into * c.group, c.out * c.group];
    const size = c.size.map(
      (d, i) => c.stride[i]! * (d - 1) + reach({ kernel: c.kernel[i]!, dilation: c.dilation[i]! }) - 2 * c.pad[i]!,
    );
    const [inShape, outShape, filterShape] = [
      [c.batch, channels, ...c.size],
      [c.batch, outputs, ...size],
      [channels, c.out, ...c.kernel],
    ];
    const [x, filter, bias] = [some(sizeOf(inShape)), some(sizeOf(filterShape)), some(outputs)];
    const top = fill(outShape, ([, o]) => (c.bias ? bias[o!]! : 0));
    for (const [n, i, ...place] of placesOf(inShape))
      for (const [o, ...k] of placesOf([c.out, ...c.kernel])) {
        const to = under(c, place, k);
        const channel = Math.floor(i! / c.into) * c.out + o!;
        if (inside(size, to))
          top[at(outShape, [n!, channel, ...to])]! +=
            x[at(inShape, [n!, i!, ...place])]! * filter[at(filterShape, [i!, o!, ...k])]!;
      }
    const given = deep(c, inShape);
    const body = windowBody(c, `num_output: ${outputs} group: ${c.group} bias_term: ${c.bias} ${given.axis}`);
    return {
      type: 'Deconvolution',
      body,
      shapes: { x: given.shape },
      feeds: { x },
      params: c.bias ? [filter, bias] : [filter],
      tops: [top],
    };
  }),
);

export const im2col = sliding(fits).map(
  ownNumbers((c): Case => {
    const inShape = [c.batch, c.into, ...c.size];
    const x = some(sizeOf(inShape));
    const top = [...placesOf([c.batch, c.into, ...c.kernel, ...convolved(c)])].map(([n, i, ...rest]) => {
      const from = under(c, rest.slice(c.size.length), rest.slice(0, c.size.length));
      return inside(c.size, from) ? x[at(inShape, [n!, i!, ...from])]! : 0;
    });
    const given = deep(c, inShape);
    return { type: 'Im2col', body: windowBody(c, given.axis), shapes: { x: given.shape }, feeds: { x }, tops: [top] };
  }),
);

// Pooling

interface Pool {
  readonly shape: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly pad: readonly number[];
}

/** Caffe's sizes, each window's corners clipped at the plane, and AVE's divisor, clipped at the padded plane only. */
function poolWindows({ shape, kernel, stride, pad }: Pool, round = Math.ceil) {
  const plane = shape.slice(2);
  const out = plane.map((d, i) => {
    const n = round((d + 2 * pad[i]! - kernel[i]!) / stride[i]!) + 1;
    return pad.some(p => p > 0) && (n - 1) * stride[i]! >= d + pad[i]! ? n - 1 : n;
  });
  const windowAt = (place: readonly number[]) => {
    const sides = place.map((p, i) => {
      const start = p * stride[i]! - pad[i]!;
      const end = Math.min(start + kernel[i]!, plane[i]! + pad[i]!);
      return { start: Math.max(start, 0), end: Math.min(end, plane[i]!), whole: end - start };
    });
    const places = [...placesOf(sides.map(s => Math.max(0, s.end - s.start)))].map(p =>
      p.map((v, i) => v + sides[i]!.start),
    );
    return { places, whole: sides[0]!.whole * sides[1]!.whole };
  };
  return { out, windowAt };
}

function pooled(x: Float32Array, p: Pool, method: string, round = Math.ceil) {
  const { out, windowAt } = poolWindows(p, round);
  const mask: number[] = [];
  const top = fill([p.shape[0]!, p.shape[1]!, ...out], ([n, c, ...place]) => {
    const { places, whole: count } = windowAt(place);
    const values = places.map(q => x[at(p.shape, [n!, c!, ...q])]!);
    if (method === 'AVE') return add(values) / count;
    const greatest = Math.max(...values);
    mask.push(at(p.shape.slice(2), places[values.indexOf(greatest)]!));
    return greatest;
  });
  return { top, mask };
}

export const pooling = fc
  .record({
    shape: fc.tuple(dim(2), dim(2), dim(7), dim(7)),
    kernel: list(dim(3), 2),
    stride: list(dim(3), 2),
    pad: list(dim(2, 0), 2),
    method: fc.constantFrom('MAX', 'AVE'),
    floor: fc.boolean(),
  })
  .filter(c => c.pad.every((p, i) => p < c.kernel[i]! && c.shape[i + 2]! + 2 * p >= c.kernel[i]!))
  .filter(c => {
    const { out, windowAt } = poolWindows(c, c.floor ? Math.floor : Math.ceil);
    return [...placesOf(out)].every(place => windowAt(place).places.length > 0);
  })
  .map(
    ownNumbers((c): Case => {
      const x = some(sizeOf(c.shape));
      const { top, mask } = pooled(x, c, c.method, c.floor ? Math.floor : Math.ceil);
      const sides = (stem: string, [h, w]: readonly number[]) => `${stem}_h: ${h} ${stem}_w: ${w}`;
      const body = `pooling_param { pool: ${c.method} ${sides('kernel', c.kernel)} ${sides('stride', c.stride)} ${sides('pad', c.pad)} ${c.floor ? 'round_mode: FLOOR' : ''} }`;
      return {
        type: 'Pooling',
        body,
        shapes: { x: c.shape },
        feeds: { x },
        tops: c.method === 'MAX' ? [top, mask] : [top],
      };
    }),
  );

export const spp = fc
  .record({
    shape: fc.tuple(dim(2), dim(3), dim(9, 4), dim(9, 4)),
    height: dim(3),
    method: fc.constantFrom('MAX', 'AVE'),
  })
  .map(c => ({
    ...c,
    levels: Array.from({ length: c.height }, (_, level): Pool => {
      const bins = 2 ** level;
      const kernel = c.shape.slice(2).map(d => Math.ceil(d / bins));
      const pad = c.shape.slice(2).map((d, i) => Math.trunc((kernel[i]! * bins - d + 1) / 2));
      return { shape: c.shape, kernel, stride: kernel, pad };
    }),
  }))
  .filter(c => c.levels.every(l => l.pad.every((p, i) => p < l.kernel[i]!)))
  .map(
    ownNumbers((c): Case => {
      const x = some(sizeOf(c.shape));
      const parts = c.levels.map(l => pooled(x, l, c.method).top);
      const top = Array.from({ length: c.shape[0] }, (_, n) =>
        parts.flatMap(part => part.slice((n * part.length) / c.shape[0], ((n + 1) * part.length) / c.shape[0])),
      ).flat();
      const body = `spp_param { pyramid_height: ${c.height} pool: ${c.method} }`;
      return { type: 'SPP', body, shapes: { x: c.shape }, feeds: { x }, tops: [top] };
    }),
  );
