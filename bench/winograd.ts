/**
 * Winograd's F(2×2, 3×3) in onnxruntime's ops against its convolution: npx jiti bench/winograd.ts. Sixteen batched products,
 * with transforms by slices and sums; one picture, pad 1. The filter's own transform is made before. Least of 15, milliseconds.
 */

import { GraphWriter } from '../src/emit/onnx/writer.js';
import { loadNative } from '../src/engines/onnx/node/native.js';
import { type OnnxRuntime, Session } from '../src/engines/onnx/runtime.js';
import { sizeOf } from '../src/ir/index.js';
import { numbers, timed } from './timed.js';

const found = loadNative();
if (typeof found === 'string') throw new Error(found);
const native: OnnxRuntime = found;

/** Channels in and out, and the side of the plane. */
const CASES = [
  [64, 252],
  [256, 56],
  [512, 28],
] as const;

/** G of "Fast Algorithms for Convolutional Neural Networks" (Lavin and Gray, 2015): the filter's transform is G g Gᵀ. */
const G = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
] as const;

/** [C, C, 3, 3] → [16, C, C]. */
function transformed(filter: Float32Array, channels: number): Float32Array {
  const out = new Float32Array(16 * channels * channels);
  for (let oc = 0; oc < channels * channels; oc++)
    G.forEach((row, i) => {
      G.forEach((column, j) => {
        let sum = 0;
        for (let a = 0; a < 3; a++)
          for (let b = 0; b < 3; b++) sum += row[a]! * filter[9 * oc + 3 * a + b]! * column[b]!;
        out[(4 * i + j) * channels * channels + oc] = sum;
      });
    });
  return out;
}

/** The tiles of 4×4 places, two apart, as Bᵀ d B: [16, C, tiles]. */
function tiles(w: GraphWriter, channels: number, side: number): string {
  const half = side / 2;
  const padded = w.op('Pad', ['x', w.ints([0, 0, 1, 1, 0, 0, 1, 1]), w.scalar(0)]);
  const every = (name: string, axis: number) =>
    [0, 1, 2, 3].map(at => w.op('Slice', [name, w.ints([at]), w.ints([at + side - 1]), w.ints([axis]), w.ints([2])]));
  const combined = ([a, b, c, d]: readonly string[]) => [
    w.op('Sub', [a!, c!]),
    w.op('Add', [b!, c!]),
    w.op('Sub', [c!, b!]),
    w.op('Sub', [b!, d!]),
  ];
  const parts = combined(every(padded, 2)).flatMap(rows => combined(every(rows, 3)));
  return w.op(
    'Concat',
    parts.map(p => w.op('Reshape', [p, w.ints([1, channels, half * half])])),
    { attrs: { axis: 0 } },
  );
}

/** Aᵀ m A of the sixteen products, put together to the picture. */
function picture(w: GraphWriter, products: string, channels: number, side: number): string {
  const half = side / 2;
  const split = (name: string, axis: number) =>
    w.node('Split', [name], { outputs: 4, attrs: { axis, num_outputs: 4 } });
  const folded = ([a, b, c, d]: readonly string[]) => [
    w.op('Sum', [a!, b!, c!]),
    w.op('Sub', [w.op('Sub', [b!, c!]), d!]),
  ];
  const rows = folded(split(w.op('Reshape', [products, w.ints([4, 4, channels, half * half])]), 0));
  const parts = rows.flatMap(row => folded(split(row, 1)));
  const stacked = w.op(
    'Concat',
    parts.map(p => w.op('Reshape', [p, w.ints([1, channels, half, half])])),
    { attrs: { axis: 1 } },
  );
  return w.op('DepthToSpace', [stacked], { attrs: { blocksize: 2, mode: 'DCR' } });
}

console.log('| channels in and out, plane | convolution | input’s transform alone | whole | greatest difference |');
console.log('|---|---|---|---|---|');
for (const [channels, side] of CASES) {
  const shape = [1, channels, side, side];
  const [x, f] = [numbers(sizeOf(shape)), numbers(9 * channels * channels)];
  const inputs = new Map([
    ['x', { data: x, dims: shape }],
    ['f', { data: f, dims: [channels, channels, 3, 3] }],
    ['u', { data: transformed(f, channels), dims: [16, channels, channels] }],
  ]);
  const run = async (dims: readonly number[], build: (w: GraphWriter) => string) => {
    const w = new GraphWriter();
    for (const name of [...inputs.keys(), 'y']) w.reserve(name);
    for (const [name, { dims: own }] of inputs) w.addInput(name, own);
    w.addOutput('y', build(w), dims);
    const session = await Session.create(native, w, { provider: 'cpu' });
    const y = new Float32Array(sizeOf(dims));
    const { least } = await timed(() => session.run(inputs, new Map([['y', { data: y, dims }]])));
    await session.dispose();
    return { y, least: least.toFixed(1) };
  };
  const attrs = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const plain = await run(shape, w => w.op('Conv', ['x', 'f'], { attrs }));
  const alone = await run([16, channels, (side / 2) ** 2], w => tiles(w, channels, side));
  const whole = await run(shape, w => picture(w, w.op('MatMul', ['u', tiles(w, channels, side)]), channels, side));
  const greatest = plain.y.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const worst = plain.y.reduce((m, v, i) => Math.max(m, Math.abs(v - whole.y[i]!)), 0);
  const off = (worst / greatest).toExponential(0);
  console.log(`| ${channels}, ${side}² | ${plain.least} | ${alone.least} | ${whole.least} | ${off} |`);
}
process.exit(0);
