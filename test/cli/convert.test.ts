/** `mokapot convert`: what it says, and its exit codes. */

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, mokapot, project } from './cli.js';

const SMALL = project('networks/fcn_small.prototxt');
const run = (...argv: string[]) => mokapot(['convert', '--backend', 'wasm', ...argv]);

describe('convert', () => {
  it('tells files, inputs, outputs and how near it is', async () => {
    const out = folder();
    const {
      code,
      out: said,
      err,
    } = await run('--net', SMALL, '--to', 'tfjs', '--out', out, '--input', 'data=1,1,64,64');
    expect(code).toBe(0);
    expect(err).toContain('No weights are given');
    expect(said).toMatch(/model\.json {2}\d/);
    expect(said).toContain('input   data ?x1x?x?');
    expect(said).toContain('output  prob ?x2x?x?');
    expect(said).toContain('in steps of 16');
    expect(said).toMatch(/Compared with the network at data 1x1x64x64: prob up to [\d.e-]+ off/);
    expect(readdirSync(out).sort()).toEqual(['group1-shard1of1.bin', 'model.json']);
  });

  it('takes preprocessing and folding, and answers in JSON', async () => {
    const out = folder();
    const given = ['--net', SMALL, '--to', 'onnx', '--out', join(out, 'a.onnx'), '--input', 'data=1,1,32,32'];
    const { code, out: said } = await run(...given, '--mean', '116', '--scale', '0.5', '--fold-batch-norm', '--json');
    expect(code).toBe(0);
    const report = JSON.parse(said) as { to: string; folded: { layers: unknown[] }; checks: unknown[] };
    expect(report.to).toBe('onnx');
    expect(report.folded.layers).toEqual([]);
    expect(report.checks).toHaveLength(2);
    expect(existsSync(join(out, 'a.onnx'))).toBe(true);
  });

  it.each<[string, string[], number]>([
    ['convert-options', ['--net', SMALL, '--to', 'npz', '--quantize', 'uint8'], 1],
    ['convert-options', ['--net', SMALL, '--to', 'tfjs', '--preprocess', 'data'], 1],
    ['convert-options', ['--to', 'tfjs'], 1],
    ['convert-options', ['--net', SMALL, '--to', 'tfjs', '--mean', '1,,2'], 1],
    ['convert-preprocessing', ['--net', SMALL, '--to', 'tfjs', '--bgr'], 1],
    ['file-unreadable', ['--net', 'no/such.prototxt', '--to', 'tfjs'], 1],
    ['Allowed choices are tfjs', ['--net', SMALL, '--to', 'pb'], 2],
    ["required option '--to", ['--net', SMALL], 2],
  ])('refuses: %s', async (text, argv, expected) => {
    const out = join(folder(), 'out');
    const { code, err } = await run(...argv, '--out', out);
    expect(err).toContain(text);
    expect(code).toBe(expected);
    expect(existsSync(out)).toBe(false);
  });

  it('says of a network in its training form what it lacks', async () => {
    const path = join(folder(), 'train.prototxt');
    writeFileSync(
      path,
      `layer { name: "data" type: "Data" top: "data" data_param { batch_size: 2 } }
       layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }`,
    );
    const { code, err } = await run('--net', path, '--to', 'tfjs', '--out', folder());
    expect(code).toBe(1);
    expect(err).toContain('deploy-shape');
    expect(err).toContain('--input data=1,3,227,227');
  });
});
