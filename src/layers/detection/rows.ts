/** Detections as SSD's blob has them: rows [sample, label, score, xmin, ymin, xmax, ymax], as many as were found. */

import { nth } from '../../diagnostics/index.js';
import { dim, type HostArray, type HostCallAttrs, type Shape } from '../../ir/index.js';
import { foundOnHost } from '../rules/found.js';
import type { LayerContext } from '../types.js';

const WIDTH = 7;

export function rowsShape(rows: number): Shape {
  return [1, 1, rows, WIDTH];
}

type Rows = readonly (readonly number[])[];

/** The rows; where there are none, [sample, −1, …] for each sample. */
function orNone(found: Rows, samples: number): Rows {
  const none = (n: number) => [n, ...new Array<number>(WIDTH - 1).fill(-1)];
  return found.length > 0 ? found : Array.from({ length: samples }, (_, n) => none(n));
}

/** The same as an array of `most` rows, those left over −1. */
export function filledRows(found: Rows, samples: number, most: number): Float32Array {
  const data = new Float32Array(most * WIDTH).fill(-1);
  data.set(orNone(found, samples).flat().slice(0, data.length));
  return data;
}

/**
 * A layer whose only top are the rows that `find` gives, `most` at most; where it gives none, [sample, −1, …] for each sample.
 * `model` is what takes its place in a model.
 */
export function detections(
  most: (ctx: LayerContext) => number,
  find: (ctx: LayerContext, inputs: readonly HostArray[]) => Rows,
  model?: (ctx: LayerContext) => HostCallAttrs['lower'],
) {
  return foundOnHost({
    most: ctx => [rowsShape(most(ctx))],
    find(ctx, inputs) {
      const rows = orNone(find(ctx, inputs), dim(nth(inputs, 0).shape, 0));
      return [{ shape: rowsShape(rows.length), data: Float32Array.from(rows.flat()) }];
    },
    filler: -1,
    ...(model && { model }),
  });
}
