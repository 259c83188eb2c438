import { describe, expect, it } from 'vitest';
import { checks, type NetOptions, runChecks, trainedBy } from '../../src/net/index.js';
import { parseSolver } from '../../src/schema/index.js';
import { codes, compile, input, layer } from './nets.js';

const XAVIER = 'weight_filler { type: "xavier" }';
const conv = (name: string, bottom: string, filler = '', more = '') =>
  layer('Convolution', name, bottom, name, `convolution_param { num_output: 2 kernel_size: 1 ${filler} } ${more}`);
const head = input('x', 1, 3, 4, 4) + input('label', 1, 1, 4, 4);
const loss = (bottom: string) => layer('SoftmaxWithLoss', 'loss', `${bottom} label`, 'loss');
const TRAIN: NetOptions = { phase: 'TRAIN' };

const check = (text: string, options: NetOptions = TRAIN, weightsLoaded = false) =>
  runChecks(compile(text, options), { weightsLoaded });
/** The layers that the zero-weights check names. */
const zero = (text: string) =>
  check(text)
    .filter(d => d.code === 'zero-weights')
    .flatMap(d => d.message.match(/: (.*)\.$/)?.[1]?.split(', ') ?? [d.layer!]);

describe('late statistics', () => {
  it('of a fraction of 1 are over all iterations', () => {
    const solver = parseSolver('max_iter: 50 mokapot_param { ema_decay: 0.9 }').message;
    const norm = layer('BatchNorm', 'n', 'a', 'n', 'batch_norm_param { moving_average_fraction: 1 }');
    const graph = compile(`${head}${conv('a', 'x', XAVIER)}${norm}${loss('n')}`, TRAIN);
    const [found] = runChecks(graph, { solver: trainedBy(solver) }).filter(d => d.code === 'late-statistics');
    expect(found!.message).toContain('over all 50 iterations');
  });
});

describe('zero weights', () => {
  const stuck = `${head}${conv('a', 'x')}${layer('ReLU', 'r', 'a', 'a')}${conv('b', 'a')}${loss('b')}`;

  it('of a chain without fillers are told in one warning that names all layers and the cure', () => {
    const found = check(stuck);
    expect(codes(found)).toEqual(['zero-weights@3']);
    expect(found[0]!.severity).toBe('warning');
    expect(zero(stuck)).toEqual(['a', 'b']);
    expect(found[0]!.hint).toContain('weight_filler { type: "xavier" }');
    expect(found[0]!.hint).toContain('--weights');
  });

  it('do not matter where weights are loaded, or nothing is learnt', () => {
    expect(check(stuck, TRAIN, true)).toEqual([]);
    expect(check(stuck, { phase: 'TEST' })).toEqual([]);
  });

  it('learn in a last layer, as the score layers of FCNs do', () => {
    expect(zero(head + conv('a', 'x', XAVIER) + layer('ReLU', 'r', 'a', 'a') + conv('b', 'a') + loss('b'))).toEqual([]);
  });

  it('learn in a first layer under filled ones, once the bias has moved', () => {
    expect(zero(head + conv('a', 'x') + conv('b', 'a', XAVIER) + loss('b'))).toEqual([]);
  });

  it('stay behind a ReLU, whose gradient at 0 is 0', () => {
    expect(zero(head + conv('a', 'x') + layer('ReLU', 'r', 'a', 'a') + conv('b', 'a', XAVIER) + loss('b'))).toEqual([
      'a',
    ]);
    const leaky = layer('ReLU', 'r', 'a', 'a', 'relu_param { negative_slope: 0.1 }');
    expect(zero(head + conv('a', 'x') + leaky + conv('b', 'a', XAVIER) + loss('b'))).toEqual([]);
  });

  it('learn beside a path that carries a gradient', () => {
    const text = head + conv('a', 'x') + conv('b', 'a') + layer('Eltwise', 'e', 'a b', 'e') + loss('e');
    expect(zero(text)).toEqual([]);
  });

  it('are told where a bias starts above 0 only if nothing moves all the same', () => {
    const bias = 'bias_filler { type: "constant" value: 0.1 }';
    expect(zero(head + conv('a', 'x', bias) + layer('ReLU', 'r', 'a', 'a') + conv('b', 'a') + loss('b'))).toEqual([]);
  });

  it('are known by any filler that makes only zeros', () => {
    const text = (filler: string) =>
      head + conv('a', 'x', filler) + layer('ReLU', 'r', 'a', 'a') + conv('b', 'a', filler) + loss('b');
    expect(zero(text('weight_filler { type: "constant" value: 0 }'))).toEqual(['a', 'b']);
    expect(zero(text('weight_filler { type: "gaussian" std: 0 }'))).toEqual(['a', 'b']);
    expect(zero(text('weight_filler { type: "gaussian" std: 0.01 }'))).toEqual([]);
    expect(zero(text('weight_filler { type: "constant" value: 0.5 }'))).toEqual([]);
  });

  it('that are frozen at 0 stop all that is below them', () => {
    expect(
      zero(head + conv('a', 'x', XAVIER) + conv('b', 'a', '', 'param { lr_mult: 0 } param { lr_mult: 1 }') + loss('b')),
    ).toEqual(['b']);
  });
});

describe('bilinear upsampling', () => {
  const up = (params: string, more = '') =>
    head +
    conv('a', 'x', XAVIER) +
    layer(
      'Deconvolution',
      'u',
      'a',
      'u',
      `convolution_param { num_output: 2 kernel_size: 4 stride: 2 pad: 1 bias_term: false weight_filler { type: "bilinear" } ${params} } ${more}`,
    ) +
    input('big', 1, 1, 8, 8) +
    layer('SoftmaxWithLoss', 'loss', 'u big', 'loss');

  const check = (text: string) => runChecks(compile(text, TRAIN)).filter(d => d.code !== 'dangling-top');

  it('has as many groups as outputs', () => {
    expect(check(up('', 'param { lr_mult: 0 }')).map(d => d.code)).toEqual(['bilinear-without-groups']);
    expect(check(up('group: 2', 'param { lr_mult: 0 }'))).toEqual([]);
  });

  it('says whether it learns', () => {
    expect(check(up('group: 2')).map(d => [d.code, d.severity])).toEqual([['bilinear-learns', 'note']]);
    expect(check(up('group: 2', 'param { lr_mult: 1 }'))).toEqual([]);
  });
});

describe('a net in phase TRAIN', () => {
  it('without a loss is told so, and which one is left out', () => {
    expect(check(head + conv('a', 'x', XAVIER)).map(d => d.code)).toEqual(['no-loss']);
    const left = check(head + conv('a', 'x', XAVIER) + loss('a').replace('top:', 'include { stage: "s" } top:'));
    expect(left[0]!.hint).toContain('"loss" (SoftmaxWithLoss) is left out');
    expect(check(head + conv('a', 'x', XAVIER), { phase: 'TEST' })).toEqual([]);
  });
});

describe('layer names', () => {
  it('that are used twice are told, more loudly where there are weights', () => {
    const relu = layer('ReLU', 'r', 'a', 'b') + layer('TanH', 'r', 'b', 'c');
    expect(check(head + conv('a', 'x', XAVIER) + relu + loss('c')).map(d => [d.code, d.severity])).toEqual([
      ['duplicate-layer-name', 'note'],
    ]);
    const same = conv('a', 'x', XAVIER) + conv('a', 'a', XAVIER).replace('top: "a"', 'top: "b"') + loss('b');
    expect(check(head + same).map(d => [d.code, d.severity])).toEqual([['duplicate-layer-name', 'warning']]);
  });
});

describe('statistics that stay 0', () => {
  it('are told of a layer that keeps some, whatever else has the block', () => {
    const block = 'batch_norm_param { use_global_stats: true }';
    const net = (bn: string, tanh: string) =>
      head + conv('a', 'x', XAVIER) + layer('BatchNorm', 'n', 'a', 'n', bn) + layer('TanH', 'r', 'n', 'r', tanh);
    expect(check(net(block, '') + loss('r')).map(d => [d.code, d.layer])).toEqual([['fixed-statistics', 'n']]);
    expect(check(net('', block) + loss('r'))).toEqual([]);
  });
});

it('every check has a code of its own and a sentence', () => {
  expect(new Set(checks.map(c => c.code)).size).toBe(checks.length);
  for (const { doc } of checks) expect(doc).toMatch(/^[A-Z].*\.$/);
});
