/**
 * Upsample. SegNet's, with two bottoms, puts each element back to where a MAX pooling took it from, the rest is 0; YOLO's, with
 * one, repeats each element.
 */

import { nth } from '../../diagnostics/index.js';
import {
  type Builder,
  dim,
  type HostCallAttrs,
  type HostFunction,
  nchw,
  OnnxType,
  type Shape,
  sameShape,
  type Value,
} from '../../ir/index.js';
import { isSet, sub } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import { readsElsewhere } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

/** upsample_h × upsample_w, else the bottom's plane times scale, less 1 with pad_out (upsample_layer.cpp). */
function planeOf(ctx: LayerContext<1>): readonly [number, number] {
  const param = sub(ctx.param, 'upsample_param');
  const [, , height, width] = nchw(ctx.bottomShapes[0]);
  if (isSet(param, 'upsample_h') && isSet(param, 'upsample_w')) return [param.upsample_h, param.upsample_w];
  const [h, w] = isSet(param, 'scale_h') ? [param.scale_h, param.scale_w] : [param.scale, param.scale];
  return [height * h - Number(param.pad_out_h), width * w - Number(param.pad_out_w)];
}

/** SegNet knows a plane that is one less only where it was halved (upsample_layer.cpp of caffe-segnet). */
function checkScale(ctx: LayerContext<1>): void {
  const param = sub(ctx.param, 'upsample_param');
  const wrong = (field: string, message: string, hint: string) =>
    ctx.fail('upsample-scale', message, { field: `upsample_param.${field}`, hint });
  if (isSet(param, 'upsample_h') && isSet(param, 'upsample_w')) return;
  const pair = (['scale_h', 'scale_w'] as const).filter(field => isSet(param, field));
  if (pair.length === 1 || (pair.length === 2 && isSet(param, 'scale'))) {
    const given = [...(isSet(param, 'scale') ? ['scale'] : []), ...pair].join(' and ');
    throw wrong(
      nth(pair, 0),
      `${given} is given.`,
      'Give upsample_h and upsample_w, or scale, or both scale_h and scale_w.',
    );
  }
  for (const side of ['h', 'w'] as const) {
    const scale = pair.length === 2 ? param[`scale_${side}`] : param.scale;
    if (!(scale > 1))
      throw wrong(pair.length === 2 ? `scale_${side}` : 'scale', `the scale is ${scale}.`, 'It must be 2 or more.');
    if (param[`pad_out_${side}`] && scale !== 2)
      throw wrong(
        `pad_out_${side}`,
        `pad_out_${side} goes with a scale of 2, and the scale is ${scale}.`,
        `Give upsample_h and upsample_w.`,
      );
  }
}

/**
 * Whether each element has a place of its own in the plane whatever the numbers are: the mask is that of a MAX pooling
 * whose windows do not overlap, over no more places than the plane has.
 */
function hasOwnPlaces({ node, index }: Value, size: number): boolean {
  if (node.op !== 'maxPool' || index !== 1) return false;
  const { kernel, stride } = node.attrs;
  return kernel.every((k, i) => k <= nth(stride, i)) && countOf(node.inputs[0].shape, 2) <= size;
}

/** 1 for each element that stays, as in SegNet: of two with the same place the later one. */
function lastOfEach(ctx: LayerContext<1>, size: number): HostFunction {
  return ([mask]) => {
    const stays = new Float32Array(mask!.data.length);
    const per = countOf(mask!.shape, 2);
    for (let start = 0; start < stays.length; start += per) {
      const taken = new Set<number>();
      for (let i = start + per - 1; i >= start; i--) {
        const place = mask!.data[i]!;
        if (!(place >= 0 && place < size))
          throw ctx.fail('upsample-mask', `the mask's ${place} lies outside a plane of ${size} elements.`);
        if (taken.has(Math.trunc(place))) continue;
        taken.add(Math.trunc(place));
        stays[i] = 1;
      }
    }
    return [stays];
  };
}

/** The top of YOLO's: the last two axes `scale` times as long, 1 unless given (upsample_layer.cpp of MobileNet-YOLO). */
function repeatedShape(ctx: LayerContext<1>): Shape {
  const param = sub(ctx.param, 'upsample_param');
  const shape = ctx.bottomShapes[0];
  const others = ['scale_h', 'scale_w', 'pad_out_h', 'pad_out_w', 'upsample_h', 'upsample_w'] as const;
  const foreign = others.find(field => isSet(param, field));
  if (foreign)
    throw ctx.fail('upsample-scale', `${foreign} goes with a mask, and there is one bottom.`, {
      field: `upsample_param.${foreign}`,
      hint: 'With one bottom each element is repeated `scale` times along both sides; SegNet’s layer has the mask of a MAX pooling as second bottom.',
    });
  const scale = isSet(param, 'scale') ? param.scale : 1;
  if (shape.length < 2) throw ctx.misfit('upsample-axes', `${showBottom(ctx, 0)} must have 2 axes or more.`);
  if (!(scale >= 1)) throw ctx.fail('upsample-scale', `the scale is ${scale}.`, { field: 'upsample_param.scale' });
  return shape.map((d, i) => (i < shape.length - 2 ? d : d * scale));
}

/** Each element scale × scale times. */
function repeated(ctx: LayerContext<1>, b: Builder, x: Value): Value {
  const shape = repeatedShape(ctx);
  const [height = 0, width = 0] = x.shape.slice(-2);
  const scale = width > 0 ? dim(shape, -1) / width : 1;
  const rows = countOf(x.shape, 0, x.shape.length - 2) * height;
  return b.reshape(b.broadcast(b.reshape(x, [rows, 1, width, 1]), [rows, scale, width, scale]), shape);
}

/** The same in ONNX: the last of the elements of each place, and which element is its place's last. */
function onnxLastOfEach(mask: Shape, size: number): NonNullable<HostCallAttrs['onnx']> {
  const [planes, per] = [countOf(mask, 0, 2), countOf(mask, 2)];
  return (w, [given]) => {
    const flat = w.op('Reshape', [given!, w.ints([planes, per])]);
    const at = w.op('Cast', [flat], { attrs: { to: OnnxType.INT64 }, type: OnnxType.INT64 });
    const order = Float32Array.from({ length: planes * per }, (_, i) => i % per);
    const elements = w.floats(order, [planes, per]);
    const none = w.op('Expand', [w.scalar(-1), w.ints([planes, size])]);
    const last = w.op('ScatterElements', [none, at, elements], {
      attrs: { axis: 1, reduction: 'max' },
    });
    const isLast = w.op('Equal', [w.op('GatherElements', [last, at], { attrs: { axis: 1 } }), elements], {
      type: OnnxType.BOOL,
    });
    return [w.op('Reshape', [w.op('Cast', [isLast], { attrs: { to: OnnxType.FLOAT } }), w.ints(mask)])];
  };
}

export const upsample: LayerType<1> = {
  type: 'Upsample',
  doc: 'SegNet’s: a plane of zeros with each element of the first bottom where the second, the mask of a MAX pooling, says. With one bottom YOLO’s: each element scale × scale times.',
  formula: 'y[mask[i]] = x[i], else 0; with one bottom y[i, j] = x[⌊i / scale⌋, ⌊j / scale⌋]',
  shapeRule:
    '[N, C, …]: upsample_h × upsample_w, or the plane times `scale` (2; with one bottom 1), less 1 with pad_out_h, pad_out_w.',
  category: 'deconvolution',
  ...readsElsewhere,
  bottoms: { min: 1, max: 2 },
  tops: { min: 1, max: 1 },
  canBackward: (_, bottom) => bottom === 0,
  reshape(ctx) {
    if (ctx.bottomShapes.length === 1) return { tops: [repeatedShape(ctx)], params: [] };
    const [x, mask] = ctx.bottomShapes as readonly (readonly number[])[];
    if (x!.length !== 4) throw ctx.misfit('upsample-axes', `${showBottom(ctx, 0)} must have 4 axes, N×C×H×W.`);
    if (!sameShape(x!, mask!)) {
      throw ctx.misfit('upsample-mask', `${showBottom(ctx, 0)} and its mask ${showBottom(ctx, 1)} differ.`, {
        hint: 'The mask is the second top of the MAX pooling with the same output size.',
      });
    }
    checkScale(ctx);
    const plane = planeOf(ctx);
    if (plane.some(d => d < 1))
      throw ctx.fail('upsample-size', `its top would be ${plane.join('×')}.`, { field: 'upsample_param' });
    return { tops: [[...x!.slice(0, 2), ...plane]], params: [] };
  },
  lower(ctx, b, [x, mask]) {
    if (!mask) return [repeated(ctx, b, x)];
    const shape = nth(upsample.reshape(ctx).tops, 0);
    const size = countOf(shape, 2);
    const perPlane = [...x.shape.slice(0, 2), countOf(x.shape, 2)];
    const places = b.reshape(b.floor(mask), perPlane);
    let elements = x;
    if (!hasOwnPlaces(mask, size)) {
      const { name } = ctx;
      const own = { name, outputs: [mask.shape], run: lastOfEach(ctx, size) };
      const onnx = onnxLastOfEach(mask.shape, size);
      const lower: HostCallAttrs['lower'] = (b, inputs, target) =>
        target === 'onnx' ? b.hostCall(inputs, { ...own, onnx }) : undefined;
      const [stays] = b.hostCall([mask], { ...own, lower });
      // Every element has the gradient of its place, also one that does not stay.
      elements = b.sub(x, b.stopGradient(b.select(stays!, 0, x)));
    }
    return [b.reshape(b.scatterAdd(b.reshape(elements, perPlane), places, { axis: 2, size }), shape)];
  },
};
