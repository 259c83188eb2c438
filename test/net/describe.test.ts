import { expect, it, describe as suite } from 'vitest';
import { describe } from '../../src/net/index.js';
import { codes, input, layer } from './nets.js';

const text =
  input('x', 2, 3, 8, 8) +
  layer(
    'Convolution',
    'c',
    'x',
    'c',
    'convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }',
  ) +
  layer('ReLU', 'r', 'c', 'c') +
  layer('Pooling', 'p', 'c', 'p', 'pooling_param { kernel_size: 2 stride: 2 }') +
  layer('Silence', 's', 'c', '') +
  layer(
    'InnerProduct',
    'f',
    'p',
    'f',
    'inner_product_param { num_output: 5 weight_filler { type: "xavier" } } param { name: "w" lr_mult: 2 }',
  );

suite('describe', () => {
  const net = describe(text);

  it('gives layers with shapes, parameters and costs', () => {
    expect(net.ok).toBe(true);
    const c = net.layers.find(l => l.name === 'c')!;
    expect(c).toMatchObject({
      type: 'Convolution',
      bottoms: ['x'],
      tops: ['c'],
      topShapes: [[2, 4, 6, 6]],
      inserted: false,
    });
    expect(c.params.map(p => p.shape)).toEqual([[4, 3, 3, 3], [4]]);
    expect(c.paramCount).toBe(4 * 27 + 4);
    expect(c.macs).toBe(2 * 36 * 4 * 27);
    expect(c.rule).toBe('num_output 4; (8 − 3) / 1 + 1 = 6');
    expect(net.layers.filter(l => l.inserted).map(l => l.name)).toEqual(['c_r_0_split']);
  });

  it('gives blobs, parameters by layer, and sums', () => {
    expect(net.blobs.get('p')).toEqual({ shape: [2, 4, 3, 3], layer: 'p', inserted: false });
    expect(net.blobs.get('c')!.layer).toBe('c');
    expect(net.params.get('f')!.map(p => [p.shape, p.lrMult])).toEqual([
      [[5, 36], 2],
      [[5], 1],
    ]);
    expect(net.paramCount).toBe(112 + 185);
    expect(net.macs).toBe(2 * 36 * 4 * 27 + 2 * 5 * 36);
    expect([net.inputs, net.outputs]).toEqual([['x'], ['f']]);
  });

  it('counts shared parameters once', () => {
    const fc = (name: string, bottom: string) =>
      layer(
        'InnerProduct',
        name,
        bottom,
        name,
        'inner_product_param { num_output: 3 bias_term: false } param { name: "w" }',
      );
    const shared = describe(input('x', 1, 3) + fc('a', 'x') + fc('b', 'a'));
    expect(shared.paramCount).toBe(9);
    expect(shared.layers.map(l => l.paramCount)).toEqual([0, 9, 0]);
    expect(shared.params.get('b')![0]!.key).toBe('a/0');
  });

  it('estimates memory from what is alive at once', () => {
    const chain = describe(
      input('x', 1, 10) + layer('ReLU', 'a', 'x', 'a') + layer('ReLU', 'b', 'a', 'b') + layer('ReLU', 'd', 'b', 'd'),
    );
    expect(chain.memory).toEqual({ forward: 4 * 20, training: 4 * (40 + 20) });
    const fan = describe(
      input('x', 1, 10) +
        layer('ReLU', 'a', 'x', 'a') +
        layer('ReLU', 'b', 'a', 'b') +
        layer('Eltwise', 'd', 'x b', 'd'),
    );
    expect(fan.memory.forward).toBe(4 * 30);
  });

  it('never throws for bad text, and still says what stands', () => {
    const bad = describe(
      `${input('x', 1, 3)}layer { name: "r" type: "ReLU" bottom: "x" top: "y" ]\n${layer('ReLU', 'q', 'x', 'z')}`,
      { name: 'f.prototxt' },
    );
    expect(bad.ok).toBe(false);
    expect(bad.diagnostics[0]!.location!.source.name).toBe('f.prototxt');
    for (const junk of [
      '',
      '{',
      'layer',
      'layer {',
      '\u0000',
      'layer { name: 3 }',
      'name: "x" name: "y"',
      'layer: 7',
    ]) {
      expect(describe(junk).ok).toBe(false);
    }
  });

  it.each([
    ['a field', 'num_output', 'num_outptu'],
    ['a bottom', 'bottom: "x"', 'botom: "x"'],
    ['a top', 'top: "c"', 'tpo: "c"'],
    ['a brace', 'kernel_size: 3', 'kernel_size: 3 }'],
    ['a value', 'kernel_size: 3', 'kernel_size: three'],
  ])('says one thing of one slip in %s', (_, right, wrong) => {
    const slip = describe(text.replace(right, wrong));
    expect(slip.diagnostics.filter(d => d.severity === 'error')).toHaveLength(1);
  });

  it('still finds mistakes in layers that were read', () => {
    const two = describe(text.replace('num_output: 5', 'num_output: 0').replace('name: "p"', 'nmae: "p"'));
    expect(two.diagnostics.map(d => d.layer)).toEqual([undefined, 'f']);
  });

  it('takes Python layers that nobody knows here as a warning', () => {
    const unknown = describe(
      input('x', 1, 3) +
        layer('Python', 'd', 'x', 'd', 'python_param { module: "m" layer: "L" }') +
        layer('ReLU', 'r', 'd', 'e'),
    );
    expect(codes(unknown.diagnostics)).toEqual(['python-module@2']);
    expect(unknown.ok).toBe(true);
  });
});
