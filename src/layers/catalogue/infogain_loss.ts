/** InfogainLoss: cross entropy of the softmax with a matrix that says how much each class counts for each label. */

import { nth } from '../../diagnostics/index.js';
import { type Builder, dim, type Shape, showShape, sizeOf, type Value } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { canonicalAxis, countOf, showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import { checkFirstAxis, checkLabelCount, ignored, LOG_THRESHOLD, labelsAt, normalizer } from '../rules/labels.js';
import { slopeOf } from '../rules/slope_of.js';
import { softmaxParts } from '../rules/softmax_rule.js';
import type { LayerContext, LayerType } from '../types.js';

function classAxis(ctx: LayerContext<2>): number {
  return canonicalAxis(
    ctx,
    sub(ctx.param, 'infogain_loss_param').axis,
    ctx.bottomShapes[0],
    'infogain_loss_param.axis',
  );
}

/** The matrix's row of each position's label, laid out as x: the classes along `axis`. */
function rowsOf(b: Builder, matrix: Value, labels: Value, x: Shape, axis: number): Value {
  const classes = dim(x, axis);
  const [outer, inner] = [countOf(x, 0, axis), countOf(x, axis + 1)];
  const rows = b.gather(b.reshape(matrix, [classes, classes]), b.reshape(labels, [outer * inner, 1]), 0);
  return b.reshape(b.transpose(b.reshape(rows, [outer, inner, classes]), [0, 2, 1]), x);
}

interface Matrix {
  readonly shape: Shape;
  /** What messages call it. */
  readonly name: string;
  /** Undefined where it is the third bottom, or where nothing here reads files. */
  readonly data?: Float32Array | undefined;
}

/** H: the third bottom, else the file `source`. */
function matrixOf(ctx: LayerContext<2>): Matrix | undefined {
  if (ctx.bottomShapes.length === 3) return { shape: nth(ctx.bottomShapes, 2), name: showBottom(ctx, 2) };
  const { source } = sub(ctx.param, 'infogain_loss_param');
  if (source === '') {
    throw ctx.fail('infogain-matrix', 'it has no matrix H.', {
      hint: 'Give it as a third bottom, or name its file: infogain_loss_param { source: "H.binaryproto" }.',
    });
  }
  const file = ctx.readBlob?.(source);
  return file && { ...file, name: `${source} ${showShape(file.shape)}` };
}

function checkMatrix(ctx: LayerContext<2>, classes: number, axis: number): void {
  const matrix = matrixOf(ctx);
  if (!matrix || sizeOf(matrix.shape) === classes ** 2) return;
  throw ctx.fail('infogain-matrix', `${matrix.name} is no matrix of ${classes}×${classes}.`, {
    hint: `There are ${classes} classes on axis ${axis} of ${showBottom(ctx, 0)}: H is [1, 1, ${classes}, ${classes}].`,
  });
}

/** H as a value. */
function matrixValue(ctx: LayerContext<2>, b: Builder, given: Value | undefined): Value {
  if (given) return given;
  const matrix = matrixOf(ctx);
  if (matrix?.data) return b.constant(matrix.data, matrix.shape);
  const field = 'infogain_loss_param.source';
  throw ctx.fail('infogain-matrix', 'its matrix H lies in a file, and nothing here reads files.', {
    field,
    hint: 'Pass readBlob in the options, or give H as a third bottom.',
  });
}

export const infogainLoss: LayerType<2> = {
  type: 'InfogainLoss',
  doc: '−Σ H[label, c] · log softmax(x)[c], averaged as SoftmaxWithLoss does; H is the third bottom or the file `source`.',
  formula: '−Σ_n Σ_c H[label_n, c] · log p[n, c] / normalizer',
  shapeRule: 'A scalar; a second top is the shares, as the first bottom.',
  paramFields: ['infogain_loss_param', 'loss_param'],
  differences: '`source` is looked for beside the prototxt first, then, as in Caffe, in the working folder.',
  unheededFields: {
    'loss_param.weight_by_label_freqs': 'SoftmaxWithLoss alone weighs classes',
    'loss_param.class_weighting': 'SoftmaxWithLoss alone weighs classes',
  },
  ...readsElsewhere,
  classLabels: { axis: param => sub(param, 'infogain_loss_param').axis, ignoreIn: 'loss_param' },
  bottoms: { min: 2, max: 3 },
  tops: { min: 1, max: 2 },
  isLoss: true,
  canBackward: (_, bottom) => bottom === 0,
  reshape(ctx) {
    const axis = classAxis(ctx);
    checkFirstAxis(ctx);
    checkLabelCount(ctx, axis);
    checkMatrix(ctx, dim(ctx.bottomShapes[0], axis), axis);
    return { tops: [[], ctx.bottomShapes[0]].slice(0, ctx.topCount), params: [] };
  },
  lower(ctx, b, [x, label, given]) {
    const matrix = matrixValue(ctx, b, given);
    const axis = classAxis(ctx);
    const { shifted, exponentials, total } = softmaxParts(b, x, axis);
    const labels = labelsAt(b, label, x.shape, axis);
    const surprise = b.sub(b.log(total), shifted);
    const cut = b.stopGradient(b.min(surprise, -Math.log(LOG_THRESHOLD)));
    const held = b.add(cut, slopeOf(b, surprise));
    const weighted = b.sum(b.mul(held, rowsOf(b, matrix, labels, x.shape, axis)), [axis]);
    const skipped = ignored(b, labels, sub(ctx.param, 'loss_param'));
    const outer = countOf(x.shape, 0, axis);
    const by = normalizer(ctx, b, { outer, positions: sizeOf(labels.shape), skipped });
    const loss = b.div(b.sum(skipped ? b.select(skipped, 0, weighted) : weighted), by);
    return [loss, b.stopGradient(b.div(exponentials, total))].slice(0, ctx.topCount);
  },
};
