/** Solver against Caffe: every update rule and policy, its snapshots and going on from Caffe's own. */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { greatestError } from '../../src/tools/verify.js';
import { Solver } from '../../src/train/node/solver.js';
import { readCaffemodel, readSafetensors, readSolverstate } from '../../src/weights/index.js';

const GOLDENS = fileURLToPath(new URL('../goldens/solvers/', import.meta.url));
const names = readdirSync(GOLDENS).flatMap(f => /^(.*)_solver\.prototxt$/.exec(f)?.[1] ?? []);
const folder = mkdtempSync(join(tmpdir(), 'mokapot-solver-'));
cpSync(GOLDENS, folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true }));

const golden = (file: string) => readFileSync(join(GOLDENS, file));
const TOLERANCE = 1e-4;

/** Row k of what was fed at iteration k. */
function feedsOf(values: ReturnType<typeof readSafetensors>) {
  const row = (key: string, k: number) => {
    const { data, shape } = values.tensors.get(key)!;
    const size = data.length / shape[0]!;
    return data.slice(k * size, (k + 1) * size);
  };
  return (k: number) => ({ data: row('data', k), label: row('label', k) });
}

function compareParams(solver: Solver, values: ReturnType<typeof readSafetensors>, prefix: string): void {
  for (const [layer, blobs] of solver.net.params) {
    blobs.forEach((blob, i) => {
      const truth = values.tensors.get(`${prefix}/${layer}/${i}`);
      expect(truth, `${prefix}/${layer}/${i}`).toBeDefined();
      expect(greatestError(blob.data, truth!.data), `${prefix}/${layer}/${i}`).toBeLessThanOrEqual(TOLERANCE);
    });
  }
}

const open = (name: string, weights?: string) =>
  Solver.fromFile(join(folder, `${name}_solver.prototxt`), {
    backend: 'host',
    ...(weights && { weights: join(folder, weights) }),
  });

it('there are all 16 cases', () => expect(names).toHaveLength(16));

describe.each(names)('%s', name => {
  const values = readSafetensors(golden(`${name}.safetensors`));
  const feeds = feedsOf(values);

  it('gives Caffe’s parameters and losses, iteration by iteration', async () => {
    const solver = await open(name, `${name}_init.caffemodel`);
    const losses = values.tensors.get('loss')!.data;
    compareParams(solver, values, 'init');
    for (let k = 0; k < losses.length; k++) {
      const loss = await solver.step(1, feeds(k));
      expect(Math.abs(loss - losses[k]!)).toBeLessThanOrEqual(TOLERANCE * losses[k]! + 1e-5);
      compareParams(solver, values, `after${k + 1}`);
    }
    expect(solver.iter).toBe(8);
    await solver.dispose();
  });

  it('reaches Caffe’s iteration 8 from Caffe’s snapshot of iteration 4', async () => {
    const solver = await open(name);
    await solver.restore(join(folder, `${name}_iter_4.solverstate`));
    expect(solver.iter).toBe(4);
    compareParams(solver, values, 'after4');
    await solver.step(4, iter => feeds(iter));
    compareParams(solver, values, 'after8');
    await solver.dispose();
  });

  it('writes a snapshot that equals Caffe’s field for field', async () => {
    const solver = await open(name, `${name}_init.caffemodel`);
    await solver.step(8, iter => feeds(iter));
    for (const file of [`${name}_iter_8.caffemodel`, `${name}_iter_8.solverstate`]) rmSync(join(folder, file));
    const files = await solver.snapshot();
    expect(files.weights).toBe(join(folder, `${name}_iter_8.caffemodel`));
    const [ours, theirs] = [readFileSync(files.state), golden(`${name}_iter_8.solverstate`)].map(b =>
      readSolverstate(b),
    );
    expect({ ...ours, history: 0, resume: 0 }).toEqual({ ...theirs, history: 0, resume: 0 });
    expect(ours!.history.map(b => b.shape)).toEqual(theirs!.history.map(b => b.shape));
    ours!.history.forEach((blob, i) => {
      expect(greatestError(blob.data, theirs!.history[i]!.data), `history ${i}`).toBeLessThanOrEqual(TOLERANCE);
    });
    const [model, truth] = [readFileSync(files.weights), golden(`${name}_iter_8.caffemodel`)].map(b =>
      readCaffemodel(b),
    );
    expect(model!.net).toEqual(truth!.net);
    expect(readFileSync(files.weights)).toHaveLength(golden(`${name}_iter_8.caffemodel`).length);
    await solver.dispose();
  });
});

describe.each(['sgd', 'sgd_iter_size', 'sgd_clip', 'adam'])('%s on wasm', name => {
  it('gives Caffe’s parameters', async () => {
    const values = readSafetensors(golden(`${name}.safetensors`));
    const solver = await Solver.fromFile(join(folder, `${name}_solver.prototxt`), {
      backend: 'wasm',
      weights: join(folder, `${name}_init.caffemodel`),
    });
    await solver.step(8, iter => feedsOf(values)(iter));
    compareParams(solver, values, 'after8');
    await solver.dispose();
  });
});

const failure = async (work: Promise<unknown>) => {
  const thrown: unknown = await work.then(
    () => undefined,
    e => e,
  );
  expect(thrown).toBeInstanceOf(MokapotError);
  return (thrown as MokapotError).diagnostics[0]!;
};

describe('a solver that cannot be', () => {
  const text = readFileSync(join(GOLDENS, 'sgd_solver.prototxt'), 'utf8');
  const fromText = (t: string) => Solver.fromText(t, { backend: 'host', dir: folder, name: 'solver.prototxt' });

  it.each([
    ['no-train-net', text.replace(/net: .*/, '')],
    ['many-train-nets', `${text} train_net: "net.prototxt"`],
    ['net-missing', text.replace('net.prototxt', 'nett.prototxt')],
    ['test-interval', `${text} test_iter: 1`],
    ['test-iter', `${text} test_net: "net.prototxt" test_interval: 1`],
    ['unknown-lr-policy', text.replace('fixed', 'fixd')],
    ['solver-number', `${text} iter_size: 0`],
  ])('%s', async (code, broken) => {
    const { location, ...diagnostic } = await failure(fromText(broken));
    expect(diagnostic.code).toBe(code);
    expect(diagnostic.hint).toBeTruthy();
    if (code !== 'no-train-net') expect(location!.source.name).toBe('solver.prototxt');
  });

  it('has no loss', async () => {
    const net = text.replace(
      /net: .*/,
      'net_param { layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } } }',
    );
    expect(await failure(fromText(net))).toMatchObject({ code: 'no-loss' });
  });

  it('is too large for the engine', async () => {
    const net = (count: number) =>
      text.replace(
        /net: .*/,
        `net_param { layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: 1 dim: ${count} } } }
           layer { name: "big" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: ${count} } }
           layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" } }`,
      );
    const wrong = await failure(fromText(net(70000)));
    expect(wrong).toMatchObject({ code: 'out-of-memory', layer: 'big' });
    expect(wrong.message).toMatch(/18693 MB.*16384 MB/);
  });

  it('is of another net than the snapshot', async () => {
    const solver = await open('sgd');
    expect(await failure(solver.restore(join(folder, 'adam_iter_4.solverstate')))).toMatchObject({
      code: 'history-count',
    });
    writeFileSync(join(folder, 'lost.solverstate'), golden('sgd_l1_iter_4.solverstate'));
    rmSync(join(folder, 'sgd_l1_iter_4.caffemodel'));
    expect(await failure(solver.restore(join(folder, 'lost.solverstate')))).toMatchObject({ code: 'learned-net' });
  });
});

describe('test nets', () => {
  const NET = `
    layer { name: "data" type: "DummyData" top: "x" top: "t" dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 1 } data_filler { type: "gaussian" std: 1 } data_filler { value: 2 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "loss" }
    layer { name: "only" type: "Power" bottom: "ip" top: "twice" power_param { scale: 2 } include { phase: TEST stage: "s" } }`;
  const TEXT = `net_param { ${NET} } base_lr: 0.1 lr_policy: "fixed" max_iter: 5 random_seed: 3
    test_iter: 2 test_iter: 3 test_interval: 1 test_state { } test_state { stage: "s" }`;

  it('have the training net’s parameters, their own stages, and give means', async () => {
    const solver = await Solver.fromText(TEXT, { backend: 'host' });
    expect(solver.testNets.map(net => net.outputs)).toEqual([['loss'], ['loss', 'twice']]);
    const before = await solver.test(1);
    await solver.step(30);
    const after = await solver.test(1);
    expect(after.batches).toBe(3);
    expect(after.outputs['twice']).toHaveLength(4);
    expect(after.outputs['loss']![0]).toBeCloseTo(after.loss!, 5);
    expect(after.loss!).toBeLessThan(before.loss! / 5);
    const [theirs] = solver.testNets[0]!.params.get('ip')!;
    expect(theirs!.data).toEqual(solver.net.params.get('ip')![0]!.data);
    expect(solver.losses).toHaveLength(30);
  });
});
