/**
 * A layer type of one's own: `node examples/layer.js`. RMSNorm divides each place by the root mean square of its channels and
 * multiplies by a scale a channel, which is trained. Shapes, gradient, engines, checks and weights follow from this.
 */

import { extendSchema, Net, registerLayer, Solver } from 'mokapot';

// The field `rms_norm_param`, as a fork of Caffe would have it.
extendSchema(
  `syntax = "proto2";
   package caffe;
   message LayerParameter { optional RMSNormParameter rms_norm_param = 9200; }
   message RMSNormParameter { optional float eps = 1 [default = 1e-5]; }`,
  'rms_norm.proto',
);

/** What the schema now reads. @param {import('mokapot').LayerContext} ctx @returns {number} */
const epsilon = ctx => /** @type {{ rms_norm_param?: { eps: number } }} */ (ctx.param).rms_norm_param?.eps ?? 1e-5;

registerLayer({
  type: 'RMSNorm',
  doc: 'x divided by the root mean square of its channels, times a trained scale a channel.',
  formula: 'y = scale · x / √(mean of x² over the channels + eps)',
  shapeRule: 'That of the bottom.',
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    const [shape = []] = ctx.bottomShapes;
    const [, channels] = shape;
    if (channels === undefined) throw ctx.fail('rms-norm-axes', 'RMSNorm needs N×C×…, and its bottom has fewer axes.');
    if (!(epsilon(ctx) > 0))
      throw ctx.fail('rms-norm-eps', 'eps must be greater than 0.', { field: 'rms_norm_param.eps' });
    return { tops: [shape], params: [{ shape: [channels], filler: null, values: new Float32Array(channels).fill(1) }] };
  },
  lower(ctx, b, [x], [scale]) {
    if (!x || !scale) throw new Error('a bottom and a parameter were declared');
    const mean = b.div(b.sum(b.mul(x, x), [1], true), x.shape[1] ?? 1);
    const perChannel = x.shape.map((size, axis) => (axis === 1 ? size : 1));
    return [b.mul(b.div(x, b.sqrt(b.add(mean, epsilon(ctx)))), b.reshape(scale, perChannel))];
  },
});

const LAYERS = `
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 } } }
layer { name: "norm" type: "RMSNorm" bottom: "x" top: "y" rms_norm_param { eps: 1e-6 } }
`;
const LOSS = `
layer { name: "wanted" type: "Input" top: "wanted" input_param { shape { dim: 4 dim: 2 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "wanted" top: "loss" }
`;

const x = Float32Array.of(3, 4, -1, 1, 0.5, 2, 7, -7);
const net = await Net.fromText(LAYERS);
const { y } = await net.forward({ x });
console.log('3, 4 becomes', y?.data.slice(0, 2).join(', '));

// Outputs twice as large are wanted, which a scale of 2 gives.
const wanted = y?.data.map(value => 2 * value) ?? new Float32Array(8);
const solver = await Solver.fromText(`base_lr: 0.5 lr_policy: "fixed" net_param { ${LAYERS} ${LOSS} }`);
await solver.step(50, { x, wanted });
console.log('after 50 iterations the scale is', solver.net.params.get('norm')?.[0]?.data.join(', '));
net.dispose();
await solver.dispose();
