/** `-` as the network or the solver: a prototxt that is pasted or piped, for every command that takes one. */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { folder, mokapot, project } from './cli.js';

const BIN = project('bin/mokapot');
const isBuilt = existsSync(project('dist/src/cli/main.js'));

let dir: string;
let net: string;

/** Runs a command in the folder with a text on its stdin. */
function piped(input: string, ...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...argv], { input, cwd: dir });
  return { status, out: stdout.toString(), err: stderr.toString() };
}

beforeAll(async () => {
  dir = folder();
  net = readFileSync(project('networks/fcn_small.prototxt'), 'utf8');
  await mokapot(['dataset', 'create', 'phantom', '--out', join(dir, 'set'), '--count', '8', '--size', '32']);
});

describe.skipIf(!isBuilt)('a network on stdin', () => {
  it('is trained, gone on with, tested and used', () => {
    const given = ['--dataset', 'set', '--backend', 'host'];
    const epochs = ['--epochs', '1', '--lr', '1e-4', '--batch-size', '2'];
    const trained = piped(net, 'train', '--net', '-', ...given, ...epochs, '--out', 'run');
    expect([trained.status, trained.err]).toEqual([0, expect.not.stringContaining('error')]);
    expect(readFileSync(join(dir, 'run', 'network.prototxt'), 'utf8')).toContain('SoftmaxWithLoss');
    const log = readFileSync(join(dir, 'run', 'log.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const events = log.map(line => JSON.parse(line) as { type: string; weights?: string });
    const { weights } = events.find(e => e.type === 'snapshot')!;
    expect(piped('', 'train', '--resume', 'run').status).toBe(0);

    const trainedWeights = ['--weights', weights!];
    const tested = piped(net, 'test', '--net', '-', ...given, ...trainedWeights, '--json');
    expect(tested.status).toBe(0);
    const ofFile = piped('', 'test', '--net', write(), ...given, ...trainedWeights, '--json');
    const { seconds: _, ...figures } = JSON.parse(tested.out);
    expect(JSON.parse(ofFile.out)).toMatchObject(figures);
    const used = piped(net, 'infer', '--net', '-', ...given, ...trainedWeights, '--out', 'masks');
    expect([used.status, used.out]).toEqual([0, expect.stringMatching(/Dice .* in the mean of/)]);
  });

  it('is timed, converted and transplanted into', () => {
    const deploy = ['--stage', 'deploy', '--phase', 'TEST', '--input', 'data=1,1,32,32'];
    const timed = piped(net, 'time', '--net', '-', '--iterations', '1', '--backend', 'host', ...deploy);
    expect([timed.status, timed.err]).toEqual([0, expect.not.stringContaining('error')]);
    expect(piped(net, 'convert', '--net', '-', '--to', 'onnx', '--out', 'net.onnx', ...deploy).status).toBe(0);
    expect(piped(net, 'convert', '--net', '-', '--to', 'caffemodel', '--out', 'a.caffemodel', ...deploy).status).toBe(
      0,
    );
    const moved = piped(
      net,
      'transplant',
      '--weights',
      'a.caffemodel',
      '--to',
      '-',
      '--out',
      'b.caffemodel',
      ...deploy,
    );
    expect([moved.status, moved.err]).toEqual([0, expect.not.stringContaining('error')]);
  });

  it('that is wrong is told of under the name <stdin>', () => {
    const wrong = net.replace('type: "Convolution"', 'type: "Convolutoin"');
    for (const argv of [
      ['train', '--net', '-', '--dataset', 'set', '--epochs', '1', '--out', 'wrong'],
      ['test', '--net', '-', '--dataset', 'set'],
      ['convert', '--net', '-', '--to', 'onnx', '--out', 'wrong.onnx'],
    ]) {
      const { status, err } = piped(wrong, ...argv);
      expect([status, err]).toEqual([1, expect.stringMatching(/<stdin>:\d+:\d+[\s\S]*Convolutoin/)]);
    }
  });
});

describe.skipIf(!isBuilt)('a solver on stdin', () => {
  it('trains, names its net from the working directory, and is gone on with', () => {
    cpSync(project('test/cases/snapshot-prefix-ignored/models'), join(dir, 'models'), { recursive: true });
    const solver = readFileSync(join(dir, 'models/x/solver.prototxt'), 'utf8');
    const { status, out, err } = piped(solver, 'train', '--solver', '-', '--out', 'solved', '--backend', 'host');
    expect([status, err]).toEqual([0, expect.not.stringContaining('error')]);
    expect(out).toContain(join('models', 'x', 'snap', '_iter_2.caffemodel'));
    expect(piped('', 'train', '--resume', 'solved', '--max-iter', '4').status).toBe(0);
    expect(existsSync(join(dir, 'models/x/snap/_iter_4.caffemodel'))).toBe(true);
  });
});

function write(): string {
  const path = join(dir, 'net.prototxt');
  writeFileSync(path, net);
  return path;
}
