/**
 * Convolutions and their gradients by the engine's own ways: in onnxruntime's blocks of channels, and filters' gradients over
 * padded pictures. Both against the plain loops, and both only where they are meant.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emitGraph } from '../../../src/emit/onnx/emit.js';
import { paysInBlocks } from '../../../src/emit/onnx/ops/blocked.js';
import { GraphWriter } from '../../../src/emit/onnx/writer.js';
import { createHostEngine, type Engine } from '../../../src/engines/node/index.js';
import { OnnxEngine } from '../../../src/engines/onnx/engine.js';
import { padForFilters } from '../../../src/engines/onnx/filter_step.js';
import { loadNative } from '../../../src/engines/onnx/node/native.js';
import type { OnnxRuntime } from '../../../src/engines/onnx/runtime.js';
import { blockOf } from '../../../src/engines/onnx/trials.js';
import { Builder, type Graph, type Shape, sizeOf, type Value } from '../../../src/ir/index.js';
import { Random } from '../../../src/random/index.js';

const native = loadNative() as OnnxRuntime;
const block = await blockOf(native);
const random = new Random(5);
const draw = (shape: Shape) => Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1));

let engine: OnnxEngine;
let host: Engine;
beforeAll(() => {
  engine = new OnnxEngine(native, 'onnx', 'cpu');
  host = createHostEngine();
});
afterAll(() => {
  engine.dispose();
  host.dispose();
});

async function expectEqual(graph: Graph, feeds: Record<string, Float32Array>): Promise<void> {
  const names = [...graph.outputs.keys()];
  const program = await engine.compile(graph);
  const expected = await (await host.compile(graph)).run(feeds, names);
  // Twice: arrays stay from run to run.
  for (let i = 0; i < 2; i++) {
    const got = await program.run(feeds, names);
    for (const name of names) {
      const [ours, theirs] = [got[name]!, expected[name]!];
      const scale = theirs.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
      const worst = theirs.reduce((m, v, k) => Math.max(m, Math.abs(v - ours[k]!)), 0);
      expect(worst / scale, name).toBeLessThan(3e-5);
    }
  }
  program.dispose();
}

/** The ops that a graph for the CPU is written in, without blocks. */
function opsOf(graph: Graph): readonly string[] {
  const w = new GraphWriter();
  const known = new Map<Value, string>();
  for (const { op, outputs } of graph.nodes)
    if (op === 'input' || op === 'variable') known.set(outputs[0]!, w.fresh('given'));
  emitGraph(w, graph.nodes, { known, wanted: [...graph.outputs.values()], onCpu: true });
  return w.finish('ops').node.map(n => n.op_type);
}

const plain = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 } as const;

describe("filters' gradients over padded pictures", () => {
  const cases: readonly [string, Shape, number, typeof plain | object, readonly [number, number]][] = [
    ['3×3', [3, 16, 80, 72], 8, {}, [3, 3]],
    ['one picture', [1, 32, 70, 110], 16, {}, [3, 3]],
    ['more outputs than channels', [2, 8, 130, 128], 24, {}, [3, 3]],
    ['another height than width, without padding', [2, 16, 84, 90], 8, { pad: [0, 0] }, [5, 2]],
    ['5×5 with holes', [2, 8, 80, 84], 8, { pad: [4, 2], dilation: [2, 1] }, [5, 5]],
    ['groups', [2, 32, 64, 66], 16, { groups: 2 }, [3, 3]],
    ['a filter a channel', [2, 40, 60, 62], 40, { groups: 40 }, [3, 3]],
    ['two filters a channel', [2, 40, 60, 62], 80, { groups: 40 }, [3, 3]],
    ['a padding larger than the filter reaches', [2, 16, 84, 84], 8, { pad: [3, 4] }, [3, 3]],
    ['strides', [2, 32, 128, 126], 8, { stride: [2, 2] }, [3, 3]],
    [
      'strides that leave rows over, of several pictures',
      [3, 24, 129, 131],
      24,
      { stride: [3, 3], pad: [0, 1] },
      [4, 5],
    ],
    ['strides and a filter a channel', [3, 120, 60, 62], 120, { groups: 120, stride: [2, 2] }, [3, 3]],
    [
      'strides down an axis that the filter does not overlap on',
      [4, 32, 128, 126],
      8,
      { stride: [2, 2], pad: [0, 1] },
      [2, 3],
    ],
  ];

  it.each(cases)('%s', async (_, shape, outputs, given, kernel) => {
    const geometry = { ...plain, ...given } as typeof plain;
    const b = new Builder();
    const x = b.input('x', shape);
    const w = b.variable('w', [outputs, shape[1]! / geometry.groups, ...kernel]);
    const dy = b.input('dy', b.conv2d(x, w, geometry).shape);
    // What lies behind the gradient: read by a later session, as where gradients are clipped.
    const dw = b.convFilterGrad(x, dy, { ...geometry, kernel });
    const graph = b.finish({ outputs: { dw, next: b.add(b.relu(dw), b.reduceMax(dw, [2, 3], true)) } });
    expect(padForFilters(graph.nodes).padded.size).toBe(1);
    await expectEqual(graph, { x: draw(shape), dy: draw(dy.shape) });
  });

  it('share what is padded alike, and have no numbers of another picture behind the last', async () => {
    const b = new Builder();
    const [x, dy, dz] = [b.input('x', [2, 16, 90, 90]), b.input('dy', [2, 8, 90, 90]), b.input('dz', [2, 24, 90, 90])];
    const graph = b.finish({
      outputs: {
        dw: b.convFilterGrad(x, dy, { ...plain, kernel: [3, 3] }),
        dv: b.convFilterGrad(b.relu(x), dz, { ...plain, kernel: [3, 3] }),
        du: b.convFilterGrad(x, dz, { ...plain, kernel: [3, 3] }),
      },
    });
    const { nodes, padded } = padForFilters(graph.nodes);
    expect([padded.size, nodes.filter(n => n.op === 'pad').length]).toEqual([3, 4]);
    await expectEqual(graph, { x: draw(x.shape), dy: draw(dy.shape), dz: draw(dz.shape) });
  });

  it.each<[string, Shape, number, object, readonly [number, number]]>([
    ['with other strides down than across', [2, 16, 128, 128], 8, { stride: [2, 1] }, [3, 3]],
    ['with strides and holes', [2, 16, 128, 128], 8, { stride: [2, 2], dilation: [2, 2] }, [3, 3]],
    ['of windows side by side', [2, 16, 128, 128], 8, { stride: [2, 2], pad: [0, 0] }, [2, 2]],
    ['of one tap', [2, 64, 128, 128], 64, { pad: [0, 0] }, [1, 1]],
    ['of few channels', [4, 3, 128, 128], 64, {}, [3, 3]],
    ['of few places', [1, 512, 14, 14], 512, {}, [3, 3]],
    ['of many taps', [1, 16, 64, 64], 16, { pad: [3, 3] }, [7, 7]],
  ])('%s are not among them', async (_, shape, outputs, given, kernel) => {
    const geometry = { ...plain, ...given } as typeof plain;
    const b = new Builder();
    const x = b.input('x', shape);
    const y = b.conv2d(x, b.variable('w', [outputs, shape[1]!, ...kernel]), geometry);
    const dw = b.convFilterGrad(x, b.input('dy', y.shape), { ...geometry, kernel });
    expect(padForFilters(b.finish({ outputs: { dw } }).nodes).padded.size).toBe(0);
  });

  it('of plain products are summed over the pictures', async () => {
    const b = new Builder();
    const [x, dy] = [b.input('x', [3, 24, 20, 22]), b.input('dy', [3, 10, 20, 22])];
    const dw = b.convFilterGrad(x, dy, { ...plain, pad: [0, 0], kernel: [1, 1] });
    await expectEqual(b.finish({ outputs: { dw } }), { x: draw(x.shape), dy: draw(dy.shape) });
  });
});

describe("filters' gradients otherwise", () => {
  it.each<[string, Shape, number, object, readonly [number, number], readonly string[]]>([
    ['windows side by side', [3, 5, 24, 30], 7, { stride: [2, 2], pad: [0, 0] }, [2, 2], ['SpaceToDepth', 'MatMul']],
    [
      'the same, of one picture',
      [1, 4, 27, 33],
      6,
      { stride: [3, 3], pad: [0, 0] },
      [3, 3],
      ['SpaceToDepth', 'MatMul'],
    ],
    [
      'windows side by side that leave a row over',
      [2, 5, 25, 30],
      7,
      { stride: [2, 2], pad: [0, 0] },
      [2, 2],
      ['Gemm'],
    ],
    ['windows side by side of another height', [2, 5, 24, 30], 7, { stride: [2, 3], pad: [0, 0] }, [2, 3], ['Gemm']],
    ['windows side by side of few places', [2, 40, 8, 8], 60, { stride: [2, 2], pad: [0, 0] }, [2, 2], ['Gemm']],
    ['with strides', [2, 3, 41, 37], 8, { stride: [2, 2] }, [5, 3], ['SpaceToDepth', 'Gemm']],
    [
      'with strides, of one picture',
      [1, 3, 41, 37],
      8,
      { stride: [4, 4], pad: [0, 0] },
      [11, 11],
      ['SpaceToDepth', 'Gemm'],
    ],
    ['with other strides down than across', [2, 3, 41, 37], 8, { stride: [2, 1] }, [5, 3], ['Gemm']],
    ['with strides in groups', [2, 6, 21, 17], 8, { stride: [2, 2], groups: 2 }, [3, 3], ['MatMul']],
    ['of one tap and many places', [3, 8, 20, 20], 6, { pad: [0, 0] }, [1, 1], ['MatMul']],
    ['of one tap and few places', [3, 60, 3, 4], 50, { pad: [0, 0] }, [1, 1], ['Gemm']],
  ])('%s', async (_, shape, outputs, given, kernel, ops) => {
    const geometry = { ...plain, ...given } as typeof plain;
    const b = new Builder();
    const [x, w] = [b.input('x', shape), b.variable('w', [outputs, shape[1]! / geometry.groups, ...kernel])];
    const dy = b.input('dy', b.conv2d(x, w, geometry).shape);
    const graph = b.finish({ outputs: { dw: b.convFilterGrad(x, dy, { ...geometry, kernel }) } });
    expect(opsOf(graph)).toEqual(expect.arrayContaining([...ops]));
    expect(opsOf(graph).includes('SpaceToDepth')).toBe(ops.includes('SpaceToDepth'));
    await expectEqual(graph, { x: draw(shape), dy: draw(dy.shape) });
  });
});

describe('gradients to the input by a convolution', () => {
  it.each<[string, Shape, Shape, object, string]>([
    ['of one tap', [2, 6, 20, 21], [6, 9, 1, 1], { pad: [0, 0] }, 'Conv'],
    ['of one tap and few places', [2, 6, 5, 5], [6, 9, 1, 1], { pad: [0, 0] }, 'ConvTranspose'],
    ['of several', [2, 6, 9, 10], [6, 5, 3, 2], { pad: [1, 1] }, 'Conv'],
    ['of several in groups', [2, 6, 9, 10], [6, 5, 3, 2], { pad: [1, 1], groups: 3 }, 'Conv'],
    ['of more outputs than places pay for', [1, 60, 9, 10], [60, 5, 3, 3], {}, 'ConvTranspose'],
  ])('%s', async (_, dyShape, filter, given, op) => {
    const geometry = { ...plain, ...given } as typeof plain;
    const [, , h, v] = dyShape as [number, number, number, number];
    const inputSize = [h - 1 + filter[2]! - 2 * geometry.pad[0], v - 1 + filter[3]! - 2 * geometry.pad[1]] as const;
    const b = new Builder();
    const dx = b.convInputGrad(b.input('dy', dyShape), b.variable('v', filter), { ...geometry, inputSize });
    const graph = b.finish({ outputs: { dx } });
    expect(opsOf(graph)).toContain(op);
    const values = draw(filter);
    for (const e of [engine, host]) e.write('v', values, filter);
    await expectEqual(graph, { dy: draw(dyShape) });
  });
});

it('ReLU’s gradient takes one pass to find where it was positive, of the least numbers too', async () => {
  const b = new Builder();
  const [x, dy] = [b.input('x', [2, 6]), b.input('dy', [2, 6])];
  const y = b.relu(x);
  const graph = b.finish({ outputs: { y, dx: b.select(b.greater(y, 0), dy, 0) } });
  expect(opsOf(graph)).toEqual(['Relu', 'HardSigmoid', 'Mul']);
  const least = 1.1754944e-38;
  const numbers = Float32Array.of(least, -least, 0, -0, 3e38, -3e38, 1, -1, 4, 1e-30, -1e-30, 2);
  await expectEqual(graph, { x: numbers, dy: draw([2, 6]) });
});

describe.skipIf(block === undefined)('in blocks of channels', () => {
  const wide = 2 * (block ?? 16);
  const cases: readonly [string, Shape, Shape, object][] = [
    ['3×3', [2, wide, 64, 66], [wide, wide, 3, 3], {}],
    ['of as few channels as a picture has', [1, 3, 130, 131], [wide, 3, 5, 5], { pad: [2, 2], stride: [2, 2] }],
    ['with strides and without padding', [2, wide, 131, 130], [2 * wide, wide, 3, 3], { stride: [2, 2], pad: [0, 0] }],
    ['with holes', [1, wide, 90, 90], [wide, wide, 3, 3], { dilation: [2, 3], pad: [2, 3] }],
    ['in groups', [1, 2 * wide, 80, 80], [2 * wide, wide, 3, 3], { groups: 2 }],
    ['a filter a channel', [2, 3 * wide, 41, 40], [3 * wide, 1, 3, 3], { groups: 3 * wide }],
    ['the same with strides', [2, wide, 41, 40], [wide, 1, 5, 3], { groups: wide, stride: [2, 2], pad: [2, 1] }],
    ['3×1', [2, wide, 64, 64], [2 * wide, wide, 3, 1], { pad: [1, 0] }],
    ['more channels on small planes', [2, 192, 20, 20], [192, 192, 3, 3], {}],
  ];

  it.each(cases)('%s, with a bias', async (_, shape, filter, given) => {
    const geometry = { ...plain, ...given } as typeof plain;
    const b = new Builder();
    const x = b.input('x', shape);
    const [w, bias] = [b.variable('w', filter), b.variable('bias', [filter[0]!])];
    const y = b.conv2d(x, w, geometry);
    expect(paysInBlocks(block, shape, filter, y.shape, geometry.groups)).toBe(true);
    const graph = b.finish({ outputs: { y: b.add(y, b.reshape(bias, [1, filter[0]!, 1, 1])) } });
    const values = { w: draw(filter), bias: draw([filter[0]!]) };
    for (const e of [engine, host]) {
      e.write('w', values.w, filter);
      e.write('bias', values.bias, [filter[0]!]);
    }
    await expectEqual(graph, { x: draw(shape) });
  });

  it.each<[string, Shape, Shape, object]>([
    ['3×3', [2, wide, 64, 66], [wide, 2 * wide, 3, 3], {}],
    ['of an even filter', [2, wide, 64, 66], [wide, wide, 4, 2], { pad: [1, 0] }],
    ['of few outputs', [2, 2, 64, 66], [2, wide, 3, 3], {}],
    ['a filter a channel', [2, wide, 44, 46], [wide, 1, 3, 3], { groups: wide }],
    ['with holes', [1, wide, 90, 90], [wide, wide, 3, 3], { dilation: [2, 2], pad: [2, 2] }],
    ['more channels on small planes', [2, 192, 20, 20], [192, 160, 3, 3], {}],
  ])('gradients to the input, %s', async (_, dyShape, filter, given) => {
    const geometry = { ...plain, ...given } as typeof plain;
    const [, , h, v] = dyShape as [number, number, number, number];
    const at = (i: 0 | 1, size: number) =>
      size - 1 + geometry.dilation[i] * (filter[i + 2]! - 1) + 1 - 2 * geometry.pad[i];
    const inputSize = [at(0, h), at(1, v)] as const;
    const b = new Builder();
    const dx: Value = b.convInputGrad(b.input('dy', dyShape), b.variable('v', filter), { ...geometry, inputSize });
    const [o, c, kh, kw] = filter as [number, number, number, number];
    const turned = geometry.groups === 1 ? [c, o, kh, kw] : filter;
    expect(paysInBlocks(block, dyShape, turned, dx.shape, geometry.groups)).toBe(true);
    const values = draw(filter);
    for (const e of [engine, host]) e.write('v', values, filter);
    await expectEqual(b.finish({ outputs: { dx } }), { dy: draw(dyShape) });
  });

  it('not where channels fill no block, few places are computed, or products are as fast', () => {
    const odd = wide + 1;
    expect(paysInBlocks(block, [2, odd, 64, 64], [wide, odd, 3, 3], [2, wide, 64, 64], 1)).toBe(false);
    expect(paysInBlocks(block, [2, wide, 64, 64], [odd, wide, 3, 3], [2, odd, 64, 64], 1)).toBe(false);
    expect(paysInBlocks(block, [1, wide, 20, 20], [wide, wide, 3, 3], [1, wide, 20, 20], 1)).toBe(false);
    expect(paysInBlocks(block, [1, 512, 90, 90], [512, 512, 3, 3], [1, 512, 90, 90], 1)).toBe(false);
    expect(paysInBlocks(block, [2, wide, 64, 64], [wide, wide, 1, 1], [2, wide, 64, 64], 1)).toBe(false);
    expect(paysInBlocks(block, [1, 256, 40, 40], [256, 256, 3, 3], [1, 256, 40, 40], 1)).toBe(false);
    expect(paysInBlocks(undefined, [2, wide, 64, 64], [wide, wide, 3, 3], [2, wide, 64, 64], 1)).toBe(false);
  });
});

it('filters’ gradients are unfolded where padded pictures would be too much for the memory', async () => {
  const b = new Builder();
  const [x, dy] = [b.input('x', [3, 16, 80, 72]), b.input('dy', [3, 8, 80, 72])];
  // One after the other: unfolding one at a time takes less than padding for all.
  let w = b.convFilterGrad(x, dy, { ...plain, kernel: [3, 3] });
  const outputs: Record<string, Value> = { w };
  for (let i = 0; i < 40; i++) {
    const z = b.mul(x, b.sum(w));
    w = b.convFilterGrad(z, b.mul(dy, i), { ...plain, kernel: [3, 3] });
    outputs[`w${i}`] = w;
  }
  const graph = b.finish({ outputs });
  const names = [...graph.outputs.keys()];
  const peakWith = async (memory: number) => {
    const small = new OnnxEngine({ ...native, tensor: native.tensor, memory }, 'onnx', 'cpu');
    const program = await small.compile(graph);
    (program as { prepare?(names: readonly string[]): void }).prepare?.(names);
    const bytes = program.peakBytes;
    program.dispose();
    small.dispose();
    return bytes!;
  };
  const padded = await peakWith(2 ** 33);
  const unfolded = await peakWith(padded - 1);
  expect(unfolded).toBeLessThan(padded);
});
