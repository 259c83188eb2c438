/** Gradients of every differentiable layer against central differences, over random shapes and parameters. */

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createEngine, createHostEngine, type Engine } from '../../src/engines/node/index.js';
import { sizeOf } from '../../src/ir/index.js';
import { layerTypes } from '../../src/layers/index.js';
import { lowerNet } from '../../src/net/index.js';
import { Random } from '../../src/random/index.js';
import { greatestError } from '../../src/tools/verify.js';
import { compiled, type Shapes } from './net_of.js';

interface Case {
  readonly layer: string;
  readonly shapes: Shapes;
  /** Inputs that are labels: whole numbers below this, without a gradient. */
  readonly labels?: Readonly<Record<string, number>>;
  /** Added to every input element (for logarithms and powers: away from 0). */
  readonly shift?: number;
  readonly spread?: number;
  /** Default: TRAIN. */
  readonly phase?: 'TEST';
  /** Inputs of these values, without a gradient. */
  readonly given?: Readonly<Record<string, readonly number[]>>;
  /** Parameters of these values, without a gradient. */
  readonly kept?: Readonly<Record<string, readonly number[]>>;
  /** What chance gives, every time. */
  readonly draw?: number;
}

const STEP = 1 / 64;

/** Shuffled values at least 4 steps apart and half a gap off 0, so that no difference crosses a kink or a tie. */
function apart(count: number, random: Random, { shift = 0, spread = 1 }: Case): Float32Array {
  const gap = Math.max(4 * STEP, (2 * spread) / count);
  const order = random.permutation(count);
  return Float32Array.from(order, i => shift + (i - Math.floor(count / 2) + 0.5) * gap);
}

function values(shape: readonly number[], name: string, random: Random, c: Case): Float32Array {
  if (c.given?.[name]) return Float32Array.from(c.given[name]);
  const classes = c.labels?.[name];
  if (classes === undefined) return apart(sizeOf(shape), random, c);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.integer(classes));
}

/** The case on an engine: compiled, its parameters written, everything that it is fed drawn. */
async function setUp(engine: Engine, c: Case, seed: number) {
  const random = new Random(seed);
  const net = compiled(c.layer, c.shapes, c.phase);
  const inputs = Object.keys(c.shapes).filter(name => (c.labels?.[name] ?? c.given?.[name]) === undefined);
  const tops = [...net.outputs].filter(name => !(name in c.shapes));
  const lowering = { gradients: 'seeds', seeds: tops, blobDiffs: inputs, paramDiffs: 'all', fetch: tops } as const;
  const { graph } = lowerNet(net, lowering);
  const program = await engine.compile(graph);
  const feeds: Record<string, Float32Array> = {};
  for (const [name, shape] of Object.entries(c.shapes)) feeds[name] = values(shape, name, random, c);
  for (const { name, shape, distribution } of graph.randoms)
    feeds[name] = Float32Array.from({ length: sizeOf(shape) }, () =>
      distribution.kind === 'bernoulli' ? Number(random.next() < distribution.p) : (c.draw ?? random.next()),
    );
  for (const top of tops)
    feeds[`diff/${top}`] = Float32Array.from({ length: sizeOf(net.blobs.get(top)!.shape) }, () =>
      random.uniform(0.5, 1.5),
    );
  const params = new Map(
    net.params.map(p => {
      const own = c.kept?.[p.key] ?? Array.from({ length: sizeOf(p.shape) }, () => random.uniform(-1, 1));
      return [p.key, Float32Array.from(own)];
    }),
  );
  const write = (key: string) => engine.write(key, params.get(key)!, net.params.find(p => p.key === key)!.shape);
  for (const key of params.keys()) write(key);
  const names = [...inputs.map(n => `grad/blob/${n}`), ...[...params.keys()].map(k => `grad/${k}`)];
  return { random, inputs, tops, program, feeds, params, write, names };
}

const host = createHostEngine();
afterAll(() => host.dispose());

/** Compares every gradient of Σ w · tops (w random) with central differences of it. */
async function check(c: Case, seed: number): Promise<void> {
  const { random, inputs, tops, program, feeds, params, write, names } = await setUp(host, c, seed);
  const ours = await program.run(feeds, names);
  const objective = async () => {
    const out = await program.run(feeds, tops);
    return tops.reduce((sum, t) => sum + out[t]!.reduce((a, v, i) => a + v * feeds[`diff/${t}`]![i]!, 0), 0);
  };
  const probe = async (array: Float32Array, gradient: Float32Array, what: string, changed: () => void) => {
    for (let k = 0; k < Math.min(array.length, 12); k++) {
      const i = array.length <= 12 ? k : random.integer(array.length);
      const kept = array[i]!;
      array[i] = kept + STEP;
      changed();
      const above = await objective();
      array[i] = kept - STEP;
      changed();
      const below = await objective();
      array[i] = kept;
      changed();
      const numeric = (above - below) / (2 * STEP);
      if (!(Math.abs(numeric - gradient[i]!) <= 0.02 * Math.max(1, Math.abs(numeric))))
        throw new Error(
          `${what}[${i}]: ${gradient[i]} against ${numeric} by differences, in\n${c.layer}\n${JSON.stringify(c.shapes)}`,
        );
    }
  };
  for (const name of inputs) await probe(feeds[name]!, ours[`grad/blob/${name}`]!, name, () => {});
  for (const [key, array] of params)
    if (!c.kept?.[key]) await probe(array, ours[`grad/${key}`]!, key, () => write(key));
  program.dispose();
}

/** Every top and gradient of a case. */
async function all(engine: Engine, c: Case, seed: number): Promise<Record<string, Float32Array>> {
  const { program, feeds, names, tops } = await setUp(engine, c, seed);
  const out = await program.run(feeds, [...names, ...tops]);
  program.dispose();
  return out;
}

const dim = (max: number, min = 1) => fc.integer({ min, max });
const shape4 = fc.tuple(dim(2), dim(4), dim(5), dim(5));
const anyShape = fc.array(dim(4), { minLength: 1, maxLength: 4 });

function simple(type: string, body = '', more: Omit<Partial<Case>, 'layer' | 'shapes'> = {}): fc.Arbitrary<Case> {
  return anyShape.map(x => ({
    layer: `layer { name: "l" type: "${type}" bottom: "x" top: "y" ${body} }`,
    shapes: { x },
    ...more,
  }));
}

const convolution = (type: string) =>
  fc
    .record({
      n: dim(2),
      group: dim(2),
      inside: dim(2),
      outside: dim(2),
      size: fc.array(dim(6, 3), { minLength: 1, maxLength: 3 }),
      kernel: dim(3),
      stride: dim(3),
      pad: dim(2, 0),
      dilation: dim(2),
      bias: fc.boolean(),
    })
    .filter(c => c.size.every(d => (c.kernel - 1) * c.dilation + 1 <= d + 2 * c.pad))
    .filter(
      c =>
        type === 'Convolution' || c.size.every(d => c.stride * (d - 1) + c.dilation * (c.kernel - 1) + 1 > 2 * c.pad),
    )
    .map(c => ({
      layer: `layer { name: "l" type: "${type}" bottom: "x" top: "y" convolution_param { num_output: ${c.outside * c.group}
        group: ${c.group} kernel_size: ${c.kernel} stride: ${c.stride} pad: ${c.pad} dilation: ${c.dilation} bias_term: ${c.bias} } }`,
      shapes: { x: [c.n, c.inside * c.group, ...c.size] },
    }));

const pooling = (method: string) =>
  fc
    .record({ x: shape4, kernel: dim(3), stride: dim(3), pad: dim(1, 0) })
    .filter(c => c.pad < c.kernel && c.x[2] + 2 * c.pad >= c.kernel && c.x[3] + 2 * c.pad >= c.kernel)
    .filter(c => c.stride <= c.kernel)
    .map(c => ({
      layer: `layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { pool: ${method}
        kernel_size: ${c.kernel} stride: ${c.stride} pad: ${c.pad} } }`,
      shapes: { x: c.x },
    }));

const twoBottoms = (type: string, body: string) =>
  fc.tuple(anyShape, dim(3, 2)).map(([x, n]) => ({
    layer: `layer { name: "l" type: "${type}" ${Array.from({ length: n }, (_, i) => `bottom: "x${i}"`).join(' ')} top: "y" ${body} }`,
    shapes: Object.fromEntries(Array.from({ length: n }, (_, i) => [`x${i}`, x])),
  }));

const labelled = (type: string, body: string, plane = true) =>
  fc.tuple(dim(3), dim(4, 2), fc.array(dim(3), { maxLength: plane ? 2 : 0 })).map(([n, classes, plane]) => ({
    layer: `layer { name: "l" type: "${type}" bottom: "x" bottom: "label" top: "loss" ${body} }`,
    shapes: { x: [n, classes, ...plane], label: [n, 1, ...plane] },
    labels: { label: classes },
  }));

/** With and without a static input. Through exposed states no gradient flows (quirks.test.ts). */
const recurrent = (type: string) =>
  fc
    .record({ steps: dim(3), n: dim(2), d: dim(3), width: dim(3), fixed: fc.boolean() })
    .map(({ steps, n, d, width, fixed }) => ({
      layer: `layer { name: "l" type: "${type}" bottom: "x" bottom: "cont" ${fixed ? 'bottom: "fixed"' : ''} top: "y"
        recurrent_param { num_output: ${d} } }`,
      shapes: { x: [steps, n, width], cont: [steps, n], ...(fixed && { fixed: [n, 2] }) },
      labels: { cont: 2 },
    }));

const layers: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  Sigmoid: simple('Sigmoid'),
  TanH: simple('TanH'),
  AbsVal: simple('AbsVal'),
  ReLU: simple('ReLU'),
  'ReLU, leaky': simple('ReLU', 'relu_param { negative_slope: 0.3 }'),
  ELU: simple('ELU', 'elu_param { alpha: 0.7 }'),
  Swish: simple('Swish', 'swish_param { beta: 1.5 }'),
  BNLL: simple('BNLL'),
  Exp: simple('Exp', 'exp_param { base: 2 scale: 0.5 shift: -1 }'),
  Log: simple('Log', 'log_param { base: 10 scale: 0.5 shift: 1 }', { shift: 5 }),
  Power: simple('Power', 'power_param { power: 1.5 scale: 0.5 shift: 2 }', { shift: 5 }),
  'Power, square': simple('Power', 'power_param { power: 2 scale: -1.5 shift: 0.5 }'),
  'Clip from below': simple('Clip', 'clip_param { min: 0 max: 100 }'),
  'Clip from above': simple('Clip', 'clip_param { min: -100 max: 0 }'),
  Dropout: simple('Dropout', 'dropout_param { dropout_ratio: 0.4 }'),
  PReLU: shape4.map(x => ({ layer: 'layer { name: "l" type: "PReLU" bottom: "x" top: "y" }', shapes: { x } })),
  Convolution: convolution('Convolution'),
  Deconvolution: convolution('Deconvolution'),
  'Pooling, MAX': pooling('MAX'),
  'Pooling, AVE': pooling('AVE'),
  'Pooling, oblong': fc
    .tuple(shape4, fc.constantFrom('MAX', 'AVE'), dim(2), dim(3))
    .map(([x, method, height, stride]) => ({
      layer: `layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { pool: ${method} kernel_h: ${height}
      kernel_w: ${stride} stride_h: 1 stride_w: ${stride} pad_h: ${height - 1} pad_w: 0 } }`,
      shapes: { x: [x[0], x[1], x[2] + 1, x[3]] },
    })),
  'Pooling, of whole planes': fc.tuple(shape4, fc.constantFrom('MAX', 'AVE')).map(([x, method]) => ({
    layer: `layer { name: "l" type: "Pooling" bottom: "x" top: "y" pooling_param { pool: ${method} global_pooling: true } }`,
    shapes: { x },
  })),
  'Pooling, STOCHASTIC with its choice held': fc.tuple(shape4, fc.constantFrom(0, 1 - 1e-6)).map(([x, draw]) => ({
    layer: `layer { name: "l" type: "Pooling" bottom: "x" top: "y"
      pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 1 } }`,
    shapes: { x: [x[0], x[1], x[2] + 1, x[3] + 1] },
    shift: 4,
    draw,
  })),
  InnerProduct: fc.tuple(anyShape, fc.boolean(), dim(3, 0)).map(([x, transpose, axis]) => ({
    layer: `layer { name: "l" type: "InnerProduct" bottom: "x" top: "y"
      inner_product_param { num_output: 3 transpose: ${transpose} axis: ${Math.min(axis, x.length - 1)} } }`,
    shapes: { x },
  })),
  'LRN, across': shape4.map(x => ({
    layer:
      'layer { name: "l" type: "LRN" bottom: "x" top: "y" lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 k: 1.5 } }',
    shapes: { x },
  })),
  'LRN, within': shape4.map(x => ({
    layer: `layer { name: "l" type: "LRN" bottom: "x" top: "y"
      lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 alpha: 0.5 beta: 0.75 } }`,
    shapes: { x },
  })),
  MVN: fc.tuple(dim(2), dim(3), dim(4, 2), dim(4, 2)).map(x => ({
    layer: 'layer { name: "l" type: "MVN" bottom: "x" top: "y" }',
    shapes: { x },
    spread: 4,
  })),
  'MVN, across channels': fc.tuple(dim(2), dim(3), dim(3, 2), dim(3)).map(x => ({
    layer: 'layer { name: "l" type: "MVN" bottom: "x" top: "y" mvn_param { across_channels: true } }',
    shapes: { x },
    spread: 4,
  })),
  'MVN, mean alone': shape4.map(x => ({
    layer: 'layer { name: "l" type: "MVN" bottom: "x" top: "y" mvn_param { normalize_variance: false } }',
    shapes: { x },
  })),
  'PReLU, shared': anyShape.map(x => ({
    layer: 'layer { name: "l" type: "PReLU" bottom: "x" top: "y" prelu_param { channel_shared: true } }',
    shapes: { x: [...x, 2] },
  })),
  'Scale, of one number': anyShape.map(x => ({
    layer: 'layer { name: "l" type: "Scale" bottom: "x" top: "y" scale_param { axis: 0 num_axes: 0 bias_term: true } }',
    shapes: { x },
  })),
  'Bias, two bottoms': shape4.map(x => ({
    layer: 'layer { name: "l" type: "Bias" bottom: "x" bottom: "s" top: "y" bias_param { axis: 2 } }',
    shapes: { x, s: [x[2], x[3]] },
  })),
  Scale: shape4.map(x => ({
    layer: 'layer { name: "l" type: "Scale" bottom: "x" top: "y" scale_param { bias_term: true num_axes: 2 } }',
    shapes: { x },
  })),
  'Scale, two bottoms': shape4.map(x => ({
    layer: 'layer { name: "l" type: "Scale" bottom: "x" bottom: "s" top: "y" }',
    shapes: { x, s: [x[1], x[2]] },
  })),
  Bias: shape4.map(x => ({
    layer: 'layer { name: "l" type: "Bias" bottom: "x" top: "y" bias_param { axis: -1 } }',
    shapes: { x },
  })),
  'Eltwise, SUM': twoBottoms('Eltwise', ''),
  'Eltwise, SUM with coefficients': anyShape.map(x => ({
    layer: `layer { name: "l" type: "Eltwise" bottom: "a" bottom: "b" bottom: "c" top: "y"
      eltwise_param { coeff: 1 coeff: -2 coeff: 0.5 } }`,
    shapes: { a: x, b: x, c: x },
  })),
  'Eltwise, PROD': twoBottoms('Eltwise', 'eltwise_param { operation: PROD }'),
  'Eltwise, MAX': fc.tuple(anyShape, anyShape).map(([x]) => ({
    layer: `layer { name: "h" type: "Power" bottom: "x" top: "h" power_param { scale: 0.5 } }
      layer { name: "l" type: "Eltwise" bottom: "x" bottom: "h" top: "y" eltwise_param { operation: MAX } }`,
    shapes: { x },
  })),
  Concat: twoBottoms('Concat', 'concat_param { axis: -1 }'),
  Slice: fc.tuple(dim(2), dim(3, 2), dim(3)).map(x => ({
    layer: 'layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { slice_point: 1 } }',
    shapes: { x },
  })),
  Split: simple('Split', 'top: "z"'),
  Tile: simple('Tile', 'tile_param { axis: 0 tiles: 3 }'),
  Flatten: simple('Flatten', 'flatten_param { axis: 0 }'),
  Reshape: simple('Reshape', 'reshape_param { shape { dim: -1 dim: 1 } }'),
  Crop: fc.tuple(dim(2), dim(2), dim(3), dim(3), dim(2, 0)).map(([n, c, h, w, offset]) => ({
    layer: `layer { name: "l" type: "Crop" bottom: "x" bottom: "ref" top: "y" crop_param { offset: ${offset} } }`,
    shapes: { x: [n, c, h + offset + 1, w + offset], ref: [n, 1, h, w] },
    labels: { ref: 2 },
  })),
  'Reduction, SUM': simple('Reduction', 'reduction_param { coeff: 0.5 }'),
  'Reduction, MEAN': simple('Reduction', 'reduction_param { operation: MEAN axis: -1 }'),
  'Reduction, ASUM': simple('Reduction', 'reduction_param { operation: ASUM axis: -1 }'),
  'Reduction, SUMSQ': simple('Reduction', 'reduction_param { operation: SUMSQ }'),
  Embed: fc.tuple(dim(3), dim(3)).map(x => ({
    layer: 'layer { name: "l" type: "Embed" bottom: "x" top: "y" embed_param { num_output: 2 input_dim: 5 } }',
    shapes: { x },
    labels: { x: 5 },
  })),
  Softmax: simple('Softmax', 'softmax_param { axis: -1 }'),
  SoftmaxWithLoss: labelled('SoftmaxWithLoss', ''),
  'SoftmaxWithLoss, ignoring': labelled('SoftmaxWithLoss', 'loss_param { ignore_label: 1 }'),
  'SoftmaxWithLoss, per sample': labelled('SoftmaxWithLoss', 'loss_param { normalize: false }'),
  HingeLoss: labelled('HingeLoss', '', false),
  'HingeLoss, squared': labelled('HingeLoss', 'hinge_loss_param { norm: L2 }', false),
  MultinomialLogisticLoss: fc.tuple(dim(3), dim(4, 2)).map(([n, classes]) => ({
    layer: `layer { name: "s" type: "Softmax" bottom: "x" top: "s" }
      layer { name: "l" type: "MultinomialLogisticLoss" bottom: "s" bottom: "label" top: "loss" }`,
    shapes: { x: [n, classes], label: [n] },
    labels: { label: classes },
  })),
  SigmoidCrossEntropyLoss: anyShape.map(x => ({
    layer: 'layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" top: "loss" }',
    shapes: { x, t: x },
    labels: { t: 2 },
  })),
  InfogainLoss: fc.tuple(dim(3), dim(4, 2), dim(3)).map(([n, classes, width]) => ({
    layer: 'layer { name: "l" type: "InfogainLoss" bottom: "x" bottom: "label" bottom: "H" top: "loss" }',
    shapes: { x: [n, classes, width], label: [n, width], H: [1, 1, classes, classes] },
    labels: { label: classes, H: 3 },
  })),
  'ContrastiveLoss, legacy': fc.tuple(dim(3), dim(3)).map(x => ({
    layer: `layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "alike" top: "loss"
      contrastive_loss_param { margin: 100 legacy_version: true } }`,
    shapes: { a: x, b: x, alike: [x[0]] },
    labels: { alike: 2 },
  })),
  ContrastiveLoss: fc.tuple(dim(3), dim(4, 3)).map(x => ({
    layer: `layer { name: "h" type: "Power" bottom: "b" top: "h" power_param { shift: 3 } }
      layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "h" bottom: "alike" top: "loss"
        contrastive_loss_param { margin: 100 } }`,
    shapes: { a: x, b: x, alike: [x[0]] },
    labels: { alike: 2 },
  })),
  BatchNorm: fc.tuple(dim(3, 2), dim(3), dim(3, 2), dim(2)).map(x => ({
    layer: `layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { eps: 0.1 } }`,
    shapes: { x },
    spread: 2,
  })),
  'BatchNorm behind factors by channel, by number and by row': fc
    .constantFrom(
      ['Scale', 'scale_param { filler { type: "uniform" min: 0.5 max: 2 } bias_term: true }', 3],
      ['Scale', 'scale_param { axis: 3 filler { type: "uniform" min: 0.5 max: 2 } }', 3],
      ['Power', 'power_param { scale: 2 }', 1],
      ['Exp', 'exp_param { base: 2 }', 1],
    )
    .map(([type, param, channels]) => ({
      layer: `layer { name: "l" type: "BatchNorm" bottom: "x" top: "n" batch_norm_param { eps: 0.1 } }
        layer { name: "f" type: "${type}" bottom: "n" top: "y" ${param} }`,
      shapes: { x: [2, channels as number, 2, 3] },
    })),
  'BatchNorm, kept statistics': shape4.map(x => ({
    layer:
      'layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { use_global_stats: true eps: 0.1 } }',
    shapes: { x },
    kept: {
      'l/0': Array.from({ length: x[1] }, (_, i) => i),
      'l/1': Array.from({ length: x[1] }, (_, i) => i + 1),
      'l/2': [2],
    },
  })),
  'BatchNorm, of a list': dim(4, 2).map(n => ({
    layer: 'layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { eps: 0.1 } }',
    shapes: { x: [n] },
    spread: 2,
  })),
  BatchReindex: fc.tuple(dim(3), dim(3), dim(5)).map(([n, width, chosen]) => ({
    layer: 'layer { name: "l" type: "BatchReindex" bottom: "x" bottom: "i" top: "y" }',
    shapes: { x: [n, width], i: [chosen] },
    labels: { i: n },
  })),
  Im2col: convolution('Im2col'),
  'SPP, MAX': fc.tuple(dim(2), dim(2), dim(7, 4), dim(7, 4)).map(x => ({
    layer: 'layer { name: "l" type: "SPP" bottom: "x" top: "y" spp_param { pyramid_height: 2 } }',
    shapes: { x },
  })),
  'SPP, AVE': fc.tuple(dim(2), dim(2), dim(7, 4), dim(7, 4)).map(x => ({
    layer: 'layer { name: "l" type: "SPP" bottom: "x" top: "y" spp_param { pyramid_height: 2 pool: AVE } }',
    shapes: { x },
  })),
  'Pooling, STOCHASTIC': fc.tuple(dim(2), dim(2), dim(5, 2), dim(5, 2)).map(x => ({
    layer: `layer { name: "l" type: "Pooling" bottom: "x" top: "y"
      pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 } }`,
    shapes: { x },
    phase: 'TEST',
    shift: 4,
  })),
  Filter: fc.tuple(dim(3), dim(3)).map(x => ({
    layer: 'layer { name: "l" type: "Filter" bottom: "x" bottom: "s" top: "y" }',
    shapes: { x, s: [x[0]] },
    labels: { s: 2 },
  })),
  L1Loss: anyShape.map(x => ({
    layer: `layer { name: "h" type: "Power" bottom: "y" top: "h" power_param { scale: 0.5 } }
      layer { name: "l" type: "L1Loss" bottom: "x" bottom: "h" top: "loss" }`,
    shapes: { x, y: x },
    labels: { y: 1 },
  })),
  SmoothL1Loss: fc.tuple(anyShape, fc.constantFrom(1, 3)).map(([x, sigma]) => ({
    layer: `layer { name: "l" type: "SmoothL1Loss" bottom: "x" bottom: "y" bottom: "in" bottom: "out" top: "loss"
      smooth_l1_loss_param { sigma: ${sigma} } }`,
    shapes: { x, y: x, in: x, out: x },
    labels: { in: 3, out: 3 },
  })),
  Permute: shape4.map(x => ({
    layer:
      'layer { name: "l" type: "Permute" bottom: "x" top: "y" permute_param { order: 0 order: 2 order: 3 order: 1 } }',
    shapes: { x },
  })),
  Normalize: fc.tuple(shape4, fc.boolean()).map(([x, across]) => ({
    layer: `layer { name: "l" type: "Normalize" bottom: "x" top: "y" norm_param { across_spatial: ${across} eps: 0.1 } }`,
    shapes: { x },
  })),
  // With scales that differ SSD's gradient is not the derivative (test/goldens/forks/ssd_normalize_channels); with equal ones it is.
  'Normalize, one scale in each channel': fc.tuple(shape4, fc.boolean()).map(([x, across]) => ({
    layer: `layer { name: "l" type: "Normalize" bottom: "x" top: "y" norm_param { across_spatial: ${across}
      channel_shared: false eps: 0.1 } }`,
    shapes: { x },
    kept: { 'l/0': new Array<number>(x[1]).fill(1.5) },
  })),
  'Normalize, one channel': fc.tuple(shape4, fc.boolean()).map(([x, across]) => ({
    layer: `layer { name: "l" type: "Normalize" bottom: "x" top: "y" norm_param { across_spatial: ${across}
      channel_shared: false eps: 0.1 } }`,
    shapes: { x: [x[0], 1, x[2], x[3]] },
  })),
  'Interp, cropped': fc.tuple(shape4, dim(3)).map(([x, zoom]) => ({
    layer: `layer { name: "l" type: "Interp" bottom: "x" top: "y" interp_param { zoom_factor: ${zoom} pad_beg: -1 } }`,
    shapes: { x: [x[0], x[1], x[2] + 1, x[3] + 1] },
  })),
  ROIPooling: fc.tuple(dim(2), dim(3), dim(3)).map(([channels, ph, pw]) => ({
    layer: `layer { name: "l" type: "ROIPooling" bottom: "x" bottom: "rois" top: "y"
      roi_pooling_param { pooled_h: ${ph} pooled_w: ${pw} spatial_scale: 0.5 } }`,
    shapes: { x: [2, channels, 6, 5], rois: [4, 5] },
    given: { rois: [0, 0, 0, 9, 7, 1, 2, 3, 8, 11, 0, 4, 4, 4, 4, 1, -4, -4, 20, 20] },
  })),
  PSROIPooling: fc.tuple(dim(2), dim(3)).map(([out, k]) => ({
    layer: `layer { name: "l" type: "PSROIPooling" bottom: "x" bottom: "rois" top: "y"
      psroi_pooling_param { output_dim: ${out} group_size: ${k} spatial_scale: 0.5 } }`,
    shapes: { x: [2, out * k * k, 6, 5], rois: [4, 5] },
    given: { rois: [0, 0, 0, 9, 7, 1, 2, 3, 8, 11, 0, 4, 4, 4, 4, 1, -4, -4, 20, 20] },
  })),
  // Few elements, far apart in value, so that the greatest of the four samples stays the same one.
  ROIAlign: fc.tuple(dim(2), dim(2)).map(([ph, pw]) => ({
    layer: `layer { name: "l" type: "ROIAlign" bottom: "x" bottom: "rois" top: "y"
      roi_align_param { pooled_h: ${ph} pooled_w: ${pw} spatial_scale: 0.5 } }`,
    shapes: { x: [2, 1, 6, 5], rois: [3, 5] },
    given: { rois: [0, 0, 0, 7, 8, 1, 1, 3, 8, 9, 0, -3, -2, 20, 20] },
    spread: 8,
  })),
  Reorg: fc.tuple(dim(2), dim(2), dim(3), dim(3), dim(2), fc.boolean()).map(([n, c, h, w, s, reverse]) => ({
    layer: `layer { name: "l" type: "Reorg" bottom: "x" top: "y" reorg_param { stride: ${s} reverse: ${reverse} } }`,
    shapes: { x: reverse ? [n, c * s * s, h, w] : [n, c * s * s, h * s, w * s] },
  })),
  Transpose: shape4.map(x => ({
    layer: 'layer { name: "l" type: "Transpose" bottom: "x" top: "y" transpose_param { dim: 3 dim: 0 dim: 2 dim: 1 } }',
    shapes: { x },
  })),
  Reverse: simple('Reverse', 'reverse_param { axis: -1 axis: 0 }'),
  Mish: simple('Mish'),
  ConvolutionDepthwise: fc.tuple(dim(2), dim(3), dim(2)).map(([n, channels, stride]) => ({
    layer: `layer { name: "l" type: "ConvolutionDepthwise" bottom: "x" top: "y"
      convolution_param { kernel_size: 3 pad: 1 stride: ${stride} } }`,
    shapes: { x: [n, channels, 4, 5] },
  })),
  SmoothL1LossOHEM: fc
    .tuple(anyShape, fc.constantFrom('', 'normalization: PRE_FIXED pre_fixed_normalizer: 3'))
    .map(([x, mode]) => ({
      layer: `layer { name: "l" type: "SmoothL1LossOHEM" bottom: "x" bottom: "y" bottom: "w" top: "loss" loss_param { ${mode} } }`,
      shapes: { x, y: x, w: x },
      labels: { w: 2 },
    })),
  SoftmaxWithLossOHEM: labelled('SoftmaxWithLossOHEM', 'loss_param { ignore_label: 1 }'),
  TripletLoss: fc.tuple(dim(3), dim(3)).map(x => ({
    layer: `layer { name: "l" type: "TripletLoss" bottom: "a" bottom: "p" bottom: "u" top: "loss"
      triplet_loss_param { margin: 100 } }`,
    shapes: { a: x, p: x, u: x },
  })),
  // One sequence: of several the gradient is that of their sum, the loss their mean (test/layers/forks.test.ts).
  CTCLoss: fc.tuple(dim(5, 3), dim(4, 3), fc.boolean()).map(([steps, classes, merge]) => ({
    layer: `layer { name: "l" type: "CTCLoss" bottom: "x" bottom: "cont" bottom: "label" top: "loss"
      ctc_loss_param { ctc_merge_repeated: ${merge} } }`,
    shapes: { x: [steps, 1, classes], cont: [steps, 1], label: [steps, 1] },
    given: {
      cont: Array.from({ length: steps }, (_, t) => Number(t > 0)),
      label: Array.from({ length: steps }, (_, t) => (t === 0 ? 1 : t === 1 ? 0 : -1)),
    },
  })),
  MultiBoxLoss: fc
    .tuple(
      fc.constantFrom('SMOOTH_L1', 'L2'),
      fc.constantFrom('SOFTMAX', 'LOGISTIC'),
      fc.constantFrom('CORNER', 'CENTER_SIZE', 'CORNER_SIZE'),
      fc.boolean(),
    )
    .map(([loc, conf, code, shared]) => ({
      layer: `layer { name: "l" type: "MultiBoxLoss" bottom: "loc" bottom: "conf" bottom: "priors" bottom: "gt" top: "loss"
        multibox_loss_param { num_classes: 3 mining_type: NONE loc_loss_type: ${loc} conf_loss_type: ${conf}
          code_type: ${code} share_location: ${shared} loc_weight: 0.5 } }`,
      shapes: { loc: [2, 2 * 4 * (shared ? 1 : 3)], conf: [2, 2 * 3], priors: [1, 2, 8], gt: [1, 1, 2, 8] },
      given: {
        priors: [0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1, 0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.2, 0.2],
        gt: [0, 1, 0, 0.125, 0, 0.5, 0.5, 0, 1, 2, 0, 0.5, 0.625, 0.875, 1, 0],
      },
    })),
  Interp: fc.tuple(shape4, dim(7), dim(7)).map(([x, height, width]) => ({
    layer: `layer { name: "l" type: "Interp" bottom: "x" top: "y" interp_param { height: ${height} width: ${width} } }`,
    shapes: { x },
  })),
  'Upsample after Pooling': fc.tuple(dim(2), dim(3)).map(([n, size]) => ({
    layer: `layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "mask" pooling_param { kernel_size: 2 stride: 2 } }
      layer { name: "s" type: "Silence" bottom: "mask" }
      layer { name: "l" type: "Upsample" bottom: "p" bottom: "mask" top: "y" }`,
    shapes: { x: [n, 2, 2 * size, 2 * size] },
  })),
  'Upsample with one bottom': fc.tuple(shape4, dim(3)).map(([x, scale]) => ({
    layer: `layer { name: "l" type: "Upsample" bottom: "x" top: "y" upsample_param { scale: ${scale} } }`,
    shapes: { x },
  })),
  BN: fc.tuple(dim(3, 2), dim(3), dim(3, 2), dim(2)).map(x => ({
    layer: 'layer { name: "l" type: "BN" bottom: "x" top: "y" }',
    shapes: { x },
    spread: 2,
  })),
  "BN, PSPNet's": fc.tuple(dim(3, 2), dim(3), dim(3, 2), dim(2)).map(x => ({
    layer: 'layer { name: "l" type: "BN" bottom: "x" top: "y" bn_param { eps: 0.1 } }',
    shapes: { x },
    spread: 2,
    kept: { 'l/2': new Array<number>(x[1]).fill(0), 'l/3': new Array<number>(x[1]).fill(1) },
  })),
  "BN, PSPNet's in TEST": shape4.map(x => ({
    layer: 'layer { name: "l" type: "BN" bottom: "x" top: "y" bn_param { eps: 0.1 } }',
    shapes: { x },
    phase: 'TEST',
    kept: { 'l/2': new Array<number>(x[1]).fill(0.5), 'l/3': new Array<number>(x[1]).fill(2) },
  })),
  'BN, INFERENCE': shape4.map(x => ({
    layer: 'layer { name: "l" type: "BN" bottom: "x" top: "y" bn_param { bn_mode: INFERENCE } }',
    shapes: { x },
  })),
  DepthwiseConvolution: fc.tuple(dim(2), dim(3)).map(([n, channels]) => ({
    layer: `layer { name: "l" type: "DepthwiseConvolution" bottom: "x" top: "y"
      convolution_param { num_output: ${channels} group: ${channels} kernel_size: 3 pad: 1 } }`,
    shapes: { x: [n, channels, 4, 4] },
  })),
  ShuffleChannel: fc.tuple(dim(3), dim(3)).map(([group, each]) => ({
    layer: `layer { name: "l" type: "ShuffleChannel" bottom: "x" top: "y" shuffle_channel_param { group: ${group} } }`,
    shapes: { x: [2, group * each, 2, 1] },
  })),
  Axpy: shape4.map(x => ({
    layer: 'layer { name: "l" type: "Axpy" bottom: "a" bottom: "x" bottom: "y" top: "z" }',
    shapes: { a: [x[0], x[1], 1, 1], x, y: x },
  })),
  'ReLU6, leaky': simple('ReLU6', 'relu6_param { negative_slope: 0.25 }'),
  ReLU6: simple('ReLU6', '', { shift: 3, spread: 3.9 }),
  Parameter: anyShape.map(x => ({
    layer: `layer { name: "w" type: "Parameter" top: "w" parameter_param { shape { ${x.map(d => `dim: ${d}`).join(' ')} } } }
      layer { name: "l" type: "Eltwise" bottom: "x" bottom: "w" top: "y" eltwise_param { operation: PROD } }`,
    shapes: { x },
  })),
  RNN: recurrent('RNN'),
  LSTM: recurrent('LSTM'),
  LSTMUnit: fc.tuple(dim(2), dim(3)).map(([n, d]) => ({
    layer: 'layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "g" bottom: "cont" top: "c1" top: "h1" }',
    shapes: { c: [1, n, d], g: [1, n, 4 * d], cont: [1, n] },
    labels: { cont: 2 },
  })),
  EuclideanLoss: fc.tuple(dim(3), dim(3)).map(x => ({
    layer: 'layer { name: "l" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }',
    shapes: { a: x, b: x },
  })),
};

describe('gradients by central differences', () => {
  it.each(Object.entries(layers))('%s', async (_, cases) => {
    await fc.assert(
      fc.asyncProperty(cases, fc.integer({ min: 1, max: 1e6 }), (c, seed) => check(c, seed)),
      { numRuns: 8, seed: 42 },
    );
  });
});

/** Why a layer has no gradient. Those without bottoms or without tops need no reason. */
const WITHOUT: Readonly<Record<string, string>> = {
  Accuracy: 'counts',
  ArgMax: 'positions',
  Threshold: 'a step',
  PriorBox: 'depends on shapes alone',
  DetectionOutput: 'chooses boxes',
  Yolov3DetectionOutput: 'chooses boxes',
  Proposal: 'chooses boxes',
  BoxAnnotatorOHEM: 'chooses labels',
  CTCGreedyDecoder: 'positions',
  Python: 'user code has its own (test/layers/python.test.ts)',
};

describe.each(['wasm', 'cpu'])('gradients on %s', async backend => {
  const engine = await createEngine(backend);
  afterAll(() => engine.dispose());

  it.each(Object.entries(layers))('%s: as on the host', async (_, cases) => {
    const agree = async (c: Case, seed: number) => {
      const [theirs, ours] = [await all(host, c, seed), await all(engine, c, seed)];
      for (const [name, expected] of Object.entries(theirs)) {
        const error = greatestError(ours[name]!, expected);
        if (error > 1e-4) throw new Error(`${name} is off by ${error} in\n${c.layer}\n${JSON.stringify(c.shapes)}`);
      }
    };
    await fc.assert(fc.asyncProperty(cases, fc.integer({ min: 1, max: 1e6 }), agree), { numRuns: 2, seed: 7 });
  });
});

describe('every layer', () => {
  const types = [...layerTypes.values()].filter(t => t.bottoms.max > 0 && t.tops.max > 0);

  it('has its gradient checked here, or a reason why not', () => {
    const checked = new Set(
      Object.values(layers).flatMap(cases =>
        fc
          .sample(cases, { numRuns: 1, seed: 1 })
          .flatMap(c => [...c.layer.matchAll(/name: "l" type: "(\w+)"/g)].map(m => m[1])),
      ),
    );
    expect(types.map(t => t.type).filter(type => !checked.has(type) && !WITHOUT[type])).toEqual([]);
    expect(Object.keys(WITHOUT).filter(type => checked.has(type) || !layerTypes.has(type))).toEqual([]);
  });

  it('that has none passes none on', async () => {
    const of = (type: string, shapes: Shapes, body = '') => {
      const layer = `layer { name: "l" type: "${type}" ${Object.keys(shapes)
        .map(n => `bottom: "${n}"`)
        .join(' ')} top: "y" ${body} }`;
      const net = compiled(layer, shapes);
      const { graph } = lowerNet(net, { gradients: 'seeds', seeds: ['y'], blobDiffs: Object.keys(shapes), fetch: [] });
      return Object.keys(shapes).map(name => graph.outputs.get(`grad/blob/${name}`)!.node.op);
    };
    const none = ['broadcast', 'constant'];
    for (const ops of [
      of('Accuracy', { x: [2, 3], label: [2] }),
      of('ArgMax', { x: [2, 3] }),
      of('Threshold', { x: [2, 3] }),
      of('PriorBox', { x: [1, 1, 2, 2], image: [1, 3, 9, 9] }, 'prior_box_param { min_size: 3 }'),
      of(
        'DetectionOutput',
        { loc: [1, 4], conf: [1, 2], priors: [1, 2, 4] },
        'detection_output_param { num_classes: 2 }',
      ),
    ])
      for (const op of ops) expect(none).toContain(op);
  });
});
