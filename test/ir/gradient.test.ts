/** Every op's gradient rule against central differences, on the host engine. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { Builder, gradients, type Shape, sizeOf, type Value } from '../../src/ir/index.js';
import { Random } from '../../src/random/index.js';

type Build = (b: Builder, inputs: readonly Value[]) => Value;

interface Options {
  /** Where the inputs are drawn from. */
  readonly low?: number;
  readonly high?: number;
  readonly tolerance?: number;
  /** Draw values at least 0.1 apart, so that no step crosses a tie. */
  readonly distinct?: boolean;
}

/** Compares d Σ seed·f(x) / dx from the IR with (f(x + h) − f(x − h)) / 2h, element by element. */
async function checkGradient(shapes: readonly Shape[], build: Build, options: Options = {}): Promise<void> {
  const { low = -1, high = 1, tolerance = 2e-2, distinct = false } = options;
  const random = new Random(shapes.flat().reduce((a, d) => a * 31 + d, 7));
  const draw = (shape: Shape) => {
    if (distinct) return Float32Array.from(random.permutation(sizeOf(shape)), i => 0.1 * i + 0.05);
    return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high));
  };
  const b = new Builder();
  const inputs = shapes.map((s, i) => b.input(`x${i}`, s));
  const y = build(b, inputs);
  const seed = b.input('seed', y.shape);
  const dx = gradients(b, [{ value: y, seed }], inputs);
  const objective = b.sum(b.mul(y, seed));
  const graph = b.finish({
    outputs: { objective, ...Object.fromEntries(dx.map((d, i) => [`d${i}`, d ?? b.zeros(shapes[i]!)])) },
  });
  const program = await createHostEngine().compile(graph);
  const feeds: Record<string, Float32Array> = { seed: draw(y.shape) };
  shapes.forEach((s, i) => {
    feeds[`x${i}`] = draw(s);
  });
  const names = shapes.map((_, i) => `d${i}`);
  const analytic = await program.run(feeds, names);
  const h = 1e-2;
  for (let i = 0; i < shapes.length; i++) {
    const x = feeds[`x${i}`]!;
    for (let k = 0; k < x.length; k++) {
      const kept = x[k]!;
      x[k] = kept + h;
      const up = (await program.run(feeds, ['objective']))['objective']![0]!;
      x[k] = kept - h;
      const down = (await program.run(feeds, ['objective']))['objective']![0]!;
      x[k] = kept;
      const numeric = (up - down) / (2 * h);
      const got = analytic[`d${i}`]![k]!;
      expect(Math.abs(got - numeric), `input ${i}, element ${k}: ${got} against ${numeric}`).toBeLessThan(
        tolerance * Math.max(1, Math.abs(numeric)),
      );
    }
  }
}

describe('gradients of elementwise ops', () => {
  const positive = { low: 0.5, high: 2 };
  const cases: [string, Build, Options?][] = [
    ['neg', (b, [x]) => b.neg(x!)],
    ['abs', (b, [x]) => b.abs(x!), positive],
    ['exp', (b, [x]) => b.exp(x!)],
    ['log', (b, [x]) => b.log(x!), positive],
    ['sqrt', (b, [x]) => b.sqrt(x!), positive],
    ['tanh', (b, [x]) => b.tanh(x!)],
    ['sigmoid', (b, [x]) => b.sigmoid(x!)],
    ['relu', (b, [x]) => b.relu(b.sub(x!, 0.3), 0.1), { distinct: true }],
    ['power', (b, [x]) => b.power(x!, -0.75), positive],
    ['power 1.3', (b, [x]) => b.power(x!, 1.3), positive],
  ];
  it.each(cases)('%s', (_, build, options) => checkGradient([[2, 3]], build, options));
});

describe('gradients of binary ops broadcast', () => {
  const shapes: Shape[] = [
    [2, 3, 4],
    [3, 1],
  ];
  const apart = { low: 0.5, high: 2 };
  it('add', () => checkGradient(shapes, (b, [x, y]) => b.add(x!, y!)));
  it('sub', () => checkGradient(shapes, (b, [x, y]) => b.sub(y!, x!)));
  it('mul', () => checkGradient(shapes, (b, [x, y]) => b.mul(x!, y!)));
  it('div', () => checkGradient(shapes, (b, [x, y]) => b.div(x!, y!), apart));
  it('max', () => checkGradient(shapes, (b, [x, y]) => b.max(b.add(x!, 3), y!)));
  it('min', () => checkGradient(shapes, (b, [x, y]) => b.min(b.add(x!, 3), y!)));
  it('select', () =>
    checkGradient([[2, 3], [2, 3], [1]], (b, [m, x, y]) => b.select(b.greater(b.stopGradient(m!), 0), x!, y!)));
});

describe('gradients of reductions and moves', () => {
  it('sum', () => checkGradient([[2, 3, 4]], (b, [x]) => b.sum(b.mul(x!, x!), [0, 2])));
  it('max', () => checkGradient([[2, 5]], (b, [x]) => b.reduceMax(x!, [1]), { distinct: true }));
  it('gather and scatterAdd, also with indices that name nothing', async () => {
    const rows = [0, 2, 2, 5, -1];
    const along = Array.from({ length: 2 * 5 * 3 }, (_, i) => (i * 7) % 6);
    await checkGradient([[4, 3]], (b, [x]) => b.gather(x!, b.constant(Float32Array.from(rows), [5, 1]), 0));
    await checkGradient([[2, 4, 3]], (b, [x]) => b.gather(x!, b.constant(Float32Array.from(along), [2, 5, 3]), 1));
    await checkGradient([[5, 3]], (b, [x]) =>
      b.scatterAdd(x!, b.constant(Float32Array.from(rows), [5, 1]), { axis: 0, size: 4 }),
    );
    await checkGradient([[2, 5, 3]], (b, [x]) =>
      b.scatterAdd(x!, b.constant(Float32Array.from(along), [2, 5, 3]), { axis: 1, size: 4 }),
    );
  });

  it('windowSum', () => checkGradient([[2, 6, 2]], (b, [x]) => b.windowSum(x!, 1, 3)));
  it('reshape and transpose', () =>
    checkGradient([[2, 3, 4]], (b, [x]) => b.mul(b.transpose(x!, [2, 0, 1]), b.reshape(x!, [4, 2, 3]))));
  it('broadcast', () => checkGradient([[3, 1]], (b, [x]) => b.mul(b.broadcast(x!, [2, 3, 4]), 2)));
  it('concat', () =>
    checkGradient(
      [
        [2, 3],
        [2, 1],
      ],
      (b, [x, y]) => b.concat([x!, y!, x!], 1),
    ));
  describe('of what is read in slices', () => {
    type Slices = readonly (readonly [begin: readonly number[], size: readonly number[]])[];
    const build =
      (slices: Slices, more = false): Build =>
      (b, [x]) => {
        // Each part has a weight of its own, so that a gradient in the wrong place is seen.
        const parts = slices.map(([begin, size], i) => b.sum(b.mul(b.slice(x!, begin, size), 1 + i)));
        if (more) parts.push(b.sum(b.mul(x!, 0.5)));
        return parts.reduce((sum, part) => b.add(sum, part));
      };
    /** The ops of x's gradient, from its nearest on. */
    const opsFor = (slices: Slices) => {
      const b = new Builder();
      const x = b.input('x', [3, 8]);
      const y = build(slices)(b, [x]);
      const [dx] = gradients(b, [{ value: y, seed: b.constant(Float32Array.of(1), []) }], [x]);
      return b.finish({ outputs: { dx: dx! } }).nodes.map(n => n.op);
    };
    it('bears the label of its layer, put together at the very end too', () => {
      const b = new Builder();
      const x = b.input('x', [3, 8]);
      const y = b.withLabel('cut', () => build(rows([0, 4], [4, 4]))(b, [x]));
      const [dx] = gradients(b, [{ value: y, seed: b.constant(Float32Array.of(1), []) }], [x]);
      expect([dx!.node.op, dx!.node.label]).toEqual(['concat', "cut'"]);
    });

    const rows = (...at: readonly (readonly [number, number])[]): Slices =>
      at.map(([from, n]) => [
        [0, from],
        [3, n],
      ]);
    it.each<[string, Slices, readonly string[]]>([
      ['all of it, not in order', rows([4, 4], [0, 1], [1, 3]), ['concat']],
      ['with gaps', rows([1, 2], [5, 1]), ['concat', 'pad']],
      ['that overlap', rows([0, 4], [3, 5]), ['pad', 'add']],
      [
        'along two axes',
        [
          [
            [0, 0],
            [1, 8],
          ],
          [
            [0, 2],
            [3, 2],
          ],
        ],
        ['pad', 'add'],
      ],
      [
        'smaller along two axes',
        [
          [
            [0, 1],
            [2, 3],
          ],
          [
            [0, 4],
            [2, 2],
          ],
        ],
        ['pad', 'add'],
      ],
      ['of which there is one', rows([2, 3]), ['pad']],
    ])('%s', async (_, slices, ops) => {
      const found = opsFor(slices).filter(op => ['concat', 'pad', 'add'].includes(op));
      expect([...new Set(found)].filter(op => op !== 'add' || ops.includes('add')).sort()).toEqual([...ops].sort());
      await checkGradient([[3, 8]], build(slices));
      await checkGradient([[3, 8]], build(slices, true));
    });
  });

  it('slice and pad', () => checkGradient([[3, 4]], (b, [x]) => b.pad(b.slice(x!, [1, 0], [2, 3]), [1, 1], [0, 2], 5)));
});

describe('gradients of products and convolutions', () => {
  for (const transposeA of [false, true])
    for (const transposeB of [false, true])
      it(`matMul ${transposeA} ${transposeB}`, () =>
        checkGradient([transposeA ? [4, 2] : [2, 4], transposeB ? [3, 4] : [4, 3]], (b, [x, y]) =>
          b.matMul(x!, y!, { transposeA, transposeB }),
        ));
  const conv = { stride: [2, 1], pad: [1, 2], dilation: [1, 2], groups: 2 } as const;
  it('conv2d', () =>
    checkGradient(
      [
        [2, 4, 5, 6],
        [2, 2, 3, 2],
      ],
      (b, [x, w]) => b.conv2d(x!, w!, conv),
    ));
  it('convInputGrad', () =>
    checkGradient(
      [
        [1, 2, 3, 7],
        [2, 2, 3, 2],
      ],
      (b, [dy, w]) => b.convInputGrad(dy!, w!, { ...conv, inputSize: [5, 5] }),
    ));
  it('convFilterGrad', () =>
    checkGradient(
      [
        [2, 4, 5, 5],
        [2, 2, 3, 7],
      ],
      (b, [x, dy]) => b.convFilterGrad(x!, dy!, { ...conv, kernel: [3, 2] }),
    ));
  const pool = { kernel: [3, 2], stride: [2, 2], pad: [1, 0], outSize: [3, 3] } as const;
  it('maxPool', () => checkGradient([[2, 2, 5, 6]], (b, [x]) => b.maxPool(x!, pool)[0], { distinct: true }));
  it('avePool', () => checkGradient([[2, 2, 5, 6]], (b, [x]) => b.avePool(x!, pool)));
});

describe('control', () => {
  it('stopGradient lets nothing through', async () => {
    const b = new Builder();
    const x = b.input('x', [2]);
    const [dx] = gradients(b, [{ value: b.mul(b.stopGradient(x), x), seed: b.scalar(1) }], [x]);
    const program = await createHostEngine().compile(b.finish({ outputs: { dx: b.broadcast(dx!, [2]) } }));
    expect(await program.run({ x: Float32Array.of(3, 4) }, ['dx'])).toEqual({ dx: Float32Array.of(3, 4) });
  });

  it('hostCall with a backward', async () => {
    const b = new Builder();
    const x = b.input('x', [3]);
    const [y] = b.hostCall([x], {
      name: 'square',
      outputs: [[3]],
      run: ([a]) => [a!.data.map(v => v * v)],
      backward: async ([a, , dy]) => [a!.data.map((v, i) => 2 * v * dy!.data[i]!)],
    });
    const [dx] = gradients(b, [{ value: y!, seed: b.broadcast(b.scalar(1), [3]) }], [x]);
    const program = await createHostEngine().compile(b.finish({ outputs: { y: y!, dx: dx! } }));
    expect(await program.run({ x: Float32Array.of(1, 2, 3) }, ['y', 'dx'])).toEqual({
      y: Float32Array.of(1, 4, 9),
      dx: Float32Array.of(2, 4, 6),
    });
  });
});

describe('a gradient rule of its own', () => {
  it('stands for those of what the value is made of', async () => {
    // x³ by two products, with the rule 3x² dy.
    await checkGradient([[2, 3]], (b, [x]) =>
      b.withGradient(b.mul(b.mul(x!, x!), x!), [x!], dy => [b.mul(b.mul(b.mul(x!, x!), 3), dy)]),
    );
  });

  it('gives what it gives, and nothing to what is no operand', () => {
    const b = new Builder();
    const [x, y] = [b.input('x', [2]), b.input('y', [2])];
    const z = b.withGradient(b.mul(x, y), [x], () => [undefined]);
    const w = b.withGradient(b.add(x, y), [y], dy => [dy]);
    expect(gradients(b, [{ value: z, seed: b.input('s', [2]) }], [x, y])).toEqual([undefined, undefined]);
    const seed = b.input('t', [2]);
    expect(gradients(b, [{ value: w, seed }], [x, y])).toEqual([undefined, seed]);
  });
});
