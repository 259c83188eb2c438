/** Caffe's schema, the files generated from it, and messages in memory and in bytes. */

import { readFileSync } from 'node:fs';
import Long from 'long';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import {
  CAFFE_PROTO,
  clone,
  create,
  decode,
  defaultSchema,
  encode,
  enumName,
  FORKS_PROTO,
  formatFloat,
  isSet,
  loadProto,
  locate,
  MOKAPOT_PROTO,
  PoolingParameter,
  parseNet,
  parseText,
  printText,
  sub,
} from '../../src/schema/index.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const fields = (name: string) => defaultSchema().root.lookupType(`caffe.${name}`).fields;

describe("Caffe's schema", () => {
  it('the generated files agree with the proto (else: npm run schema)', async () => {
    const path = '../../scripts/embed-schema.mjs';
    const generator = (await import(path)) as Record<
      'protoModule' | 'typesModule',
      (caffe: string, forks: string, mokapot: string) => string
    > & { embedded: (proto: string) => string };
    const [proto, forks, own] = ['caffe', 'forks', 'mokapot'].map(name => read(`grammar/${name}.proto`)) as [
      string,
      string,
      string,
    ];
    expect(read('src/schema/generated/caffe_proto.ts')).toBe(generator.protoModule(proto, forks, own));
    expect(read('src/schema/generated/caffe.ts')).toBe(generator.typesModule(proto, forks, own));
    expect(CAFFE_PROTO).toBe(generator.embedded(proto));
    expect(FORKS_PROTO).toBe(generator.embedded(forks));
    expect(MOKAPOT_PROTO).toBe(generator.embedded(own));
  });

  it('has no field number twice and none out of range', () => {
    const visit = (namespace: protobuf.NamespaceBase): void => {
      for (const child of namespace.nestedArray) {
        if (!(child instanceof protobuf.Type)) continue;
        const ids = child.fieldsArray.map(f => f.id);
        expect(new Set(ids).size, child.name).toBe(ids.length);
        visit(child);
      }
    };
    visit(defaultSchema().root.lookup('caffe') as protobuf.Namespace);
  });

  it('knows numbers and defaults of Caffe', () => {
    expect(fields('LayerParameter').clip_param?.id).toBe(148);
    expect(fields('V1LayerParameter').param?.id).toBe(1001);
    expect(fields('NetParameter').layer?.id).toBe(100);
    expect(fields('BlobShape').dim?.packed).toBe(true);
    expect(fields('Datum').float_data?.packed).toBe(false);
    const solver = create('caffe.SolverParameter');
    expect(solver).toMatchObject({
      type: 'SGD',
      random_seed: -1,
      solver_mode: 1,
      snapshot_format: 1,
      rms_decay: Math.fround(0.99),
    });
    expect(sub(create('caffe.LayerParameter'), 'lrn_param')).toMatchObject({
      local_size: 5,
      alpha: 1,
      beta: 0.75,
      k: 1,
    });
  });
});

describe('messages', () => {
  it('read defaults, presence and enum names', () => {
    const { message } = parseNet('layer { pooling_param { pool: AVE stride: 1 } }');
    const layer = message.layer[0]!;
    const pool = sub(layer, 'pooling_param');
    expect(pool.pool).toBe(PoolingParameter.PoolMethod.AVE);
    expect(enumName(pool, 'pool')).toBe('AVE');
    expect([isSet(pool, 'stride'), isSet(pool, 'pad'), pool.pad]).toEqual([true, false, 0]);
    expect(layer.convolution_param).toBeNull();
    expect(sub(layer, 'convolution_param').bias_term).toBe(true);
    expect(isSet(layer, 'bottom')).toBe(false);
    const copy = clone(layer);
    copy.pooling_param!.stride = 7;
    expect(pool.stride).toBe(1);
  });

  it('know where they stand', () => {
    const { message } = parseNet(
      'name: "n"\nlayer {\n  bottom: ["a", "b"]\n  bottom: "c"\n  dropout_param { dropout_ratio: 0.25 }\n}',
    );
    const layer = message.layer[0]!;
    const at = (o: object, field?: string, index?: number) => {
      const range = locate(o, field, index)?.range.start;
      return range && [range.line, range.column];
    };
    expect([at(layer), at(layer, 'bottom', 1), at(layer, 'bottom', 2)]).toEqual([
      [2, 1],
      [3, 17],
      [4, 11],
    ]);
    expect([at(layer, 'top'), at(layer, 'bottom', 3)]).toEqual([undefined, undefined]);
    expect(at(sub(layer, 'dropout_param'), 'dropout_ratio')).toEqual([5, 34]);
    expect(locate(create('caffe.NetParameter'))).toBeUndefined();
  });

  it('64-bit integers are plain numbers up to 2^53 - 1, and exact beyond', () => {
    const text = 'shape { dim: [9007199254740991, 9223372036854775807, -1] }';
    const { message } = parseText(text, 'caffe.InputParameter');
    const { dim } = message.shape[0]!;
    expect([dim[0], dim[2]]).toEqual([9007199254740991, -1]);
    expect(Long.isLong(dim[1])).toBe(true);
    const back = decode(encode(message), 'caffe.InputParameter');
    expect(printText(back)).toBe(printText(message));
    expect(back.shape[0]?.dim[0]).toBe(9007199254740991);
  });

  it('strings keep bytes that are no UTF-8', () => {
    const { message } = parseText('name: "a\\377\\303\\251\\ud83d"', 'caffe.NetParameter');
    const bytes = encode(message);
    expect(Buffer.from(bytes).toString('hex')).toBe('0a0761ffc3a9eda0bd');
    expect(encode(decode(bytes, 'caffe.NetParameter'))).toEqual(bytes);
    expect(printText(message)).toBe('name: "a\\377\\303\\251\\355\\240\\275"\n');
  });

  it('broken bytes are refused with a diagnostic', () => {
    const bytes = encode(create('caffe.NetParameter', { name: 'a net', layer: [{ name: 'x' }] }));
    expect(() => decode(bytes.subarray(0, 9), 'caffe.NetParameter')).toThrow(/no caffe.NetParameter/);
    expect(() => decode(Uint8Array.from([0x0a, 5, 1]), 'caffe.NetParameter')).toThrow(/no caffe.NetParameter/);
  });

  it('print as protoc prints', () => {
    const { message } = parseText(
      'base_lr: 0.1 gamma: 16777217 power: -1e-8 momentum: inf weight_decay: nan delta: 1e10 random_seed: -3 snapshot_prefix: "a\\"\\n\'\\\\" solver_mode: CPU debug_info: true test_iter: [1, 2]',
      'caffe.SolverParameter',
    );
    expect(printText(message)).toBe(
      'test_iter: 1\ntest_iter: 2\nbase_lr: 0.1\ngamma: 16777216\npower: -1e-08\nmomentum: inf\nweight_decay: nan\n' +
        'snapshot_prefix: "a\\"\\n\\\'\\\\"\nsolver_mode: CPU\nrandom_seed: -3\ndebug_info: true\ndelta: 1e+10\n',
    );
    expect(formatFloat(Math.fround(0.1234567))).toBe('0.1234567');
    expect(formatFloat(1.7976931348623157e308, true)).toBe('1.7976931348623157e+308');
    const again = parseText(printText(message), 'caffe.SolverParameter').message;
    expect(encode(again)).toEqual(encode(message));
  });
});

describe('schemas of one own', () => {
  const root = loadProto(`syntax = "proto2"; package my;
    message Tree {
      optional Tree child = 1;
      oneof pick { int32 a = 2; string b = 3; }
      repeated group Row = 4 { optional int32 n = 5; }
      map<string, int32> sizes = 6;
      optional fixed64 big = 7;
      reserved "old";
    }`);
  const tree = root.lookupType('my.Tree');
  const codes = (text: string) => parseText(text, tree).diagnostics.map(d => d.code);

  it('groups by their type name, oneofs once, reserved names passed over, maps', () => {
    expect(codes('Row { n: 1 } Row { n: 2 } old: 5 old { x: 1 } big: 18446744073709551615')).toEqual([]);
    expect(codes('row { n: 1 }')).toEqual(['unknown-field']);
    expect(codes('a: 1 b: "x"')).toEqual(['duplicate-field']);
    const { message } = parseText('sizes { key: "x" value: 3 } sizes { key: "y" value: 4 }', tree);
    expect(message).toMatchObject({ sizes: { x: 3, y: 4 } });
    expect(Buffer.from(encode(parseText('Row { n: 1 }', tree).message, tree)).toString('hex')).toBe('23280124');
  });

  it('nesting has a limit, not a crash', () => {
    expect(codes('child { '.repeat(900) + '}'.repeat(900))).toEqual([]);
    expect(codes('child { '.repeat(10_000) + '}'.repeat(10_000))).toEqual(['too-deep']);
  });
});
