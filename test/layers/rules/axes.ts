/** Layers that go along an axis, or put elements elsewhere. */

import fc from 'fast-check';
import { sizeOf } from '../../../src/ir/index.js';
import {
  add,
  anyShape,
  at,
  type Case,
  dim,
  each,
  fill,
  list,
  ownNumbers,
  real,
  some,
  whole,
  withAxis,
} from './case.js';

export const reduction = fc
  .tuple(withAxis, fc.constantFrom('SUM', 'ASUM', 'SUMSQ', 'MEAN'), fc.constantFrom(1, -0.5))
  .map(
    ownNumbers(([c, op, coeff]): Case => {
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
    }),
  );

export const softmax = withAxis.map(
  ownNumbers((c): Case => {
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
  }),
);

/** Indices of the k greatest, of equals the last one first. */
const topIndices = (values: readonly number[], k: number) =>
  values
    .map((v, i) => ({ v, i }))
    .sort((a, b) => b.v - a.v || b.i - a.i)
    .slice(0, k)
    .map(e => e.i);

export const argmax = fc
  .record({ c: withAxis, whole: fc.boolean(), values: fc.boolean(), k: dim(3) })
  .filter(({ c, whole, k }) => k <= (whole ? sizeOf(c.shape.slice(1)) : c.shape[real(c)]!))
  .map(
    ownNumbers(({ c, whole: flat, values, k }): Case => {
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
    }),
  );

export const innerProduct = fc.tuple(withAxis, fc.boolean(), fc.boolean(), dim(3)).map(
  ownNumbers(([c, transpose, bias, outputs]): Case => {
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
  }),
);

export const overlay = (type: 'Scale' | 'Bias') =>
  withAxis
    .chain(c =>
      fc.record({
        c: fc.constant(c),
        axes: dim(c.shape.length - real(c), -1),
        given: fc.boolean(),
        bias: fc.boolean(),
      }),
    )
    .map(
      ownNumbers(({ c, axes, given, bias }): Case => {
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
      }),
    );

export const crop = withAxis
  .chain(c => fc.record({ c: fc.constant(c), offset: list(dim(2, 0), c.shape.length - real(c)), once: fc.boolean() }))
  .map(
    ownNumbers(({ c, offset: given, once }): Case => {
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
    }),
  );

export const slice = withAxis
  .chain(c => fc.record({ c: fc.constant(c), parts: fc.array(dim(3), { minLength: 2, maxLength: 3 }) }))
  .map(
    ownNumbers(({ c, parts }): Case => {
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
    }),
  );

export const concat = withAxis
  .chain(c => fc.record({ c: fc.constant(c), parts: fc.array(dim(3), { minLength: 1, maxLength: 3 }) }))
  .map(
    ownNumbers(({ c, parts }): Case => {
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
    }),
  );

export const tile = fc.tuple(withAxis, dim(3)).map(
  ownNumbers(([c, tiles]): Case => {
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
  }),
);

export const eltwise = fc.tuple(anyShape, dim(4, 2), fc.constantFrom('SUM', 'PROD', 'MAX'), fc.boolean()).map(
  ownNumbers(([shape, n, op, weighted]): Case => {
    const xs = Array.from({ length: n }, () => some(sizeOf(shape)));
    const coeff = op === 'SUM' && weighted ? xs.map((_, i) => i - 0.5) : xs.map(() => 1);
    const top = Array.from(xs[0]!, (_, i) => {
      const own = xs.map((x, k) => x[i]! * coeff[k]!);
      return op === 'SUM' ? add(own) : op === 'MAX' ? Math.max(...own) : own.reduce((a, b) => a * b);
    });
    const body = `eltwise_param { operation: ${op} ${op === 'SUM' && weighted ? each('coeff', coeff) : ''} }`;
    const named = <T>(all: readonly T[]) => Object.fromEntries(all.map((v, i) => [`x${i}`, v]));
    return { type: 'Eltwise', body, shapes: named(xs.map(() => shape)), feeds: named(xs), tops: [top] };
  }),
);

export const embed = fc.tuple(anyShape, fc.boolean()).map(
  ownNumbers(([shape, bias]): Case => {
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
  }),
);

export const batchReindex = fc.tuple(anyShape, dim(5)).map(
  ownNumbers(([shape, count]): Case => {
    const [x, index] = [some(sizeOf(shape)), whole(count, shape[0]!)];
    const length = sizeOf(shape.slice(1));
    const top = [...index].flatMap(i => [...x.slice(i * length, (i + 1) * length)]);
    return { type: 'BatchReindex', body: '', shapes: { x: shape, i: [count] }, feeds: { x, i: index }, tops: [top] };
  }),
);

export const permute = anyShape
  .chain(shape => fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()])))
  .map(
    ownNumbers(([shape, order]): Case => {
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
    }),
  );

export const interp = fc.tuple(dim(4), dim(4), dim(6), dim(6)).map(
  ownNumbers(([h, w, height, width]): Case => {
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
  }),
);
