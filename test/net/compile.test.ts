import { describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { compileNet } from '../../src/net/index.js';
import { attempt, codes, compile, input, layer, parse } from './nets.js';

const conv = (name: string, bottom: string, top: string, more = '') =>
  layer('Convolution', name, bottom, top, `convolution_param { num_output: 4 kernel_size: 3 ${more} }`);

describe('one mistake, one diagnostic', () => {
  const tail = conv('c2', 'c1', 'c2') + layer('ReLU', 'r', 'c2', 'c2') + layer('Softmax', 's', 'c2', 'p');

  it('in a layer that others stand on', () => {
    const { graph, partial, diagnostics } = attempt(input('x', 1, 3, 8, 8) + conv('c1', 'x', 'c1', 'group: 2') + tail);
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]!.layer).toBe('c1');
    expect(graph).toBeUndefined();
    expect(partial.layers.map(l => l.name)).toEqual(['x']);
  });

  it('in a type, with the nearest name', () => {
    const { diagnostics } = attempt(input('x', 1, 3, 8, 8) + layer('Convolutoin', 'c1', 'x', 'c1') + tail);
    expect(codes(diagnostics)).toEqual(['unknown-layer-type@2']);
    expect(diagnostics[0]!.hint).toContain('"Convolution"');
  });

  it('in a blob name, with the nearest name', () => {
    const { diagnostics } = attempt(input('data', 1, 3, 8, 8) + conv('c1', 'dota', 'c1') + tail);
    expect(codes(diagnostics)).toEqual(['unknown-blob@2']);
    expect(diagnostics[0]!.hint).toBe('Did you mean "data"?');
  });

  it('in a blob that two layers read', () => {
    const text = input('data', 1, 3, 8, 8) + conv('a', 'zzz', 'a') + conv('b', 'zzz', 'b');
    expect(codes(attempt(text).diagnostics)).toEqual(['unknown-blob@2']);
  });

  it('in an in-place layer does not bring its old version back', () => {
    const text =
      input('x', 1, 3, 8, 8) +
      layer('Dropout', 'd', 'x', 'x', 'dropout_param { dropout_ratio: 2 }') +
      conv('c', 'x', 'c');
    expect(attempt(text).diagnostics.map(d => d.layer)).toEqual(['d']);
  });

  it('but two mistakes are two', () => {
    const text = input('x', 1, 3, 8, 8) + conv('a', 'x', 'a', 'group: 2') + conv('b', 'x', 'b', 'group: 3');
    expect(attempt(text).diagnostics.map(d => d.layer)).toEqual(['a', 'b']);
  });
});

describe('errors', () => {
  it('name layer, blobs and both shapes, and stand at the field', () => {
    const text = `${input('x', 1, 2, 8, 8)}${input('ref', 1, 2, 6, 6)}${layer('Crop', 'score', 'x ref', 'y', 'crop_param { axis: 2 offset: 5 }')}`;
    const [d] = attempt(text).diagnostics;
    expect(d!.message).toMatch(/^Layer "score" \(Crop\)/);
    expect(d!.message).toContain('"x" [1, 2, 8, 8]');
    expect(d!.message).toContain('"ref" [1, 2, 6, 6]');
    const { start, end } = d!.location!.range;
    expect(text.slice(start.offset, end.offset)).toBe('5');
  });

  it('call a split blob by the name the text has for it', () => {
    const text = `${input('x', 1, 3, 8, 8)}${conv('a', 'x', 'a')}${conv('b', 'x', 'b', 'group: 2')}`;
    const [d] = attempt(text).diagnostics;
    expect(d!.message).toContain('"x" [1, 3, 8, 8]');
    expect(d!.message).not.toContain('split');
  });

  it('say which fork has a type', () => {
    const [d] = attempt(input('x', 1, 3, 8, 8) + layer('DenseCRF', 'i', 'x', 'y')).diagnostics;
    expect(d!.hint).toContain('DeepLab');
  });

  it.each([
    ['Crop with one bottom', layer('Crop', 'l', 'x', 'y'), 'bottom-count', 'exactly 2 bottoms; 1 given: "x"'],
    ['ReLU without top', layer('ReLU', 'l', 'x', ''), 'top-count', 'exactly 1 top; none is given'],
    ['Convolution with more bottoms than tops', conv('l', 'x x', 'y'), 'top-count', '2 bottoms and 1 tops'],
    [
      'propagate_down of the wrong number',
      layer('ReLU', 'l', 'x', 'y', 'propagate_down: [true, true]'),
      'propagate-down-count',
      '2 times for 1',
    ],
    [
      'loss_weight of the wrong number',
      layer('ReLU', 'l', 'x', 'y', 'loss_weight: [1, 2]'),
      'loss-weight-count',
      '2 times for 1 top',
    ],
    [
      'a top made twice',
      layer('ReLU', 'l', 'x', 'y') + layer('TanH', 'm', 'x', 'y'),
      'duplicate-blob',
      'layer "l" makes already',
    ],
    ['no type', 'layer { name: "l" bottom: "x" top: "y" }', 'no-layer-type', 'has no type'],
    ['an input of negative size', input('z', 1, -3), 'bad-shape', '[1, -3]'],
    ['an input of too many numbers', input('z', 65536, 65536), 'bad-shape', 'more than 2147483647'],
  ])('%s', (_, text, code, message) => {
    const { diagnostics } = attempt(input('x', 1, 3, 8, 8) + text);
    expect(diagnostics.map(d => d.code)).toEqual([code]);
    expect(diagnostics[0]!.message).toContain(message);
    expect(diagnostics[0]!.location).toBeDefined();
  });

  it('say where a blob comes from that is made too late or left out', () => {
    const late = attempt(input('x', 1) + layer('ReLU', 'a', 'y', 'z') + layer('ReLU', 'b', 'x', 'y')).diagnostics;
    expect(late[0]!.hint).toContain('"b" makes it further down');
    const out = attempt(
      input('x', 1) + layer('ReLU', 'b', 'x', 'y', 'include { phase: TRAIN }') + layer('ReLU', 'a', 'y', 'z'),
    );
    expect(out.diagnostics[0]!.hint).toContain('leave it out in phase TEST');
  });

  it('are thrown by compileNet, all at once', () => {
    const text = input('x', 1, 3, 8, 8) + conv('a', 'x', 'a', 'group: 2') + conv('b', 'x', 'b', 'group: 3');
    let thrown: unknown;
    try {
      compileNet(parse(text), { phase: 'TEST' });
    } catch (e) {
      thrown = e;
    }
    expect(thrown).toBeInstanceOf(MokapotError);
    expect((thrown as MokapotError).diagnostics).toHaveLength(2);
  });

  it('of an empty net', () => expect(attempt('name: "n"').diagnostics.map(d => d.code)).toEqual(['empty-net']));
});

describe('data layers', () => {
  const data = layer('Data', 'data', '', 'data label', 'data_param { batch_size: 5 }');
  const shapes = (net: ReturnType<typeof compile>) => net.layers.flatMap(l => l.tops.map(t => [t.name, t.shape]));

  it('take batch_size and the entry of the data set in use', () => {
    const net = compile(data, { phase: 'TRAIN', entryShapes: { data: [3, 8, 9], label: [1, 8, 9] } });
    expect(shapes(net)).toEqual([
      ['data', [5, 3, 8, 9]],
      ['label', [5, 1, 8, 9]],
    ]);
    expect(net.feeds).toEqual([
      { blob: 'data', layer: 0 },
      { blob: 'label', layer: 0 },
    ]);
  });

  it('crop as transform_param says', () => {
    const text = layer('Data', 'data', '', 'data', 'data_param { batch_size: 2 } transform_param { crop_size: 4 }');
    expect(shapes(compile(text, { entryShapes: { data: [3, 8, 9] } }))).toEqual([['data', [2, 3, 4, 4]]]);
  });

  it('bind tops of other names by position, as a datum has them', () => {
    const text = layer('Data', 'd', '', 'scaled class', 'data_param { batch_size: 2 }');
    const net = compile(text, { entryShapes: { data: [1, 4, 4], label: [] } });
    expect(shapes(net)).toEqual([
      ['scaled', [2, 1, 4, 4]],
      ['class', [2]],
    ]);
  });

  it('take whole shapes from inputShapes', () => {
    expect(shapes(compile(data, { inputShapes: { data: [7, 3, 8, 8], label: [7, 1, 8, 8] } }))).toEqual([
      ['data', [7, 3, 8, 8]],
      ['label', [7, 1, 8, 8]],
    ]);
    expect(shapes(compile(data, { inputShapes: { data: [7, 3, 8, 8] } }))[1]).toEqual(['label', [7]]);
  });

  it('without a data set are one error, whatever their number', () => {
    const two =
      layer('Data', 'data', '', 'data') +
      layer('Data', 'label', '', 'label') +
      layer('SoftmaxWithLoss', 'l', 'data label', 'loss');
    const { diagnostics } = attempt(two.replaceAll('type: "Data"', 'type: "Data" data_param { batch_size: 1 }'));
    expect(codes(diagnostics)).toEqual(['no-data-set@1']);
    expect(diagnostics[0]!.hint).toContain('inputShapes: { data: [1, 3, 256, 256], label: [1, 1, 256, 256] }');
  });

  it('that nothing reads are left away in stage deploy', () => {
    const text = `${layer('Data', 'label', '', 'label', 'data_param { batch_size: 1 }')}${input('data', 1, 2)}${layer('Softmax', 's', 'data', 'p')}`;
    expect(compile(text, { phase: 'TEST', stages: ['deploy'] }).inputs).toEqual(['data']);
    expect(attempt(text, { phase: 'TEST' }).graph).toBeUndefined();
  });
});

describe('inputs', () => {
  it("are given another shape by the caller's inputShapes", () => {
    const net = compile(input('x', 1, 3, 8, 8) + conv('c', 'x', 'c'), { inputShapes: { x: [2, 3, 20, 10] } });
    expect(net.blobs.get('c')!.shape).toEqual([2, 4, 18, 8]);
  });

  it('that no layer makes come from the caller, as DIGITS adds `data` for inference', () => {
    const net = compile(conv('c', 'data', 'c'), { inputShapes: { data: [1, 3, 8, 8] } });
    expect(net.inputs).toEqual(['data']);
    expect(net.layers[0]!.source).toBeUndefined();
    expect(compile(conv('c', 'data', 'c'), { entryShapes: { data: [3, 8, 8] } }).blobs.get('c')!.shape).toEqual([
      1, 4, 6, 6,
    ]);
  });

  it('of impossible shape are refused', () => {
    expect(attempt(conv('c', 'data', 'c'), { inputShapes: { data: [1, 3, 8.5, 8] } }).diagnostics[0]!.code).toBe(
      'bad-shape',
    );
  });
});

describe('a net', () => {
  it('has the outputs nobody reads, sorted by name', () => {
    const net = compile(
      input('x', 1, 4) + layer('ReLU', 'r', 'x', 'z') + layer('TanH', 't', 'x', 'a') + layer('ReLU', 's', 'z', 'm'),
    );
    expect(net.outputs).toEqual(['a', 'm']);
  });

  it('takes the phase of a layer that has its own', () => {
    const net = compile(input('x', 1, 4) + layer('Dropout', 'd', 'x', 'y', 'phase: TEST'), { phase: 'TRAIN' });
    expect(net.layers.map(l => l.context.phase)).toEqual(['TRAIN', 'TEST']);
  });

  it('of ten thousand layers is compiled', () => {
    const text =
      input('x', 1, 4) +
      Array.from({ length: 10_000 }, (_, i) => layer('ReLU', `r${i}`, i ? `b${i - 1}` : 'x', `b${i}`)).join('');
    expect(compile(text).layers).toHaveLength(10_001);
  });
});
