/** A schema is a value: texts of two forks whose fields contradict each other are read, written and changed side by side. */

import { describe, expect, it } from 'vitest';
import { Analysis } from '../../src/lsp/analysis.js';
import { completionsAt } from '../../src/lsp/completion.js';
import { hoverAt } from '../../src/lsp/hover.js';
import {
  deployText,
  describe as describeNet,
  diffNets,
  explainLayer,
  explainType,
  layersInState,
} from '../../src/net/index.js';
import {
  create,
  decode,
  defaultSchema,
  editText,
  encode,
  extendSchema,
  isSet,
  parseNet,
  parseSolver,
  parseText,
  printText,
  Schema,
  schemaOf,
  sub,
  typeOf,
  upgradeNet,
  upgradeText,
} from '../../src/schema/index.js';
import { readCaffemodel, writeCaffemodel } from '../../src/weights/index.js';

/** One field name, one field number, two messages; V1 layers have it too. */
const fork = (inside: string) => `syntax = "proto2"; package caffe;
  message LayerParameter { optional WarpParameter warp_param = 9100; }
  message V1LayerParameter { optional WarpParameter warp_param = 9100; }
  message WarpParameter { ${inside}
  }`;
const A = Schema.caffe.extend(fork('optional int32 steps = 1 [default = 3]; // how often'), 'a.proto');
const B = Schema.caffe.extend(
  fork('optional string mode = 1 [default = "cubic"]; // what kind\n repeated float by = 2;'),
  'b.proto',
);

const layers = (field: string) => `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer {
  name: "w" # kept
  type: "ReLU" bottom: "x" top: "y"
  warp_param { ${field} }
}
`;
const FORKS = [
  { schema: A, field: 'steps: 5', value: { steps: 5 }, other: 'mode: "cubic"', unset: { steps: 3 } },
  { schema: B, field: 'mode: "near"', value: { mode: 'near' }, other: 'steps: 5', unset: { mode: 'cubic' } },
];
/** A, B, A, B: what one read must not change what the next one reads. */
const turns = [...FORKS, ...FORKS];
const warpOf = (layer: object): object => (layer as { warp_param: object }).warp_param;

describe('two forks that contradict each other', () => {
  it('parse, print and encode by their own schema, in turns', () => {
    for (const { schema, field, value, other } of turns) {
      const { message, diagnostics } = parseNet(layers(field), { schema });
      expect(diagnostics).toEqual([]);
      expect(warpOf(message.layer[1]!)).toMatchObject(value);
      expect(schemaOf(message)).toBe(schema);
      expect(schemaOf(warpOf(message.layer[1]!))).toBe(schema);
      expect(printText(message)).toContain(`  warp_param {\n    ${field}\n  }\n`);
      const bytes = encode(message);
      expect(decode(bytes, 'caffe.NetParameter', { schema })).toEqual(message);
      expect(parseNet(layers(other), { schema }).diagnostics.map(d => d.code)).toEqual(['unknown-field']);
      // Caffe's own schema has neither.
      expect(parseNet(layers(field)).diagnostics.map(d => d.code)).toEqual(['unknown-field']);
      expect(decode(bytes, 'caffe.NetParameter')).not.toHaveProperty('layer[1].warp_param');
    }
  });

  it('have their defaults, and names resolve in the schema of the message', () => {
    for (const { schema, unset } of turns) {
      const { message } = parseNet(layers(''), { schema });
      const layer = message.layer[1]! as never;
      expect(sub(layer, 'warp_param')).toMatchObject(unset);
      expect(isSet(layer, 'warp_param')).toBe(true);
      expect(encode(message, 'caffe.NetParameter')).toEqual(encode(message));
    }
  });

  it('are upgraded in message and text', () => {
    for (const { schema, field, value } of turns) {
      const old = `input: "x" input_dim: 1 input_dim: 1 input_dim: 2 input_dim: 2
layers { name: "w" type: RELU bottom: "x" top: "y" warp_param { ${field} } blobs_lr: 1 } # kept
`;
      const { message, diagnostics } = upgradeNet(parseText(old, 'caffe.NetParameter', { schema }).message);
      expect(diagnostics.map(d => d.severity)).toEqual(['note', 'note']);
      const [input, layer] = message.layer;
      for (const made of [input!, layer!, layer!.param[0]!]) expect(schemaOf(made)).toBe(schema);
      expect(sub(layer as never, 'warp_param')).toMatchObject(value);
      const upgraded = upgradeText(old, 'caffe.NetParameter', { schema });
      expect(upgraded.text).toContain(`warp_param { ${field} }`);
      expect(upgraded.text).toContain('# kept');
      expect(parseNet(upgraded.text, { schema }).diagnostics).toEqual([]);
    }
  });

  it('are edited and made ready for use', () => {
    const [a, b] = FORKS.map(({ schema, field }) => (path: string, value: string) => {
      const edited = editText(layers(field), 'caffe.NetParameter', [{ op: 'set', path, value }], { schema });
      return edited.diagnostics.map(d => d.code).join() || edited.text.match(/warp_param \{ .*\}/)![0];
    });
    expect(a!('w.steps', '7')).toBe('warp_param { steps: 7 }');
    expect(b!('w.mode', 'linear')).toBe('warp_param { mode: "linear" }');
    expect(a!('w.mode', 'linear')).toBe('unknown-field');
    expect(b!('w.warp_param.by', '0.5')).toBe('warp_param { mode: "near" by: 0.5 }');
    for (const { schema, field } of turns)
      expect(deployText(layers(field), { schema }).text).toContain(`warp_param { ${field} }`);
  });

  it('are described, explained and compared', () => {
    for (const { schema, field } of turns) {
      const text = layers(field);
      const net = describeNet(text, { schema });
      expect(net.ok).toBe(true);
      expect(describeNet(text).ok).toBe(false);
      const { message } = parseNet(text, { schema });
      const [layer] = layersInState(message, { phase: 'TEST', stages: [] }).slice(1);
      expect(explainLayer(net, net.layers[1]!, layer!).name).toBe('w');
      const changed = parseNet(layers(''), { schema }).message;
      const found = diffNets({ message, description: net }, { message: changed, description: net });
      expect(found.changed.map(c => c.fields.map(f => f.path))).toEqual([[`warp_param.${field.split(':')[0]}`]]);
    }
    expect(explainType('ReLU', { schema: A })?.blocks.map(b => b.name)).toEqual(['relu_param']);
  });

  it('are completed and explained in an editor', () => {
    const [a, b] = FORKS.map(({ schema, field }) => {
      const text = layers(field);
      const analysis = new Analysis(text, 'net.prototxt', schema);
      expect(analysis.diagnostics.filter(d => d.severity === 'error')).toEqual([]);
      const name = field.split(':')[0]!;
      const inside = layers('');
      const at = inside.indexOf('warp_param { ') + 'warp_param { '.length;
      return {
        hover: hoverAt(analysis, text.indexOf(name) + 1)!.markdown,
        names: completionsAt(new Analysis(inside, 'net.prototxt', schema), at).map(c => c.label),
      };
    });
    expect(a).toMatchObject({ names: ['steps'], hover: expect.stringContaining('how often') });
    expect(b).toMatchObject({ names: ['by', 'mode'], hover: expect.stringContaining('what kind') });
  });

  it('are saved with their weights and read again', () => {
    for (const { schema, field, value } of turns) {
      const { message } = parseNet(layers(field), { schema });
      const bytes = writeCaffemodel({ name: 'n', layer: message.layer }, new Map());
      const { net, diagnostics } = readCaffemodel(bytes, 'n', { schema });
      expect(diagnostics).toEqual([]);
      expect(sub(net.layer[1] as never, 'warp_param')).toMatchObject(value);
      // Caffe's schema has no such field, and says so.
      expect(readCaffemodel(bytes).diagnostics.map(d => d.code)).toEqual(['weights-unknown-field']);
    }
  });
});

describe('Schema', () => {
  it('does not change when it is extended', () => {
    const before = Object.keys(Schema.caffe.type('caffe.LayerParameter').fields);
    const both = A.extend(fork('optional bool deep = 3;'), 'c.proto');
    expect(Object.keys(Schema.caffe.type('caffe.LayerParameter').fields)).toEqual(before);
    expect(Object.keys(A.type('caffe.WarpParameter').fields)).toEqual(['steps']);
    expect(Object.keys(both.type('caffe.WarpParameter').fields)).toEqual(['steps', 'deep']);
  });

  it('is the same for the same text, so that messages of two files are of one type', () => {
    const text = fork('optional int32 steps = 1 [default = 3]; // how often');
    expect(Schema.caffe.extend(text, 'a.proto')).toBe(A);
    expect(A.extend(text, 'copy.proto')).toBe(A);
    expect(typeOf(parseNet('', { schema: A }).message)).toBe(A.type('caffe.NetParameter'));
  });

  it('refuses what is no schema, and stays as it was', () => {
    expect(() => A.extend('message {', 'odd.proto')).toThrow(/odd\.proto is no schema.*line 1/);
    expect(() => A.extend(fork('optional Nowhere x = 9;'), 'odd.proto')).toThrow(/does not go with.*Nowhere/);
    expect(parseNet(layers('steps: 1'), { schema: A }).diagnostics).toEqual([]);
    expect(() => A.type('caffe.Nothing')).toThrow(/no message "caffe\.Nothing"/);
  });

  it('lenient is a property of a schema, and a call may say otherwise', () => {
    const lenient = A.with({ lenient: true });
    const text = layers('mode: "cubic"');
    const severities = (options: object) => parseNet(text, options).diagnostics.map(d => d.severity);
    expect(severities({ schema: A })).toEqual(['error']);
    expect(severities({ schema: lenient })).toEqual(['warning']);
    expect(severities({ schema: lenient, lenient: false })).toEqual(['error']);
    expect(severities({ schema: A, lenient: true })).toEqual(['warning']);
    expect(severities({ schema: A })).toEqual(['error']);
    expect(describeNet(text, { schema: lenient }).ok).toBe(true);
    expect(lenient.extend(fork('optional bool deep = 3;')).lenient).toBe(true);
    expect(typeOf(parseNet('', { schema: lenient }).message)).toBe(A.type('caffe.NetParameter'));
    expect(A.with({})).toBe(A);
    expect(parseSolver('base_lrr: 1', { schema: lenient }).diagnostics.map(d => d.severity)).toEqual(['warning']);
  });

  it('a block that the schema of a message lacks is an error with a way out', () => {
    const { message } = parseNet(layers(''), { lenient: true });
    expect(() => sub(message.layer[1] as never, 'warp_param')).toThrow(/no block "warp_param".*read by/);
  });
});

describe('the short call extendSchema', () => {
  const text = 'layer { name: "s" type: "ReLU" short_param { a: 1 } }';
  const short =
    'syntax = "proto2"; package caffe; message LayerParameter { optional ShortParameter short_param = 9200; } message ShortParameter { optional int32 a = 1; }';

  it('changes what calls without a schema read, and no other', () => {
    const before = defaultSchema();
    const early = parseNet(text, { lenient: true }).message;
    expect(before).toBe(Schema.caffe);
    extendSchema(short, 'short.proto');
    expect(defaultSchema()).not.toBe(before);
    expect(parseNet(text).diagnostics).toEqual([]);
    expect(create('caffe.LayerParameter')).toMatchObject({ short_param: null });
    for (const schema of [A, B, Schema.caffe])
      expect(parseNet(text, { schema }).diagnostics.map(d => d.code)).toEqual(['unknown-field']);
    expect(schemaOf(early)).toBe(before);
    expect(printText(early)).not.toContain('short_param');
  });
});
