/** Filter: lets those samples pass for which the last bottom is not 0. */

import { nth } from '../../diagnostics/index.js';
import { dim, type Shape } from '../../ir/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { placeSamples, rankAmong } from '../rules/choose.js';
import { arrangement } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** Throws where the selector is no list with one number for each sample of every bottom (filter_layer.cpp). */
function check(ctx: LayerContext<2>): void {
  const last = ctx.bottomShapes.length - 1;
  const selector = nth(ctx.bottomShapes, last);
  if (ctx.topCount !== last) {
    throw ctx.fail('top-count', `it has ${ctx.topCount} tops for ${last} bottoms and a selector.`, {
      hint: 'One top for each bottom but the last.',
    });
  }
  if (selector.length === 0 || countOf(selector, 1) !== 1)
    throw ctx.fail('filter-selector', `${showBottom(ctx, last)} must hold one number for each sample.`);
  const mismatch = ctx.bottomShapes.findIndex(shape => shape[0] !== selector[0]);
  if (mismatch >= 0) {
    throw ctx.misfit(
      'batch-mismatch',
      `${showBottom(ctx, mismatch)} and ${showBottom(ctx, last)} differ in their first axis.`,
    );
  }
}

/** How many samples pass: all, before the selector is known, as in Caffe. */
function countOfPassing(ctx: LayerContext<2>): number {
  return ctx.settledTops?.[0]?.[0] ?? dim(ctx.bottomShapes[0], 0);
}

/** The tops' shapes where `count` samples pass. */
function chosen(ctx: LayerContext<2>, count: number): readonly Shape[] {
  return ctx.bottomShapes.slice(0, -1).map(shape => [count, ...shape.slice(1)]);
}

export const filter: LayerType<2> = {
  type: 'Filter',
  doc: 'Those samples of its bottoms for which the last bottom, one number a sample, is not 0.',
  formula: 'y = x[n: selector[n] ≠ 0]',
  shapeRule: 'As many samples as pass, which is known when it runs (before that: all); else that of each bottom.',
  differences: 'What stands behind it is compiled once for each number of samples that pass.',
  ...arrangement,
  bottoms: { min: 2, max: Infinity },
  tops: { min: 1, max: Infinity },
  settle: {
    bottoms: ctx => [ctx.bottomShapes.length - 1],
    tops: (ctx, [selector]) => chosen(ctx, selector!.data.filter(v => v !== 0).length).map(shape => ({ shape })),
  },
  canBackward: (ctx, bottom) => bottom < ctx.bottomShapes.length - 1,
  reshape(ctx) {
    check(ctx);
    return { tops: chosen(ctx, countOfPassing(ctx)), params: [] };
  },
  lower(ctx, b, bottoms) {
    const count = countOfPassing(ctx);
    const selector = b.reshape(bottoms.at(-1)!, [dim(bottoms[0].shape, 0)]);
    const index = rankAmong(b, b.select(selector, 1, 0));
    return bottoms.slice(0, -1).map(x => placeSamples(b, x, index, count));
  },
};
