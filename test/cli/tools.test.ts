/** fmt, edit's new ways, upgrade, deploy, diff, graph, explain: as a person types them, on good and on broken input. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, mokapot, project } from './cli.js';

const lenet = project('networks/lenet.prototxt');
const small = project('networks/fcn_small.prototxt');

function file(text: string, name = 'net.prototxt'): string {
  const path = join(folder(), name);
  writeFileSync(path, text);
  return path;
}

const BROKEN = 'layer {\n  name: "x\n}\n';

describe('fmt', () => {
  it('writes what is to be changed and says so; --check only says', async () => {
    const path = file('layer{name:"a"}# x\n');
    expect(await mokapot(['fmt', '--check', path, lenet])).toMatchObject({
      code: 1,
      out: expect.stringContaining(path),
    });
    expect(readFileSync(path, 'utf8')).toBe('layer{name:"a"}# x\n');
    expect(await mokapot(['fmt', path])).toMatchObject({ code: 0, out: `${path} formatted\n` });
    expect(readFileSync(path, 'utf8')).toBe('layer { name: "a" }  # x\n');
    expect(await mokapot(['fmt', '--check', path])).toMatchObject({ code: 0, out: '' });
  });

  it('leaves a broken file as it is, and goes on with the others', async () => {
    const [bad, good] = [file(BROKEN), file('a:1')];
    const { code, err } = await mokapot(['fmt', bad, good]);
    expect(code).toBe(1);
    expect(err).toContain('net.prototxt:2:');
    expect(readFileSync(bad, 'utf8')).toBe(BROKEN);
    expect(readFileSync(good, 'utf8')).toBe('a: 1\n');
  });

  it('the networks that come along are formatted', async () => {
    const names = ['fcn8s', 'fcn8s_sunnybrook', 'fcn_alexnet', 'fcn_alexnet_sunnybrook', 'fcn_small', 'lenet'];
    const paths = names.map(name => project(`networks/${name}.prototxt`));
    expect(await mokapot(['fmt', '--check', ...paths])).toMatchObject({ code: 0, out: '' });
  });
});

describe('edit', () => {
  it('says what it changed, on stderr where the text goes to stdout', async () => {
    const { out, err } = await mokapot(['edit', small, '--set', 'data[phase=TRAIN].batch_size=8']);
    expect(out.match(/batch_size: 8/g)).toHaveLength(1);
    expect(err).toContain('data.data_param.batch_size: 4 → 8 (line 12)');
  });

  it('renames layers by pattern and puts new ones in', async () => {
    const path = file(readFileSync(small, 'utf8'));
    const options = [
      '--rename',
      'conv?=enc_?',
      '--after',
      'pool1=layer { name: "d" type: "Dropout" bottom: "pool1" top: "pool1" }',
    ];
    const { code, out } = await mokapot(['edit', path, ...options, '--write']);
    expect(code).toBe(0);
    expect(out).toContain('conv1.name: "conv1" → "enc_1"');
    expect((await mokapot(['check', path])).code).toBe(0);
    expect((await mokapot(['diff', small, path, '--json'])).out).toContain('"after": "enc_5"');
  });
});

describe('upgrade', () => {
  it('prints, writes, and leaves a text of today alone', async () => {
    const path = file(
      'input: "x" # in\ninput_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4\nlayers { name: "r" type: RELU bottom: "x" top: "y" }\n',
    );
    const printed = await mokapot(['upgrade', path]);
    expect(printed.out).toContain('type: "Input"');
    expect(printed.out).toContain('# in');
    expect(printed.err).toContain('V1');
    expect((await mokapot(['upgrade', path, '--write'])).code).toBe(0);
    expect((await mokapot(['check', path])).out).not.toContain('upgraded');
    expect((await mokapot(['upgrade', path])).err).toContain('of today already');
    expect(await mokapot(['upgrade', file(BROKEN)])).toMatchObject({ code: 1, out: '' });
  });
});

describe('deploy', () => {
  it('gives a network that checks and is the deploy stage', async () => {
    const out = join(folder(), 'deploy.prototxt');
    expect(await mokapot(['deploy', small, '--out', out])).toMatchObject({
      code: 0,
      out: expect.stringContaining('written'),
    });
    expect((await mokapot(['summary', out, '--phase', 'TEST'])).out).toContain('outputs        prob');
    expect((await mokapot(['diff', small, out, '--stage', 'deploy'])).out).toContain('parameters');
  });

  it('asks for a shape nobody tells', async () => {
    const path = file('layer { name: "d" type: "Data" top: "data" data_param { source: "x" batch_size: 1 } }');
    expect(await mokapot(['deploy', path])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('--input data=1,3,227,227'),
    });
    expect((await mokapot(['deploy', path, '--input', 'data=1,1,9,9'])).code).toBe(0);
  });
});

describe('diff', () => {
  it('exit code 0 where two mean the same, 1 where not, with shapes and counts', async () => {
    const same = file(readFileSync(lenet, 'utf8').replace('num_output: 20', 'num_output: 20 group: 1'));
    expect(await mokapot(['diff', lenet, same])).toMatchObject({ code: 0, out: 'The two mean the same.\n' });
    const other = file(readFileSync(lenet, 'utf8').replace('num_output: 20', 'num_output: 24'));
    const { code, out } = await mokapot(['diff', lenet, other]);
    expect(code).toBe(1);
    expect(out).toContain('~ conv1 (Convolution)\n    convolution_param.num_output: 20 → 24');
    expect(out).toContain('top conv1: 64x20x24x24 → 64x24x24x24');
    expect(out).toContain('parameters     431,080 → 436,184 (+5,104)');
    expect(JSON.parse((await mokapot(['diff', lenet, other, '--json'])).out)).toMatchObject({ equal: false });
  });

  it('solvers; broken texts are told', async () => {
    const [a, b] = [file('base_lr: 0.1 max_iter: 5'), file('base_lr: 0.2 max_iter: 5')];
    expect(await mokapot(['diff', a, b])).toMatchObject({ code: 1, out: 'base_lr: 0.1 → 0.2\n' });
    expect(await mokapot(['diff', lenet, file(BROKEN)])).toMatchObject({ code: 1, out: '' });
  });
});

describe('graph', () => {
  it('svg, png and dot by the file’s ending; svg to stdout without one', async () => {
    const at = folder();
    for (const [name, start] of [
      ['n.svg', '<svg'],
      ['n.dot', 'digraph'],
      ['n.png', '\x89PNG'],
    ] as const) {
      expect((await mokapot(['graph', lenet, '-o', join(at, name), '--scale', '1'])).code).toBe(0);
      expect(readFileSync(join(at, name), 'latin1').startsWith(start)).toBe(true);
    }
    expect((await mokapot(['graph', lenet])).out).toContain('64×20×24×24');
  });

  it('refuses other endings, and draws what stands of a broken net', async () => {
    const out = join(folder(), 'n.bmp');
    expect(await mokapot(['graph', lenet, '-o', out])).toMatchObject({
      code: 1,
      err: expect.stringContaining('.svg, .png or .dot'),
    });
    expect(existsSync(out)).toBe(false);
    const bad = file(readFileSync(lenet, 'utf8').replace('bottom: "ip1"', 'bottom: "nope"'));
    const ran = await mokapot(['graph', bad]);
    expect(ran.code).toBe(1);
    expect(ran.out).toContain('conv1');
    expect(ran.err).toContain('nope');
  });
});

describe('explain', () => {
  it('a type', async () => {
    const { code, out } = await mokapot(['explain', 'pooling']);
    expect(code).toBe(0);
    for (const part of ['Pooling', 'kernel_size', 'MAX (default)', 'Side of the window.']) expect(out).toContain(part);
    expect((await mokapot(['explain', 'Poling'])).err).toContain('Did you mean Pooling?');
  });

  it('a layer of a network', async () => {
    const { out } = await mokapot(['explain', lenet, 'conv2']);
    for (const part of [
      'bottom         pool1 64x20x12x12, from pool1',
      'top            conv2 64x50x8x8, to pool2',
      '(12 − 5) / 1 + 1 = 8',
      'parameter 0    50x20x5x5, lr_mult 1',
      'parameters     25,050',
      'multiply-adds  102 M',
    ])
      expect(out).toContain(part);
    expect(out).toMatch(/num_output +50 /);
    expect(out).toMatch(/bias_term +true \(default\)/);
    expect((await mokapot(['explain', lenet, 'conv22'])).err).toContain('Did you mean conv2?');
    expect((await mokapot(['explain', 'no.prototxt', 'x'])).code).toBe(1);
    expect((await mokapot(['explain', small, 'prob'])).out).toContain('phase TEST, stage deploy');
  });
});

it('each has a help with an example', async () => {
  for (const command of ['fmt', 'edit', 'upgrade', 'deploy', 'diff', 'graph', 'explain', 'lsp'])
    expect((await mokapot([command, '--help'])).out).toContain('For example');
});
