/** check, summary, doctor, and what every command does with files that are none. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, mokapot, project } from './cli.js';

const alexnet = project('networks/fcn_alexnet_sunnybrook.prototxt');
const small = project('networks/fcn_small.prototxt');

function file(text: string | Uint8Array, name = 'net.prototxt'): string {
  const path = join(folder(), name);
  writeFileSync(path, text);
  return path;
}

describe('usage', () => {
  it('prints help and the version', async () => {
    expect((await mokapot(['--help'])).out).toContain('Exit codes: 0 all right');
    const version = await mokapot(['--version']);
    expect(version).toMatchObject({
      code: 0,
      out: `${JSON.parse(readFileSync(project('package.json'), 'utf8')).version}\n`,
    });
  });

  it('says which command or option was meant, with exit code 2', async () => {
    expect(await mokapot(['chek'])).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean check?') });
    const option = await mokapot(['check', '--fromat', 'json', small]);
    expect(option).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean --format?') });
    expect((await mokapot([])).code).toBe(2);
  });

  it.each([
    [['check'], 'missing required argument'],
    [['check', '--phase', 'DREAM', small], 'It must be TRAIN or TEST.'],
    [['check', '--format', 'xml', small], 'Allowed choices are text, json, sarif, github.'],
    [['summary', '--input', 'data', small], 'It must read like data=1,3,256,256.'],
    [['summary', '--input', 'data=1,0,3', small], 'It must read like data=1,3,256,256.'],
  ])('%j is refused', async (argv, sentence) => {
    expect(await mokapot(argv)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(sentence) });
  });
});

describe('check', () => {
  it('passes a sound network and says what it assumed', async () => {
    const { code, out, err } = await mokapot(['check', small]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('entries of data 1x256x256, label 1x256x256 are assumed');
  });

  it("warns of FCN-AlexNet's weights that stay 0, naming layers and cure; with weights it does not", async () => {
    const { code, out } = await mokapot(['check', alexnet]);
    expect(code).toBe(0);
    expect(out).toMatch(/warning\[zero-weights\].*conv1, conv2, conv3, conv4, conv5, fc6, fc7, score_fr/);
    expect(out).toContain('weight_filler { type: "xavier" }');
    expect((await mokapot(['check', '--strict', alexnet])).code).toBe(1);
    expect((await mokapot(['check', '--strict', '--weights', 'x.caffemodel', alexnet])).code).toBe(0);
  });

  it('points at a mistake in a code frame, once for all states', async () => {
    const broken = file(readFileSync(small, 'utf8').replace('num_output: 16', 'num_outptu: 16'));
    const { code, out, err } = await mokapot(['check', broken]);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toContain('num_outptu: 16\n');
    expect(out).toContain('^^^^^^^^^^');
    expect(out.match(/num_outptu`/g)).toHaveLength(1);
  });

  it('speaks JSON', async () => {
    const broken = file('layer { name: "a" type: "Convolutoin" top: "x" }');
    const { code, out } = await mokapot(['check', '--format', 'json', broken, small]);
    const report = JSON.parse(out) as { files: { ok: boolean; diagnostics: { code: string; range?: object }[] }[] };
    expect(code).toBe(1);
    expect(report.files.map(f => f.ok)).toEqual([false, true]);
    expect(report.files[0]!.diagnostics[0]).toMatchObject({ severity: 'error', range: { start: { line: 1 } } });
  });

  it('applies fixes', async () => {
    const broken = file(
      'name: "x"\nlayer {\n  name = "a"\n  type: "Input" top: "a"\n  input_param { shape { dim: 1 } }\n}\n',
    );
    const fixed = await mokapot(['check', '--fix', broken]);
    expect(fixed).toMatchObject({ code: 0, out: expect.stringContaining('fixed') });
    expect(readFileSync(broken, 'utf8')).toContain('name : "a"');
  });

  it('follows a solver to its network', async () => {
    const dir = folder();
    copyFileSync(alexnet, join(dir, 'net.prototxt'));
    const solver = join(dir, 'solver.prototxt');
    writeFileSync(solver, 'net: "net.prototxt"\nbase_lr: 0.01\nlr_policy: "fixed"\nmax_iter: 10\n');
    expect(await mokapot(['check', solver])).toMatchObject({ code: 0, out: expect.stringContaining('zero-weights') });
    writeFileSync(solver, 'net: "gone.prototxt"\nbase_lr: 0.01\nlr_policy: "fixed"\n');
    expect(await mokapot(['check', solver])).toMatchObject({ code: 1, out: expect.stringContaining('gone.prototxt') });
  });
});

describe('files that are no networks', () => {
  const junk = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256);
  const cases: [string, () => string, string][] = [
    ['a missing file', () => join(folder(), 'nothing.prototxt'), 'there is no such file'],
    ['a folder', () => folder(), 'is a folder'],
    ['binary junk', () => file(junk), 'is a binary file'],
    ['an empty file', () => file(''), 'no layers'],
    ['a path through a file', () => join(file('x'), 'y'), 'no folder'],
    ['an endless line', () => file(`name: "${'x'.repeat(100_000)}`), 'error'],
  ];
  const commands = ['check', 'summary'];
  it.each(cases.flatMap(c => commands.map(command => [command, ...c] as const)))(
    '%s on %s says so',
    async (command, _name, make, sentence) => {
      const { code, out, err } = await mokapot([command, make()]);
      expect(code).toBe(1);
      expect(out + err).toContain(sentence);
      expect(out + err).not.toMatch(/\n\s+at |bug in Mokapot/);
    },
  );

  it('shows at most twenty mistakes of a file', async () => {
    const { out } = await mokapot(['check', file(Array.from({ length: 500 }, (_, i) => `nonsense${i}: 1\n`).join(''))]);
    expect(out.length).toBeLessThan(20_000);
    expect(out).toContain('more; --format json shows all');
  });
});

describe('summary', () => {
  it('has a row a layer and totals', async () => {
    const { code, out } = await mokapot(['summary', alexnet]);
    expect(code).toBe(0);
    expect(out).toMatch(/conv1 +Convolution +conv1 1x96x112x112 +34,944/);
    expect(out).toMatch(/score +Crop +score 1x2x256x256/);
    expect(out).toContain('parameters     56,884,356');
    expect(out).not.toContain('_split');
    expect((await mokapot(['summary', '--splits', alexnet])).out).toContain('label_label_0_split');
  });

  it('takes other shapes, states and JSON', async () => {
    const { out } = await mokapot(['summary', '--stage', 'deploy', '--input', 'data=2,3,300x400', '--json', alexnet]);
    const net = JSON.parse(out) as { phase: string; blobs: Record<string, { shape: number[] }> };
    expect(net.phase).toBe('TEST');
    expect(net.blobs['score']!.shape).toEqual([2, 2, 300, 400]);
  });

  it('shows what stands of a broken network, and fails', async () => {
    const text = readFileSync(small, 'utf8').replace('num_output: 32', 'num_output: -32');
    const { code, out, err } = await mokapot(['summary', file(text)]);
    expect(code).toBe(1);
    expect(out).toContain('conv1');
    expect(err).toContain('error[');
  });
});

describe('doctor', () => {
  it('names the backends, the choice and its reason', async () => {
    const { code, out } = await mokapot(['doctor', '--json']);
    const report = JSON.parse(out) as { engines: { chosen: string; reason: string }; trial: { seconds: number } };
    expect(code).toBe(0);
    expect(report.trial.seconds).toBeGreaterThan(0);
    expect((await mokapot(['doctor'])).out).toContain(`Used: ${report.engines.chosen}. ${report.engines.reason}`);
  });
});

describe('colours', () => {
  it('are off for files and pipes, on with FORCE_COLOR', async () => {
    const broken = file('layer { nam: "a" }');
    const esc = String.fromCharCode(27);
    expect((await mokapot(['check', broken])).out).not.toContain(esc);
    expect((await mokapot(['check', broken], { env: { FORCE_COLOR: '1' } })).out).toContain(esc);
  });
});

describe('outputs that cannot be written', () => {
  it('are refused with a sentence', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'taken'));
    for (const out of [join(dir, 'taken'), join(dir, 'no', 'such', 'x.bin')]) {
      const ran = await mokapot(['encode', small, '--out', out]);
      expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^error\[.*Cannot write/) });
    }
  });
});
