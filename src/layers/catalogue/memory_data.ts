/** MemoryData: numbers that the caller hands over whole, taken batch after batch. */

import { sub } from '../../schema/index.js';
import type { LayerType } from '../types.js';

export const memoryData: LayerType = {
  type: 'MemoryData',
  doc: 'Numbers that the caller gives (`net.setInputArrays(data, labels)`), taken batch after batch and from the start again.',
  shapeRule: '[batch_size, channels, height, width]; [batch_size].',
  differences: 'Its tops may also be fed at a run, like an Input layer’s.',
  fedBy: 'arrays',
  bottoms: { min: 0, max: 0 },
  tops: { min: 2, max: 2 },
  isSource: true,
  reshape(ctx) {
    const { batch_size: batch, channels, height, width } = sub(ctx.param, 'memory_data_param');
    const top = [batch, channels, height, width];
    if (top.every(d => d > 0)) return { tops: [top, [batch]], params: [] };
    throw ctx.fail('memory-data-shape', `batch_size, channels, height and width are ${top.join(', ')}.`, {
      field: 'memory_data_param',
      hint: 'Give all four: memory_data_param { batch_size: 1 channels: 3 height: 224 width: 224 }.',
    });
  },
  lower: () => [],
};
