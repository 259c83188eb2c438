/** train, test and demo: what they print, leave behind, and do when stopped. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TrainEvent } from '../../src/train/events.js';
import { folder, mokapot, project } from './cli.js';

const NET = `
name: "tiny"
layer { name: "data" type: "Data" top: "data" data_param { batch_size: 2 } include { not_stage: "deploy" } }
layer { name: "label" type: "Data" top: "label" data_param { batch_size: 2 } include { not_stage: "deploy" } }
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 32 dim: 32 } } include { stage: "deploy" } }
layer { name: "scale" type: "Power" bottom: "data" top: "scaled" power_param { scale: 0.01 shift: -0.5 } }
layer { name: "conv" type: "Convolution" bottom: "scaled" top: "score"
  convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" exclude { stage: "deploy" } }
layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy" include { stage: "val" } }
`;

let dir: string;
let digits: string[];

beforeAll(async () => {
  dir = folder();
  writeFileSync(join(dir, 'tiny.prototxt'), NET);
  await mokapot(['dataset', 'create', 'phantom', '--out', join(dir, 'data'), '--count', '20', '--size', '32']);
  const data = ['--dataset', join(dir, 'data'), '--backend', 'host', '--seed', '7'];
  digits = ['train', '--net', join(dir, 'tiny.prototxt'), ...data];
});

function eventsOf(text: string): TrainEvent[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as TrainEvent);
}

describe('train', () => {
  it("goes DIGITS' way in plain lines, and leaves a run's folder", async () => {
    const out = join(dir, 'plain');
    const { code, out: text, err } = await mokapot([...digits, '--epochs', '2', '--lr', '0.1', '--out', out]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(text).toMatch(
      /^Training tiny on host: 15 entries, 2 an iteration, 16 iterations, seed 7\n20 of 20 parameters/,
    );
    expect(text).toMatch(/epoch 1: validation {2}accuracy 0\.\d+ {2}loss 0\.\d+/);
    expect(text).toMatch(/iteration \d+: loss 0\.\d+ {2}rate 0\.1 .*images\/s {2}.* left/);
    expect(text).toContain('Done: 16 iterations');
    for (const file of [
      'network.prototxt',
      'solver.prototxt',
      'log.jsonl',
      'curves.svg',
      'snapshot_iter_16.caffemodel',
    ])
      expect(existsSync(join(out, file))).toBe(true);
    expect(readFileSync(join(out, 'network.prototxt'), 'utf8')).toBe(NET);
  });

  it('tells events as JSON, one a line, and takes options of the solver', async () => {
    const argv = ['--epochs', '4', '--policy', 'multistep', '--step', '25,50', '--gamma', '0.5', '--batch-size', '5'];
    const { code, out } = await mokapot([...digits, ...argv, '--out', join(dir, 'json'), '--json']);
    const events = eventsOf(out);
    expect(code).toBe(0);
    expect(events[0]).toMatchObject({ type: 'start', batchSize: 5, maxIter: 12 });
    const rates = events.flatMap(e => (e.type === 'iteration' ? [Number(e.rate.toPrecision(4))] : []));
    expect(rates).toEqual([0.01, 0.01, 0.01, 0.005, 0.005, 0.005, ...Array<number>(6).fill(0.0025)]);
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'done' });
  });

  it('stops in order when interrupted, says how to go on, and goes on to the same numbers', async () => {
    const options = ['--epochs', '3', '--lr', '0.1', '--json'];
    const whole = await mokapot([...digits, ...options, '--out', join(dir, 'whole')]);
    const controller = new AbortController();
    const stopped = await mokapot([...digits, ...options, '--out', join(dir, 'part')], {
      signal: controller.signal,
      onOut: line => line.includes('"type":"iteration"') && line.includes('"iter":6,') && controller.abort(),
    });
    expect(stopped.code).toBe(130);
    const command = /Go on with: mokapot (train --resume \S+)/.exec(stopped.err)?.[1];
    expect(command).toBeDefined();
    const rest = await mokapot([...command!.split(' '), '--json']);
    const losses = (text: string) => eventsOf(text).flatMap(e => (e.type === 'iteration' ? [e.loss] : []));
    expect([...losses(stopped.out), ...losses(rest.out)]).toEqual(losses(whole.out));
  });

  it("goes Caffe's way", async () => {
    const solver = join(dir, 'solver.prototxt');
    writeFileSync(
      solver,
      'net: "tiny.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 4 display: 2 snapshot_prefix: "s" random_seed: 1 ' +
        'test_iter: 2 test_interval: 2',
    );
    const argv = ['train', '--solver', solver, '--dataset', join(dir, 'data'), '--backend', 'host'];
    const { code, out } = await mokapot([...argv, '--out', join(dir, 'caffe')]);
    expect(code).toBe(0);
    expect(out).toMatch(/iteration 2: loss/);
    expect(existsSync(join(dir, 'caffe', 's_iter_4.solverstate'))).toBe(true);
  });

  it('warns before it starts of weights that stay 0', async () => {
    const net = join(dir, 'zero.prototxt');
    writeFileSync(
      net,
      NET.replace(
        /layer \{ name: "conv"[\s\S]*?\} \} \}/,
        layer =>
          `${layer.replace(/weight_filler.*?\}/, '').replace('top: "score"', 'top: "hidden"')}
layer { name: "conv2" type: "Convolution" bottom: "hidden" top: "score" convolution_param { num_output: 2 kernel_size: 1 } }`,
      ),
    );
    const argv = digits.map(arg => (arg.endsWith('tiny.prototxt') ? net : arg));
    const { out } = await mokapot([...argv, '--epochs', '1', '--out', join(dir, 'zero')]);
    expect(out).toContain('warning[zero-weights]');
  });

  it('ends a training that diverges with an error and its cure', async () => {
    const ran = await mokapot([...digits, '--epochs', '9', '--lr', '1e30', '--out', join(dir, 'wild')]);
    expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/error\[diverged\].*training has diverged/) });
    expect(ran.err).toContain('Lower base_lr');
  });

  it.each([
    [['train'], 1, 'Neither a solver nor a network'],
    [['train', '--solver', 'package.json', '--lr', '1'], 1, '--lr has no place'],
    [['train', '--net', '/no/such', '--epochs', '1'], 1, 'Cannot read /no/such: there is no such file'],
    [['train', '--solver', '/no/such'], 1, 'Cannot read /no/such: there is no such file'],
    [['train', '--solver', 'test'], 1, 'Cannot read test: it is a folder'],
    [['train', '--net', 'x', '--lr', 'fast'], 2, 'It must be a number'],
    [['train', '--net', 'x', '--policy', 'hope'], 2, 'Allowed choices are fixed, step'],
    [['test', '--net', '/no/such'], 1, 'Cannot read /no/such: there is no such file'],
  ])('%j is refused', async (argv, code, sentence) => {
    expect(await mokapot(argv)).toMatchObject({ code, out: '', err: expect.stringContaining(sentence) });
  });

  it('refuses a folder that cannot be written, weights that do not fit, a batch size for a net without Data layers', async () => {
    const taken = join(dir, 'taken');
    writeFileSync(taken, '');
    const epochs = [...digits, '--epochs', '1'];
    expect(await mokapot([...epochs, '--out', taken])).toMatchObject({ code: 1, err: expect.stringContaining(taken) });
    const weights = await mokapot([...epochs, '--out', join(dir, 'w'), '--weights', join(dir, 'tiny.prototxt')]);
    expect(weights).toMatchObject({ code: 1, err: expect.stringContaining('tiny.prototxt') });
    const input = join(dir, 'input.prototxt');
    writeFileSync(input, 'layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 1 } } }');
    const batch = await mokapot(['train', '--net', input, '--epochs', '1', '--batch-size', '3']);
    expect(batch).toMatchObject({ code: 1, err: expect.stringContaining('no Data layer with a batch_size') });
  });
});

describe('test', () => {
  it('tells the means that training told at its end', async () => {
    const out = join(dir, 'tested');
    const trained = await mokapot([...digits, '--epochs', '2', '--lr', '0.1', '--out', out, '--json']);
    const last = eventsOf(trained.out).findLast(e => e.type === 'test')!;
    const net = ['--net', join(dir, 'tiny.prototxt'), '--dataset', join(dir, 'data'), '--backend', 'host'];
    const weights = ['--weights', join(out, 'snapshot_iter_16.caffemodel')];
    const { code, out: text } = await mokapot(['test', ...net, ...weights, '--json']);
    const result = JSON.parse(text) as { outputs: object };
    expect(code).toBe(0);
    expect(result.outputs).toEqual(last.outputs);
    expect((await mokapot(['test', ...net, ...weights, '--iterations', '1'])).out).toContain('means over 1 batch');
  });
});

describe('demo', () => {
  it('runs through, whatever the terminal, and leaves pictures', async () => {
    const out = join(dir, 'demo');
    const { code, out: text } = await mokapot(['demo', '--out', out, '--count', '20', '--iterations', '2']);
    expect(code).toBe(0);
    expect(text).toMatch(/Dice [01]\.\d+ on held-back patients/);
    for (const file of ['predictions.png', 'run/curves.svg', 'data/manifest.json'])
      expect(existsSync(join(out, file))).toBe(true);
    expect(readFileSync(join(out, 'run', 'network.prototxt'), 'utf8')).toBe(
      readFileSync(project('networks/fcn_small.prototxt'), 'utf8'),
    );
  });
});
