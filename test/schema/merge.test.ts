/** A fork's schema merged into Caffe's at run time. */

import { describe, expect, it } from 'vitest';
import {
  create,
  decode,
  defaultSchema,
  encode,
  extendSchema,
  loadProto,
  parseNet,
  parseText,
} from '../../src/schema/index.js';

const FORK = `syntax = "proto2"; package caffe;
  message LayerParameter {
    optional string name = 1;
    optional float name_of_its_own = 2;
    optional FooParameter foo_param = 147;
    repeated int32 foo_list = 9001;
  }
  message FooParameter { enum Kind { PLAIN = 0; FANCY = 1; } optional Kind kind = 1 [default = FANCY]; repeated float by = 2; }
  message PoolingParameter { enum PoolMethod { MAX = 0; MEDIAN = 9; } }
  extend NetParameter { optional string made_by = 9002; }`;

const text = `made_by: "us" layer { name: "f" type: "Foo" foo_list: 3 foo_param { by: 1 by: 2 } }
  layer { name: "p" type: "Pooling" pooling_param { pool: MEDIAN } }`;

describe('a schema that is merged', () => {
  it('is needed: without it its fields are errors that say so, or warnings where that is wanted', () => {
    const strict = parseNet('layer { type: "X" qqqqqqqqqq_param { a: 1 } }').diagnostics[0]!;
    expect(strict).toMatchObject({ code: 'unknown-field', severity: 'error' });
    expect(strict.hint).toMatch(/--schema/);
    const lenient = parseNet('layer { type: "X" qqqqqqqqqq_param { a: 1 } }', { lenient: true });
    expect(lenient.diagnostics.map(d => d.severity)).toEqual(['warning']);
    expect(lenient.message.layer[0]!.type).toBe('X');
  });

  it('adds messages, fields, enum values and extensions, and changes nothing', () => {
    const before = Object.keys(defaultSchema().root.lookupType('caffe.LayerParameter').fields);
    extendSchema(FORK, 'fork.proto');
    const layer = defaultSchema().root.lookupType('caffe.LayerParameter');
    expect(Object.keys(layer.fields)).toEqual([...before, 'name_of_its_own', 'foo_param', 'foo_list']);
    expect(layer.fields['name']!.id).toBe(1);
    expect(layer.fields['swish_param']!.id).toBe(147);
    expect(layer.fields['foo_param']!.id).toBeGreaterThan(1e6);
    expect(layer.fields['foo_list']!.id).toBe(9001);
    const { message, diagnostics } = parseNet(text);
    expect(diagnostics).toEqual([]);
    expect(message).toMatchObject({
      made_by: 'us',
      layer: [{ foo_list: [3], foo_param: { by: [1, 2], kind: 1 } }, { pooling_param: { pool: 9 } }],
    });
    expect(decode(encode(message), 'caffe.NetParameter')).toEqual(message);
    expect(create('caffe.LayerParameter')).toMatchObject({ foo_list: [] });
  });

  it('may come twice, and one that is broken leaves all as it was', () => {
    extendSchema(FORK, 'fork.proto');
    expect(() => extendSchema('message {', 'odd.proto')).toThrow(/odd\.proto is no schema.*line 1/);
    expect(() =>
      extendSchema('syntax = "proto2"; package caffe; message Q { optional Nowhere x = 1; }', 'odd.proto'),
    ).toThrow(/odd\.proto does not go with Caffe's schema.*Nowhere/);
    expect(parseNet(text).diagnostics).toEqual([]);
    expect(defaultSchema().root.get('caffe.Q')).toBeNull();
  });

  it('of one own, apart from Caffe, stays apart', () => {
    const type = loadProto('syntax = "proto2"; message T { optional int32 a = 1; }').lookupType('T');
    expect(parseText('a: 3', type).message).toMatchObject({ a: 3 });
    expect(() => loadProto('message {')).toThrow(/no schema/);
  });
});

describe('what forks are known for', () => {
  it('parses as it is', () => {
    const { message, diagnostics } = parseNet(`
      layer { name: "a" type: "Permute" permute_param { order: 0 order: 2 order: 3 order: 1 } }
      layer { name: "b" type: "PriorBox" prior_box_param { min_size: 30 aspect_ratio: 2 flip: true variance: 0.1 offset: 0.5 } }
      layer { name: "c" type: "DetectionOutput" detection_output_param { num_classes: 21 nms_param { nms_threshold: 0.45 top_k: 400 }
        code_type: CENTER_SIZE keep_top_k: 200 confidence_threshold: 0.01 } }
      layer { name: "d" type: "ROIPooling" roi_pooling_param { pooled_w: 7 pooled_h: 7 spatial_scale: 0.0625 } }`);
    expect(diagnostics).toEqual([]);
    expect(message.layer[1]!.prior_box_param).toMatchObject({ min_size: [30], clip: false });
    expect(message.layer[2]!.detection_output_param).toMatchObject({ code_type: 2, share_location: true });
  });
});
