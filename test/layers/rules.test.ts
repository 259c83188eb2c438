/**
 * Caffe's forward rules written down anew, one number at a time and with no share in the layers' own code, against every
 * engine at random shapes and parameters. Gradients follow from these by gradients.test.ts.
 */

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { sizeOf } from '../../src/ir/index.js';
import { Random } from '../../src/random/index.js';
import { createEngine } from '../../src/targets/index.js';
import { compiled, runLayer, type Shapes } from './net_of.js';

type Numbers = ArrayLike<number>;
type Feeds = Readonly<Record<string, Float32Array>>;

interface Case {
  readonly type: string;
  readonly body: string;
  readonly shapes: Shapes;
  readonly feeds: Feeds;
  readonly params?: readonly Float32Array[];
  readonly phase?: 'TEST';
  /** What each top must be. */
  readonly tops: readonly Numbers[];
}

const random = new Random(3);
const some = (count: number, scale = 1) => Float32Array.from({ length: count }, () => random.uniform(-scale, scale));
const whole = (count: number, below: number) => Float32Array.from({ length: count }, () => random.integer(below));

function* placesOf(shape: readonly number[]): Generator<readonly number[]> {
  if (shape.length === 0) return yield [];
  for (let i = 0; i < shape[0]!; i++) for (const rest of placesOf(shape.slice(1))) yield [i, ...rest];
}

const at = (shape: readonly number[], place: readonly number[]) => place.reduce((sum, p, i) => sum * shape[i]! + p, 0);
const inside = (shape: readonly number[], place: readonly number[]) => place.every((p, i) => p >= 0 && p < shape[i]!);
const fill = (shape: readonly number[], rule: (place: readonly number[]) => number) =>
  Array.from(placesOf(shape), rule);
const each = (field: string, values: readonly number[]) => values.map(v => `${field}: ${v}`).join(' ');
const add = (numbers: Iterable<number>) => [...numbers].reduce((sum, v) => sum + v, 0);

const dim = (max: number, min = 1) => fc.integer({ min, max });
const list = (of: fc.Arbitrary<number>, length: number) => fc.array(of, { minLength: length, maxLength: length });

// Windows that slide over any number of axes

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

const convolution = sliding(fits).map((c): Case => {
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
});

const deconvolution = sliding(w => w.stride * (w.size - 1) + reach(w) > 2 * w.pad).map((c): Case => {
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
});

const im2col = sliding(fits).map((c): Case => {
  const inShape = [c.batch, c.into, ...c.size];
  const x = some(sizeOf(inShape));
  const top = [...placesOf([c.batch, c.into, ...c.kernel, ...convolved(c)])].map(([n, i, ...rest]) => {
    const from = under(c, rest.slice(c.size.length), rest.slice(0, c.size.length));
    return inside(c.size, from) ? x[at(inShape, [n!, i!, ...from])]! : 0;
  });
  const given = deep(c, inShape);
  return { type: 'Im2col', body: windowBody(c, given.axis), shapes: { x: given.shape }, feeds: { x }, tops: [top] };
});

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

const pooling = fc
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
  .map((c): Case => {
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
  });

const spp = fc
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
  .map((c): Case => {
    const x = some(sizeOf(c.shape));
    const parts = c.levels.map(l => pooled(x, l, c.method).top);
    const top = Array.from({ length: c.shape[0] }, (_, n) =>
      parts.flatMap(part => part.slice((n * part.length) / c.shape[0], ((n + 1) * part.length) / c.shape[0])),
    ).flat();
    const body = `spp_param { pyramid_height: ${c.height} pool: ${c.method} }`;
    return { type: 'SPP', body, shapes: { x: c.shape }, feeds: { x }, tops: [top] };
  });

// Normalisation

const lrn = fc
  .record({
    shape: fc.tuple(dim(2), dim(6), dim(4), dim(4)),
    n: fc.constantFrom(1, 3, 5),
    within: fc.boolean(),
    beta: fc.constantFrom(0.5, 0.75, 1),
    k: fc.constantFrom(1, 2),
  })
  .map((c): Case => {
    const x = some(sizeOf(c.shape), 2);
    const [, channels, height, width] = c.shape;
    const half = (c.n - 1) / 2;
    const alpha = 0.5;
    const top = fill(c.shape, ([n, ch, h, w]) => {
      let sum = 0;
      let count = 0;
      if (c.within) {
        // The mean of a padded AVE pooling with stride 1; k is not used.
        for (let i = h! - half; i <= Math.min(h! + half, height + half - 1); i++)
          for (let j = w! - half; j <= Math.min(w! + half, width + half - 1); j++) {
            count++;
            if (inside([height, width], [i, j])) sum += x[at(c.shape, [n!, ch!, i, j])]! ** 2;
          }
        return x[at(c.shape, [n!, ch!, h!, w!])]! * (1 + (alpha * sum) / count) ** -c.beta;
      }
      for (let i = ch! - half; i <= ch! + half; i++)
        if (i >= 0 && i < channels) sum += x[at(c.shape, [n!, i, h!, w!])]! ** 2;
      return x[at(c.shape, [n!, ch!, h!, w!])]! * (c.k + (alpha * sum) / c.n) ** -c.beta;
    });
    const body = `lrn_param { local_size: ${c.n} alpha: ${alpha} beta: ${c.beta} k: ${c.k} norm_region: ${c.within ? 'WITHIN_CHANNEL' : 'ACROSS_CHANNELS'} }`;
    return { type: 'LRN', body, shapes: { x: c.shape }, feeds: { x }, tops: [top] };
  });

const mvn = fc
  .record({ shape: fc.tuple(dim(2), dim(3), dim(3), dim(3)), variance: fc.boolean(), across: fc.boolean() })
  .map((c): Case => {
    const x = some(sizeOf(c.shape), 2);
    const length = sizeOf(c.shape.slice(c.across ? 1 : 2));
    const top = Array.from(x, (v, i) => {
      const own = x.slice(Math.floor(i / length) * length, (Math.floor(i / length) + 1) * length);
      const mean = add(own) / length;
      const variance = add(own.map(o => (o - mean) ** 2)) / length;
      return c.variance ? (v - mean) / (Math.sqrt(variance) + 0.01) : v - mean;
    });
    const body = `mvn_param { normalize_variance: ${c.variance} across_channels: ${c.across} eps: 0.01 }`;
    return { type: 'MVN', body, shapes: { x: c.shape }, feeds: { x }, tops: [top] };
  });

const batchNorm = fc
  .record({ shape: fc.array(dim(3), { minLength: 1, maxLength: 4 }), kept: fc.boolean() })
  .filter(c => c.kept || sizeOf(c.shape) / (c.shape[1] ?? 1) > 1)
  .map((c): Case => {
    const x = some(sizeOf(c.shape), 2);
    const channels = c.shape[1] ?? 1;
    const channelOf = (i: number) => Math.floor(i / sizeOf(c.shape.slice(2))) % channels;
    const [means, variances] = [some(channels), some(channels).map(v => v + 2)];
    const top = Array.from(x, (v, i) => {
      const ch = c.shape.length > 1 ? channelOf(i) : 0;
      const own = [...x].filter((_, k) => c.shape.length === 1 || channelOf(k) === ch);
      const mean = c.kept ? means[ch]! / 4 : add(own) / own.length;
      const variance = c.kept ? variances[ch]! / 4 : add(own.map(o => (o - mean) ** 2)) / own.length;
      return (v - mean) / Math.sqrt(variance + 0.1);
    });
    const params = [means, variances, Float32Array.of(4)];
    const body = `batch_norm_param { use_global_stats: ${c.kept} eps: 0.1 }`;
    return { type: 'BatchNorm', body, shapes: { x: c.shape }, feeds: { x }, params, tops: [top] };
  });

// Axes

const anyShape = fc.array(dim(4), { minLength: 1, maxLength: 4 });
const withAxis = anyShape.chain(shape =>
  fc.record({ shape: fc.constant(shape), axis: dim(shape.length - 1, -shape.length) }),
);
const real = (c: { axis: number; shape: readonly number[] }) => (c.axis < 0 ? c.axis + c.shape.length : c.axis);

const reduction = fc
  .tuple(withAxis, fc.constantFrom('SUM', 'ASUM', 'SUMSQ', 'MEAN'), fc.constantFrom(1, -0.5))
  .map(([c, op, coeff]): Case => {
    const x = some(sizeOf(c.shape));
    const length = sizeOf(c.shape.slice(real(c)));
    const top = Array.from({ length: x.length / length }, (_, i) => {
      const own = [...x.slice(i * length, (i + 1) * length)];
      const terms = op === 'ASUM' ? own.map(Math.abs) : op === 'SUMSQ' ? own.map(v => v * v) : own;
      return (coeff * add(terms)) / (op === 'MEAN' ? length : 1);
    });
    return {
      type: 'Reduction',
      body: `reduction_param { operation: ${op} axis: ${c.axis} coeff: ${coeff} }`,
      shapes: { x: c.shape },
      feeds: { x },
      tops: [top],
    };
  });

const softmax = withAxis.map((c): Case => {
  const x = some(sizeOf(c.shape), 5);
  const axis = real(c);
  const top = fill(c.shape, place => {
    const own = Array.from({ length: c.shape[axis]! }, (_, i) =>
      Math.exp(
        x[
          at(
            c.shape,
            place.map((p, k) => (k === axis ? i : p)),
          )
        ]!,
      ),
    );
    return own[place[axis]!]! / add(own);
  });
  return {
    type: 'Softmax',
    body: `softmax_param { axis: ${c.axis} }`,
    shapes: { x: c.shape },
    feeds: { x },
    tops: [top],
  };
});

/** Indices of the k greatest, of equals the last one first. */
const topIndices = (values: readonly number[], k: number) =>
  values
    .map((v, i) => ({ v, i }))
    .sort((a, b) => b.v - a.v || b.i - a.i)
    .slice(0, k)
    .map(e => e.i);

const argmax = fc
  .record({ c: withAxis, whole: fc.boolean(), values: fc.boolean(), k: dim(3) })
  .filter(({ c, whole, k }) => k <= (whole ? sizeOf(c.shape.slice(1)) : c.shape[real(c)]!))
  .map(({ c, whole: flat, values, k }): Case => {
    const x = whole(sizeOf(c.shape), 6);
    const param = `argmax_param { top_k: ${k} out_max_val: ${values} ${flat ? '' : `axis: ${c.axis}`} }`;
    const shapes = { x: c.shape };
    if (flat) {
      const length = sizeOf(c.shape.slice(1));
      const top = Array.from({ length: c.shape[0]! }, (_, n) => {
        const own = [...x.slice(n * length, (n + 1) * length)];
        const best = topIndices(own, k);
        return values ? [...best, ...best.map(i => own[i]!)] : best;
      }).flat();
      return { type: 'ArgMax', body: param, shapes, feeds: { x }, tops: [top] };
    }
    const axis = real(c);
    const top = fill(
      c.shape.map((d, i) => (i === axis ? k : d)),
      place => {
        const own = Array.from(
          { length: c.shape[axis]! },
          (_, i) =>
            x[
              at(
                c.shape,
                place.map((p, q) => (q === axis ? i : p)),
              )
            ]!,
        );
        const chosen = topIndices(own, k)[place[axis]!]!;
        return values ? own[chosen]! : chosen;
      },
    );
    return { type: 'ArgMax', body: param, shapes, feeds: { x }, tops: [top] };
  });

const innerProduct = fc
  .tuple(withAxis, fc.boolean(), fc.boolean(), dim(3))
  .map(([c, transpose, bias, outputs]): Case => {
    const x = some(sizeOf(c.shape));
    const length = sizeOf(c.shape.slice(real(c)));
    const [weight, offset] = [some(outputs * length), some(outputs)];
    const top = fill([x.length / length, outputs], ([row, o]) => {
      const terms = Array.from(
        { length },
        (_, i) => x[row! * length + i]! * weight[transpose ? i * outputs + o! : o! * length + i]!,
      );
      return add(terms) + (bias ? offset[o!]! : 0);
    });
    const body = `inner_product_param { num_output: ${outputs} axis: ${c.axis} transpose: ${transpose} bias_term: ${bias} }`;
    return {
      type: 'InnerProduct',
      body,
      shapes: { x: c.shape },
      feeds: { x },
      params: bias ? [weight, offset] : [weight],
      tops: [top],
    };
  });

const overlay = (type: 'Scale' | 'Bias') =>
  withAxis
    .chain(c =>
      fc.record({
        c: fc.constant(c),
        axes: dim(c.shape.length - real(c), -1),
        given: fc.boolean(),
        bias: fc.boolean(),
      }),
    )
    .map(({ c, axes, given, bias }): Case => {
      const x = some(sizeOf(c.shape));
      const inner = c.shape.slice(real(c), axes === -1 ? undefined : real(c) + axes);
      const [factor, offset] = [some(sizeOf(inner)), some(sizeOf(inner))];
      const both = type === 'Scale' && bias;
      const top = fill(c.shape, place => {
        const own = at(inner, place.slice(real(c), real(c) + inner.length));
        const v = x[at(c.shape, place)]!;
        return type === 'Bias' ? v + factor[own]! : v * factor[own]! + (both ? offset[own]! : 0);
      });
      const body = `${type.toLowerCase()}_param { axis: ${c.axis} num_axes: ${axes} ${both ? 'bias_term: true' : ''} }`;
      const shapes = { x: c.shape, ...(given && { s: inner }) };
      return {
        type,
        body,
        shapes,
        feeds: { x, ...(given && { s: factor }) },
        params: [...(given ? [] : [factor]), ...(both ? [offset] : [])],
        tops: [top],
      };
    });

const crop = withAxis
  .chain(c => fc.record({ c: fc.constant(c), offset: list(dim(2, 0), c.shape.length - real(c)), once: fc.boolean() }))
  .map(({ c, offset: given, once }): Case => {
    const offset = once ? given.map(() => given[0]!) : given;
    const start = real(c);
    const shape = c.shape.map((d, i) => (i < start ? d : d + offset[i - start]!));
    const x = some(sizeOf(shape));
    const top = fill(
      c.shape,
      place =>
        x[
          at(
            shape,
            place.map((p, i) => (i < start ? p : p + offset[i - start]!)),
          )
        ]!,
    );
    const body = `crop_param { axis: ${c.axis} ${each('offset', once ? offset.slice(0, 1) : offset)} }`;
    return {
      type: 'Crop',
      body,
      shapes: { x: shape, ref: c.shape },
      feeds: { x, ref: some(sizeOf(c.shape)) },
      tops: [top],
    };
  });

const slice = withAxis
  .chain(c => fc.record({ c: fc.constant(c), parts: fc.array(dim(3), { minLength: 2, maxLength: 3 }) }))
  .map(({ c, parts }): Case => {
    const axis = real(c);
    const shape = c.shape.map((d, i) => (i === axis ? add(parts) : d));
    const x = some(sizeOf(shape));
    const starts = parts.map((_, i) => add(parts.slice(0, i)));
    const tops = parts.map((part, k) =>
      fill(
        shape.map((d, i) => (i === axis ? part : d)),
        place =>
          x[
            at(
              shape,
              place.map((p, i) => (i === axis ? p + starts[k]! : p)),
            )
          ]!,
      ),
    );
    const even = parts.every(p => p === parts[0]);
    return {
      type: 'Slice',
      body: `slice_param { axis: ${c.axis} ${even ? '' : each('slice_point', starts.slice(1))} }`,
      shapes: { x: shape },
      feeds: { x },
      tops,
    };
  });

const concat = withAxis
  .chain(c => fc.record({ c: fc.constant(c), parts: fc.array(dim(3), { minLength: 1, maxLength: 3 }) }))
  .map(({ c, parts }): Case => {
    const axis = real(c);
    const shapes = parts.map(part => c.shape.map((d, i) => (i === axis ? part : d)));
    const xs = shapes.map(s => some(sizeOf(s)));
    const top = fill(
      c.shape.map((d, i) => (i === axis ? add(parts) : d)),
      place => {
        const which = parts.findIndex((_, i) => place[axis]! < add(parts.slice(0, i + 1)));
        const rest = place[axis]! - add(parts.slice(0, which));
        return xs[which]![
          at(
            shapes[which]!,
            place.map((p, i) => (i === axis ? rest : p)),
          )
        ]!;
      },
    );
    const named = <T>(all: readonly T[]) => Object.fromEntries(all.map((v, i) => [`x${i}`, v]));
    return {
      type: 'Concat',
      body: `concat_param { axis: ${c.axis} }`,
      shapes: named(shapes),
      feeds: named(xs),
      tops: [top],
    };
  });

const tile = fc.tuple(withAxis, dim(3)).map(([c, tiles]): Case => {
  const x = some(sizeOf(c.shape));
  const axis = real(c);
  const top = fill(
    c.shape.map((d, i) => (i === axis ? d * tiles : d)),
    place =>
      x[
        at(
          c.shape,
          place.map((p, i) => (i === axis ? p % c.shape[i]! : p)),
        )
      ]!,
  );
  return {
    type: 'Tile',
    body: `tile_param { axis: ${c.axis} tiles: ${tiles} }`,
    shapes: { x: c.shape },
    feeds: { x },
    tops: [top],
  };
});

const eltwise = fc
  .tuple(anyShape, dim(4, 2), fc.constantFrom('SUM', 'PROD', 'MAX'), fc.boolean())
  .map(([shape, n, op, weighted]): Case => {
    const xs = Array.from({ length: n }, () => some(sizeOf(shape)));
    const coeff = op === 'SUM' && weighted ? xs.map((_, i) => i - 0.5) : xs.map(() => 1);
    const top = Array.from(xs[0]!, (_, i) => {
      const own = xs.map((x, k) => x[i]! * coeff[k]!);
      return op === 'SUM' ? add(own) : op === 'MAX' ? Math.max(...own) : own.reduce((a, b) => a * b);
    });
    const body = `eltwise_param { operation: ${op} ${op === 'SUM' && weighted ? each('coeff', coeff) : ''} }`;
    const named = <T>(all: readonly T[]) => Object.fromEntries(all.map((v, i) => [`x${i}`, v]));
    return { type: 'Eltwise', body, shapes: named(xs.map(() => shape)), feeds: named(xs), tops: [top] };
  });

const embed = fc.tuple(anyShape, fc.boolean()).map(([shape, bias]): Case => {
  const [x, weight, offset] = [whole(sizeOf(shape), 5), some(5 * 3), some(3)];
  const top = [...x].flatMap(word => [0, 1, 2].map(i => weight[3 * word + i]! + (bias ? offset[i]! : 0)));
  const body = `embed_param { num_output: 3 input_dim: 5 bias_term: ${bias} }`;
  return {
    type: 'Embed',
    body,
    shapes: { x: shape },
    feeds: { x },
    params: bias ? [weight, offset] : [weight],
    tops: [top],
  };
});

// Losses and metrics: scores with the classes on an axis, and one label for each place

const labelled = fc
  .record({
    shape: fc.array(dim(3), { minLength: 2, maxLength: 4 }),
    axis: dim(3),
    classes: dim(4, 2),
    ignoring: fc.boolean(),
  })
  .filter(c => c.axis < c.shape.length)
  .map(c => {
    const shape = c.shape.map((d, i) => (i === c.axis ? c.classes : d));
    const scores = some(sizeOf(shape), 3);
    const places = [...placesOf(shape.map((d, i) => (i === c.axis ? 1 : d)))];
    const labels = whole(places.length, c.classes);
    /** The scores of each place, its label, and whether it counts. */
    const rows = places.map((place, k) => ({
      own: Array.from(
        { length: c.classes },
        (_, i) =>
          scores[
            at(
              shape,
              place.map((p, q) => (q === c.axis ? i : p)),
            )
          ]!,
      ),
      label: labels[k]!,
      counts: !(c.ignoring && labels[k] === 1),
    }));
    const shapes = { x: shape, label: shape.map((d, i) => (i === c.axis ? 1 : d)) };
    return { ...c, shapes, feeds: { x: scores, label: labels }, rows, outer: sizeOf(shape.slice(0, c.axis)) };
  });

const NORMALIZATIONS = [
  '',
  'normalize: true',
  'normalize: false',
  'normalization: FULL',
  'normalization: VALID',
  'normalization: BATCH_SIZE',
  'normalization: NONE',
] as const;
const normalization = fc.constantFrom(...NORMALIZATIONS);

function divisor(mode: string, valid: number, all: number, outer: number, fallback: 'valid' | 'outer'): number {
  if (mode.endsWith('NONE')) return 1;
  if (mode.endsWith('FULL')) return all;
  if (mode.endsWith('BATCH_SIZE') || mode.endsWith('false') || (mode === '' && fallback === 'outer')) return outer;
  return Math.max(1, valid);
}

const logSoftmax = (own: readonly number[], label: number) => own[label]! - Math.log(add(own.map(Math.exp)));

const softmaxLoss = fc.tuple(labelled, normalization).map(([c, mode]): Case => {
  const counted = c.rows.filter(r => r.counts);
  const loss = -add(counted.map(r => logSoftmax(r.own, r.label)));
  const by = divisor(mode, counted.length, c.rows.length, c.outer, 'valid');
  const body = `softmax_param { axis: ${c.axis} } loss_param { ${mode} ${c.ignoring ? 'ignore_label: 1' : ''} }`;
  return { type: 'SoftmaxWithLoss', body, shapes: c.shapes, feeds: c.feeds, tops: [[loss / by]] };
});

const infogain = fc.tuple(labelled, normalization).map(([c, mode]): Case => {
  const H = some(c.classes ** 2).map(Math.abs);
  const counted = c.rows.filter(r => r.counts);
  const loss = -add(counted.flatMap(r => r.own.map((_, k) => H[r.label * c.classes + k]! * logSoftmax(r.own, k))));
  const by = divisor(mode, counted.length, c.rows.length, c.outer, 'valid');
  const body = `infogain_loss_param { axis: ${c.axis} } loss_param { ${mode} ${c.ignoring ? 'ignore_label: 1' : ''} }`;
  return {
    type: 'InfogainLoss',
    body,
    shapes: { ...c.shapes, H: [1, 1, c.classes, c.classes] },
    feeds: { ...c.feeds, H },
    tops: [[loss / by]],
  };
});

const sigmoidLoss = fc.tuple(anyShape, normalization, fc.boolean()).map(([shape, mode, ignoring]): Case => {
  const [x, t] = [some(sizeOf(shape), 3), whole(sizeOf(shape), 3)];
  const counted = [...x.keys()].filter(i => !(ignoring && t[i] === 2));
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const loss = -add(counted.map(i => t[i]! * Math.log(sigmoid(x[i]!)) + (1 - t[i]!) * Math.log(1 - sigmoid(x[i]!))));
  const by = divisor(mode, counted.length, x.length, shape[0]!, 'outer');
  const body = `loss_param { ${mode} ${ignoring ? 'ignore_label: 2' : ''} }`;
  return {
    type: 'SigmoidCrossEntropyLoss',
    body,
    shapes: { x: shape, t: shape },
    feeds: { x, t },
    tops: [[loss / by]],
  };
});

const accuracy = fc.tuple(labelled, dim(2)).map(([c, k]): Case => {
  const counted = c.rows.filter(r => r.counts);
  const right = (r: (typeof counted)[number]) => r.own.filter(v => v >= r.own[r.label]!).length - 1 < k;
  const share = (rows: typeof counted) => (rows.length === 0 ? 0 : rows.filter(right).length / rows.length);
  const perClass = Array.from({ length: c.classes }, (_, label) => share(counted.filter(r => r.label === label)));
  const body = `accuracy_param { top_k: ${k} axis: ${c.axis} ${c.ignoring ? 'ignore_label: 1' : ''} }`;
  return {
    type: 'Accuracy',
    body,
    shapes: c.shapes,
    feeds: c.feeds,
    phase: 'TEST',
    tops: [[share(counted)], perClass],
  };
});

// Recurrent

const recurrent = (type: 'RNN' | 'LSTM') =>
  fc
    .record({
      steps: dim(3),
      samples: dim(2),
      width: dim(3),
      inputs: dim(3),
      fixed: fc.boolean(),
      exposed: fc.boolean(),
    })
    .map((c): Case => {
      const [states, gates] = type === 'LSTM' ? [2, 4] : [1, 1];
      const rows = gates * c.width;
      const x = some(c.steps * c.samples * c.inputs);
      const cont = whole(c.steps * c.samples, 2);
      const still = some(c.samples * 2);
      const first = Array.from({ length: states }, () =>
        c.exposed ? some(c.samples * c.width) : new Float32Array(c.samples * c.width),
      );
      const weights = {
        x: some(rows * c.inputs),
        b: some(rows),
        fixed: some(rows * 2),
        h: some(rows * c.width),
        o: some(c.width ** 2),
        ob: some(c.width),
      };
      const dot = (w: Numbers, row: number, v: Numbers, from: number, n: number) =>
        add(Array.from({ length: n }, (_, i) => w[row * n + i]! * v[from + i]!));
      const state = first.map(s => Array.from(s));
      const top: number[] = [];
      const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
      for (let t = 0; t < c.steps; t++) {
        const before = state.map(s => [...s]);
        for (let n = 0; n < c.samples; n++) {
          const going = cont[t * c.samples + n]!;
          const h = before[0]!.slice(n * c.width, (n + 1) * c.width).map(v => v * going);
          const gate = (r: number) =>
            dot(weights.x, r, x, (t * c.samples + n) * c.inputs, c.inputs) +
            weights.b[r]! +
            (c.fixed ? dot(weights.fixed, r, still, n * 2, 2) : 0) +
            dot(weights.h, r, h, 0, c.width);
          for (let d = 0; d < c.width; d++) {
            const place = n * c.width + d;
            if (type === 'RNN') state[0]![place] = Math.tanh(gate(d));
            else {
              const [input, forget, output] = [0, 1, 2].map(k => sigmoid(gate(k * c.width + d))) as [
                number,
                number,
                number,
              ];
              state[1]![place] = going * forget * before[1]![place]! + input * Math.tanh(gate(3 * c.width + d));
              state[0]![place] = output * Math.tanh(state[1]![place]!);
            }
          }
          const now = state[0]!.slice(n * c.width, (n + 1) * c.width);
          top.push(
            ...now.map((v, d) =>
              type === 'LSTM' ? v : Math.tanh(dot(weights.o, d, now, 0, c.width) + weights.ob[d]!),
            ),
          );
        }
      }
      const given = c.exposed ? Object.fromEntries(first.map((s, i) => [`first${i}`, s])) : {};
      const shapes = {
        x: [c.steps, c.samples, c.inputs],
        cont: [c.steps, c.samples],
        ...(c.fixed && { still: [c.samples, 2] }),
        ...Object.fromEntries(Object.keys(given).map(name => [name, [1, c.samples, c.width]])),
      };
      const params = [
        weights.x,
        weights.b,
        ...(c.fixed ? [weights.fixed] : []),
        weights.h,
        ...(type === 'RNN' ? [weights.o, weights.ob] : []),
      ];
      const body = `recurrent_param { num_output: ${c.width} expose_hidden: ${c.exposed} }`;
      return {
        type,
        body,
        shapes,
        feeds: { x, cont, ...(c.fixed && { still }), ...given },
        params,
        tops: [top, ...(c.exposed ? state : [])],
      };
    });

// Elements alone

const number = fc.constantFrom(-2, -0.5, 0.5, 1, 1.5, 3);
const positive = fc.constantFrom(0.3, 1, 2.5);

/** Parameters, and what becomes of one number; `least` keeps the inputs above it. */
interface Neuron {
  readonly body: string;
  readonly rule: (x: number) => number;
  readonly least?: number;
}

const neuron = (type: string, of: fc.Arbitrary<Neuron>) =>
  fc.tuple(anyShape, of).map(([shape, { body, rule, least }]): Case => {
    const x = some(sizeOf(shape), 3).map(v => (least === undefined ? v : Math.abs(v) + least));
    return { type, body, shapes: { x: shape }, feeds: { x }, phase: 'TEST', tops: [Array.from(x, rule)] };
  });

const NEURONS: Readonly<Record<string, fc.Arbitrary<Neuron>>> = {
  AbsVal: fc.constant({ body: '', rule: Math.abs }),
  BNLL: fc.constant({ body: '', rule: x => Math.log1p(Math.exp(x)) }),
  Sigmoid: fc.constant({ body: '', rule: x => 1 / (1 + Math.exp(-x)) }),
  TanH: fc.constant({ body: '', rule: Math.tanh }),
  ReLU: number.map(s => ({ body: `relu_param { negative_slope: ${s} }`, rule: x => (x > 0 ? x : s * x) })),
  ELU: positive.map(a => ({ body: `elu_param { alpha: ${a} }`, rule: x => (x > 0 ? x : a * Math.expm1(x)) })),
  Swish: number.map(beta => ({ body: `swish_param { beta: ${beta} }`, rule: x => x / (1 + Math.exp(-beta * x)) })),
  Clip: fc.tuple(number, positive).map(([min, width]) => ({
    body: `clip_param { min: ${min} max: ${min + width} }`,
    rule: x => Math.min(Math.max(x, min), min + width),
  })),
  Threshold: number.map(t => ({ body: `threshold_param { threshold: ${t} }`, rule: x => Number(x > t) })),
  Dropout: fc.constant({ body: 'dropout_param { dropout_ratio: 0.3 }', rule: x => x }),
  Exp: fc.tuple(fc.constantFrom(-1, 0.5, 2), number, number).map(([base, scale, shift]) => ({
    body: `exp_param { base: ${base} scale: ${scale} shift: ${shift} }`,
    rule: x => (base === -1 ? Math.E : base) ** (shift + scale * x),
  })),
  Log: fc.tuple(fc.constantFrom(-1, 0.5, 10), positive, positive).map(([base, scale, shift]) => ({
    body: `log_param { base: ${base} scale: ${scale} shift: ${shift} }`,
    rule: x => Math.log(shift + scale * x) / (base === -1 ? 1 : Math.log(base)),
    least: 0.1,
  })),
  Power: fc.tuple(fc.constantFrom(-1, 0, 0.5, 1, 2, 3), positive, positive).map(([power, scale, shift]) => ({
    body: `power_param { power: ${power} scale: ${scale} shift: ${shift} }`,
    rule: x => (shift + scale * x) ** power,
    least: 0.1,
  })),
};

const prelu = fc.tuple(anyShape, dim(3), fc.boolean()).map(([lead, channels, shared]): Case => {
  const shape = [lead[0]!, channels, ...lead.slice(1)];
  const [x, slope] = [some(sizeOf(shape)), some(shared ? 1 : channels)];
  const inner = sizeOf(shape.slice(2));
  const top = Array.from(x, (v, i) => (v > 0 ? v : v * slope[shared ? 0 : Math.floor(i / inner) % channels]!));
  return {
    type: 'PReLU',
    body: `prelu_param { channel_shared: ${shared} }`,
    shapes: { x: shape },
    feeds: { x },
    params: [slope],
    tops: [top],
  };
});

// Losses of one label a sample, or of two vectors

const hinge = fc.tuple(dim(4), dim(4, 2), fc.boolean()).map(([n, classes, squared]): Case => {
  const [x, label] = [some(n * classes, 2), whole(n, classes)];
  const margins = Array.from(x, (v, i) => Math.max(0, 1 + (i % classes === label[Math.floor(i / classes)] ? -v : v)));
  const loss = add(margins.map(m => (squared ? m * m : m))) / n;
  return {
    type: 'HingeLoss',
    body: `hinge_loss_param { norm: ${squared ? 'L2' : 'L1'} }`,
    shapes: { x: [n, classes], label: [n] },
    feeds: { x, label },
    tops: [[loss]],
  };
});

const euclidean = anyShape.map((shape): Case => {
  const [a, b] = [some(sizeOf(shape)), some(sizeOf(shape))];
  const loss = add(a.map((v, i) => (v - b[i]!) ** 2)) / (2 * shape[0]!);
  return { type: 'EuclideanLoss', body: '', shapes: { a: shape, b: shape }, feeds: { a, b }, tops: [[loss]] };
});

const contrastive = fc.tuple(dim(4), dim(3), positive, fc.boolean()).map(([n, length, margin, legacy]): Case => {
  const [a, b, alike] = [some(n * length), some(n * length), whole(n, 2)];
  const terms = Array.from(alike, (s, i) => {
    const squared = add(Array.from({ length }, (_, k) => (a[i * length + k]! - b[i * length + k]!) ** 2));
    if (s) return squared;
    return legacy ? Math.max(0, margin - squared) : Math.max(0, margin - Math.sqrt(squared)) ** 2;
  });
  const body = `contrastive_loss_param { margin: ${margin} legacy_version: ${legacy} }`;
  return {
    type: 'ContrastiveLoss',
    body,
    shapes: { a: [n, length], b: [n, length], alike: [n] },
    feeds: { a, b, alike },
    tops: [[add(terms) / (2 * n)]],
  };
});

const multinomial = fc.tuple(dim(4), dim(4, 2)).map(([n, classes]): Case => {
  const [x, label] = [some(n * classes).map(v => Math.abs(v) + 0.01), whole(n, classes)];
  const loss = -add(Array.from(label, (l, i) => Math.log(x[i * classes + l]!))) / n;
  return {
    type: 'MultinomialLogisticLoss',
    body: '',
    shapes: { x: [n, classes], label: [n] },
    feeds: { x, label },
    tops: [[loss]],
  };
});

const batchReindex = fc.tuple(anyShape, dim(5)).map(([shape, count]): Case => {
  const [x, index] = [some(sizeOf(shape)), whole(count, shape[0]!)];
  const length = sizeOf(shape.slice(1));
  const top = [...index].flatMap(i => [...x.slice(i * length, (i + 1) * length)]);
  return { type: 'BatchReindex', body: '', shapes: { x: shape, i: [count] }, feeds: { x, i: index }, tops: [top] };
});

const permute = anyShape
  .chain(shape => fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()])))
  .map(([shape, order]): Case => {
    const x = some(sizeOf(shape));
    const full = [...order, ...[...shape.keys()].filter(i => !order.includes(i))];
    const top = fill(
      full.map(i => shape[i]!),
      place =>
        x[
          at(
            shape,
            [...shape.keys()].map(i => place[full.indexOf(i)]!),
          )
        ]!,
    );
    return {
      type: 'Permute',
      body: `permute_param { ${each('order', order)} }`,
      shapes: { x: shape },
      feeds: { x },
      tops: [top],
    };
  });

const interp = fc.tuple(dim(4), dim(4), dim(6), dim(6)).map(([h, w, height, width]): Case => {
  const x = some(2 * h * w);
  const along = (i: number, from: number, to: number) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0);
  const top = fill([2, height, width], ([c, i, j]) => {
    const [y, z] = [along(i!, h, height), along(j!, w, width)];
    const [y0, z0] = [Math.floor(y + 1e-9), Math.floor(z + 1e-9)];
    const v = (a: number, b: number) => x[c! * h * w + Math.min(a, h - 1) * w + Math.min(b, w - 1)]!;
    const row = (a: number) => v(a, z0) * (1 - z + z0) + v(a, z0 + 1) * (z - z0);
    return row(y0) * (1 - y + y0) + row(y0 + 1) * (y - y0);
  });
  return {
    type: 'Interp',
    body: `interp_param { height: ${height} width: ${width} }`,
    shapes: { x: [1, 2, h, w] },
    feeds: { x },
    tops: [top],
  };
});

const RULES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  Convolution: convolution,
  Deconvolution: deconvolution,
  Im2col: im2col,
  Pooling: pooling,
  SPP: spp,
  LRN: lrn,
  MVN: mvn,
  BatchNorm: batchNorm,
  Reduction: reduction,
  Softmax: softmax,
  ArgMax: argmax,
  InnerProduct: innerProduct,
  Scale: overlay('Scale'),
  Bias: overlay('Bias'),
  Crop: crop,
  Slice: slice,
  Concat: concat,
  Tile: tile,
  Eltwise: eltwise,
  Embed: embed,
  SoftmaxWithLoss: softmaxLoss,
  InfogainLoss: infogain,
  SigmoidCrossEntropyLoss: sigmoidLoss,
  Accuracy: accuracy,
  ...Object.fromEntries(Object.entries(NEURONS).map(([type, of]) => [type, neuron(type, of)])),
  PReLU: prelu,
  HingeLoss: hinge,
  EuclideanLoss: euclidean,
  ContrastiveLoss: contrastive,
  MultinomialLogisticLoss: multinomial,
  BatchReindex: batchReindex,
  Permute: permute,
  Interp: interp,
  RNN: recurrent('RNN'),
  LSTM: recurrent('LSTM'),
};

describe.each(['host', 'wasm', 'cpu'])('rules written down anew, on %s', async backend => {
  const engine = await createEngine(backend);
  afterAll(() => engine.dispose());

  it.each(Object.entries(RULES))('%s', async (_, cases) => {
    const holds = async (c: Case) => {
      const bottoms = Object.keys(c.shapes).map(name => `bottom: "${name}"`);
      const tops = c.tops.map((_, i) => `top: "y${i}"`);
      const layer = `layer { name: "l" type: "${c.type}" ${bottoms.join(' ')} ${tops.join(' ')} ${c.body} }`;
      const keys = compiled(layer, c.shapes, c.phase).params.map(p => p.key);
      expect(keys.length).toBe(c.params?.length ?? 0);
      const params = Object.fromEntries(keys.map((key, i) => [key, c.params![i]!]));
      const out = await runLayer(layer, c.shapes, c.feeds, { engine, params, ...(c.phase && { phase: c.phase }) });
      c.tops.forEach((theirs, k) => {
        const ours = out[`y${k}`]!;
        const wrong = Array.from(theirs, (v, i) =>
          Math.abs(ours[i]! - v) <= 1e-5 + 1e-4 * Math.abs(v) ? undefined : [i, ours[i], v],
        ).filter(Boolean);
        if (ours.length !== theirs.length || wrong.length > 0)
          throw new Error(
            `top ${k}: ${ours.length} numbers for ${theirs.length}, ${JSON.stringify(wrong.slice(0, 4))} in\n${layer}\n${JSON.stringify(c.shapes)}`,
          );
      });
    };
    await fc.assert(fc.asyncProperty(cases, holds), { numRuns: Number(process.env['MOKAPOT_RUNS'] ?? 12), seed: 5 });
  });
});
