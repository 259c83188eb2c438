/** Python layers in TypeScript: asynchronous methods, own blobs, lowering, tops from nothing, failures in a training. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  type Builder,
  describe as describeNet,
  type HostBlob,
  type HostLayer,
  Net,
  runPythonLayer,
  Solver,
  type TrainEvent,
  type Value,
} from '../../src/index.js';
import { registerPythonLayer } from '../../src/layers/index.js';
import { compileNet } from '../../src/net/index.js';
import { Random } from '../../src/random/index.js';
import { parseText } from '../../src/schema/index.js';
import { readGolden } from '../../src/tools/golden_files.js';
import { greatestError } from '../../src/tools/verify.js';
import { trainSolver } from '../../src/train/node/loop.js';
import { folder, mokapot } from '../cli/cli.js';
import { Affine, Counting, DiceLoss, EuclideanLossLayer, IoU, MultiClassDice } from '../python/layers/segmentation.js';

type Blobs = readonly HostBlob[];

const later = () => new Promise<void>(resolve => setTimeout(resolve, 1));

/** Affine, with every method asynchronous. */
class Slow implements HostLayer {
  param_str = '';
  phase = 'TRAIN' as const;
  blobs!: Affine['blobs'];
  private readonly inner = new Affine();

  async setup(): Promise<void> {
    await later();
    Object.assign(this.inner, { blobs: this.blobs, param_str: this.param_str, phase: this.phase });
    this.inner.setup();
  }

  async reshape(bottom: Blobs, top: Blobs): Promise<void> {
    await later();
    this.inner.reshape(bottom, top);
  }

  async forward(bottom: Blobs, top: Blobs): Promise<void> {
    await later();
    this.inner.forward(bottom, top);
  }

  async backward(top: Blobs, down: readonly boolean[], bottom: Blobs): Promise<void> {
    await later();
    this.inner.backward(top, down, bottom);
  }
}

/** The same as part of the graph; the third number is not counted there. */
class Lowered implements HostLayer {
  param_str = '';
  phase = 'TRAIN' as const;
  blobs!: Affine['blobs'];

  setup(): void {
    for (let i = 0; i < 3; i++) this.blobs.add_blob(1);
    this.blobs[0]!.data[0] = Number(this.param_str);
  }

  reshape([x]: Blobs, [y]: Blobs): void {
    y!.reshape(...x!.shape);
  }

  lower(b: Builder, [x]: readonly Value[], [a, c]: readonly Value[]): readonly Value[] {
    return [b.add(b.mul(x!, a!), c!)];
  }
}

class Thief extends Affine {
  override forward(bottom: Blobs, top: Blobs): void {
    super.forward(bottom, top);
    this.blobs[0]!.data[0] = 3;
  }
}

/** Fails at the forward that param_str counts from 0. */
class Failing implements HostLayer {
  param_str = '';
  phase = 'TRAIN' as const;
  private forwards = 0;

  reshape(_: Blobs, [y]: Blobs): void {
    y!.reshape(1);
  }

  forward(): void {
    if (this.forwards++ === Number(this.param_str)) throw new Error('enough');
  }
}

class WrongSize implements HostLayer {
  param_str = '';
  phase = 'TRAIN' as const;
  reshape(_: Blobs, [y]: Blobs): void {
    y!.reshape(5);
  }
  lower(b: Builder): readonly Value[] {
    return [b.zeros([4])];
  }
}

class Bare implements HostLayer {
  param_str = '';
  phase = 'TRAIN' as const;
  reshape(): void {}
}

for (const [name, cls] of Object.entries({ Affine, Slow, Lowered, Thief, Failing, WrongSize, Bare }))
  registerPythonLayer('users', name, cls);

const layer = (name: string, more = '', text = '2') =>
  `layer { name: "u" type: "Python" bottom: "x" top: "y" ${more} python_param { module: "users" layer: "${name}" param_str: "${text}" } }`;

const counted = 'param {} param {} param { lr_mult: 0 }';

const net = (body: string, phase: 'TRAIN' | 'TEST' = 'TRAIN') =>
  Net.fromText(
    `force_backward: true layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 } } } ${body}`,
    { phase, backend: 'host', seed: 1 },
  );

describe('layers as people write them', () => {
  const random = new Random(3);
  const scores = (classes: number) => ({
    data: Float32Array.from({ length: 2 * classes * 30 }, () => random.uniform(-2, 2)),
    shape: [2, classes, 5, 6],
  });
  const labels = (classes: number) => ({
    data: Float32Array.from({ length: 60 }, () => random.integer(classes)),
    shape: [2, 1, 5, 6],
  });

  it('DiceLoss and its gradient, over the batch', async () => {
    const bottoms = [scores(2), labels(2)];
    const options = { topDiffs: [[0.5]] };
    const own = await runPythonLayer('users', 'DiceLoss', bottoms, { ...options, layerClass: DiceLoss });
    const param_str = '{"denominator": "plain", "weights": [0, 1], "batch": true}';
    const shipped = await runPythonLayer('digits_python_layers', 'DiceLoss', bottoms, { ...options, param_str });
    expect(greatestError(own.tops[0]!.data, shipped.tops[0]!.data)).toBeLessThan(1e-5);
    expect(greatestError(own.bottomDiffs[0]!, shipped.bottomDiffs[0]!)).toBeLessThan(1e-3);
  });

  it('IoU, its mean and each class’s', async () => {
    const bottoms = [scores(4), labels(4)];
    const own = await runPythonLayer('users', 'IoU', bottoms, { tops: 2, layerClass: IoU });
    const shipped = await runPythonLayer('digits_python_layers', 'IoU', bottoms, { tops: 2 });
    for (const i of [0, 1]) expect(greatestError(own.tops[i]!.data, shipped.tops[i]!.data)).toBeLessThan(1e-5);
  });

  it('Dice of each class', async () => {
    const label = { data: [0, 1, 2, 2], shape: [1, 1, 2, 2] };
    // Chosen: 0, 1, 1, 2.
    const chosen = { data: [9, 0, 0, 0, 0, 9, 9, 0, 0, 0, 0, 9], shape: [1, 3, 2, 2] };
    const { tops } = await runPythonLayer('users', 'MultiClassDice', [chosen, label], { layerClass: MultiClassDice });
    expect([...tops[0]!.data].map(v => Number(v.toFixed(5)))).toEqual([1, 0.66667, 0.66667]);
  });

  it('Caffe’s example of a Euclidean loss gives the golden’s numbers', async () => {
    const { values } = await readGolden(fileURLToPath(new URL('../goldens/layers', import.meta.url)), 'euclidean');
    const of = (key: string) => values.tensors.get(key)!;
    const bottoms = ['a', 'b'].map(name => ({ data: of(`input/${name}`).data, shape: [3, 4] }));
    const layerClass = EuclideanLossLayer;
    const { tops, bottomDiffs } = await runPythonLayer('users', 'Euclidean', bottoms, { layerClass, topDiffs: [[1]] });
    expect(greatestError(tops[0]!.data, of('output/loss').data)).toBeLessThan(1e-5);
    for (const [i, name] of ['a', 'b'].entries())
      expect(greatestError(bottomDiffs[i]!, of(`input_diff/${name}`).data)).toBeLessThan(1e-5);
  });

  it('a data layer whose rows change from run to run', async () => {
    registerPythonLayer('users', 'Counting', Counting);
    const made = await Net.fromText(
      `layer { name: "d" type: "Python" top: "d" python_param { module: "users" layer: "Counting" } }
       layer { name: "s" type: "Reduction" bottom: "d" top: "s" }`,
      { backend: 'host' },
    );
    const sums: number[] = [];
    for (let i = 0; i < 3; i++) sums.push((await made.forward()).get('s')!.data[0]!);
    expect(sums).toEqual([0 + 1 + 2 + 3, 4 + 5 + 6 + 7 + 8 + 9, 10 + 11]);
    made.dispose();
  });
});

describe('own blobs', () => {
  it.each(['Affine', 'Slow', 'Lowered'])('of %s: start as setup left them, get gradients, are used', async name => {
    const made = await net(layer(name, counted));
    expect(made.params.get('u')!.map(p => p.data[0])).toEqual([2, 0, 0]);
    expect([...(await made.forward({ x: [1, 2, 3, 4] })).get('y')!.data]).toEqual([2, 4, 6, 8]);
    made.params.get('u')![1]!.data[0] = 0.5;
    expect([...(await made.forward({ x: [1, 2, 3, 4] })).get('y')!.data]).toEqual([2.5, 4.5, 6.5, 8.5]);
    const diffs = await made.backward({ y: [1, 10, 100, 1000] });
    expect([...diffs.get('x')!.diff]).toEqual([2, 20, 200, 2000]);
    expect(
      made.params
        .get('u')!
        .slice(0, 2)
        .map(p => p.diff[0]),
    ).toEqual([4321, 1111]);
    made.dispose();
  });

  it('what forward writes stays where lr_mult is 0', async () => {
    const made = await net(layer('Slow', counted));
    for (let i = 0; i < 3; i++) await made.forward({ x: [1, 2, 3, 4] });
    expect(made.params.get('u')![2]!.data[0]).toBe(3);
    made.dispose();
  });

  it('what forward writes into one that is learnt is refused', async () => {
    const made = await net(layer('Thief', counted));
    await expect(made.forward({ x: [1, 2, 3, 4] })).rejects.toThrow(/changed blobs\[0\], which is learnt.*lr_mult: 0/);
    made.dispose();
  });

  it('take as many param blocks as there are', async () => {
    await expect(net(layer('Affine', 'param {} param {} param {} param {}'))).rejects.toThrow(/4 param blocks, but 3/);
  });

  it('are shared by name, gradients adding up', async () => {
    const two = ['a', 'b'].map(
      name =>
        `layer { name: "${name}" type: "Python" bottom: "x" top: "${name}" param { name: "scale" } param {} param { lr_mult: 0 }
          python_param { module: "users" layer: "Affine" param_str: "2" } }`,
    );
    const made = await net(two.join('\n'));
    await made.forward({ x: [1, 2, 3, 4] });
    await made.backward({ a: [1, 1, 1, 1], b: [1, 1, 1, 1] });
    expect(made.params.get('a')![0]!.diff[0]).toBe(20);
    made.dispose();
  });
});

describe('lower', () => {
  it('must give what reshape promised', async () => {
    const made = await net(layer('WrongSize'));
    await expect(made.forward({ x: [1, 2, 3, 4] })).rejects.toThrow(
      /WrongSize\.lower failed: top 0 has the shape \[4\].*\[5\]/,
    );
    made.dispose();
  });

  it('is not missed where there is forward, nor forward where there is lower; one must be there', async () => {
    const made = await net(layer('Bare'));
    await expect(made.forward({ x: [1, 2, 3, 4] })).rejects.toThrow(
      /Bare\.forward failed: the class has no such method/,
    );
    made.dispose();
  });
});

describe('asynchronous methods', () => {
  it('cannot be waited for by the synchronous compiler, which says so', () => {
    const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } } ${layer('Slow', counted)}`;
    expect(() => compileNet(parseText(text, 'caffe.NetParameter').message, { phase: 'TRAIN' })).toThrow(
      /layer "u" is asynchronous/,
    );
  });

  it('do not stop a description, which leaves the layer out', () => {
    const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } } ${layer('Slow', counted)}`;
    const described = describeNet(text, { phase: 'TRAIN' });
    expect(described.layers.map(l => l.name)).toEqual(['x']);
    expect(described.diagnostics.map(d => [d.code, d.severity])).toEqual([['python-not-run', 'warning']]);
  });

  it('take other shapes as they come', async () => {
    const made = await net(layer('Slow', counted));
    const out = await made.forward({ x: { data: [1, 2, 3], shape: [3, 1] } });
    expect(out.get('y')!.shape).toEqual([3, 1]);
    made.dispose();
  });
});

describe('user code that fails in a training', () => {
  const events = async (at: number, phase: 'TRAIN' | 'TEST') => {
    const dir = folder();
    const solver = await Solver.fromText(
      `base_lr: 0.1 lr_policy: "fixed" max_iter: 6 snapshot: 2 snapshot_prefix: "${dir}/s" test_iter: 1 test_interval: 3
       net_param {
         layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 } } }
         layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
         layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "x" top: "loss" }
         layer { name: "f" type: "Python" bottom: "ip" top: "f" include { phase: ${phase} }
           python_param { module: "users" layer: "Failing" param_str: "${at}" } } }`,
      { backend: 'host', seed: 1 },
    );
    const seen: TrainEvent[] = [];
    const x = { x: [1, 2, 3, 4] };
    for await (const event of trainSolver(solver, { feeds: x, testFeeds: x })) seen.push(event);
    await solver.dispose();
    return seen.at(-1) as TrainEvent & { type: 'end' };
  };

  it('ends it with the last snapshot and the reason', async () => {
    const end = await events(5, 'TRAIN');
    expect(end).toMatchObject({ reason: 'failed', iter: 5, snapshot: { state: expect.stringMatching(/s_iter_4/) } });
    expect(end.diagnostic!.message).toMatch(
      /^Iteration 5: Layer "f" \(Python\): users\.Failing\.forward failed: enough/,
    );
    expect(end.diagnostic!.hint).toMatch(/newest sound snapshot is .*s_iter_4\.solverstate/);
  });

  it('in a test, after a snapshot', async () => {
    const end = await events(1, 'TEST');
    expect(end).toMatchObject({ reason: 'failed', iter: 3, snapshot: { state: expect.stringMatching(/s_iter_3/) } });
    expect(end.diagnostic!.message).toMatch(/^Test at iteration 3/);
  });
});

describe('a run’s folder', () => {
  it('has the user code beside the network: what lies there trains the same', async () => {
    const dir = folder();
    writeFileSync(
      join(dir, 'ones.mjs'),
      `export class Ones { reshape(_, [y]) { y.reshape(2, 2); } forward(_, [y]) { y.data.fill(1); } }`,
    );
    writeFileSync(
      join(dir, 'solver.prototxt'),
      `base_lr: 0.1 lr_policy: "fixed" max_iter: 3 random_seed: 1 net_param {
         layer { name: "x" type: "Python" top: "x" python_param { module: "ones" layer: "Ones" } }
         layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
         layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "x" top: "loss" } }`,
    );
    const train = async (solver: string, out: string) => {
      const { code, out: text } = await mokapot([
        'train',
        '--solver',
        solver,
        '--out',
        out,
        '--backend',
        'host',
        '--json',
      ]);
      expect(code).toBe(0);
      return text.split('\n').flatMap(line => /"type":"iteration".*"loss":([^,]*)/.exec(line)?.[1] ?? []);
    };
    const first = await train(join(dir, 'solver.prototxt'), join(dir, 'run'));
    expect(first).toHaveLength(3);
    expect(await train(join(dir, 'run', 'solver.prototxt'), join(dir, 'again'))).toEqual(first);
  });
});

describe('check and summary', () => {
  const dir = folder();
  const path = join(dir, 'net.prototxt');
  writeFileSync(join(dir, 'shouting.mjs'), `throw new Error('this code was run');`);
  writeFileSync(
    path,
    `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }
     layer { name: "u" type: "Python" bottom: "x" top: "y" python_param { module: "shouting" layer: "L" } }
     layer { name: "r" type: "ReLU" bottom: "y" top: "r" }`,
  );

  it('do not run user code unless told to', async () => {
    const checked = await mokapot(['check', path]);
    expect(checked.code).toBe(0);
    expect(checked.out).toMatch(/warning\[python-not-run\].*shouting\.mjs.*\n.*net\.prototxt:2:/);
    expect(checked.out).toContain('--run-python');
    const run = await mokapot(['check', path, '--run-python']);
    expect(run.code).toBe(1);
    expect(run.out + run.err).toMatch(/shouting\.mjs, cannot be loaded: this code was run/);
  });

  it('say where they looked for a module that nobody has', async () => {
    const other = join(dir, 'other.prototxt');
    writeFileSync(other, 'layer { name: "u" type: "Python" top: "y" python_param { module: "nowhere" layer: "L" } }');
    const { code, out } = await mokapot(['check', other, '--python-layers', '/no/such/folder']);
    expect(code).toBe(1);
    expect(out).toMatch(
      /error\[python-module\].*Looked at \/no\/such\/folder\/nowhere\{\.ts,\.js,\.mjs,\.py\} \(there is no such folder\), /,
    );
    expect(out).toContain(`${dir}/nowhere{.ts,.js,.mjs,.py}`);
  });
});
