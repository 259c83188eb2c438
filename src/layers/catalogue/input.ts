/** Input: blobs fed from outside, of the shapes given here. */

import { nth } from '../../diagnostics/index.js';
import { sub } from '../../schema/index.js';
import type { LayerType } from '../types.js';

export const input: LayerType = {
  type: 'Input',
  doc: 'Blobs that the caller feeds, of fixed shapes.',
  shapeRule: 'input_param.shape: one for all tops, or one for each.',
  explainShape: () => 'input_param',
  bottoms: { min: 0, max: 0 },
  tops: { min: 1, max: Infinity },
  isSource: true,
  reshape(ctx) {
    const shapes = sub(ctx.param, 'input_param').shape.map(s => s.dim);
    if (shapes.length !== 1 && shapes.length !== ctx.topCount) {
      throw ctx.fail('input-shape', `shape is given ${shapes.length} times for ${ctx.topCount} tops.`, {
        field: 'input_param.shape',
        hint: 'Give one shape for all tops, or one per top: input_param { shape { dim: 1 dim: 3 dim: 224 dim: 224 } }.',
      });
    }
    return {
      tops: Array.from({ length: ctx.topCount }, (_, i) => nth(shapes, shapes.length === 1 ? 0 : i)),
      params: [],
    };
  },
  lower: () => [],
};
