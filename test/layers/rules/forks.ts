/** Layers of forks, their rules written down anew from the forks' sources, one number at a time. */

import fc from 'fast-check';
import { sizeOf } from '../../../src/ir/index.js';
import { add, at, type Case, dim, each, fill, inside, ownNumbers, placesOf, random, some, whole } from './case.js';

const f = Math.fround;

export const transpose = fc.tuple(fc.array(dim(4), { minLength: 1, maxLength: 4 }), fc.integer()).map(
  ownNumbers(([shape, turn]): Case => {
    const order = shape.map((_, i) => (((i + turn) % shape.length) + shape.length) % shape.length);
    const x = some(sizeOf(shape));
    const top = fill(
      order.map(axis => shape[axis]!),
      place =>
        x[
          at(
            shape,
            shape.map((_, axis) => place[order.indexOf(axis)]!),
          )
        ]!,
    );
    return {
      type: 'Transpose',
      body: `transpose_param { ${each('dim', order)} }`,
      shapes: { x: shape },
      feeds: { x },
      tops: [top],
    };
  }),
);

export const reverse = fc
  .tuple(fc.array(dim(4), { minLength: 1, maxLength: 4 }), fc.array(dim(3, -4), { maxLength: 2 }))
  .filter(([shape, axes]) => axes.every(a => a >= -shape.length && a < shape.length))
  .map(
    ownNumbers(([shape, axes]): Case => {
      const real = axes.length > 0 ? axes.map(a => (a < 0 ? a + shape.length : a)) : [0];
      const x = some(sizeOf(shape));
      const top = fill(
        shape,
        place =>
          x[
            at(
              shape,
              place.map((p, i) => (real.includes(i) ? shape[i]! - 1 - p : p)),
            )
          ]!,
      );
      return {
        type: 'Reverse',
        body: `reverse_param { ${each('axis', axes)} }`,
        shapes: { x: shape },
        feeds: { x },
        tops: [top],
      };
    }),
  );

/** Darknet's loop over flat indices, with the bottom's height for the width. */
export const reorg = fc.record({ n: dim(2), c: dim(2), h: dim(3), w: dim(3), s: dim(3), reverse: fc.boolean() }).map(
  ownNumbers(({ n, c, h, w, s, reverse }): Case => {
    const shape = reverse ? [n, c * s * s, h, w] : [n, c * s * s, h * s, w * s];
    const [channels, width, height] = [shape[1]!, shape[2]!, shape[3]!];
    const x = some(sizeOf(shape));
    const top = new Float32Array(x.length);
    for (const [b, k, j, i] of placesOf([n, channels, height, width])) {
      const dealt = i! + width * (j! + height * (k! + channels * b!));
      const offset = Math.floor(k! / c);
      const column = i! * s + (offset % s);
      const row = j! * s + Math.floor(offset / s);
      const spread = column + width * s * (row + height * s * ((k! % c) + c * b!));
      if (reverse) top[spread] = x[dealt]!;
      else top[dealt] = x[spread]!;
    }
    return {
      type: 'Reorg',
      body: `reorg_param { stride: ${s} reverse: ${reverse} }`,
      shapes: { x: shape },
      feeds: { x },
      tops: [top],
    };
  }),
);

export const repeated = fc.tuple(fc.array(dim(3), { minLength: 2, maxLength: 4 }), dim(3)).map(
  ownNumbers(([shape, scale]): Case => {
    const x = some(sizeOf(shape));
    const last = shape.length - 2;
    const top = fill(
      shape.map((d, i) => (i < last ? d : d * scale)),
      place =>
        x[
          at(
            shape,
            place.map((p, i) => (i < last ? p : Math.floor(p / scale))),
          )
        ]!,
    );
    return {
      type: 'Upsample',
      body: `upsample_param { scale: ${scale} }`,
      shapes: { x: shape },
      feeds: { x },
      tops: [top],
    };
  }),
);

export const depthwise = fc
  .record({
    n: dim(2),
    c: dim(3),
    h: dim(6, 3),
    w: dim(6, 3),
    k: dim(3),
    stride: dim(2),
    pad: dim(1, 0),
    bias: fc.boolean(),
  })
  .map(
    ownNumbers(({ n, c, h, w, k, stride, pad, bias }): Case => {
      const shape = [n, c, h, w];
      const out = [h, w].map(d => Math.floor((d + 2 * pad - k) / stride) + 1);
      const [x, filter, offset] = [some(sizeOf(shape)), some(c * k * k), some(c)];
      const top = fill([n, c, ...out], ([b, ch, i, j]) => {
        let sum = bias ? offset[ch!]! : 0;
        for (const [p, q] of placesOf([k, k])) {
          const from = [b!, ch!, i! * stride - pad + p!, j! * stride - pad + q!];
          if (inside(shape, from)) sum += x[at(shape, from)]! * filter[(ch! * k + p!) * k + q!]!;
        }
        return sum;
      });
      const body = `convolution_param { kernel_size: ${k} stride: ${stride} pad: ${pad} bias_term: ${bias} }`;
      const params = bias ? [filter, offset] : [filter];
      return { type: 'ConvolutionDepthwise', body, shapes: { x: shape }, feeds: { x }, params, tops: [top] };
    }),
  );

/** Regions with corners in a picture of 4 times the feature map, some of them beyond its border. */
function regions(count: number, batch: number, height: number, width: number): Float32Array {
  return Float32Array.from(
    Array.from({ length: count }, () => {
      const [x, y] = [random.integer(4 * width), random.integer(4 * height)];
      return [random.integer(batch), x, y, x + random.integer(4 * width), y + random.integer(4 * height)];
    }).flat(),
  );
}

export const psroi = fc.record({ k: dim(3), out: dim(2), h: dim(6, 2), w: dim(6, 2), count: dim(4) }).map(
  ownNumbers(({ k, out, h, w, count }): Case => {
    const shape = [2, out * k * k, h, w];
    const [x, rois] = [some(sizeOf(shape)), regions(count, 2, h, w)];
    const clip = (v: number, size: number) => Math.min(Math.max(v, 0), size);
    const top = fill([count, out, k, k], ([r, c, ph, pw]) => {
      const [n, x1, y1, x2, y2] = [...rois.slice(5 * r!, 5 * r! + 5)] as [number, number, number, number, number];
      const [left, upper] = [x1 * 0.25, y1 * 0.25];
      const binW = f(Math.max((x2 + 1) * 0.25 - left, f(0.1)) / k);
      const binH = f(Math.max((y2 + 1) * 0.25 - upper, f(0.1)) / k);
      const values: number[] = [];
      for (
        let i = clip(Math.floor(f(f(ph! * binH) + upper)), h);
        i < clip(Math.ceil(f(f((ph! + 1) * binH) + upper)), h);
        i++
      )
        for (
          let j = clip(Math.floor(f(f(pw! * binW) + left)), w);
          j < clip(Math.ceil(f(f((pw! + 1) * binW) + left)), w);
          j++
        )
          values.push(x[at(shape, [n, (c! * k + ph!) * k + pw!, i, j])]!);
      return values.length > 0 ? add(values) / values.length : 0;
    });
    const body = `psroi_pooling_param { spatial_scale: 0.25 output_dim: ${out} group_size: ${k} }`;
    return { type: 'PSROIPooling', body, shapes: { x: shape, rois: [count, 5] }, feeds: { x, rois }, tops: [top] };
  }),
);

// Losses

const NORMALIZATIONS = {
  '': (num: number, inner: number) => num * inner,
  'normalization: FULL': (num: number, inner: number) => num * inner,
  'normalization: BATCH_SIZE': (num: number) => num,
  'normalization: NONE': () => 1,
  'normalization: PRE_FIXED pre_fixed_normalizer: 7': () => 7,
  'normalization: PRE_FIXED pre_fixed_normalizer: 0.5': () => 1,
} as const;
const normalization = fc.constantFrom(...(Object.keys(NORMALIZATIONS) as (keyof typeof NORMALIZATIONS)[]));

export const smoothL1Ohem = fc.tuple(fc.tuple(dim(3), dim(3), dim(2), dim(2)), normalization, fc.boolean()).map(
  ownNumbers(([shape, mode, weighted]): Case => {
    const [n, c, h, w] = shape;
    const [x, y, weights] = [some(sizeOf(shape), 3), some(sizeOf(shape)), whole(sizeOf(shape), 2)];
    const term = (i: number) => {
      const d = Math.abs((weighted ? weights[i]! : 1) * (x[i]! - y[i]!));
      return d < 1 ? d * d * 0.5 : d - 0.5;
    };
    const sums = fill([n, 1, h, w], ([b, , i, j]) =>
      add(Array.from({ length: c }, (_, k) => term(at(shape, [b!, k, i!, j!])))),
    );
    return {
      type: 'SmoothL1LossOHEM',
      body: `loss_param { ${mode} }`,
      shapes: { x: shape, y: shape, ...(weighted && { w: shape }) },
      feeds: { x, y, ...(weighted && { w: weights }) },
      tops: [[add(sums) / NORMALIZATIONS[mode](n, h * w)], sums],
    };
  }),
);

export const softmaxOhem = fc.tuple(dim(4), dim(4, 2), normalization, fc.boolean()).map(
  ownNumbers(([n, classes, mode, ignoring]): Case => {
    const [x, label] = [some(n * classes, 3), whole(n, classes)];
    const shares = Array.from({ length: n }, (_, i) => {
      const own = [...x.slice(i * classes, (i + 1) * classes)].map(Math.exp);
      return own.map(v => v / add(own));
    });
    const counts = (i: number) => !(ignoring && label[i] === 1);
    const losses = shares.map((own, i) => (counts(i) ? -Math.log(own[label[i]!]!) : 0));
    const valid = Math.max(1, shares.filter((_, i) => counts(i)).length);
    const by = mode === '' ? valid : NORMALIZATIONS[mode](n, 1);
    return {
      type: 'SoftmaxWithLossOHEM',
      body: `loss_param { ${mode} ${ignoring ? 'ignore_label: 1' : ''} }`,
      shapes: { x: [n, classes], label: [n] },
      feeds: { x, label },
      tops: [[add(losses) / by], shares.flat(), losses],
    };
  }),
);

export const boxAnnotator = fc.tuple(dim(8), dim(3), dim(3)).map(
  ownNumbers(([n, keep, width]): Case => {
    const rois = regions(n, 2, 4, 4);
    const losses = Float32Array.from(random.permutation(n), v => v / 8);
    const [labels, weights] = [whole(n, 5), some(n * width)];
    const better = (r: number, other: number) => rois[5 * other] === rois[5 * r] && losses[other]! > losses[r]!;
    const rank = (r: number) => Array.from(losses.keys()).filter(other => better(r, other)).length;
    return {
      type: 'BoxAnnotatorOHEM',
      body: `box_annotator_ohem_param { roi_per_img: ${keep} ignore_label: -2 }`,
      shapes: { rois: [n, 5], loss: [n], label: [n], w: [n, width] },
      feeds: { rois, loss: losses, label: labels, w: weights },
      tops: [
        labels.map((v, r) => (rank(r) < keep ? v : -2)),
        weights.map((v, i) => (rank(Math.floor(i / width)) < keep ? v : 0)),
      ],
    };
  }),
);

export const triplet = fc.tuple(dim(4), dim(3), fc.constantFrom(0.2, 1, 3)).map(
  ownNumbers(([n, width, margin]): Case => {
    const [a, p, u] = [some(n * width), some(n * width), some(n * width)];
    const squared = (other: Float32Array, i: number) =>
      add(Array.from({ length: width }, (_, k) => (a[i * width + k]! - other[i * width + k]!) ** 2));
    const terms = Array.from({ length: n }, (_, i) => Math.max(0, f(margin) + squared(p, i) - squared(u, i)));
    return {
      type: 'TripletLoss',
      body: `triplet_loss_param { margin: ${margin} }`,
      shapes: { a: [n, width], p: [n, width], u: [n, width] },
      feeds: { a, p, u },
      tops: [[add(terms) / n / 2]],
    };
  }),
);

// CTC: all paths one by one

/** What a path says: repetitions once unless each counts, then no blanks. */
const collapsed = (path: readonly number[], blank: number, merge: boolean) =>
  path.filter((label, t) => label !== blank && !(merge && t > 0 && label === path[t - 1]));

const sequences = fc
  .record({ steps: dim(4, 2), classes: dim(3, 2), n: dim(2), merge: fc.boolean(), first: fc.boolean() })
  .map(c => {
    const blank = c.first ? 0 : c.classes - 1;
    const scores = some(c.steps * c.n * c.classes, 2);
    const lengths = Array.from({ length: c.n }, () => 1 + random.integer(c.steps));
    const indicators = new Float32Array(c.steps * c.n).fill(1);
    lengths.forEach((length, i) => {
      indicators[i] = 0;
      if (length < c.steps) indicators[length * c.n + i] = 0;
    });
    const at = (i: number, t: number) => [...scores.slice((t * c.n + i) * c.classes, (t * c.n + i + 1) * c.classes)];
    return { ...c, blank, scores, lengths, indicators, at };
  });

export const ctc = sequences.map(
  ownNumbers((c): Case => {
    const shares = (i: number, t: number) => {
      const own = c.at(i, t).map(Math.exp);
      return own.map(v => v / add(own));
    };
    const paths = (i: number) => [...placesOf(new Array<number>(c.lengths[i]!).fill(c.classes))];
    const labels = new Float32Array(c.steps * c.n).fill(-1);
    const losses = c.lengths.map((_, i) => {
      const spoken = paths(i).map(path => collapsed(path, c.blank, c.merge));
      const target = spoken.filter(s => s.length > 0)[random.integer(spoken.filter(s => s.length > 0).length)]!;
      target.forEach((label, t) => {
        labels[t * c.n + i] = label;
      });
      const right = paths(i).filter((_, k) => String(spoken[k]) === String(target));
      return -Math.log(add(right.map(path => path.reduce((product, label, t) => product * shares(i, t)[label]!, 1))));
    });
    return {
      type: 'CTCLoss',
      body: `ctc_loss_param { blank_index: ${c.first ? 0 : -1} ctc_merge_repeated: ${c.merge} }`,
      shapes: { x: [c.steps, c.n, c.classes], cont: [c.steps, c.n], label: [c.steps, c.n] },
      feeds: { x: c.scores, cont: c.indicators, label: labels },
      tops: [[add(losses) / c.n]],
    };
  }),
);

/** The edit distance by its definition: the best of all first edits. */
function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length === 0 || b.length === 0) return a.length + b.length;
  const [[x, ...restA], [y, ...restB]] = [a, b] as [[number, ...number[]], [number, ...number[]]];
  return Math.min(distance(restA, b) + 1, distance(a, restB) + 1, distance(restA, restB) + (x === y ? 0 : 1));
}

export const ctcDecoder = fc.tuple(sequences, fc.boolean()).map(
  ownNumbers(([c, measured]): Case => {
    const best = (own: readonly number[]) => own.indexOf(Math.max(...own));
    const steps = (i: number) => Array.from({ length: c.lengths[i]! }, (_, t) => c.at(i, t));
    const found = c.lengths.map((_, i) => collapsed(steps(i).map(best), c.blank, c.merge));
    const rows = found.map(own => [...own, ...new Array<number>(c.steps - own.length).fill(-1)]);
    const scores = c.lengths.map((_, i) => -add(steps(i).map(own => Math.max(...own))));
    const truth = whole(c.steps * c.n, 4).map(v => v - 1);
    const wrong = found.map((own, i) => {
      const column = Array.from({ length: c.steps }, (_, t) => truth[t * c.n + i]!);
      const right = column.slice(0, column.findIndex(v => v < 0) < 0 ? c.steps : column.findIndex(v => v < 0));
      return distance(right, own) / Math.max(1, right.length, own.length);
    });
    return {
      type: 'CTCGreedyDecoder',
      body: `ctc_decoder_param { blank_index: ${c.first ? 0 : -1} ctc_merge_repeated: ${c.merge} }`,
      shapes: { x: [c.steps, c.n, c.classes], cont: [c.steps, c.n], ...(measured && { label: [c.steps, c.n] }) },
      feeds: { x: c.scores, cont: c.indicators, ...(measured && { label: truth }) },
      tops: [rows.flat(), scores, ...(measured ? [[1 - add(wrong) / c.n]] : [])],
    };
  }),
);

// Detections

interface Corners {
  readonly score: number;
  readonly corners: readonly [number, number, number, number];
}

/** Intersection over union; `pixel` is 1 where a box's last pixel belongs to it. */
function shared(a: Corners['corners'], b: Corners['corners'], pixel: number): number {
  const size = (from: number, to: number) => Math.max(0, to - from + pixel);
  const area = (c: Corners['corners']) => size(c[0], c[2]) * size(c[1], c[3]);
  const both = size(Math.max(a[0], b[0]), Math.min(a[2], b[2])) * size(Math.max(a[1], b[1]), Math.min(a[3], b[3]));
  return both / (area(a) + area(b) - both);
}

/** The best first; a box that a kept one covers by so much is dead. */
function survivors<T extends Corners>(boxes: readonly T[], dead: (overlap: number) => boolean, pixel: number): T[] {
  const left = [...boxes].sort((a, b) => b.score - a.score);
  const kept: T[] = [];
  while (left.length > 0) {
    const best = left.shift()!;
    kept.push(best);
    for (let i = left.length - 1; i >= 0; i--)
      if (dead(shared(best.corners, left[i]!.corners, pixel))) left.splice(i, 1);
  }
  return kept;
}

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

export const yolo = fc
  .record({
    n: dim(2),
    classes: dim(3),
    boxes: dim(2),
    grids: dim(2),
    side: dim(3),
    least: fc.constantFrom(0.2, 0.45, 0.999),
  })
  .map(
    ownNumbers(({ n, classes, boxes, grids, side, least }): Case => {
      const biases = Array.from({ length: 2 * boxes * grids }, (_, i) => 10 + 3 * i);
      const mask = Array.from({ length: boxes * grids }, (_, i) => boxes * grids - 1 - i);
      const sides = Array.from({ length: grids }, (_, g) => side * (g + 1));
      const scales = sides.map((_, g) => 32 / (g + 1));
      const shapes = Object.fromEntries(sides.map((s, g) => [`x${g}`, [n, boxes * (5 + classes), s, s]]));
      const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, some(sizeOf(shape), 2)]));
      const found = sides.flatMap((s, g) => {
        const [shape, x] = [shapes[`x${g}`]!, feeds[`x${g}`]!];
        return [...placesOf([n, s, s, boxes, classes])].flatMap(([b, row, column, a, c]) => {
          const t = (k: number) => x[at(shape, [b!, a! * (5 + classes) + k, row!, column!])]!;
          const score = sigmoid(t(4)) * sigmoid(t(5 + c!));
          if (!(score > f(least))) return [];
          const anchor = mask[g * boxes + a!]!;
          const [cx, cy] = [(column! + sigmoid(t(0))) / s, (row! + sigmoid(t(1))) / s];
          const w = (Math.exp(t(2)) * biases[2 * anchor]!) / (s * scales[g]!);
          const h = (Math.exp(t(3)) * biases[2 * anchor + 1]!) / (s * scales[g]!);
          return [{ label: c! + 1, score, corners: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] as const }];
        });
      });
      const rows = survivors(found, overlap => overlap >= f(0.45), 0).map(d => [0, d.label, d.score, ...d.corners]);
      const none = Array.from({ length: n }, (_, b) => [b, -1, -1, -1, -1, -1, -1]);
      return {
        type: 'Yolov3DetectionOutput',
        body: `yolov3_detection_output_param { num_classes: ${classes} num_box: ${boxes} confidence_threshold: ${least}
        mask_group_num: ${grids} ${each('biases', biases)} ${each('mask', mask)} ${each('anchors_scale', scales)} }`,
        shapes,
        feeds,
        tops: [(rows.length > 0 ? rows : none).flat()],
      };
    }),
  );

export const proposal = fc
  .record({
    n: dim(2),
    h: dim(4),
    w: dim(4),
    ratios: dim(2),
    scales: dim(2),
    before: dim(40, 3),
    after: dim(6),
    three: fc.boolean(),
  })
  .map(
    ownNumbers(({ n, h, w, ratios, scales, before, after, three }): Case => {
      const [ratio, scale] = [[0.5, 2].slice(0, ratios), [1, 3].slice(0, scales)];
      const count = ratios * scales;
      const shapes = { scores: [n, 2 * count, h, w], boxes: [n, 4 * count, h, w], info: [1, three ? 3 : 4] };
      const scores = Float32Array.from(
        random.permutation(sizeOf(shapes.scores)),
        v => (v + 1) / sizeOf(shapes.scores) / 2,
      );
      const boxes = some(sizeOf(shapes.boxes), 0.4);
      const [height, width] = [16 * h + 5, 16 * w + 3];
      const info = Float32Array.of(height, width, 0.5, ...(three ? [] : [1]));
      const least = { w: 16 * (three ? 0.5 : 1), h: 16 * 0.5 };
      const rows: number[][] = [];
      const kept: number[] = [];
      for (let b = 0; b < n; b++) {
        const all = [...placesOf([h, w, ratios, scales])].map(([row, column, r, s]) => {
          const ratioWidth = Math.round(Math.sqrt(256 / ratio[r!]!));
          const ratioHeight = Math.round(ratioWidth * ratio[r!]!);
          const [halfW, halfH] = [(ratioWidth * scale[s!]! - 1) / 2, (ratioHeight * scale[s!]! - 1) / 2];
          const [x1, y1] = [7.5 - halfW + 16 * column!, 7.5 - halfH + 16 * row!];
          const [aw, ah] = [2 * halfW + 1, 2 * halfH + 1];
          const k = r! * scales + s!;
          const d = [0, 1, 2, 3].map(i => boxes[at(shapes.boxes, [b, 4 * k + i, row!, column!])]!);
          const [cx, cy] = [x1 + aw / 2 + d[0]! * aw, y1 + ah / 2 + d[1]! * ah];
          const [bw, bh] = [aw * Math.exp(d[2]!), ah * Math.exp(d[3]!)];
          const clip = (v: number, size: number) => Math.max(0, Math.min(v, size - 1));
          const corners = [
            clip(cx - bw / 2, width),
            clip(cy - bh / 2, height),
            clip(cx + bw / 2, width),
            clip(cy + bh / 2, height),
          ] as const;
          const big = corners[2] - corners[0] + 1 >= least.w && corners[3] - corners[1] + 1 >= least.h;
          return { corners, score: big ? scores[at(shapes.scores, [b, count + k, row!, column!])]! : 0 };
        });
        const best = all.sort((p, q) => q.score - p.score).slice(0, before);
        for (const { corners, score } of survivors(best, overlap => overlap > f(0.6), 1).slice(0, after)) {
          rows.push([b, ...corners]);
          kept.push(score);
        }
      }
      return {
        type: 'Proposal',
        body: `proposal_param { ${each('ratio', ratio)} ${each('scale', scale)} pre_nms_topn: ${before} post_nms_topn: ${after} nms_thresh: 0.6 }`,
        shapes,
        feeds: { scores, boxes, info },
        tops: [rows.flat(), kept],
      };
    }),
  );
