/** check: fixes, reports for machines, the states of solvers and of nets made for use. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changedLines } from '../../src/cli/fixing.js';
import { folder, mokapot, project } from './cli.js';

const alexnet = readFileSync(project('networks/fcn_alexnet.prototxt'), 'utf8');

function file(text: string, name = 'net.prototxt', dir = folder()): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const wrong = alexnet
  .replace('offset: 18', 'offset: 19 # as in the paper')
  .replace('normalization: VALID', 'normalize: true');

describe('check --fix', () => {
  it('writes the offset that aligns, keeps comments, and shows the lines', async () => {
    const path = file(wrong);
    const { out, code } = await mokapot(['check', '--fix', path]);
    expect(code).toBe(0);
    expect(out).toContain('-    offset: 19 # as in the paper\n+    offset: 18 # as in the paper');
    expect(readFileSync(path, 'utf8')).toBe(alexnet.replace('offset: 18', 'offset: 18 # as in the paper'));
  });

  it('--dry-run shows the same and changes nothing', async () => {
    const path = file(wrong);
    const { out } = await mokapot(['check', '--dry-run', path]);
    expect(out).toContain('would fix');
    expect(out).toContain('+    offset: 18');
    expect(readFileSync(path, 'utf8')).toBe(wrong);
  });

  it('leaves alone what something else may have been meant by', async () => {
    const text = alexnet.replace(/(type: "Deconvolution"[^}]*?)\n {2}param \{ lr_mult: 0 \}/, '$1');
    expect(text).not.toBe(alexnet);
    const path = file(text);
    const { out } = await mokapot(['check', '--fix', path]);
    expect(out).toContain('for you to decide: Keep it bilinear');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('needs several rounds where mistakes hide behind others', async () => {
    const path = file(wrong.replace('name: "score"\n', 'name = "score"\n'));
    await mokapot(['check', '--fix', path]);
    expect(readFileSync(path, 'utf8')).toContain('offset: 18');
  });
});

describe('changed lines', () => {
  it('are shown with a line around, place by place', () => {
    const before = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    const after = before.with(3, 'new').toSpliced(20, 2).toSpliced(10, 0, 'more');
    expect(changedLines(before.join('\n'), after.join('\n'))).toEqual([
      ...['@@ 3', ' line 2', '-line 3', '+new'],
      ...['@@ 10', ' line 9', '+more'],
      ...['@@ 20', ' line 19', '-line 20', '-line 21'],
    ]);
    expect(changedLines('a', 'a')).toEqual([]);
    expect(changedLines('', 'a\nb')).toEqual(['@@ 1', '-', '+a', '+b']);
  });
});

describe('check for machines', () => {
  it('SARIF names rules, places and fixes', async () => {
    const { out } = await mokapot(['check', '--format', 'sarif', file(wrong)]);
    const log = JSON.parse(out) as {
      version: string;
      runs: [{ tool: { driver: { rules: { id: string }[] } }; results: Record<string, unknown>[] }];
    };
    expect(log.version).toBe('2.1.0');
    const [{ tool, results }] = log.runs;
    const crop = results.find(r => r['ruleId'] === 'crop-offset')!;
    expect(tool.driver.rules[crop['ruleIndex'] as number]!.id).toBe('crop-offset');
    const line = wrong.slice(0, wrong.indexOf('offset: 19')).split('\n').length;
    expect(crop).toMatchObject({
      level: 'warning',
      locations: [{ physicalLocation: { region: { startLine: line, startColumn: 13, endLine: line, endColumn: 15 } } }],
      fixes: [{ artifactChanges: [{ replacements: [{ insertedContent: { text: '18' } }] }] }],
    });
  });

  it('GitHub gets one command a diagnostic, on one line', async () => {
    const path = file(wrong);
    const { out } = await mokapot(['check', '--format', 'github', path]);
    const lines = out.trimEnd().split('\n');
    expect(lines.every(line => /^::(error|warning|notice) file=.*::.+/.test(line))).toBe(true);
    expect(lines.find(line => line.includes('crop-offset'))).toMatch(/^::warning file=.*,line=\d+,endLine=\d+,col=13,/);
  });
});

describe('states', () => {
  const deploy = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 } } }
layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc" inner_product_param { num_output: 2 } }
`;

  it('a net made for use needs no loss', async () => {
    expect((await mokapot(['check', file(deploy)])).out).toContain('without faults');
  });

  it('a solver without tests is not asked for test data', async () => {
    const dir = folder();
    const net = `layer { name: "x" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { batch_size: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
`;
    file(net, 'net.prototxt', dir);
    const solver = 'net: "net.prototxt"\nbase_lr: 0.01\nlr_policy: "fixed"\nmax_iter: 10\n';
    const codes = async (text: string) => {
      const { out } = await mokapot(['check', '--format', 'json', file(text, 'solver.prototxt', dir)]);
      const report = JSON.parse(out) as { files: [{ diagnostics: { code: string }[] }] };
      return report.files[0].diagnostics.map(d => d.code).filter(c => c !== 'assumed-shapes');
    };
    expect(await codes(solver)).toEqual([]);
    expect(await codes(`${solver}test_iter: 3\ntest_interval: 5\n`)).toEqual(['data-phase']);
    expect((await mokapot(['check', join(dir, 'net.prototxt')])).out).toContain('was not looked at there');
  });
});

describe('check --dataset', () => {
  const net = (transform: string) => `
layer { name: "data" type: "Data" top: "data" data_param { batch_size: 1 } transform_param { ${transform} } }
layer { name: "label" type: "Data" top: "label" data_param { batch_size: 1 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "both" type: "Eltwise" bottom: "data" bottom: "conv" top: "both" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "both" bottom: "label" top: "loss" }
`;

  it('takes pictures in as many channels as training does', async () => {
    const dir = folder();
    const grey = join(dir, 'grey');
    await mokapot(['dataset', 'create', 'phantom', '--out', grey, '--count', '4', '--size', '32']);
    const trained = async (transform: string) => {
      const solver = `net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 1`;
      file(net(transform), 'net.prototxt', dir);
      const argv = ['--dataset', grey, '--backend', 'host', '--out', join(dir, `run${transform.length}`)];
      return (await mokapot(['train', '--solver', file(solver, 'solver.prototxt', dir), ...argv])).code;
    };
    for (const [transform, code] of [
      ['force_color: true', 0],
      ['', 1],
    ] as const) {
      expect(await trained(transform)).toBe(code);
      const checked = await mokapot(['check', '--dataset', grey, join(dir, 'net.prototxt')]);
      expect(checked.out).toContain(code === 0 ? 'a network without faults' : 'error[eltwise-shapes]');
      expect(checked.code).toBe(code);
    }
  });
});
