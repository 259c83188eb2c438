/** Losses and metrics. */

import fc from 'fast-check';
import { sizeOf } from '../../../src/ir/index.js';
import { add, anyShape, at, type Case, dim, ownNumbers, placesOf, positive, some, whole } from './case.js';

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

export const softmaxLoss = fc.tuple(labelled, normalization).map(
  ownNumbers(([c, mode]): Case => {
    const counted = c.rows.filter(r => r.counts);
    const loss = -add(counted.map(r => logSoftmax(r.own, r.label)));
    const by = divisor(mode, counted.length, c.rows.length, c.outer, 'valid');
    const body = `softmax_param { axis: ${c.axis} } loss_param { ${mode} ${c.ignoring ? 'ignore_label: 1' : ''} }`;
    return { type: 'SoftmaxWithLoss', body, shapes: c.shapes, feeds: c.feeds, tops: [[loss / by]] };
  }),
);

export const infogain = fc.tuple(labelled, normalization).map(
  ownNumbers(([c, mode]): Case => {
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
  }),
);

export const sigmoidLoss = fc.tuple(anyShape, normalization, fc.boolean()).map(
  ownNumbers(([shape, mode, ignoring]): Case => {
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
  }),
);

export const accuracy = fc.tuple(labelled, dim(2)).map(
  ownNumbers(([c, k]): Case => {
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
  }),
);

// Losses of one label a sample, or of two vectors

export const hinge = fc.tuple(dim(4), dim(4, 2), fc.boolean()).map(
  ownNumbers(([n, classes, squared]): Case => {
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
  }),
);

export const euclidean = anyShape.map(
  ownNumbers((shape): Case => {
    const [a, b] = [some(sizeOf(shape)), some(sizeOf(shape))];
    const loss = add(a.map((v, i) => (v - b[i]!) ** 2)) / (2 * shape[0]!);
    return { type: 'EuclideanLoss', body: '', shapes: { a: shape, b: shape }, feeds: { a, b }, tops: [[loss]] };
  }),
);

export const contrastive = fc.tuple(dim(4), dim(3), positive, fc.boolean()).map(
  ownNumbers(([n, length, margin, legacy]): Case => {
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
  }),
);

export const multinomial = fc.tuple(dim(4), dim(4, 2)).map(
  ownNumbers(([n, classes]): Case => {
    const [x, label] = [some(n * classes).map(v => Math.abs(v) + 0.01), whole(n, classes)];
    const loss = -add(Array.from(label, (l, i) => Math.log(x[i * classes + l]!))) / n;
    return {
      type: 'MultinomialLogisticLoss',
      body: '',
      shapes: { x: [n, classes], label: [n] },
      feeds: { x, label },
      tops: [[loss]],
    };
  }),
);
