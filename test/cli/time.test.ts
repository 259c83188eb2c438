/** mokapot time. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, mokapot, project } from './cli.js';

const lenet = project('networks/lenet.prototxt');
const small = ['--net', lenet, '--input', 'data=2,1,28,28', '--iterations', '1'];

describe('time', () => {
  it('prints backends side by side and draws them', async () => {
    const svg = join(folder(), 'time.svg');
    const { code, out, err } = await mokapot(['time', ...small, '--backend', 'host,cpu', '--svg', svg]);
    expect({ code, err }).toEqual({ code: 0, err: `The picture is in ${svg}.\n` });
    expect(out).toContain('LeNet, phase TRAIN, data 2x1x28x28, label 2; medians of 1');
    expect(out).toMatch(/host forward ms +GFLOP\/s +backward ms +GFLOP\/s +cpu forward ms/);
    expect(out).toMatch(/conv2 +Convolution( +\d+\.\d+){8}/);
    expect(out).toMatch(/^cpu( +[\d.]+ ms){2} +[\d.]+ +[\d.]+ ms +[\d.]+ \w+$/m);
    expect(readFileSync(svg, 'utf8')).toContain('host forward');
  });

  it('gives the same as JSON', async () => {
    const { code, out } = await mokapot(['time', ...small, '--backend', 'host', '--stage', 'deploy', '--json']);
    expect(code).toBe(0);
    const [timing] = JSON.parse(out);
    expect(timing).toMatchObject({ backend: 'host', phase: 'TEST', inputs: { data: [2, 1, 28, 28] } });
    expect(timing.layers.map((l: { layer: string }) => l.layer)).toContain('ip2');
  });

  it('says what is wrong with the network or the backend', async () => {
    expect(await mokapot(['time', '--net', 'missing.prototxt'])).toMatchObject({ code: 1 });
    const unknown = await mokapot(['time', ...small, '--backend', 'wasn']);
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('Did you mean wasm?') });
    const wrong = await mokapot(['time', ...small, '--input', 'data=2,1,3,3', '--backend', 'host']);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('error[') });
  });
});
