/**
 * 3×3 convolutions as training has them, one at a time, on onnxruntime: npx jiti bench/convolutions.ts. The gradient to the
 * filter by unfolding the picture (as where memory is short) and over padded pictures; the convolution with onnxruntime's
 * usual layout and in blocks of channels. Least of 15, milliseconds.
 */

import { emitGraph } from '../src/emit/onnx/emit.js';
import { BLOCKED } from '../src/emit/onnx/ops/blocked.js';
import { GraphWriter } from '../src/emit/onnx/writer.js';
import { OnnxEngine } from '../src/engines/onnx/engine.js';
import { loadNative } from '../src/engines/onnx/node/native.js';
import { type OnnxRuntime, Session } from '../src/engines/onnx/runtime.js';
import { blockOf } from '../src/engines/onnx/trials.js';
import { Builder, type Graph, sizeOf, type Value } from '../src/ir/index.js';
import { numbers, timed } from './timed.js';

const native = loadNative();
if (typeof native === 'string') throw new Error(native);

/** Outputs, channels, side of the plane, pictures. */
const CASES = [
  [16, 32, 144, 8],
  [16, 16, 144, 8],
  [32, 64, 72, 8],
  [64, 128, 36, 8],
  [64, 64, 252, 1],
  [128, 128, 18, 8],
  [256, 256, 28, 1],
] as const;

const geometry = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 } as const;

const inputsOf = (graph: Graph) => graph.nodes.flatMap(n => (n.op === 'input' ? [n.outputs[0]] : []));

const nameOf = (v: Value) => (v.node.op === 'input' ? v.node.attrs.name : '');

/** As one session, with blocks of so many channels or without. */
async function asSession(runtime: OnnxRuntime, graph: Graph, block?: number): Promise<string> {
  const w = new GraphWriter();
  const inputs = inputsOf(graph);
  for (const name of [...inputs.map(nameOf), 'result']) w.reserve(name);
  for (const v of inputs) w.addInput(nameOf(v), v.shape);
  const [wanted] = [...graph.outputs.values()] as [Value];
  const known = new Map(inputs.map(v => [v, nameOf(v)]));
  w.addOutput('result', emitGraph(w, graph.nodes, { known, wanted: [wanted], block })(wanted), wanted.shape);
  const session = await Session.create(runtime, w, { provider: 'cpu', domains: block === undefined ? [] : [BLOCKED] });
  const bound = (v: Value) => ({ data: numbers(sizeOf(v.shape)), dims: v.shape });
  const fed = new Map(inputs.map(v => [nameOf(v), bound(v)]));
  const results = new Map([['result', bound(wanted)]]);
  const { least } = await timed(() => session.run(fed, results));
  await session.dispose();
  return least.toFixed(1);
}

async function byEngine(runtime: OnnxRuntime, graph: Graph): Promise<string> {
  const engine = new OnnxEngine(runtime, 'onnx', 'cpu');
  const program = await engine.compile(graph);
  const feeds = Object.fromEntries(inputsOf(graph).map(v => [nameOf(v), numbers(sizeOf(v.shape))]));
  const { least } = await timed(() => program.run(feeds, [...graph.outputs.keys()]));
  program.dispose();
  engine.dispose();
  return least.toFixed(1);
}

const block = await blockOf(native);
console.log('| outputs, channels, plane | gradient, unfolded | gradient, padded | convolution | in blocks |');
console.log('|---|---|---|---|---|');
for (const [o, c, side, n] of CASES) {
  const g = new Builder();
  const [x, dy] = [g.input('x', [n, c, side, side]), g.input('dy', [n, o, side, side])];
  const gradient = g.finish({ outputs: { dw: g.convFilterGrad(x, dy, { ...geometry, kernel: [3, 3] }) } });
  const f = new Builder();
  const y = f.conv2d(f.input('x', [n, c, side, side]), f.input('w', [o, c, 3, 3]), geometry);
  const forward = f.finish({ outputs: { y } });
  const cells = [
    await asSession(native, gradient),
    await byEngine(native, gradient),
    await asSession(native, forward),
    await asSession(native, forward, block),
  ];
  console.log(`| ${o}, ${c}, ${n}×${side}² | ${cells.join(' | ')} |`);
}
process.exit(0);
