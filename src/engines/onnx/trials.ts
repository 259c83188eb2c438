/** What a device is asked before it is used: whether it computes correctly, how large its arrays may be, how fast it is. */

import { firstLine } from '../../diagnostics/index.js';
import { BLOCKED, BLOCKS, blockedConv, blockedFilter } from '../../emit/onnx/ops/blocked.js';
import { GraphWriter } from '../../emit/onnx/writer.js';
import { sizeOf } from '../../ir/shape.js';
import { type OnnxRuntime, Session, type SessionOptions } from './runtime.js';

type Provider = SessionOptions['provider'];

/**
 * Channels in a block of the layout that the CPU kernels of onnxruntime take (emit/onnx/ops/blocked.ts): the width with which
 * they compute what its usual convolution does. Undefined where they have no such layout.
 */
export async function blockOf(runtime: OnnxRuntime): Promise<number | undefined> {
  const geometry = { stride: [1, 1], dilation: [1, 1], groups: 1 } as const;
  const [shape, filterShape] = [
    [1, 32, 3, 5],
    [32, 32, 3, 3],
  ] as const;
  const [x, filter] = [shape, filterShape].map((dims, seed) =>
    Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(7 * i + seed)),
  ) as [Float32Array, Float32Array];
  const run = async (build: (w: GraphWriter) => string): Promise<Float32Array> => {
    const w = new GraphWriter();
    for (const name of ['x', 'w', 'y']) w.reserve(name);
    w.addInput('x', shape);
    w.addInput('w', filterShape);
    w.addOutput('y', build(w), shape);
    const session = await Session.create(runtime, w, { provider: 'cpu', domains: [BLOCKED] });
    const y = new Float32Array(x.length);
    const fed = new Map([
      ['x', { data: x, dims: shape }],
      ['w', { data: filter, dims: filterShape }],
    ]);
    await session.run(fed, new Map([['y', { data: y, dims: shape }]]));
    await session.dispose();
    return y;
  };
  try {
    const attrs = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
    const expected = await run(w => w.op('Conv', ['x', 'w'], { attrs }));
    for (const block of BLOCKS) {
      const got = await run(w => {
        const laid = blockedFilter(w, block, { name: 'w', shape: filterShape });
        const [channels, outputs, kernel] = [shape[1], filterShape[0], filterShape.slice(2)];
        return blockedConv(w, block, { x: 'x', channels, filter: laid, kernel, outputs, pads: [1, 1], geometry });
      });
      if (got.every((v, i) => Math.abs(v - expected[i]!) < 1e-3)) return block;
    }
  } catch {
    // A build without these ops: its usual convolution does.
  }
  return undefined;
}

/** A graph that makes one number of one, `x`; `build` names the result. */
async function trial(
  runtime: OnnxRuntime,
  provider: Provider,
  x: number,
  build: (w: GraphWriter) => string,
): Promise<{ readonly run: () => Promise<number>; readonly dispose: () => Promise<void> }> {
  const w = new GraphWriter();
  for (const name of ['x', 'y']) w.reserve(name);
  w.addInput('x', [1]);
  w.addOutput('y', build(w), [1]);
  const session = await Session.create(runtime, w, { provider });
  const run = async () => {
    const y = new Float32Array(1);
    const bound = (data: Float32Array) => ({ data, dims: [1] });
    await session.run(new Map([['x', bound(Float32Array.of(x))]]), new Map([['y', bound(y)]]));
    return y[0]!;
  };
  return { run, dispose: () => session.dispose() };
}

/** Why a device cannot be used; undefined where it can. */
export async function failureOf(runtime: OnnxRuntime, provider: Provider): Promise<string | undefined> {
  try {
    const { run, dispose } = await trial(runtime, provider, 3, w => w.op('Add', ['x', 'x']));
    const y = await run();
    await dispose();
    return y === 6 ? undefined : `it says that 3 + 3 is ${y}`;
  } catch (e) {
    return firstLine(e).replace(/^.*false\. /, '');
  }
}

/** 8 GiB: more than nearly any device lets one buffer have. */
const ENORMOUS = 2 ** 33;

/** What every WebGPU device can bind: 128 MiB. */
const WEBGPU_LEAST = 2 ** 27;

/**
 * Most bytes of one array on WebGPU. The library does not tell, but its refusal of an array that is too large does, and
 * takes no memory. A device may bind less at once than one buffer holds: a run that meets that is refused (runtime.ts).
 */
export async function largestOf(runtime: OnnxRuntime, provider: Provider): Promise<number> {
  const { run, dispose } = await trial(runtime, provider, 1, w => {
    const enormous = w.op('Expand', ['x', w.ints([ENORMOUS / 4096, 1024])]);
    return w.op('Reshape', [w.op('ReduceMax', [enormous, w.ints([0, 1])]), w.ints([1])]);
  });
  // The first refusal may be the driver's, and speak of no limit.
  const refusals = [];
  for (let i = 0; i < 2; i++) refusals.push(await run().catch((e: Error) => e.message));
  await dispose();
  const [, limit] = /max buffer size limit \((\d+)\)/.exec(refusals.join()) ?? [];
  if (limit !== undefined) return Number(limit);
  return typeof refusals[0] === 'number' ? ENORMOUS : WEBGPU_LEAST;
}

/** Orders of the matrices that are multiplied to see how fast a device is, and below what speed the larger is spared. */
const ORDERS = [256, 1024] as const;
const SLOW = 10;

/** Thousand millions of operations a second in products of matrices that are on the device already. */
export async function speedOf(runtime: OnnxRuntime, provider: Provider): Promise<number> {
  const speed = await speedAt(runtime, provider, ORDERS[0]);
  return speed < SLOW ? speed : speedAt(runtime, provider, ORDERS[1]);
}

/** The better of two runs after one that warms up. */
async function speedAt(runtime: OnnxRuntime, provider: Provider, order: number): Promise<number> {
  // A matrix of nothing but 1/n is its own square.
  const { run, dispose } = await trial(runtime, provider, 1 / order, w => {
    const matrix = w.op('Expand', ['x', w.ints([order, order])]);
    const square = w.op('MatMul', [w.op('MatMul', [matrix, matrix]), matrix]);
    return w.op('Reshape', [w.op('ReduceMax', [square, w.ints([0, 1])]), w.ints([1])]);
  });
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await run();
    if (i > 0) best = Math.min(best, performance.now() - start);
  }
  await dispose();
  return (4 * order ** 3) / best / 1e6;
}
