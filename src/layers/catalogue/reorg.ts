/** Reorg (YOLOv2): moves blocks of stride × stride elements of the plane into channels, or back. */

import { nth } from '../../diagnostics/index.js';
import { nchw, type Shape } from '../../ir/index.js';
import { isSet, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { arrangement, keepsZero } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

interface Plan {
  readonly stride: number;
  readonly reverse: boolean;
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Throws where blocks of stride × stride do not fill the plane, or groups of stride² the channels. */
function plan(ctx: LayerContext<1>): Plan {
  const param = sub(ctx.param, 'reorg_param');
  const { stride, reverse } = param;
  const shape = ctx.bottomShapes[0];
  if (shape.length !== 4) throw ctx.misfit('reorg-axes', `${showBottom(ctx, 0)} must have 4 axes, N×C×H×W.`);
  if (!isSet(param, 'stride') || !(stride > 0))
    throw ctx.fail('reorg-stride', 'stride is missing or 0.', { field: 'reorg_param.stride' });
  const [batch, channels, height, width] = nchw(shape);
  const bad = (what: string, by: number) =>
    ctx.fail('reorg-stride', `${what} of ${showBottom(ctx, 0)} do not form groups of ${by}.`, {
      field: 'reorg_param.stride',
      hint: `The channels must be a multiple of stride² and, unless reversed, height and width of stride.`,
    });
  if (channels % stride ** 2 !== 0) throw bad('the channels', stride ** 2);
  if (!reverse && (height % stride !== 0 || width % stride !== 0)) throw bad('height and width', stride);
  return { stride, reverse, batch, channels, height, width };
}

/**
 * Darknet's reorg_cpu, which the ports call with the bottom's sizes. It reads the numbers of a sample as C/s² planes of (s · H)
 * × (s · W), and takes from these planes each block's element (i, j) into channel (i · s + j) · C/s² + c. synopsys-caffe,
 * whose numbers these are, gives it the height for the width; planes that are square, as YOLO's, are the same in all ports.
 */
export const reorg: LayerType<1> = {
  type: 'Reorg',
  doc: 'Each block of stride × stride elements of a plane becomes stride² channels; with reverse the other way round.',
  formula:
    'y[(i · s + j) · C/s² + c, p, q] = x′[c, p · s + i, q · s + j], x′ being the numbers of x read as C/s² planes of s · W × s · H',
  shapeRule: '[N, C · stride², H / stride, W / stride]; with reverse [N, C / stride², H · stride, W · stride].',
  differences:
    'The numbers are those of Darknet and its ports, which do not keep a plane’s own blocks together. The gradient is the derivative, where the ports’ backward on the CPU reads memory that nobody has written.',
  ...arrangement,
  ...keepsZero,
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const { stride: s, reverse, batch, channels, height, width } = plan(ctx);
    const top: Shape = reverse
      ? [batch, channels / s ** 2, height * s, width * s]
      : [batch, channels * s ** 2, height / s, width / s];
    return { tops: [top], params: [] };
  },
  lower(ctx, b, [x]) {
    const { stride: s, reverse, batch, channels, height, width } = plan(ctx);
    const outer = channels / s ** 2;
    const blocks = [batch, outer, width, s, height, s];
    const dealt = [batch, s, s, outer, width, height];
    const moved = reverse
      ? b.transpose(b.reshape(x, dealt), [0, 3, 4, 1, 5, 2])
      : b.transpose(b.reshape(x, blocks), [0, 3, 5, 1, 2, 4]);
    return [b.reshape(moved, nth(reorg.reshape(ctx).tops, 0))];
  },
};
