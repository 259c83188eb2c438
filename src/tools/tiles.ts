/**
 * Pictures in overlapping tiles: where they lie so that every place of the scores is computed from the very numbers that the
 * whole picture has there. A tile begins at a multiple of the network's stride, and of its scores only those count whose
 * receptive field ends before the tile does (or where the picture does).
 */

import { fail } from '../diagnostics/index.js';
import type { FieldAxis } from '../net/receptive_field.js';

/** Along one axis: which part of the picture is computed, and which of its scores count. */
export interface TileSpan {
  /** The first place of the picture. */
  readonly start: number;
  /** How many places of it. */
  readonly length: number;
  /** The first place of the whole scores that counts. */
  readonly from: number;
  /** The place after the last one that counts. */
  readonly to: number;
}

/** What tiles are planned by, along one axis. */
export interface TileAxis {
  /** Places of the picture. */
  readonly length: number;
  /** Places of the scores for the whole picture. */
  readonly scores: number;
  /** At most so many places of the picture a tile, as far as the network's stride allows. */
  readonly tile: number;
  /** Of the scores in the picture; its step must be 1. */
  readonly field: FieldAxis;
}

/** @throws MokapotError `tile-small` where the receptive field leaves nothing of a tile */
export function planTiles(axis: TileAxis): TileSpan[] {
  const { length, scores, tile, field } = axis;
  const { stride, low, high } = field;
  if (tile >= length) return [{ start: 0, length, from: 0, to: scores }];
  const usual = Math.max(stride, Math.floor(tile / stride) * stride);
  const last = Math.max(0, Math.floor((length - usual) / stride) * stride);
  const spans: TileSpan[] = [];
  for (let start = 0, from = 0; ; ) {
    const end = start >= last ? length : start + usual;
    const to = end === length ? scores : Math.min(scores, Math.floor(end - 1 - high + SLACK) + 1);
    if (to <= from) throw tooSmall(axis);
    spans.push({ start, length: end - start, from, to });
    if (end === length) return spans;
    from = to;
    // The last place from which on `from` is right.
    const next = Math.min(last, Math.floor((from + low + SLACK) / stride) * stride);
    if (next <= start) throw tooSmall(axis);
    start = next;
  }
}

/** Receptive fields come from sums of fractions. */
const SLACK = 1e-6;

function tooSmall({ tile, field }: TileAxis) {
  const { low, high, stride } = field;
  const least = smallestTile(field);
  const reach = `each score is made of ${Math.ceil(high - low) + 1} places`;
  const message = `Tiles of ${tile} are too small for this network: ${reach}, in steps of ${stride}.`;
  return fail('tile-small', message, { hint: `From ${least} on tiles get anywhere; twice that wastes less.` });
}

/** The smallest tile that gets on. */
export function smallestTile({ low, high, stride }: FieldAxis): number {
  return (Math.ceil((high - low + 1) / stride) + 2) * stride;
}
