/** What public networks of other Caffes have that Caffe lacks: the messages that they meet, by cases made after them. */

import { readFileSync } from 'node:fs';
import { expect, describe as group, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/index.js';
import { deployText, describe } from '../../src/net/index.js';
import { encode, parseNet, parseSolver, Schema } from '../../src/schema/index.js';
import { checkSolver } from '../../src/solver/index.js';
import { readCaffemodel } from '../../src/weights/index.js';

const file = (name: string) => new URL(`../cases/${name}`, import.meta.url);
const read = (name: string) => readFileSync(file(name), 'utf8');
const network = (name: string) => read(`networks/${name}`);
const shown = (diagnostics: readonly Diagnostic[]) => diagnostics.map(d => `${d.severity} ${d.code}`);
const schemaOf = (name: string) => Schema.caffe.extend(network(name), name);

group("a fork's schema", () => {
  it('tells of fields that no rule reads, and names the one that does the same', () => {
    const { diagnostics } = describe(network('ceil_mode.prototxt'), { schema: schemaOf('ceil.proto') });
    expect(shown(diagnostics)).toEqual(['warning no-effect']);
    expect(diagnostics[0]!.hint).toContain('round_mode: FLOOR');
  });

  it('tells of those of a solver', () => {
    const text = network('schema_no_effect_solver.prototxt');
    const { message, diagnostics } = parseSolver(text, { schema: schemaOf('warm.proto') });
    expect(diagnostics).toEqual([]);
    expect(checkSolver(message).map(d => d.message)).toEqual([
      expect.stringContaining('The solver has warmup_iter, which is read and has no effect'),
      expect.stringContaining('The solver has warmup_start_lr, which is read and has no effect'),
    ]);
  });

  it('adds values to enums, which layers that do not know them refuse', () => {
    const schema = Schema.caffe.extend(
      'package caffe; message PoolingParameter { enum PoolMethod { MEDIAN = 1; } enum Engine { MKL2017 = 3; } }',
    );
    const net = (
      param: string,
    ) => `layer { name: "i" type: "Input" top: "x" input_param { shape { dim: [1, 1, 4, 4] } } }
      layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { kernel_size: 2 ${param} } }`;
    expect(shown(describe(net('pool: MEDIAN'), { schema }).diagnostics)).toEqual(['error unsupported-value']);
    expect(shown(describe(net('engine: MKL2017'), { schema }).diagnostics)).toEqual(['warning no-effect']);
    expect(shown(describe(net('pool: AVE engine: CAFFE'), { schema }).diagnostics)).toEqual([]);
    expect(describe(network('enum_schema.prototxt'), { schema: schemaOf('ssd_fork.proto') }).ok).toBe(true);
  });

  it('lets a field be repeated that Caffe has once: the last one counts, with a warning', () => {
    const { message, diagnostics } = parseNet(network('repeated_schema.prototxt'), {
      schema: schemaOf('ssd_fork.proto'),
    });
    expect(shown(diagnostics)).toEqual(['warning no-effect']);
    expect(message.layer[0]!.transform_param!.resize_param!.height).toBe(400);
    expect(shown(parseNet(network('repeated_schema.prototxt')).diagnostics)).toEqual(['error duplicate-field']);
  });
});

group('fields and types of forks', () => {
  it("knows SSD's solver fields, and that nothing reads them", () => {
    const { message, diagnostics } = parseSolver(network('ssd_solver.prototxt'));
    expect(diagnostics).toEqual([]);
    expect(shown(checkSolver(message))).toEqual(['warning no-effect', 'warning no-effect']);
  });

  it('explains fields by their fork, not as misspellings', () => {
    const text = network('field_hints.prototxt');
    const { diagnostics } = describe(text);
    expect(diagnostics).toMatchObject([
      { code: 'unknown-field', message: expect.stringContaining('Intel') },
      { code: 'unknown-layer-type', hint: expect.stringContaining('C3D') },
    ]);
    // Of a type that is known, the field.
    const [, field] = describe(text.replace('Convolution3D', 'Convolution')).diagnostics;
    expect(field).toMatchObject({ code: 'unknown-field', message: expect.stringContaining('C3D') });
    expect(JSON.stringify(diagnostics)).not.toContain('Did you mean');
  });

  it('mean another type only where the word is nearly the same', () => {
    const { diagnostics } = describe(network('type_hints.prototxt'));
    const unknown = diagnostics.filter(d => d.code === 'unknown-layer-type');
    const close = unknown.filter(d => d.hint?.includes('Did you mean'));
    expect(unknown.map(d => d.layer)).toEqual(['a', 'd', 'e', 'f', 'g', 'h']);
    expect(close.map(d => d.hint)).toEqual([
      expect.stringMatching(/"LSTM"\? Caffe's type names are case-sensitive/),
      expect.stringMatching(/"Convolution"\? Caffe's type names are case-sensitive/),
    ]);
    expect(close.map(d => d.fix?.edits[0]?.text)).toEqual(['"LSTM"', '"Convolution"']);
  });

  it('are told once for all layers of a type', () => {
    const text = network('dup_type.prototxt').replaceAll('ConvolutionDepthwise', 'SeparableConvolution');
    const third = 'layer { name: "e" type: "SeparableConvolution" bottom: "x" top: "e" }\n';
    const { diagnostics } = describe(text + third);
    expect(shown(diagnostics)).toEqual(['error unknown-layer-type']);
    expect(diagnostics[0]!.message).toBe('Layer "a" and 2 others have the unknown type "SeparableConvolution".');
  });

  it.each([
    ['deeplab', { data: 'DeepLab', acc: 'DeepLab' }, 'dilation: 2'],
    ['norm', {}, 'round_mode: FLOOR'],
    ['segnet', { data: 'SegNet' }, undefined],
  ])('%s: the type is explained where a field of it is unknown too', (name, types, fix) => {
    const { diagnostics } = describe(read(`fork-field-hints/${name}.prototxt`));
    const unknown = diagnostics.filter(d => d.code === 'unknown-layer-type');
    expect(unknown.map(d => d.layer)).toEqual(Object.keys(types));
    for (const [i, d] of unknown.entries()) expect(d.hint).toContain(Object.values(types)[i]);
    expect(diagnostics.flatMap(d => d.fix?.edits[0]?.text ?? [])).toEqual(fix === undefined ? [] : [fix]);
  });
});

group('a caffemodel of another fork', () => {
  it.each(['m_resize', 'wt_142', 'wv_144', 'm_silent'])('%s gives its weights, with a warning', name => {
    const bytes = readFileSync(file(`weights/${name}.caffemodel`));
    const { layers, net, diagnostics } = readCaffemodel(bytes);
    expect([...layers.get('ip')![0]!.data]).toEqual([1, 2]);
    expect(shown(diagnostics)).toContain('warning foreign-field');
    expect(Buffer.from(encode(net.layer[0]!)).includes(Buffer.from([0, 0, 0, 0x3f]))).toBe(false);
  });
});

group('deploy', () => {
  it.each(['deploy_aux_softmax', 'deploy_loses_layer', 'deploy_train_only_data'])('%s compiles', name => {
    const made = describe(deployText(network(`${name}.prototxt`)).text);
    expect(shown(made.diagnostics)).toEqual([]);
    expect(made.layers.filter(l => !l.inserted).map(l => l.name)).toEqual(
      {
        deploy_aux_softmax: ['d', 'c', 's2', 'prob'],
        deploy_loses_layer: ['i', 'c'],
        deploy_train_only_data: ['d', 's', 'prob'],
      }[name],
    );
  });

  it('refuses what would not compile', () => {
    const text = `layer { name: "d" type: "Input" top: "x" input_param { shape { dim: [1, 1, 4, 4] } } }
      layer { name: "s" type: "InnerProduct" bottom: "nobody" top: "s" inner_product_param { num_output: 3 } }`;
    expect(() => deployText(text)).toThrow(/would not compile, so it is not written.*"nobody"/s);
  });
});
