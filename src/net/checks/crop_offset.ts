/**
 * A Crop lays two paths from one blob over each other: its offset is the one that their convolutions, poolings and
 * deconvolutions give.
 */

import { nth } from '../../diagnostics/index.js';
import { dim } from '../../ir/index.js';
import { paramAt } from '../../layers/index.js';
import { type CropParameter, setting } from '../../schema/index.js';
import { type CropAlignment, cropAlignment, cropOffsets } from '../coord_map.js';
import type { BlobVersion, NetLayer } from '../types.js';
import { about, type CheckDoc, type CheckRule, fixOf } from './check.js';
import { PIXELS } from './examples.js';
import { unsplit } from './walk.js';

const fcn = (offset: number) => `layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 3 pad: 10 stride: 2 }
}
layer {
  name: "up" type: "Deconvolution" bottom: "conv" top: "up"
  convolution_param { num_output: 2 kernel_size: 3 stride: 2 }
}
layer {
  name: "score" type: "Crop" bottom: "up" bottom: "data" top: "score"
  crop_param {
    axis: 2
    offset: ${offset}
  }
}
`;

export const cropOffsetDoc = (): CheckDoc => ({
  doc: 'A Crop cuts where its two bottoms lie over each other.',
  cure: 'With another offset every label belongs to a pixel some way off. The number follows from kernel, stride and pad of all layers on both paths.',
  example: { head: PIXELS, wrong: fcn(4), right: fcn(10) },
});

export const cropOffset: CheckRule = {
  code: 'crop-offset',
  run(graph) {
    // A crop behind one that is wrong is judged as if that were right.
    const right = new Map<BlobVersion, readonly number[]>();
    return graph.layers.flatMap(layer => {
      if (!layer.type.cropsBy || nth(layer.bottoms, 0).shape.length < 3) return [];
      const aligned = cropAlignment(graph.layers, nth(layer.bottoms, 0), nth(layer.bottoms, 1), right);
      if (!aligned) return [];
      const found = judge(layer, aligned, unsplit(graph, aligned.common).name);
      if (found && aligned.offset.every(Number.isFinite)) right.set(nth(layer.tops, 0), aligned.offset);
      return found ?? [];
    });
  },
};

function judge(layer: NetLayer, { offset, scale }: CropAlignment, common: string) {
  const { param } = layer.context;
  const [from, to] = param.bottom as [string, string];
  const rank = nth(layer.bottoms, 0).shape.length;
  const field = layer.type.cropsBy!;
  const { axis } = paramAt<CropParameter>(param, field);
  const first = (axis < 0 ? axis + rank : axis) - 2;
  const given = cropOffsets(layer).slice(2);
  // Axes before the crop's own are not cut.
  const wanted = offset.map((o, i) => (i < first ? nth(given, i) : o));
  if (scale.some(s => s !== 1)) {
    const times = [...new Set(scale)].map(s => formatScale(s)).join('×');
    return about(
      layer,
      'crop-offset',
      `Layer "${layer.name}" crops "${from}" to "${to}", whose places lie ${times} times as densely over "${common}": no offset lays one over the other.`,
      { hint: `Bring "${from}" to the resolution of "${to}" before the crop, by strides that undo each other.` },
    );
  }
  if (wanted.every((o, i) => Math.abs(o - nth(given, i)) < 1)) return undefined;
  const words = `Layer "${layer.name}" cuts "${from}" at offset ${show(given)}; "${to}" lies over it at ${show(wanted)}, by the layers from "${common}" on.`;
  if (wanted.some(o => o < 0)) {
    return about(layer, 'crop-offset', words, {
      field: `${field}.offset`,
      hint: `"${from}" begins inside "${to}": raise the pad of the first convolution behind "${from}".`,
    });
  }
  if (wanted.some(o => !Number.isInteger(o))) {
    return about(layer, 'crop-offset', words, {
      field: `${field}.offset`,
      hint: `That is between two places: offset ${show(wanted.map(Math.floor))} or ${show(wanted.map(Math.ceil))} comes nearest; an odd kernel_size less or more would make it whole.`,
    });
  }
  const fits = wanted.every(
    (o, i) => o + dim(nth(layer.tops, 0).shape, i + 2) <= dim(nth(layer.bottoms, 0).shape, i + 2),
  );
  return about(layer, 'crop-offset', words, {
    field: `${field}.offset`,
    hint: fits
      ? `Write offset: ${show(wanted)}. As it is, every place is taken for one ${show(wanted.map((o, i) => Math.abs(o - nth(given, i))))} away.`
      : `"${from}" is too small for offset ${show(wanted)}: raise the pad of the first convolution behind it.`,
    fix: fits ? fixOf(`Set offset: ${show(wanted)}.`, edits(layer, wanted, first)) : undefined,
  });
}

/** One offset where all cropped axes have the same one, else a list. */
function edits(layer: NetLayer, wanted: readonly number[], first: number) {
  const field = layer.type.cropsBy!;
  const { offset } = paramAt<CropParameter>(layer.context.param, field);
  const [one, other] = [...new Set(wanted)];
  if (first < 0 || offset.length > 1) return undefined;
  return other === undefined ? setting(layer.context.param, `${field}.offset`, String(one)) : undefined;
}

const show = (offsets: readonly number[]): string =>
  [...new Set(offsets)].length === 1 ? String(offsets[0]) : offsets.join(', ');

function formatScale(scale: number): string {
  return scale >= 1 || !Number.isInteger(1 / scale) ? String(Number(scale.toPrecision(6))) : `1/${1 / scale}`;
}
