/** `--schema`, `--lenient`, `verify`. */

import { copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Net } from '../../src/runtime/node/net.js';
import { Segmenter } from '../../src/tools/segment.js';
import { Solver } from '../../src/train/node/index.js';
import { folder, mokapot, project } from './cli.js';

const proto = (field: string) => `syntax = "proto2"; package caffe;
  message LayerParameter { optional ${field}Parameter ${field}_param = 147; }
  message ${field}Parameter { optional int32 a = 1; }`;
const net = (field: string) => `name: "n"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }
layer { name: "r" type: "ReLU" bottom: "x" top: "y" ${field}_param { a: 1 } }
`;

function files(field: string, schema: string) {
  const dir = folder();
  const paths = { net: join(dir, 'net.prototxt'), schema: join(dir, schema) };
  writeFileSync(paths.net, net(field));
  writeFileSync(paths.schema, proto(field));
  return paths;
}

describe("a fork's schema", () => {
  it('is taken by --schema', async () => {
    const paths = files('zyx', 'fork.proto');
    const without = await mokapot(['summary', paths.net]);
    expect([without.code, without.err]).toEqual([1, expect.stringMatching(/no field `zyx_param`[\s\S]*--schema/)]);
    expect((await mokapot(['summary', paths.net, '--schema', paths.schema])).code).toBe(0);
  });

  it('is taken where it lies beside the network', async () => {
    const paths = files('zyw', 'net.proto');
    expect((await mokapot(['check', paths.net])).code).toBe(0);
    const coded = await mokapot(['encode', paths.net]);
    expect(coded.code).toBe(0);
    expect(coded.bytes.length).toBeGreaterThan(20);
  });

  it('counts for the networks it lies beside, of one command too', async () => {
    const [a, b] = [files('zyt', 'net.proto'), files('zyt', 'net.proto')];
    writeFileSync(b.schema, proto('zyt').replace('int32 a', 'string b'));
    writeFileSync(b.net, net('zyt').replace('a: 1', 'b: "1"'));
    expect(await mokapot(['check', a.net, b.net, a.net])).toMatchObject({ code: 0 });
    const alone = join(dirname(b.net), 'alone.prototxt');
    copyFileSync(b.net, alone);
    const swapped = await mokapot(['check', b.net, alone, '--schema', a.schema]);
    expect([swapped.code, swapped.out]).toEqual([1, expect.stringMatching(/has no field `b`[\s\S]*alone.prototxt:3/)]);
    const compared = await mokapot(['diff', a.net, b.net, '--json']);
    expect(JSON.parse(compared.out)).toMatchObject({
      changed: [{ fields: [{ path: 'zyt_param.a' }, { path: 'zyt_param.b' }] }],
    });
  });

  it('that is none is an error, not a crash', async () => {
    const paths = files('zyv', 'fork.proto');
    writeFileSync(paths.schema, 'message {');
    const broken = await mokapot(['summary', paths.net, '--schema', paths.schema]);
    expect([broken.code, broken.err]).toEqual([1, expect.stringMatching(/is no schema/)]);
    const gone = await mokapot(['summary', paths.net, '--schema', `${paths.schema}.gone`]);
    expect([gone.code, gone.err]).toEqual([
      1,
      expect.stringMatching(/Cannot read the schema .*fork\.proto\.gone: there is no such file or folder/),
    ]);
  });

  it('is not needed with --lenient, which lasts for that run', async () => {
    const paths = files('zyu', 'fork.proto');
    const lenient = await mokapot(['check', paths.net, '--lenient']);
    expect([lenient.code, lenient.out + lenient.err]).toEqual([0, expect.stringMatching(/warning[\s\S]*zyu_param/)]);
    expect((await mokapot(['check', paths.net])).code).toBe(1);
  });
});

const trained = (
  field: string,
) => `layer { name: "d" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 3 } } }
layer { name: "r" type: "ReLU" bottom: "x" top: "y" ${field}_param { a: 1 } }
layer { name: "ip" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 1 } }
layer { name: "l" type: "EuclideanLoss" bottom: "z" bottom: "z" top: "l" }`;
const SOLVER =
  'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 test_iter: 1 test_interval: 1 random_seed: 1';

describe('a net that a solver names', () => {
  function solverOf(field: string, schema: string) {
    const paths = files(field, schema);
    writeFileSync(paths.net, trained(field));
    const solver = join(dirname(paths.net), 'solver.prototxt');
    writeFileSync(solver, SOLVER);
    return { ...paths, solver, out: join(dirname(paths.net), 'run') };
  }

  it('is read with --schema and --lenient', async () => {
    const { solver, schema, out } = solverOf('zya', 'fork.proto');
    const train = (...more: string[]) =>
      mokapot(['train', '--solver', solver, '--out', out, '--backend', 'host', ...more]);
    const without = await train();
    expect([without.code, without.err]).toEqual([1, expect.stringMatching(/no field `zya_param`/)]);
    const lenient = await train('--lenient');
    expect([lenient.code, lenient.out]).toEqual([0, expect.stringMatching(/zya_param/)]);
    expect((await mokapot(['check', solver])).code).toBe(1);
    const again = await mokapot([
      'train',
      '--solver',
      solver,
      '--out',
      `${out}2`,
      '--backend',
      'host',
      '--schema',
      schema,
    ]);
    expect([again.code, again.err]).toEqual([0, expect.anything()]);
  });

  it('is read with the schema beside it, by the command line and by the library', async () => {
    const { solver } = solverOf('zyb', 'net.proto');
    expect((await mokapot(['check', solver])).code).toBe(0);
    const other = solverOf('zyc', 'net.proto');
    const made = await Solver.fromFile(other.solver, { backend: 'host' });
    expect(made.net.graph.layers.map(l => l.name)).toContain('r');
    await made.dispose();
  });

  it('is read by the library with the options schema and lenient', async () => {
    const { solver, schema, net } = solverOf('zyd', 'fork.proto');
    await expect(Solver.fromFile(solver)).rejects.toThrow(/zyd_param/);
    const lenient = await Solver.fromFile(solver, { backend: 'host', lenient: true });
    expect(lenient.diagnostics.map(d => d.severity)).toContain('warning');
    await lenient.dispose();
    await (await Solver.fromFile(solver, { backend: 'host', schema })).dispose();
    const param = await Solver.fromText(SOLVER.replace('net.prototxt', net), { backend: 'host', schema: [schema] });
    await param.dispose();
  });

  it('is read by a Segmenter with the schema beside it, and leniently', async () => {
    const scores = (
      field: string,
    ) => `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 2 dim: 2 } } }
      layer { name: "c" type: "Convolution" bottom: "data" top: "score" ${field}_param { a: 1 } convolution_param { num_output: 2 kernel_size: 1 } }`;
    const picture = { name: 'p', data: new Float32Array(4), shape: [1, 2, 2] as const };
    const beside = files('zye', 'net.proto');
    writeFileSync(beside.net, scores('zye'));
    (await Segmenter.load(beside.net, picture, { backend: 'host' })).dispose();
    const apart = files('zyf', 'fork.proto');
    writeFileSync(apart.net, scores('zyf'));
    await expect(Segmenter.load(apart.net, picture, { backend: 'host' })).rejects.toThrow(/zyf_param/);
    (await Segmenter.load(apart.net, picture, { backend: 'host', lenient: true })).dispose();
    (await Segmenter.load(apart.net, picture, { backend: 'host', schema: apart.schema })).dispose();
  });
});

it('files that are not there are said in a sentence, with a hint', async () => {
  // One after the other: a refusal that nobody awaits yet is an error of its own.
  for (const open of [() => Net.fromFile('no/net.prototxt'), () => Solver.fromFile('no/net.prototxt')])
    await expect(open()).rejects.toMatchObject({
      diagnostics: [
        {
          code: 'file-unreadable',
          message: 'Cannot read no/net.prototxt: there is no such file or folder.',
          hint: expect.any(String),
        },
      ],
    });
});

describe('verify', () => {
  const golden = (dir: string, name: string, as = name) => {
    for (const end of ['prototxt', 'safetensors'])
      copyFileSync(project(`test/goldens/layers/${name}.${end}`), join(dir, `${as}.${end}`));
  };

  it('prints a table of cases and passes', async () => {
    const dir = folder();
    golden(dir, 'relu');
    golden(dir, 'dropout_test');
    const { code, out } = await mokapot(['verify', dir, '--backend', 'host']);
    expect(code).toBe(0);
    expect(out).toMatch(/^case +outputs +gradients +result/);
    expect(out).toMatch(/relu +\d\.\de[+-]\d+ +\d\.\de[+-]\d+ +pass/);
    expect(out).toContain('2 of 2 pass on host');
  });

  it('fails with what is wrong', async () => {
    const dir = folder();
    golden(dir, 'relu');
    writeFileSync(join(dir, 'relu.prototxt'), net('relu').replace('relu_param { a: 1 }', ''));
    const { code, out } = await mokapot(['verify', dir, '--backend', 'host']);
    expect([code, out]).toEqual([1, expect.stringMatching(/relu +FAIL[\s\S]*0 of 1 pass/)]);
    const json = await mokapot(['verify', dir, '--backend', 'host', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ backend: 'host', cases: [{ name: 'relu', passed: false }] });
    expect((await mokapot(['verify', folder()])).err).toMatch(/no goldens/);
  });
});
