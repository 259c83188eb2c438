/** The engine onnx where it differs from others: stages between host code, updates in place, constants, refusals, profiles. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, createHostEngine, type Engine } from '../../../src/engines/node/index.js';
import { OnnxEngine } from '../../../src/engines/onnx/engine.js';
import { loadNative } from '../../../src/engines/onnx/node/native.js';
import type { OnnxRuntime } from '../../../src/engines/onnx/runtime.js';
import { Builder, gradients, type Shape, sizeOf, type Value } from '../../../src/ir/index.js';
import { Random } from '../../../src/random/index.js';

const native = loadNative() as OnnxRuntime;

let engine: Engine;
let host: Engine;
beforeAll(async () => {
  engine = await createEngine('onnx');
  host = createHostEngine();
});
afterAll(() => {
  engine.dispose();
  host.dispose();
});

const random = new Random(9);
const draw = (shape: Shape, low = -1, high = 1) =>
  Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high));

function expectClose(got: Float32Array, expected: Float32Array, what: string): void {
  expect(got.length).toBe(expected.length);
  const scale = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
  let worst = 0;
  for (let i = 0; i < got.length; i++) worst = Math.max(worst, Math.abs(got[i]! - expected[i]!));
  expect(worst / scale, what).toBeLessThan(3e-5);
}

/** Runs a graph on both engines. */
async function compare(shapes: readonly Shape[], build: (b: Builder, x: readonly Value[]) => Record<string, Value>) {
  const b = new Builder();
  const graph = b.finish({
    outputs: build(
      b,
      shapes.map((s, i) => b.input(`x${i}`, s)),
    ),
  });
  const feeds = Object.fromEntries(shapes.map((s, i) => [`x${i}`, draw(s)]));
  const names = [...graph.outputs.keys()];
  const program = await engine.compile(graph);
  const got = await program.run(feeds, names);
  const expected = await (await host.compile(graph)).run(feeds, names);
  for (const name of names) expectClose(got[name]!, expected[name]!, name);
  program.dispose();
  return program;
}

describe('large convolutions', () => {
  it('have their gradients band by band, and to the input by the turned filter', () =>
    compare(
      [
        [1, 16, 247, 246],
        [4, 16, 3, 3],
        [1, 4, 247, 246],
      ],
      (b, [x, w, dy]) => {
        const geometry = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 } as const;
        return {
          dw: b.convFilterGrad(x!, dy!, { ...geometry, kernel: [3, 3] }),
          dx: b.convInputGrad(dy!, w!, { ...geometry, inputSize: [247, 246] }),
        };
      },
    ));

  it('in groups, several samples, with strides', () =>
    compare(
      [
        [2, 8, 40, 41],
        [12, 4, 5, 3],
        [2, 12, 19, 20],
      ],
      (b, [x, w, dy]) => {
        const strided = { stride: [2, 2], pad: [1, 0], dilation: [1, 1], groups: 2 } as const;
        const dilated = { stride: [1, 1], pad: [4, 2], dilation: [2, 2], groups: 2 } as const;
        return {
          strided: b.convFilterGrad(x!, dy!, { ...strided, kernel: [5, 3] }),
          dilated: b.convInputGrad(b.conv2d(x!, w!, dilated), w!, { ...dilated, inputSize: [40, 41] }),
        };
      },
    ));
});

describe('poolings of windows side by side', () => {
  const pooled = (size: number, kernel: number, ceil: boolean) =>
    Math[ceil ? 'ceil' : 'floor']((size - kernel) / kernel) + 1;

  // Whole numbers of a small range, so that many windows have several maxima; the gradient is the first one's.
  it.each([
    [8, 6, 2, 2],
    [9, 7, 2, 2],
    [10, 11, 3, 2],
    [7, 7, 3, 3],
    [5, 9, 1, 4],
  ])('%d × %d by %d × %d', async (height, width, kh, kw) => {
    for (const ceil of [true, false]) {
      const outSize = [pooled(height, kh, ceil), pooled(width, kw, ceil)] as const;
      const b = new Builder();
      const x = b.input('x', [2, 3, height, width]);
      const [y] = b.maxPool(x, { kernel: [kh, kw], stride: [kh, kw], pad: [0, 0], outSize });
      const [dx] = gradients(b, [{ value: y, seed: b.input('dy', y.shape) }], [x]);
      const graph = b.finish({ outputs: { y, dx: dx! } });
      const feeds = { x: draw(x.shape, 0, 3).map(Math.floor), dy: draw(y.shape) };
      const [got, expected] = await Promise.all(
        [engine, host].map(async e => (await e.compile(graph)).run(feeds, ['y', 'dx'])),
      );
      expect(got!['y']).toEqual(expected!['y']);
      expectClose(got!['dx']!, expected!['dx']!, `dx, ceil ${ceil}`);
    }
  });

  it('whose gradient is wanted in another session than the maxima', async () => {
    const b = new Builder();
    const x = b.input('x', [1, 2, 4, 4]);
    const [y] = b.maxPool(x, { kernel: [2, 2], stride: [2, 2], pad: [0, 0], outSize: [2, 2] });
    const [z] = b.hostCall([y], {
      name: 'twice',
      outputs: [y.shape],
      run: ([a]) => [a!.data.map(v => 2 * v)],
      backward: ([, , dz]) => [dz!.data.map(v => 2 * v)],
    });
    const [dx] = gradients(b, [{ value: z!, seed: b.input('dz', y.shape) }], [x]);
    const program = await engine.compile(b.finish({ outputs: { dx: dx! } }));
    const data = Float32Array.from({ length: 32 }, (_, i) => (i * 7) % 5);
    const result = await program.run({ x: data, dz: new Float32Array(8).fill(1) }, ['dx']);
    expect(result['dx']!.reduce((a, v) => a + v, 0)).toBe(16);
    program.dispose();
  });
});

describe('what ONNX cannot say', () => {
  it('runs on the host between sessions, and is reported', async () => {
    const b = new Builder();
    const x = b.input('x', [1, 1, 3, 3]);
    // The last window lies wholly beyond the plane: −FLT_MAX and the index −1.
    const geometry = { kernel: [1, 1], stride: [3, 3], pad: [0, 0], outSize: [2, 2] } as const;
    const [y, at] = b.withLabel('pool', () => b.maxPool(b.mul(x, 2), geometry));
    const program = await engine.compile(b.finish({ outputs: { y: b.add(y, 1), at } }));
    const data = draw([9]);
    const result = await program.run({ x: data }, ['y', 'at']);
    expect(result['at']).toEqual(Float32Array.of(0, -1, -1, -1));
    expect(result['y']![0]).toBeCloseTo(2 * data[0]! + 1, 5);
    expect(program.fallbacks).toEqual(['pool: maxPool']);
    program.dispose();
  });

  it('empty arrays pass through', () => compare([[0, 3]], (b, [x]) => ({ y: b.exp(x!), all: b.sum(b.mul(x!, 2)) })));

  it('user code splits the graph, forward and backward', async () => {
    const square = {
      name: 'square',
      outputs: [[3]],
      run: ([x]: readonly { data: Float32Array }[]) => [x!.data.map(v => v * v)],
      backward: ([x, , dy]: readonly { data: Float32Array }[]) => [x!.data.map((v, i) => 2 * v * dy!.data[i]!)],
    };
    const program = await compare([[3], [3]], (b, [x, seed]) => {
      const [y] = b.hostCall([b.reshape(b.exp(b.reshape(x!, [1, 3])), [3])], square);
      const [z] = b.hostCall([b.sub(y!, 1)], square);
      const [dx] = gradients(b, [{ value: z!, seed: seed! }], [x!]);
      return { z: z!, dx: dx! };
    });
    expect(program.fallbacks).toEqual([]);
  });

  it('user code may change what it is given', async () => {
    const b = new Builder();
    const x = b.input('x', [2]);
    const [y] = b.hostCall([x], { name: 'rude', outputs: [[2]], run: ([a]) => [a!.data.fill(7)] });
    const program = await engine.compile(b.finish({ outputs: { y: y!, same: b.mul(x, 1.5) } }));
    const data = Float32Array.of(2, 4);
    expect(await program.run({ x: data }, ['y', 'same'])).toEqual({
      y: Float32Array.of(7, 7),
      same: Float32Array.of(3, 6),
    });
    expect(data).toEqual(Float32Array.of(2, 4));
    program.dispose();
  });
});

/** Several steps of an update rule on both engines, with all variables compared. */
async function compareUpdates(
  shape: Shape,
  slots: number,
  rule: (b: Builder, g: Value, w: Value, h: readonly Value[], rate: Value) => { w: Value; h: readonly Value[] },
): Promise<void> {
  const b = new Builder();
  const [x, rate] = [b.input('x', shape), b.input('rate', [])];
  const name = `w${shape.join('x')}${slots}${random.next()}`;
  const names = [name, ...Array.from({ length: slots }, (_, i) => `${name}/h${i}`)];
  const [w, ...h] = names.map(n => b.variable(n, shape)) as [Value, ...Value[]];
  const next = rule(b, b.mul(b.exp(x), w), w, h, b.mul(rate, 2));
  const graph = b.finish({
    outputs: { loss: b.sum(w) },
    assignments: [{ variable: name, value: next.w }, ...next.h.map((value, i) => ({ variable: names[i + 1]!, value }))],
  });
  const start = names.map(() => draw(shape, 0.5, 1.5));
  const programs = await Promise.all([engine, host].map(e => e.compile(graph)));
  for (const e of [engine, host]) names.forEach((n, i) => void e.write(n, start[i]!, shape));
  for (let step = 0; step < 3; step++) {
    const feeds = { x: draw(shape), rate: Float32Array.of(0.1 / (step + 1)) };
    const [got, expected] = [await programs[0]!.run(feeds, ['loss']), await programs[1]!.run(feeds, ['loss'])];
    expectClose(got['loss']!, expected['loss']!, 'loss');
    for (const n of names) expectClose(await engine.read(n), await host.read(n), `${n} after ${step}`);
  }
  for (const p of programs) p.dispose();
}

describe('updates', () => {
  const momentum = (b: Builder, g: Value, w: Value, [v]: readonly Value[], rate: Value) => {
    const velocity = b.add(b.mul(b.add(g, b.mul(w, 0.01)), rate), b.mul(v!, 0.9));
    return { w: b.sub(w, velocity), h: [velocity] };
  };

  it.each([[[400, 133]], [[1]], [[2, 3, 5]]])('SGD with momentum and decay, %j', shape =>
    compareUpdates(shape, 1, momentum),
  );

  it('Nesterov, which reads the old history after the new one is made', () =>
    compareUpdates([50_000], 1, (b, g, w, [v], rate) => {
      const velocity = b.add(b.mul(g, rate), b.mul(v!, 0.9));
      return { w: b.sub(w, b.sub(b.mul(velocity, 1.9), b.mul(v!, 0.9))), h: [velocity] };
    }));

  // The longest takes two pieces.
  it.each([50, 40_000, 140_000])('Adam, which is no product, %d numbers', length =>
    compareUpdates([length], 2, (b, g, w, [m, v], rate) => {
      const first = b.add(b.mul(g, 0.1), b.mul(m!, 0.9));
      const second = b.add(b.mul(b.mul(g, g), 0.001), b.mul(v!, 0.999));
      return { w: b.sub(w, b.mul(b.div(first, b.add(b.sqrt(second), 1e-8)), rate)), h: [first, second] };
    }),
  );

  it.each([50, 40_000])('AdaDelta, whose step goes into its history, %d numbers', length =>
    compareUpdates([length], 2, (b, g, w, [squares, steps], rate) => {
      const mean = (x: Value, old: Value) => b.add(b.mul(b.mul(x, x), 0.05), b.mul(old, 0.95));
      const square = mean(g, squares!);
      const scaled = b.mul(g, b.sqrt(b.div(b.add(steps!, 1e-6), b.add(square, 1e-6))));
      return { w: b.sub(w, b.mul(scaled, rate)), h: [square, mean(scaled, steps!)] };
    }),
  );

  it('L1 decay, by the sign of the weight', () =>
    compareUpdates([40_000], 1, (b, g, w, [v], rate) => {
      const velocity = b.add(b.mul(b.add(g, b.mul(b.sign(w), 0.01)), rate), b.mul(v!, 0.9));
      return { w: b.sub(w, velocity), h: [velocity] };
    }));

  it('a history that is set to 0, and one that only adds up', () =>
    compareUpdates([50_000], 2, (b, g, w, [sum, other], rate) => {
      const total = b.add(g, sum!);
      return { w: b.sub(w, b.mul(total, rate)), h: [b.zeros([50_000]), b.add(other!, total)] };
    }));

  it('of one parameter by two programs whose blocks differ', async () => {
    const shape = [40_000];
    const b = new Builder();
    const [w, v, x] = [b.variable('two/w', shape), b.variable('two/v', shape), b.input('x', shape)];
    const g = b.exp(x);
    const velocity = b.add(b.mul(v, 0.5), g);
    const both = b.finish({
      outputs: {},
      assignments: [
        { variable: 'two/v', value: velocity },
        { variable: 'two/w', value: b.sub(w, velocity) },
      ],
    });
    const onlyHistory = b.finish({ outputs: {}, assignments: [{ variable: 'two/v', value: b.add(v, g) }] });
    const onlyWeight = b.finish({ outputs: {}, assignments: [{ variable: 'two/w', value: b.sub(w, g) }] });
    for (const e of [engine, host]) {
      e.write('two/w', new Float32Array(40_000).fill(1), shape);
      e.write('two/v', new Float32Array(40_000).fill(2), shape);
    }
    for (const graph of [both, onlyHistory, onlyWeight, both]) {
      const feeds = { x: draw(shape) };
      for (const e of [engine, host]) await (await e.compile(graph)).run(feeds, []);
      for (const name of ['two/w', 'two/v']) expectClose(await engine.read(name), await host.read(name), name);
    }
  });

  it('keep what is written between runs', async () => {
    const b = new Builder();
    const w = b.variable('written', [30]);
    const graph = b.finish({
      outputs: { y: b.mul(w, 2) },
      assignments: [{ variable: 'written', value: b.sub(w, b.exp(b.input('x', [30]))) }],
    });
    engine.write('written', new Float32Array(30), [30]);
    const program = await engine.compile(graph);
    const x = new Float32Array(30);
    await program.run({ x }, ['y']);
    expect((await engine.read('written'))[0]).toBe(-1);
    engine.write('written', new Float32Array(30).fill(5), [30]);
    expect((await program.run({ x }, ['y']))['y']![3]).toBe(10);
    expect(engine.readNow!('written')[29]).toBe(4);
  });
});

describe('parameters that stand still', () => {
  it('become constants, and are taken anew when they change', async () => {
    const b = new Builder();
    const x = b.input('x', [1, 16, 64, 64]);
    const geometry = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 } as const;
    const w = b.variable('still', [32, 16, 3, 3]);
    const eager = new OnnxEngine(native, 'onnx', 'cpu', { patience: 0 });
    const program = await eager.compile(b.finish({ outputs: { y: b.relu(b.conv2d(x, w, geometry)) } }));
    const data = draw([16, 64, 64]);
    const first = draw([32 * 16 * 9]);
    eager.write('still', first, [32, 16, 3, 3]);
    const before = (await program.run({ x: data }, ['y']))['y']!;
    for (let i = 0; i < 3; i++) expectClose((await program.run({ x: data }, ['y']))['y']!, before, 'constants');
    eager.write(
      'still',
      first.map(v => 2 * v),
      [32, 16, 3, 3],
    );
    const doubled = (await program.run({ x: data }, ['y']))['y']!;
    expectClose(
      doubled,
      before.map(v => 2 * v),
      'changed',
    );
    program.dispose();
    eager.dispose();
  });

  it('become constants after a number of runs that only the graph decides, however long a run takes', async () => {
    const b = new Builder();
    const x = b.input('x', [1, 16, 96, 96]);
    const geometry = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 } as const;
    const shape = [32, 16, 3, 3];
    const graph = b.finish({ outputs: { y: b.relu(b.conv2d(x, b.variable('still', shape), geometry)) } });
    const [data, filter] = [draw(x.shape), draw(shape)];

    /** After how many runs a second session was made, where each run takes so long. */
    const runsOf = async (milliseconds: number) => {
      let sessions = 0;
      const counting: OnnxRuntime = {
        ...native,
        tensor: native.tensor.bind(native),
        createSession: async (model, options) => {
          sessions++;
          const session = await native.createSession(model, options);
          return {
            inputNames: session.inputNames,
            outputNames: session.outputNames,
            run: async (feeds, fetches) => {
              await new Promise(resolve => setTimeout(resolve, milliseconds));
              return session.run(feeds, fetches);
            },
            endProfiling: () => session.endProfiling(),
            release: () => session.release(),
          };
        },
      };
      const slow = new OnnxEngine(counting, 'onnx', 'cpu', { patience: 0.05 });
      slow.write('still', filter, shape);
      const program = await slow.compile(graph);
      // Those that found out about the machine.
      sessions = 0;
      let runs = 0;
      while (sessions < 2 && runs < 100) {
        await program.run({ x: data }, ['y']);
        runs++;
      }
      program.dispose();
      slow.dispose();
      return runs;
    };

    const quick = await runsOf(0);
    expect(quick).toBeGreaterThan(1);
    expect(quick).toBeLessThan(100);
    expect(await runsOf(5)).toBe(quick);
  });

  it('leave of convolution, normalisation, scale and ReLU one op', async () => {
    const b = new Builder();
    const x = b.input('x', [1, 16, 40, 40]);
    const geometry = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 } as const;
    const names = ['mean', 'deviation', 'gamma', 'beta'] as const;
    const [mean, deviation, gamma, beta] = names.map(n => b.reshape(b.variable(`bn/${n}`, [16]), [16, 1, 1]));
    const y = b.conv2d(x, b.variable('bn/w', [16, 16, 3, 3]), geometry);
    const normal = b.div(b.sub(y, mean!), b.sqrt(deviation!));
    const graph = b.finish({ outputs: { y: b.relu(b.add(b.mul(normal, gamma!), beta!)) } });
    const eager = new OnnxEngine(native, 'onnx', 'cpu', { patience: 0 });
    const values = new Map<string, Float32Array>(names.map(n => [`bn/${n}`, draw([16], 0.5, 2)]));
    values.set('bn/w', draw([16, 16, 3, 3]));
    for (const e of [eager, host])
      for (const [name, data] of values) e.write(name, data, name === 'bn/w' ? [16, 16, 3, 3] : [16]);
    const program = await eager.compile(graph);
    const feeds = { x: draw(x.shape) };
    const expected = (await (await host.compile(graph)).run(feeds, ['y']))['y']!;
    for (let i = 0; i < 3; i++) expectClose((await program.run(feeds, ['y']))['y']!, expected, `run ${i}`);
    expect(expected.some(v => v > 0)).toBe(true);
    program.dispose();
    eager.dispose();
  });
});

describe('runs', () => {
  it('of rows of a block as constants give what the rows hold', async () => {
    const eager = new OnnxEngine(native, 'onnx', 'cpu', { patience: 0 });
    const shape = [64, 64, 3, 3];
    const geometry = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 } as const;
    const b = new Builder();
    const w = b.variable('row', shape);
    const y = b.conv2d(b.input('x', [1, 64, 20, 20]), w, geometry);
    const forward = b.finish({ outputs: { y } });
    const update = b.finish({ outputs: {}, assignments: [{ variable: 'row', value: b.sub(w, b.windowSum(w, 1, 3)) }] });
    const start = draw(shape);
    const x = draw([25_600]);
    const results = [];
    for (const e of [eager, host]) {
      e.write('row', start, shape);
      await (await e.compile(update)).run({}, []);
      const program = await e.compile(forward);
      for (let i = 0; i < 3; i++) results.push((await program.run({ x }, ['y']))['y']!);
    }
    expect(eager.variables.get('row').byteOffset).toBeGreaterThan(0);
    for (const result of results) expectClose(result, results.at(-1)!, 'y');
    eager.dispose();
  });

  it('that overlap wait for one another', async () => {
    const b = new Builder();
    const x = b.input('x', [4]);
    const slow = { name: 'slow', outputs: [[4]], run: async ([a]: readonly { data: Float32Array }[]) => [a!.data] };
    const [y] = b.hostCall([b.mul(x, 2)], slow);
    const program = await engine.compile(b.finish({ outputs: { y: b.add(y!, 1) } }));
    const feeds = [1, 2, 3].map(v => ({ x: new Float32Array(4).fill(v) }));
    const results = await Promise.all(feeds.map(f => program.run(f, ['y'])));
    expect(results.map(r => r['y']![0])).toEqual([3, 5, 7]);
  });
});

describe('being told of', () => {
  it('every layer that ran, and a run that changes nothing by it', async () => {
    const b = new Builder();
    const x = b.input('x', [1, 3, 40, 40]);
    const w = b.variable('watched', [8, 3, 3, 3]);
    const geometry = { stride: [1, 1], pad: [0, 0], dilation: [1, 1], groups: 1 } as const;
    const y = b.withLabel('a/conv', () => b.conv2d(x, w, geometry));
    const z = b.withLabel('a', () => b.exp(y));
    const graph = b.finish({
      outputs: { z: b.sum(z) },
      assignments: [{ variable: 'watched', value: b.withLabel('solver', () => b.mul(w, 0.5)) }],
    });
    engine.write('watched', new Float32Array(216).fill(1), [8, 3, 3, 3]);
    const program = await engine.compile(graph);
    const labels = new Map<string, number>();
    await program.run({ x: draw([4800]) }, ['z'], (label, ms) => labels.set(label, (labels.get(label) ?? 0) + ms));
    expect([...labels.keys()]).toEqual(expect.arrayContaining(['a/conv', 'a', 'solver']));
    for (const ms of labels.values()) expect(ms).toBeGreaterThanOrEqual(0);
    expect((await engine.read('watched'))[0]).toBe(0.5);
  });
});

describe('engines on GPUs', () => {
  it.each(['onnx-cuda', 'onnx-webgpu'])('%s is there, or says why not', async name => {
    const made = await createEngine(name).catch((e: Error) => e);
    if (made instanceof Error)
      expect(made.message).toMatch(new RegExp(`There is nothing for ${name} to compute on: .+`));
    else expect(made.name).toBe(name);
  });
});
