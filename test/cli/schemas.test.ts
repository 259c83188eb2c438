/** `--schema`, `--lenient`, `verify`. */

import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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

  it('that is none is an error, not a crash', async () => {
    const paths = files('zyv', 'fork.proto');
    writeFileSync(paths.schema, 'message {');
    const broken = await mokapot(['summary', paths.net, '--schema', paths.schema]);
    expect([broken.code, broken.err]).toEqual([1, expect.stringMatching(/is no schema/)]);
    const gone = await mokapot(['summary', paths.net, '--schema', `${paths.schema}.gone`]);
    expect([gone.code, gone.err]).toEqual([1, expect.stringMatching(/Cannot read the schema/)]);
  });

  it('is not needed with --lenient, which lasts for that run', async () => {
    const paths = files('zyu', 'fork.proto');
    const lenient = await mokapot(['check', paths.net, '--lenient']);
    expect([lenient.code, lenient.out + lenient.err]).toEqual([0, expect.stringMatching(/warning[\s\S]*zyu_param/)]);
    expect((await mokapot(['check', paths.net])).code).toBe(1);
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
