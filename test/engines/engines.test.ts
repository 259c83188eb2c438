/** Every engine computes every primitive as the host engine does, over random shapes and geometries. */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseEngine, createEngine, createHostEngine, type Engine } from '../../src/engines/node/index.js';
import { createCpuEngine } from '../../src/engines/tfjs/node/index.js';
import { Builder, gradients, type Shape, sizeOf, type Value } from '../../src/ir/index.js';
import { Random } from '../../src/random/index.js';

type Build = (b: Builder, inputs: readonly Value[]) => Record<string, Value>;

/** Runs the same graph on both engines and compares every output. */
async function compare(engine: Engine, shapes: readonly Shape[], build: Build, seed = 1): Promise<void> {
  const random = new Random(seed);
  const feeds: Record<string, Float32Array> = {};
  const b = new Builder();
  const inputs = shapes.map((s, i) => {
    feeds[`x${i}`] = Float32Array.from({ length: sizeOf(s) }, () => random.uniform(-1, 1));
    return b.input(`x${i}`, s);
  });
  const graph = b.finish({ outputs: build(b, inputs) });
  const names = [...graph.outputs.keys()];
  const expected = await (await createHostEngine().compile(graph)).run(feeds, names);
  const program = await engine.compile(graph);
  const got = await program.run(feeds, names);
  program.dispose();
  for (const name of names) {
    const scale = Math.max(1e-3, ...expected[name]!.map(Math.abs));
    expect(got[name]!.length).toBe(expected[name]!.length);
    got[name]!.forEach((v, i) => {
      expect(Math.abs(v - expected[name]![i]!) / scale, `${name}[${i}]`).toBeLessThan(2e-5);
    });
  }
}

function withGradients(b: Builder, y: Value, inputs: readonly Value[]): Record<string, Value> {
  const random = new Random(5);
  const seed = b.constant(
    Float32Array.from({ length: sizeOf(y.shape) }, () => random.uniform(-1, 1)),
    y.shape,
  );
  const dx = gradients(b, [{ value: y, seed }], inputs);
  return { y, ...Object.fromEntries(dx.map((d, i) => [`d${i}`, d ?? b.zeros(inputs[i]!.shape)])) };
}

const AS_TENSORFLOW = "cpu by TensorFlow's ways";
const { engines } = await chooseEngine();
const there = ['tensorflow', 'onnx-cuda', 'onnx-webgpu'].filter(name =>
  engines.some(e => e.name === name && e.available),
);

describe.each(['onnx', 'onnx-wasm', 'wasm', 'cpu', AS_TENSORFLOW, ...there])('engine %s', name => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await (name === AS_TENSORFLOW ? createCpuEngine(true) : createEngine(name));
  });
  afterAll(() => engine.dispose());

  it('elementwise ops, broadcast and fused', () =>
    compare(engine, [[2, 3, 4, 5], [3, 1, 1], [5]], (b, [x, y, z]) => {
      const e = b.exp(b.mul(x!, y!));
      const s = b.sigmoid(b.sub(e, z!));
      const t = b.select(b.greater(x!, z!), b.tanh(s), b.abs(b.neg(x!)));
      return withGradients(b, b.add(b.relu(t, 0.2), b.power(b.add(b.mul(x!, x!), 1), -0.75)), [x!, y!, z!]);
    }));

  it('reductions, moves and products', () =>
    compare(
      engine,
      [
        [2, 3, 4],
        [2, 4, 5],
      ],
      (b, [x, y]) => {
        const p = b.matMul(x!, y!);
        const t = b.transpose(p, [1, 0, 2]);
        const c = b.concat([t, b.slice(b.pad(t, [0, 1, 0], [1, 0, 2], 3), [1, 0, 1], [3, 2, 5])], 1);
        return withGradients(b, b.div(c, b.add(b.sum(b.exp(c), [1], true), b.reduceMax(c, [0], true))), [x!, y!]);
      },
    ));

  it('argMax, oneHot, windowSum', () =>
    compare(engine, [[3, 4, 5]], (b, [x]) => ({
      at: b.argMax(x!, 1),
      hot: b.oneHot(b.argMax(x!, 1), 1, 4),
      window: b.windowSum(x!, 1, 3),
    })));

  it('gather and scatterAdd over any shapes, with gradients and indices out of range', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()), { minLength: 1, maxLength: 4 }),
        fc.record({ axis: fc.nat(), count: fc.integer({ min: 1, max: 6 }), seed: fc.nat(1000), rows: fc.boolean() }),
        async (dims, { axis: any, count, seed, rows }) => {
          const axis = any % dims.length;
          const data = dims.map(([d]) => d);
          const index = dims.map(([d, alone], i) => (i === axis ? count : alone || rows ? 1 : d));
          const picked = data.map((d, i) => (i === axis ? count : d));
          const random = new Random(seed);
          const size = data[axis]!;
          // Whole numbers in and out of range, halves and what is no number.
          const odd = [Number.NaN, 0.5, -1, size, 1e10, Number.NEGATIVE_INFINITY];
          const at = Float32Array.from({ length: sizeOf(index) }, () =>
            random.next() < 0.3 ? odd[random.integer(odd.length)]! : random.integer(size),
          );
          await compare(engine, [data, picked], (b, [x, u]) => {
            const places = b.constant(at, index);
            const read = withGradients(b, b.gather(x!, places, axis), [x!]);
            const added = withGradients(b, b.scatterAdd(u!, places, { axis, size }), [u!]);
            return { read: read['y']!, dread: read['d0']!, added: added['y']!, dadded: added['d0']! };
          });
        },
      ),
      { numRuns: 40, seed: 7 },
    ));

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('matMul with transposes %s %s, tall and wide', async (transposeA, transposeB) => {
    for (const [m, k, n] of [
      [3, 50, 2],
      [40, 3, 5],
      [2, 5, 60],
    ] as const)
      await compare(engine, [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]], (b, [x, y]) => ({
        c: b.matMul(x!, y!, { transposeA, transposeB }),
      }));
  });

  it('convolutions of any geometry, with both gradients', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          batch: fc.integer({ min: 1, max: 3 }),
          groups: fc.integer({ min: 1, max: 3 }),
          channels: fc.integer({ min: 1, max: 3 }),
          outputs: fc.integer({ min: 1, max: 12 }),
          kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
          stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
          pad: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
          dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
          more: fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })),
        }),
        async ({ batch, groups, channels, outputs, kernel, stride, pad, dilation, more }) => {
          const size = [0, 1].map(i => Math.max(1, dilation[i]! * (kernel[i]! - 1) + 1 - 2 * pad[i]!) + more[i]!);
          const image = [batch, groups * channels, size[0]!, size[1]!];
          const filter = [groups * outputs, channels, ...kernel];
          await compare(engine, [image, filter], (b, [x, w]) =>
            withGradients(b, b.conv2d(x!, w!, { stride, pad, dilation, groups }), [x!, w!]),
          );
        },
      ),
      { numRuns: 40, seed: 11 },
    ));

  it('convolutions whose filter outweighs their image', async () => {
    for (const [stride, pad, dilation] of [
      [1, 0, 1],
      [1, 2, 2],
      [2, 1, 1],
    ] as const)
      await compare(
        engine,
        [
          [1, 3, 6, 5],
          [40, 3, 3, 2],
        ],
        (b, [x, w]) => {
          const both = (n: number) => [n, n] as const;
          const geometry = { stride: both(stride), pad: both(pad), dilation: both(dilation), groups: 1 };
          return withGradients(b, b.conv2d(x!, w!, geometry), [x!, w!]);
        },
      );
  });

  it('pooling of any geometry, with its gradients', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
          stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
          pad: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
          size: fc.tuple(fc.integer({ min: 4, max: 9 }), fc.integer({ min: 4, max: 9 })),
        }),
        async ({ kernel, size, ...drawn }) => {
          // No window of nothing but padding, none that begins beyond the plane: AVE would divide by 0 there.
          const pad = [Math.min(drawn.pad[0], kernel[0] - 1), Math.min(drawn.pad[1], kernel[1] - 1)] as const;
          const stride = [Math.min(drawn.stride[0], kernel[0]), Math.min(drawn.stride[1], kernel[1])] as const;
          // Caffe's: rounded up, then clipped so that the last window starts inside the plane.
          const along = (i: 0 | 1) => {
            const n = Math.ceil((size[i] + 2 * pad[i] - kernel[i]) / stride[i]) + 1;
            return pad[i] > 0 && (n - 1) * stride[i] >= size[i] + pad[i] ? n - 1 : n;
          };
          const geometry = { kernel, stride, pad, outSize: [along(0), along(1)] as const };
          await compare(engine, [[2, 3, ...size]], (b, [x]) => {
            const [y, indices] = b.maxPool(x!, geometry);
            return { ...withGradients(b, b.add(y, b.avePool(x!, geometry)), [x!]), indices };
          });
        },
      ),
      { numRuns: 20, seed: 3 },
    ));

  it('variables take their new values all at once, and only then', async () => {
    const b = new Builder();
    const [v, w] = [b.variable('v', [2]), b.variable('w', [2])];
    const graph = b.finish({
      outputs: { sum: b.add(v, w) },
      assignments: [
        { variable: 'v', value: b.add(v, w) },
        { variable: 'w', value: b.mul(v, 2) },
      ],
    });
    engine.write('v', Float32Array.of(1, 2), [2]);
    engine.write('w', Float32Array.of(10, 20), [2]);
    const program = await engine.compile(graph);
    expect((await program.run({}, ['sum']))['sum']).toEqual(Float32Array.of(11, 22));
    expect(await engine.read('v')).toEqual(Float32Array.of(11, 22));
    expect(await engine.read('w')).toEqual(Float32Array.of(2, 4));
    program.dispose();
  });

  it('sets variables to 0, new ones and used ones', async () => {
    const b = new Builder();
    const v = b.variable('v', [3]);
    const graph = b.finish({ outputs: { y: b.add(v, 1) }, assignments: [{ variable: 'v', value: b.add(v, 5) }] });
    const program = await engine.compile(graph);
    for (let round = 0; round < 2; round++) {
      engine.zero('v', [3]);
      expect(await engine.read('v')).toEqual(Float32Array.of(0, 0, 0));
      expect((await program.run({}, ['y']))['y']).toEqual(Float32Array.of(1, 1, 1));
      expect(await engine.read('v')).toEqual(Float32Array.of(5, 5, 5));
    }
    program.dispose();
  });

  it('refuses a graph that will not fit, before it runs', async () => {
    const b = new Builder();
    const huge = b.broadcast(b.input('x', []), [2 ** 20, 2 ** 14]);
    const program = await engine.compile(b.finish({ outputs: { y: b.sum(b.exp(huge)) } }));
    expect(() => program.prepare(['y'])).toThrow(
      name === 'onnx-webgpu'
        ? /takes \d+ MB, and the onnx-webgpu engine's device binds/
        : new RegExp(`needs \\d+ MB on the ${engine.name} engine`),
    );
  });

  it('says which input is missing or of the wrong size', async () => {
    const b = new Builder();
    const program = await engine.compile(b.finish({ outputs: { y: b.neg(b.input('data', [2, 3])) } }));
    await expect(program.run({}, ['y'])).rejects.toThrow('Nothing was fed for "data"');
    await expect(program.run({ data: new Float32Array(5) }, ['y'])).rejects.toThrow('takes 6 numbers');
  });
});

describe('the choice of engine', () => {
  it('names the nearest backend for a mistyped one', async () => {
    await expect(createEngine('wams')).rejects.toThrow('Did you mean wasm?');
  });

  it('leaves no handlers of uncaught errors behind', async () => {
    const before = process.listenerCount('uncaughtException');
    await createEngine('wasm');
    expect(process.listeners('uncaughtException').filter(l => String(l).includes('ExitStatus'))).toEqual([]);
    expect(process.listenerCount('uncaughtException')).toBe(before);
  });

  it('refuses an unknown MOKAPOT_BACKEND wherever a choice is made', async () => {
    process.env['MOKAPOT_BACKEND'] = 'foo';
    try {
      await expect(chooseEngine()).rejects.toThrow('There is no backend "foo"');
    } finally {
      delete process.env['MOKAPOT_BACKEND'];
    }
  });
});
