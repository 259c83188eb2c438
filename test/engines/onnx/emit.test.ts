/** The exported file computes what the host engine computes, for every op, pattern and batch size. */

import { describe, expect, it } from 'vitest';
import type { Parameters } from '../../../src/emit/constants.js';
import { emitGeneralOnnx } from '../../../src/emit/onnx/index.js';
import { createHostEngine } from '../../../src/engines/node/index.js';
import { Builder, type Graph, type Shape, sizeOf, type Value } from '../../../src/ir/index.js';
import { GeneralGraph } from '../../../src/ir/passes/generalise.js';
import { Random } from '../../../src/random/index.js';
import { runModel } from './run.js';

type Build = (b: Builder, inputs: readonly Value[]) => Record<string, Value>;

function graphOf(shapes: readonly Shape[], build: Build): Graph {
  const b = new Builder();
  return b.finish({
    outputs: build(
      b,
      shapes.map((s, i) => b.input(`x${i}`, s)),
    ),
  });
}

/** The model of a graph, or of the same one at several sizes. */
function modelOf(graphs: readonly [Graph, ...Graph[]], parameters: Parameters = () => new Float32Array(0)): Uint8Array {
  return emitGeneralOnnx(new GeneralGraph(graphs), parameters, { name: 'test' }).bytes;
}

async function compare(shapes: readonly Shape[], build: Build, model?: Uint8Array): Promise<void> {
  const random = new Random(3);
  const graph = graphOf(shapes, build);
  const data = shapes.map(s => Float32Array.from({ length: sizeOf(s) }, () => random.uniform(-1, 1)));
  const names = [...graph.outputs.keys()];
  const program = await createHostEngine().compile(graph);
  const expected = await program.run(Object.fromEntries(data.map((d, i) => [`x${i}`, d])), names);
  const bytes = model ?? modelOf([graph]);
  const got = await runModel(bytes, Object.fromEntries(data.map((d, i) => [`x${i}`, { data: d, shape: shapes[i]! }])));
  for (const name of names) {
    expect(got[name]!.shape, name).toEqual(graph.outputs.get(name)!.shape);
    const scale = Math.max(1e-3, ...expected[name]!.map(Math.abs));
    got[name]!.data.forEach((v, i) => {
      expect(Math.abs(v - expected[name]![i]!) / scale, `${name}[${i}]`).toBeLessThan(2e-5);
    });
  }
}

const conv = { stride: [2, 1], pad: [1, 2], dilation: [1, 2], groups: 2 } as const;

describe('an exported model computes', () => {
  it('every elementwise op', () =>
    compare([[2, 3, 4], [3, 1], [4]], (b, [x, y, z]) => ({
      neg: b.neg(x!),
      abs: b.abs(x!),
      sign: b.sign(x!),
      exp: b.exp(x!),
      log: b.log(b.abs(x!)),
      sqrt: b.sqrt(b.abs(x!)),
      tanh: b.tanh(x!),
      sigmoid: b.sigmoid(x!),
      floor: b.floor(b.mul(x!, 5)),
      relu: b.relu(x!),
      leaky: b.relu(x!, 0.2),
      cube: b.power(x!, 3),
      root: b.power(b.abs(x!), -0.75),
      odd: b.power(b.abs(x!), 1.3),
      add: b.add(x!, y!),
      sub: b.sub(y!, z!),
      mul: b.mul(x!, z!),
      div: b.div(x!, b.add(b.abs(y!), 1)),
      max: b.max(x!, y!),
      min: b.min(x!, y!),
      greater: b.greater(x!, y!),
      greaterEqual: b.mul(b.greaterEqual(x!, y!), 3),
      equal: b.equal(b.floor(x!), b.floor(y!)),
      select: b.select(b.greater(x!, y!), x!, z!),
      selectByNumber: b.select(b.floor(x!), y!, 7),
    })));

  it('reductions and moves', () =>
    compare([[2, 5, 3, 4]], (b, [x]) => ({
      sum: b.sum(x!, [1, 3]),
      kept: b.sum(x!, [2], true),
      all: b.sum(x!),
      max: b.reduceMax(x!, [1], true),
      argMax: b.argMax(x!, 1),
      hot: b.oneHot(b.argMax(x!, 1), 1, 4),
      window: b.windowSum(x!, 1, 3),
      inner: b.windowSum(x!, 3, 5),
      transpose: b.transpose(x!, [2, 0, 3, 1]),
      reshape: b.reshape(x!, [10, 12]),
      broadcast: b.broadcast(b.reshape(b.slice(x!, [0, 0, 0, 0], [2, 5, 3, 1]), [2, 5, 3, 1]), [2, 5, 3, 6]),
      concat: b.concat([x!, x!], 2),
      slice: b.slice(x!, [0, 1, 1, 0], [2, 3, 2, 4]),
      pad: b.pad(x!, [0, 1, 0, 2], [0, 0, 3, 0], 2),
      same: x!,
      constant: b.constant(Float32Array.of(1, 2), [2]),
    })));

  it('products', () =>
    compare([[3, 4], [4, 5], [5, 4], [2, 3, 4], [2, 5, 4], [5]], (b, [x, y, z, p, q, bias]) => ({
      plain: b.matMul(x!, y!),
      turned: b.matMul(x!, z!, { transposeB: true }),
      both: b.matMul(y!, x!, { transposeA: true, transposeB: true }),
      batch: b.matMul(p!, q!, { transposeB: true }),
      biased: b.add(b.matMul(x!, y!), bias!),
    })));

  it('convolutions, their gradients and biases', () =>
    compare([[2, 4, 5, 6], [2, 2, 3, 2], [2, 2, 3, 7], [4]], (b, [x, w, dy, bias]) => ({
      y: b.conv2d(x!, w!, conv),
      dx: b.convInputGrad(dy!, w!, { ...conv, inputSize: [6, 5] }),
      dw: b.convFilterGrad(b.slice(x!, [0, 0, 0, 0], [2, 4, 5, 5]), dy!, { ...conv, kernel: [3, 2] }),
      biased: b.add(b.convInputGrad(dy!, w!, { ...conv, inputSize: [5, 5] }), b.reshape(bias!, [1, 4, 1, 1])),
    })));

  it('pooling by the ceil rule', () =>
    compare([[2, 3, 7, 6]], (b, [x]) => {
      const geometry = { kernel: [3, 2], stride: [2, 2], pad: [1, 0], outSize: [4, 3] } as const;
      const [y, indices] = b.maxPool(x!, geometry);
      return {
        y,
        indices,
        dx: b.maxPoolGrad(b.mul(y, y), indices, { inputSize: [7, 6] }),
        mean: b.avePool(x!, geometry),
        dmean: b.avePoolGrad(y, { ...geometry, inputSize: [7, 6] }),
      };
    }));

  it('softmax and response normalisation, each as one op', async () => {
    const build: Build = (b, [x]) => {
      const e = b.exp(b.sub(x!, b.stopGradient(b.reduceMax(x!, [1], true))));
      const strength = b.add(b.mul(b.windowSum(b.mul(x!, x!), 1, 5), 0.3 / 5), 2);
      return { shares: b.div(e, b.sum(e, [1], true)), normal: b.mul(x!, b.power(strength, -0.75)) };
    };
    await compare([[2, 7, 3, 4]], build);
    const text = Buffer.from(modelOf([graphOf([[2, 7, 3, 4]], build)])).toString('latin1');
    expect(text).toContain('Softmax');
    expect(text).toContain('LRN');
    expect(text).not.toContain('Exp');
    expect(text).not.toContain('AveragePool');
  });
});

describe('weights', () => {
  it('are initializers under their keys, what is made of them alone computed beforehand', async () => {
    const b = new Builder();
    const scale = b.exp(b.variable('fc/0', [2]));
    const y = b.add(b.mul(b.input('x', [2]), scale), b.variable('fc/1', [2]));
    const weights: Record<string, Float32Array> = { 'fc/0': Float32Array.of(0, 1), 'fc/1': Float32Array.of(1, 2) };
    const bytes = modelOf([b.finish({ outputs: { y } })], key => weights[key]!);
    const { y: got } = await runModel(bytes, { x: { shape: [2], data: Float32Array.of(10, 20) } });
    expect(got!.data[0]).toBe(11);
    expect(got!.data[1]).toBeCloseTo(20 * Math.E + 2, 4);
    const text = Buffer.from(bytes).toString('latin1');
    expect(text).toContain('fc/1');
    expect(text).not.toContain('Exp');
  });
});

describe('an open batch', () => {
  const build: Build = (b, [x]) => {
    const [n] = x!.shape;
    const pooled = b.maxPool(x!, { kernel: [2, 2], stride: [2, 2], pad: [0, 0], outSize: [2, 3] })[0];
    const flat = b.reshape(pooled, [n!, 18]);
    const w = b.constant(new Float32Array(18 * 4).fill(0.1), [18, 4]);
    const y = b.reshape(b.matMul(flat, w), [n!, 4, 1, 1]);
    return { y: b.broadcast(y, [n!, 4, 2, 1]), window: b.windowSum(x!, 1, 3), mean: b.div(b.sum(x!), n!) };
  };

  it('takes any number of entries, and reckons with how many there are', async () => {
    const at = (n: number) => graphOf([[n, 3, 4, 6]], build);
    const model = modelOf([at(2), at(3), at(7)]);
    for (const n of [1, 3, 5]) await compare([[n, 3, 4, 6]], build, model);
  });
});

describe('what ONNX cannot say', () => {
  it('is refused by the name of its layer', () => {
    const build: Build = (b, [x]) => {
      const attrs = { name: 'mine', outputs: [[2]], run: () => [new Float32Array(2)] };
      return { y: b.withLabel('layer7', () => b.hostCall([x!], attrs)[0]!) };
    };
    expect(() => modelOf([graphOf([[2]], build)])).toThrow('Layer "layer7" runs user code (mine)');
  });
});
