/** Training with layers in Python, by the command line: losses, metrics, own blobs in snapshots, failures half-way. */

import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCaffemodel, type TrainEvent } from '../../src/index.js';
import { mokapot, project } from '../cli/cli.js';
import { folderWith, hasPython, LAYERS, python } from './interpreter.js';

const NET = `
name: "tiny"
layer { name: "data" type: "Data" top: "data" data_param { batch_size: 2 } include { not_stage: "deploy" } }
layer { name: "label" type: "Data" top: "label" data_param { batch_size: 2 } include { not_stage: "deploy" } }
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 32 dim: 32 } } include { stage: "deploy" } }
layer { name: "scale" type: "Power" bottom: "data" top: "scaled" power_param { scale: 0.01 shift: -0.5 } }
layer { name: "affine" type: "Python" bottom: "scaled" top: "affine" param {} param { decay_mult: 0 } param { lr_mult: 0 decay_mult: 0 }
  python_param { module: "segmentation" layer: "Affine" param_str: "0.8" } }
layer { name: "conv" type: "Convolution" bottom: "affine" top: "score"
  convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Python" bottom: "score" bottom: "label" top: "loss" loss_weight: 1 include { phase: TRAIN }
  python_param { module: "segmentation" layer: "DiceLoss" } }
layer { name: "dice" type: "Python" bottom: "score" bottom: "label" top: "dice" include { stage: "val" }
  python_param { module: "digits_python_layers" layer: "Dice" } }
EXTRA
`;

let dir: string;
let data: string;

beforeAll(async () => {
  if (!hasPython) return;
  dir = folderWith({});
  data = join(dir, 'data');
  await mokapot(['dataset', 'create', 'phantom', '--out', data, '--count', '20', '--size', '32', '--seed', '1']);
});

function netWith(extra: string, name = 'net.prototxt'): string {
  const path = join(dir, name);
  writeFileSync(path, NET.replace('EXTRA', extra));
  return path;
}

/** The two files; either may be DIGITS' upload. */
const layers = () => [
  ...['segmentation.py', 'dice.py'].flatMap(file => ['--python-layers', join(LAYERS, file)]),
  ...['--python', python],
];

/** Runs `mokapot train` on it; without `--out` in a folder of its own. */
async function train(net: string, out: string, ...more: string[]) {
  const args = [
    'train',
    '--net',
    net,
    '--dataset',
    data,
    '--backend',
    'host',
    '--seed',
    '7',
    '--python',
    python,
    ...layers(),
  ];
  const { code, out: text, err } = await mokapot([...args, '--lr', '0.1', '--out', join(dir, out), '--json', ...more]);
  const events = text
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as TrainEvent);
  return { code, events, err, end: events.at(-1) as TrainEvent & { type: 'end' } };
}

function learnt(out: string, iter: number): number[] {
  const weights = loadCaffemodel(join(dir, out, `snapshot_iter_${iter}.caffemodel`));
  return weights.layers.get('affine')!.map(b => b.data[0]!);
}

describe.skipIf(!hasPython)('a Python loss in TRAIN and a Python metric in TEST', () => {
  it('train, and the layer’s own blobs are learnt and saved', async () => {
    const { code, err, events } = await train(netWith(''), 'plain', '--epochs', '2');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const losses = events.flatMap(e => (e.type === 'iteration' ? [e.loss] : []));
    expect(losses).toHaveLength(16);
    expect(Math.min(...losses.slice(8))).toBeLessThan(losses[0]!);
    const tests = events.flatMap(e => (e.type === 'test' ? [e.outputs['dice']![0]!] : []));
    expect(tests).toHaveLength(3);
    expect(tests.every(d => d >= 0 && d <= 1)).toBe(true);
    const [a, b, count] = learnt('plain', 16);
    expect(a).not.toBe(Math.fround(0.8));
    expect(b).not.toBe(0);
    // Written by forward, touched by no solver.
    expect(count).toBe(16);
  });

  it('go on from a snapshot to the numbers of the unbroken run', async () => {
    const net = netWith('');
    const first = await train(net, 'whole', '--epochs', '2');
    await train(net, 'half', '--epochs', '2', '--max-iter', '8');
    const state = join(dir, 'half', 'snapshot_iter_8.solverstate');
    const second = await train(net, 'half', '--epochs', '2', '--snapshot', state);
    expect(second.code).toBe(0);
    const losses = (events: TrainEvent[]) => events.flatMap(e => (e.type === 'iteration' ? [e.loss] : []));
    expect(losses(second.events)).toEqual(losses(first.events).slice(8));
    expect(learnt('half', 16)).toEqual(learnt('whole', 16));
  });

  it('mokapot test and summary run them too', async () => {
    const net = netWith('');
    const weights = join(dir, 'plain', 'snapshot_iter_16.caffemodel');
    const tested = await mokapot([
      'test',
      '--net',
      net,
      '--weights',
      weights,
      '--dataset',
      data,
      '--json',
      '--backend',
      'host',
      ...layers(),
    ]);
    expect({ code: tested.code, err: tested.err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(tested.out).outputs.dice[0]).toBeGreaterThanOrEqual(0);
    const unrun = await mokapot(['summary', net, '--stage', 'val', ...layers()]);
    expect(unrun.code).toBe(0);
    expect(unrun.err).toMatch(/layer "affine" are known to .*segmentation\.py only.*--run-python/s);
    const run = await mokapot(['summary', net, '--stage', 'val', '--run-python', ...layers()]);
    expect(run.out).toMatch(/affine +Python +affine 2x1x32x32 +3/);
    expect(run.out).toMatch(/dice +Python +dice 1/);
  });
});

/** A layer that fails at its n-th forward. */
const FAILING = `
import caffe, os
class Failing(caffe.Layer):
    def setup(self, bottom, top): self.left = int(self.param_str.split()[0])
    def reshape(self, bottom, top): top[0].reshape(1)
    def forward(self, bottom, top):
        self.left -= 1
        if self.left < 0:
            if "die" in self.param_str: os._exit(9)
            while "hang" in self.param_str: pass
            raise ValueError("enough")
`;

const failing = (how: string, rule: string) =>
  `layer { name: "f" type: "Python" bottom: "score" top: "f" include { ${rule} } python_param { module: "failing" layer: "Failing" param_str: "${how}" } }`;

describe.skipIf(!hasPython)('a layer that fails takes no training with it', () => {
  beforeAll(() => {
    if (hasPython) writeFileSync(join(dir, 'failing.py'), FAILING);
  });

  it.each([
    [
      'an exception',
      '10',
      'python-layer',
      /^Iteration 10: Layer "f" \(Python\): failing\.Failing\.forward failed: ValueError: enough/,
    ],
    [
      'a death',
      '10 die',
      'python-died',
      /^Iteration 10: .*its Python process ended by itself \(exit code 9\) in failing\.Failing\.forward/,
    ],
    ['a hang', '10 hang', 'python-timeout', /^Iteration 10: .*took longer than 1 s/],
  ])('in training, by %s', async (_, how, code, message) => {
    const out = `failed-${code}`;
    const run = await train(
      netWith(failing(how, 'phase: TRAIN'), `${code}.prototxt`),
      out,
      '--epochs',
      '2',
      '--python-timeout',
      '1',
    );
    expect(run.code).toBe(1);
    const { end } = run;
    expect(end).toMatchObject({ type: 'end', reason: 'failed', diagnostic: { code } });
    expect(end.diagnostic!.message).toMatch(message);
    expect(end.diagnostic!.hint).toMatch(
      /newest sound snapshot is .*snapshot_iter_8\.solverstate: .* go on from it with --snapshot/,
    );
    expect(existsSync(join(dir, out, 'snapshot_iter_8.caffemodel'))).toBe(true);
    expect(readFileSync(join(dir, out, 'log.jsonl'), 'utf8')).toContain('"reason":"failed"');
  });

  it('in a test: what was learnt until then is saved first', async () => {
    // A test has 3 batches of the 5 held back: the one after 8 iterations fails, of a run that snapshots at its end only.
    const net = netWith(failing('4', 'phase: TEST'), 'tested.prototxt');
    const run = await train(net, 'tested', '--epochs', '2', '--snapshot-interval', '2');
    expect(run.end.diagnostic!.message).toMatch(/^Test at iteration 8: Layer "f"/);
    expect(run.end.snapshot!.state).toMatch(/snapshot_iter_8\.solverstate$/);
    expect(existsSync(run.end.snapshot!.state)).toBe(true);
  });

  it('is printed with its traceback', async () => {
    const net = netWith(failing('0', 'phase: TRAIN'), 'printed.prototxt');
    const args = [
      'train',
      '--net',
      net,
      '--dataset',
      data,
      '--backend',
      'host',
      '--epochs',
      '1',
      '--out',
      join(dir, 'printed'),
    ];
    const { code, err } = await mokapot([...args, ...layers()]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /error\[python-layer\]: Iteration 0: Layer "f".*\n.*\n[\s\S]*failing\.py", line 11, in forward/,
    );
    expect(err).toContain('No snapshot was written before it.');
  });
});

describe.skipIf(!hasPython)('labels of a Python layer', () => {
  it('that are none of the classes end training', async () => {
    const folder = folderWith({});
    cpSync(project('test/cases/python-labels-out-of-range'), folder, { recursive: true });
    const solver = join(folder, 'sseg.prototxt');
    const { code, err } = await mokapot([
      'train',
      '--solver',
      solver,
      '--out',
      join(folder, 'out'),
      '--python',
      python,
    ]);
    expect(code).toBe(1);
    expect(err).toMatch(/error\[label-value\].*the label 255 at row 0, column 0 \(8 of its 16 pixels\)/);
  });
});
