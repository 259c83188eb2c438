/**
 * What is told where shapes do not fit: how they came about, layer by layer from the input on, and what would have to
 * change: an input of another size, the num_output of another layer, another offset.
 */

import { type Diagnostic, MokapotError, need, nth } from '../diagnostics/index.js';
import { type Shape, sameShape, showShape } from '../ir/index.js';
import { multiplies } from '../layers/index.js';
import type { LayerContext, LayerType } from '../layers/types.js';
import { cropAlignment } from './coord_map.js';
import type { BlobVersion, SetUpLayer } from './types.js';

/** A layer whose shapes cannot be had. */
export interface Failing {
  readonly type: LayerType;
  readonly context: LayerContext;
  readonly bottoms: readonly BlobVersion[];
}

/** A diagnostic about shapes, with how they came about and what would make them fit. */
export function withShapeTrace(d: Diagnostic, layers: readonly SetUpLayer[], failing: Failing): Diagnostic {
  if (failing.bottoms.length === 0) return d;
  const behind = ancestors(layers, failing.bottoms);
  const remedies = [offsetRemedy(layers, failing), channelRemedy(d, layers, failing), sizeRemedy(behind, failing)];
  const hint = [d.hint, ...remedies].filter(text => text).join(' ');
  return { ...d, ...(hint && { hint }), shapes: chain(behind) };
}

/** The layers that the blobs come from, in order. */
function ancestors(layers: readonly SetUpLayer[], blobs: readonly BlobVersion[]): SetUpLayer[] {
  const found = new Set<number>();
  const stack = blobs.map(b => b.producer);
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    if (found.has(index)) continue;
    found.add(index);
    stack.push(...nth(layers, index).bottoms.map(b => b.producer));
  }
  return [...found].sort((a, b) => a - b).map(index => nth(layers, index));
}

const MOST_LINES = 24;
const FIRST_LINES = 4;

/** One line a layer that changes the shape: name, type, shape, rule. */
function chain(layers: readonly SetUpLayer[]): string[] {
  const telling = layers.filter(l => l.tops.length > 0 && !keepsShape(l));
  const rows = telling.map(l => [
    `"${l.name}"`,
    l.type.type,
    l.tops.map(t => showShape(t.shape)).join(' '),
    l.type.explainShape?.(l.context, nth(l.tops, 0).shape) ?? '',
  ]);
  const widths = [0, 1, 2].map(i => Math.min(40, Math.max(...rows.map(r => nth(r, i).length))));
  const lines = rows.map(r =>
    r
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  if (lines.length <= MOST_LINES) return lines;
  const last = MOST_LINES - FIRST_LINES - 1;
  return [...lines.slice(0, FIRST_LINES), `… ${lines.length - FIRST_LINES - last} more`, ...lines.slice(-last)];
}

function keepsShape({ bottoms, tops, source }: SetUpLayer): boolean {
  if (bottoms.length === 0) return false;
  return source === undefined || tops.every(t => sameShape(t.shape, nth(bottoms, 0).shape));
}

// -------------------------------------------------------------------- another size of the input

/** As many times as this the layers behind are set up anew, at most. */
const MOST_TRIES = 160;
const MOST_WORK = 40_000;

/** Sizes of the input, each side by as much larger or smaller, with which the layer can be set up. */
function sizeRemedy(behind: readonly SetUpLayer[], failing: Failing): string | undefined {
  const source = behind.find(l => l.type.isSource && l.tops[0]?.shape.length === 4);
  if (!source) return undefined;
  const [height, width] = nth(source.tops, 0).shape.slice(2) as [number, number];
  let tries = Math.min(MOST_TRIES, Math.floor(MOST_WORK / behind.length));
  const fits = (by: number) => {
    tries--;
    return fitsWith(behind, failing, [height, width], [height + by, width + by]);
  };
  const larger = leastFitting(fits, () => tries > 0);
  let smaller: number | undefined;
  for (let by = -1; by >= -32 && Math.min(height, width) + by > 0 && tries > 0 && smaller === undefined; by--) {
    if (fits(by)) smaller = by;
  }
  const sizes = [smaller, larger].flatMap(by => (by === undefined ? [] : `${height + by}×${width + by}`));
  if (sizes.length === 0) return undefined;
  return `With "${nth(source.tops, 0).name}" of ${sizes.join(' or ')} instead of ${height}×${width} it would fit.`;
}

/** The least growth that fits: one by one at first, then by doubling and halving. */
function leastFitting(fits: (by: number) => boolean, goesOn: () => boolean): number | undefined {
  for (let by = 1; by <= 32 && goesOn(); by++) if (fits(by)) return by;
  let low = 32;
  let high = 64;
  while (goesOn() && high < 2 ** 14 && !fits(high)) [low, high] = [high, 2 * high];
  if (!goesOn() || high >= 2 ** 14) return undefined;
  while (high - low > 1 && goesOn()) {
    const middle = (low + high) >> 1;
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Whether all layers, the failing one too, can be set up where sources of one size have another. */
function fitsWith(behind: readonly SetUpLayer[], failing: Failing, from: Shape, to: Shape): boolean {
  const shapes = new Map<number, Shape>();
  const resize = (shape: Shape): Shape =>
    shape.length === 4 && sameShape(shape.slice(2), from) ? [...shape.slice(0, 2), ...to] : shape;
  const at = (blobs: readonly BlobVersion[]) => blobs.map(b => need(shapes, b.id));
  try {
    for (const layer of behind) {
      const { context, type, tops, bottoms } = layer;
      const made = type.isSource
        ? tops.map(t => resize(t.shape))
        : type.reshape({ ...context, bottomShapes: at(bottoms) }).tops;
      tops.forEach((top, i) => {
        shapes.set(top.id, nth(made, i));
      });
    }
    failing.type.reshape({ ...failing.context, bottomShapes: at(failing.bottoms) });
    return true;
  } catch (thrown) {
    if (thrown instanceof MokapotError) return false;
    throw thrown;
  }
}

// -------------------------------------------------------------------- another num_output, another offset

/** The layer whose num_output is the number of channels of a blob. */
function channelMaker(layers: readonly SetUpLayer[], blob: BlobVersion): SetUpLayer | undefined {
  const layer = nth(layers, blob.producer);
  if (multiplies(layer.type) && !layer.type.unusedFields?.['num_output']) return layer;
  const [first] = layer.bottoms;
  return first && first.shape[1] === blob.shape[1] ? channelMaker(layers, first) : undefined;
}

function channelRemedy(d: Diagnostic, layers: readonly SetUpLayer[], { bottoms }: Failing): string | undefined {
  const [a, b] = bottoms;
  if (d.code === 'conv-group') {
    const maker = channelMaker(layers, a!);
    return maker && `The channels are the num_output of layer "${maker.name}".`;
  }
  if (d.code !== 'eltwise-shapes' || !a || !b) return undefined;
  const other = bottoms.find(x => !sameShape(x.shape, a.shape)) ?? b;
  const differ = a.shape.flatMap((dim, i) => (dim === other.shape[i] ? [] : i));
  if (a.shape.length !== other.shape.length || differ.length !== 1 || differ[0] !== 1) return undefined;
  const [left, right] = [channelMaker(layers, a), channelMaker(layers, other)];
  const ways = [
    right && `num_output: ${a.shape[1]} in layer "${right.name}"`,
    left && left !== right && `num_output: ${other.shape[1]} in layer "${left.name}"`,
  ].filter(way => way);
  return ways.length > 0 ? `Only the channels differ: ${ways.join(', or ')}, would make them alike.` : undefined;
}

/** The offset that a Crop needs, where it is another than the one that does not fit. */
function offsetRemedy(layers: readonly SetUpLayer[], { type, context, bottoms }: Failing): string | undefined {
  if (!type.cropsBy) return undefined;
  const aligned = cropAlignment(layers, nth(bottoms, 0), nth(bottoms, 1));
  if (!aligned?.scale.every(s => s === 1)) return undefined;
  const offset = [...new Set(aligned.offset)].join(', ');
  return `The layers on both paths put "${context.param.bottom[1]}" at offset ${offset}.`;
}
