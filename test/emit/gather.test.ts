/** Exported models read and add up by index as the host engine does, over any shapes and at open sizes. */

import { createRequire } from 'node:module';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { emitGeneralOnnx } from '../../src/emit/onnx/index.js';
import { emitTfjsGraph, TfjsModel } from '../../src/emit/tfjs/index.js';
import { createHostEngine } from '../../src/engines/index.js';
import { Builder, type Graph, type Shape, sizeOf } from '../../src/ir/index.js';
import { GeneralGraph } from '../../src/ir/passes/generalise.js';
import { Random } from '../../src/random/index.js';
import { runModel } from '../engines/onnx/run.js';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter');
require('@tensorflow/tfjs-backend-cpu');

type Feeds = Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
type Run = (general: GeneralGraph, feeds: Feeds, names: readonly string[]) => Promise<readonly ArrayLike<number>[]>;

const tfjs: Run = async (general, feeds, names) => {
  const artifacts = new TfjsModel(emitTfjsGraph(general, () => new Float32Array(0))).artifacts();
  const model = await loadGraphModel(tf.io.fromMemory(artifacts as never));
  const given = Object.entries(feeds).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])] as const);
  const made = model.execute(Object.fromEntries(given), [...names]);
  return (Array.isArray(made) ? made : [made]).map(t => t.dataSync());
};

const onnx: Run = async (general, feeds, names) => {
  const { bytes } = emitGeneralOnnx(general, () => new Float32Array(0), { name: 'test' });
  const got = await runModel(bytes, feeds);
  return names.map(name => got[name]!.data);
};

interface Sizes {
  readonly data: Shape;
  readonly index: Shape;
  readonly axis: number;
}

const pickedOf = ({ data, index, axis }: Sizes) => data.map((d, i) => (i === axis ? index[axis]! : d));

function graphOf(sizes: Sizes): Graph {
  const b = new Builder();
  const { data, index, axis } = sizes;
  const [x, u, at] = [b.input('x', data), b.input('u', pickedOf(sizes)), b.input('at', index)];
  const added = b.scatterAdd(u, at, { axis, size: data[axis]! });
  return b.finish({ outputs: { read: b.gather(x, at, axis), added } });
}

function feedsOf(sizes: Sizes, seed: number): Feeds {
  const random = new Random(seed);
  const size = sizes.data[sizes.axis]!;
  const odd = [0.5, -1, size, 1e10];
  const some = (shape: Shape, draw: () => number) => ({
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, draw),
  });
  return {
    x: some(sizes.data, () => random.uniform(-1, 1)),
    u: some(pickedOf(sizes), () => random.uniform(-1, 1)),
    at: some(sizes.index, () => (random.next() < 0.3 ? odd[random.integer(odd.length)]! : random.integer(size))),
  };
}

/** Exports the graphs of all the sizes as one model, and runs it at the first and the last of them. */
async function check(run: Run, all: readonly Sizes[], seed: number): Promise<void> {
  const graphs = all.map(graphOf);
  const general = new GeneralGraph(graphs as [Graph, ...Graph[]]);
  for (const k of new Set([0, all.length - 1])) {
    const feeds = feedsOf(all[k]!, seed);
    const names = ['read', 'added'];
    const program = await createHostEngine().compile(graphs[k]!);
    const expected = await program.run(
      Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, data])),
      names,
    );
    const got = await run(general, feeds, names);
    names.forEach((name, i) => {
      expect(got[i]!.length).toBe(expected[name]!.length);
      expected[name]!.forEach((v, j) => {
        expect(Math.abs(v - got[i]![j]!), `${name}[${j}]`).toBeLessThan(1e-5);
      });
    });
  }
}

const anySizes = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()), { minLength: 1, maxLength: 4 })
  .chain(dims =>
    fc.record({ axis: fc.nat(dims.length - 1), count: fc.integer({ min: 1, max: 6 }), rows: fc.boolean() }).map(
      ({ axis, count, rows }): Sizes => ({
        data: dims.map(([d]) => d),
        index: dims.map(([d, alone], i) => (i === axis ? count : alone || rows ? 1 : d)),
        axis,
      }),
    ),
  );

beforeAll(async () => {
  await tf.setBackend('cpu');
  (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
});

describe.each([
  ['tfjs', tfjs],
  ['onnx', onnx],
] as const)('a %s model', (_, run) => {
  it('of any shapes', () =>
    fc.assert(
      fc.asyncProperty(anySizes, fc.nat(1000), (sizes, seed) => check(run, [sizes], seed)),
      { numRuns: 40, seed: 5 },
    ));

  it('whose batch and size along the axis are open', () =>
    check(
      run,
      [7, 11, 13, 19].map(n => ({ data: [n, 3, n + 2], index: [n, 3, 2 * n], axis: 2 })),
      1,
    ));

  it('that takes whole rows, as many as are asked for', () =>
    check(
      run,
      [7, 11, 13, 19].map(n => ({ data: [5, 4], index: [n, 1], axis: 0 })),
      1,
    ));
});
