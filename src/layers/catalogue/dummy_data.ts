/** DummyData: blobs made by fillers; a constant one is filled once, any other anew at every iteration. */

import { nth } from '../../diagnostics/index.js';
import type { Shape } from '../../ir/index.js';
import { create, type DummyDataParameter, type FillerParameter, sub } from '../../schema/index.js';
import type { LayerContext, LayerType } from '../types.js';

/** The filler of each top; the constant 0 where none is given. */
export function dummyFillers(param: DummyDataParameter, topCount: number): readonly FillerParameter[] {
  const fillers = param.data_filler;
  const zero = () => create('caffe.FillerParameter', { type: 'constant', value: 0 });
  return Array.from({ length: topCount }, (_, i) => fillers[fillers.length === 1 ? 0 : i] ?? zero());
}

const LEGACY = ['num', 'channels', 'height', 'width'] as const;

function checkCount(ctx: LayerContext, field: string, given: number, allowed: readonly number[]): void {
  if (allowed.includes(given)) return;
  throw ctx.fail('dummy-data-count', `${field} is given ${given} times for ${ctx.topCount} tops.`, {
    field: `dummy_data_param.${field}`,
    hint: 'Give it once, or once per top.',
  });
}

function shapes(ctx: LayerContext, param: DummyDataParameter): readonly Shape[] {
  const pick = <T>(list: readonly T[], i: number): T => nth(list, list.length === 1 ? 0 : i);
  const legacy = LEGACY.some(field => param[field].length > 0);
  if (legacy && param.shape.length > 0) {
    throw ctx.fail('dummy-data-shape', 'both shape and the older num, channels, height, width are given.', {
      field: 'dummy_data_param.shape',
      hint: 'Keep shape.',
    });
  }
  for (const field of legacy ? LEGACY : (['shape'] as const))
    checkCount(ctx, field, param[field].length, [1, ctx.topCount]);
  return Array.from({ length: ctx.topCount }, (_, i) =>
    legacy ? LEGACY.map(field => pick(param[field], i)) : pick(param.shape, i).dim,
  );
}

export const dummyData: LayerType = {
  type: 'DummyData',
  doc: 'Blobs made by fillers, for tests and timing.',
  shapeRule: 'dummy_data_param.shape: one for all tops, or one for each.',
  fedBy: 'fillers',
  bottoms: { min: 0, max: 0 },
  tops: { min: 1, max: Infinity },
  isSource: true,
  reshape(ctx) {
    const param = sub(ctx.param, 'dummy_data_param');
    checkCount(ctx, 'data_filler', param.data_filler.length, [0, 1, ctx.topCount]);
    return { tops: shapes(ctx, param), params: [] };
  },
  lower: () => [],
};
