/** What is told in place of a misleading sentence, by cases made after public bug reports. */

import { readFileSync } from 'node:fs';
import { expect, describe as group, it } from 'vitest';
import { describe, describeFile, trainedBy } from '../../src/net/index.js';
import { create, parseNet, parseSolver } from '../../src/schema/index.js';

const read = (name: string) => readFileSync(new URL(`../cases/${name}`, import.meta.url), 'utf8');
const inTraining = (name: string, more = {}) =>
  describeFile({ text: read(name), name, state: { phase: 'TRAIN', stages: [] }, ...more });
const shown = (net: ReturnType<typeof describe>) => net.diagnostics.map(d => `${d.severity} ${d.code}`);

group('shapes that are assumed', () => {
  it('are those with which the net stands', () => {
    const decoder = inTraining('networks/autoencoder_assumed.prototxt');
    expect(shown(decoder)).toEqual([]);
    expect(decoder.assumed?.['data']).toEqual([1, 28, 28]);
    expect(shown(inTraining('networks/crop299_assumed.prototxt'))).toEqual([]);
  });

  const DATA = 'layer { name: "d" type: "Data" top: "data" data_param { source: "none" batch_size: 2 } }';
  const ip = (name: string, n: number) =>
    `layer { name: "${name}" type: "InnerProduct" bottom: "data" top: "${name}" inner_product_param { num_output: ${n} } }`;

  it('leave an error that follows from none of them', () => {
    const sum = 'layer { name: "s" type: "Eltwise" bottom: "a" bottom: "b" top: "s" }';
    const net = describeFile({
      text: DATA + ip('a', 3) + ip('b', 4) + sum,
      name: 'n',
      state: { phase: 'TEST', stages: [] },
    });
    expect(shown(net)).toEqual(['error eltwise-shapes']);
  });

  it('make a warning of one that follows from the first alone', () => {
    const flat = 'layer { name: "f" type: "Flatten" bottom: "data" top: "f" }';
    const sum = (name: string, n: number) =>
      `${ip(name, n)}layer { name: "s${name}" type: "Eltwise" bottom: "f" bottom: "${name}" top: "s${name}" }`;
    const net = describeFile({
      text: DATA + flat + sum('a', 784) + sum('b', 3072),
      name: 'n',
      state: { phase: 'TEST', stages: [] },
    });
    expect(shown(net)).toEqual(['warning eltwise-shapes', 'warning eltwise-shapes']);
  });

  it('are refused for a blob that the net has not', () => {
    const [d] = inTraining('networks/crop299_assumed.prototxt', {
      inputShapes: { dta: [1, 3, 8, 8], q: [1] },
    }).diagnostics;
    expect(d).toMatchObject({ severity: 'error', code: 'unknown-input' });
  });
});

it('rounding is told as round_mode has it', () => {
  const net = describe(read('floor-wording/fl.prototxt'));
  expect(net.layers.filter(l => l.type === 'Pooling').map(l => l.rule.split(';')[0])).toEqual([
    'rounded down',
    'rounded up',
  ]);
  expect(net.diagnostics[0]!.shapes!.join('\n')).toMatch(/"p" .*rounded down/);
});

it('a crop of channels names axis: 2, and no blob that only the compiler made', () => {
  const [d] = describe(read('crop-axis1/crop.prototxt')).diagnostics;
  expect(d!.hint).toContain('axis: 2');
  expect(JSON.stringify([d!.message, d!.hint, d!.shapes])).not.toContain('split');
});

it.each([
  ['html-prototxt/html.prototxt', 'error web-page'],
  ['networks/labelmap.prototxt', 'error unknown-field'],
])('%s is told once', (name, what) => {
  expect(shown(describe(read(name)))).toEqual([what]);
});

it('pages in other dress are pages, and a comment is none', () => {
  for (const text of ['404: Not Found', '\n<html>', '<?xml version="1.0"?><a/>'])
    expect(parseNet(text).diagnostics.map(d => d.code)).toEqual(['web-page']);
  expect(parseNet('# <html>\nname: "n"').diagnostics).toEqual([]);
});

it("a label map is called by its name, a fork's V1 type by today's", () => {
  expect(describe(read('networks/labelmap.prototxt')).diagnostics[0]!.message).toContain("SSD's label map");
  const [d] = describe(read('networks/v1_crop.prototxt')).diagnostics.filter(x => x.severity === 'error');
  expect(d).toMatchObject({ code: 'unknown-enum-value', hint: expect.stringContaining('type: "Crop"') });
  const typo = parseNet('layers { name: "c" type: CONVOLUTON bottom: "x" top: "c" }').diagnostics[0];
  expect(typo!.hint).toContain('Did you mean CONVOLUTION?');
});

it('a rate that is too high is the subject of its sentence', () => {
  const { message: solver } = parseSolver(read('networks/lr_solver.prototxt'));
  const net = describe(read('networks/lr_net.prototxt'), { phase: 'TRAIN', solver: trainedBy(solver) });
  expect(net.diagnostics.find(d => d.code === 'learning-rate')!.message).toMatch(/^base_lr is 7: /);
});

it('statistics of 0 that stay 0 are warned of, unless weights are loaded', () => {
  const text = read('global-stats-from-scratch/net.prototxt');
  const solver = create('caffe.SolverParameter', { base_lr: 0.01, lr_policy: 'fixed' });
  const codes = (weightsLoaded: boolean) =>
    describe(text, { phase: 'TRAIN', solver: trainedBy(solver), weightsLoaded }).diagnostics.map(d => d.code);
  expect(codes(false)).toContain('fixed-statistics');
  expect(codes(true)).not.toContain('fixed-statistics');
});

it('a mistyped bottom of an in-place layer is told once', () => {
  const net = describe(`layer { name: "d" type: "Input" top: "x" input_param { shape { dim: [1, 3, 4, 4] } } }
    layer { name: "c" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "r" type: "ReLU" bottom: "cnov" top: "conv" }`);
  expect(shown(net)).toEqual(['error unknown-blob']);
});
