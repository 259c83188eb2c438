/** What is not finite is named where it begins, and never kept or shown as a result. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { distance } from '../../src/convert/compare.js';
import { Net } from '../../src/runtime/node/net.js';
import { type TrainEvent, trainSolver } from '../../src/train/index.js';
import { Solver, type TrainOptions, train } from '../../src/train/node/index.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

const NET = `name: "n"
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param { data_filler { type: "gaussian" } data_filler { value: 1 } shape { dim: 2 dim: 3 } shape { dim: 2 } } }
layer { name: "first" type: "InnerProduct" bottom: "data" top: "first" inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "second" type: "InnerProduct" bottom: "first" top: "second" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "second" bottom: "label" top: "loss" include { phase: TRAIN } }
layer { name: "accuracy" type: "Accuracy" bottom: "second" bottom: "label" top: "accuracy" include { phase: TEST } }
`;
writeFileSync(at('net.prototxt'), NET);
writeFileSync(at('fast.prototxt'), NET.replace('top: "second" ', 'top: "second" param { lr_mult: 1000 } '));

function solverFile(name: string, more: string): string {
  writeFileSync(at(name), `net: "net.prototxt" lr_policy: "fixed" random_seed: 1 ${more}`);
  return at(name);
}

async function lastOf(options: TrainOptions): Promise<TrainEvent> {
  let last: TrainEvent | undefined;
  for await (const event of train({ ...options, backend: 'host' })) last = event;
  return last!;
}

it.each([false, true])(
  'a divergence names the first layer and the iteration (watched: %s), and the sound snapshot',
  async checkNumerics => {
    const solver = solverFile('wild.prototxt', 'base_lr: 1e30 max_iter: 9 snapshot: 1');
    const runDir = at(`wild-${checkNumerics}`);
    const end = await lastOf({ solver, runDir, checkNumerics });
    expect(end).toMatchObject({ type: 'end', reason: 'diverged' });
    const { message = '', hint = '' } = (end.type === 'end' && end.diagnostic) || {};
    expect(message).toMatch(/of layer "(first|second)".* iteration \d/);
    expect(hint).toContain('Lower base_lr');
  },
);

it.each([undefined, false, true])(
  'a run ends where it stood, not where the search for the cause left it, and the solver keeps its setting (option: %s)',
  async option => {
    const path = solverFile('infinite.prototxt', 'base_lr: 3e38 max_iter: 9 average_loss: 4');
    writeFileSync(path, readFileSync(path, 'utf8').replace('net.prototxt', 'fast.prototxt'));
    for (const own of [false, true]) {
      const solver = await Solver.fromFile(path, { backend: 'host' });
      solver.checkNumerics = own;
      const options = option === undefined ? {} : { checkNumerics: option };
      const events: TrainEvent[] = [];
      for await (const event of trainSolver(solver, options)) events.push(event);
      const last = events.findLast(e => e.type === 'iteration')!;
      const end = events.at(-1)!;
      expect(end).toMatchObject({ type: 'end', reason: 'diverged', iter: last.iter + 1 });
      expect(end).toHaveProperty('smoothedLoss', last.smoothedLoss);
      expect(end).toHaveProperty('diagnostic.message', expect.stringContaining('The update of iteration 0'));
      // A run that is not watched is told by the next loss, and looks for the cause then.
      expect(last.iter).toBe((option ?? own) ? 0 : 1);
      expect(solver.checkNumerics).toBe(own);
      await solver.dispose();
    }
  },
);

it('weights that are not finite are not saved, and the run does not end well', async () => {
  const solver = solverFile('huge.prototxt', 'base_lr: 3e38 max_iter: 1');
  writeFileSync(solver, readFileSync(solver, 'utf8').replace('net.prototxt', 'fast.prototxt'));
  const runDir = at('huge');
  const end = await lastOf({ solver, runDir });
  expect(end).toMatchObject({
    type: 'end',
    reason: 'diverged',
    diagnostic: { code: expect.stringMatching(/non-finite|diverged/) },
  });
  expect(existsSync(join(runDir, '_iter_1.caffemodel'))).toBe(false);
});

it('watching changes no number', async () => {
  const path = solverFile('calm.prototxt', 'base_lr: 0.1 max_iter: 5 momentum: 0.9');
  const losses = [];
  for (const watched of [false, true]) {
    const solver = await Solver.fromFile(path, { backend: 'host' });
    solver.checkNumerics = watched;
    await solver.step(5);
    losses.push([...solver.losses]);
    await solver.dispose();
  }
  expect(losses[1]).toEqual(losses[0]);
});

it('test and convert refuse weights that are not finite instead of showing figures', async () => {
  const net = await Net.fromFile(at('net.prototxt'), { backend: 'host', seed: 1 });
  net.params.get('second')![0]!.data[2] = Number.NaN;
  await net.save(at('nan.caffemodel'));
  net.dispose();
  const weights = ['--net', at('net.prototxt'), '--weights', at('nan.caffemodel'), '--backend', 'host'];
  const tested = await mokapot(['test', ...weights, '--iterations', '1']);
  expect(tested).toMatchObject({ code: 1, out: '', err: expect.stringContaining('error[non-finite]') });
  expect(tested.err).toContain('layer "second"');
  writeFileSync(
    at('deploy.prototxt'),
    NET.replace(/layer \{ name: "data".*\n/, 'input: "data" input_shape { dim: 2 dim: 3 }\n').replace(
      /layer \{ name: "accuracy".*\n/,
      '',
    ),
  );
  const converted = await mokapot([
    'convert',
    '--to',
    'onnx',
    '--out',
    at('m.onnx'),
    ...weights.with(1, at('deploy.prototxt')),
  ]);
  expect(converted).toMatchObject({ code: 1, err: expect.stringContaining('error[non-finite]') });
  expect(existsSync(at('m.onnx'))).toBe(false);
});

it('outputs without a finite number are not found equal', () => {
  const nan = Float32Array.of(Number.NaN, Number.NaN);
  expect(distance(nan, nan).error).toBe(Number.POSITIVE_INFINITY);
  expect(distance(Float32Array.of(1), Float32Array.of(1)).error).toBe(0);
});
