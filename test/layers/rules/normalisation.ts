/** LRN, MVN and BatchNorm. */

import fc from 'fast-check';
import { sizeOf } from '../../../src/ir/index.js';
import { add, at, type Case, dim, fill, inside, ownNumbers, some } from './case.js';

export const lrn = fc
  .record({
    shape: fc.tuple(dim(2), dim(6), dim(4), dim(4)),
    n: fc.constantFrom(1, 3, 5),
    within: fc.boolean(),
    beta: fc.constantFrom(0.5, 0.75, 1),
    k: fc.constantFrom(1, 2),
  })
  .map(
    ownNumbers((c): Case => {
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
    }),
  );

export const mvn = fc
  .record({ shape: fc.tuple(dim(2), dim(3), dim(3), dim(3)), variance: fc.boolean(), across: fc.boolean() })
  .map(
    ownNumbers((c): Case => {
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
    }),
  );

export const batchNorm = fc
  .record({ shape: fc.array(dim(3), { minLength: 1, maxLength: 4 }), kept: fc.boolean() })
  .filter(c => c.kept || sizeOf(c.shape) / (c.shape[1] ?? 1) > 1)
  .map(
    ownNumbers((c): Case => {
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
    }),
  );
