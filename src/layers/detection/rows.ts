/** Detections as SSD's blob has them: rows [sample, label, score, xmin, ymin, xmax, ymax], as many as were found. */

import type { HostArray, Shape } from '../../ir/index.js';
import { foundOnHost } from '../rules/found.js';
import type { LayerContext } from '../types.js';

const WIDTH = 7;

export function rowsShape(rows: number): Shape {
  return [1, 1, rows, WIDTH];
}

type Rows = readonly (readonly number[])[];

/** A layer whose only top are the rows that `find` gives, `most` at most; where it gives none, [sample, −1, …] for each sample. */
export function detections(
  most: (ctx: LayerContext) => number,
  find: (ctx: LayerContext, inputs: readonly HostArray[]) => Rows,
) {
  return foundOnHost({
    most: ctx => [rowsShape(most(ctx))],
    find(ctx, inputs) {
      const none = (n: number) => [n, ...new Array<number>(WIDTH - 1).fill(-1)];
      const found = find(ctx, inputs);
      const rows = found.length > 0 ? found : Array.from({ length: inputs[0]!.shape[0]! }, (_, n) => none(n));
      return [{ shape: rowsShape(rows.length), data: Float32Array.from(rows.flat()) }];
    },
    filler: -1,
  });
}
