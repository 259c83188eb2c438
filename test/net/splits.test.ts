import { describe, expect, it } from 'vitest';
import { insertSplits } from '../../src/net/index.js';
import { attempt, codes, compile, input, layer, parse } from './nets.js';

function split(text: string): string[] {
  return insertSplits(parse(text).layer).map(
    ({ param: p }) =>
      `${p.name}: ${p.bottom.join(' ')} > ${p.top.join(' ')}${p.loss_weight.length ? ` * ${p.loss_weight.join(' ')}` : ''}`,
  );
}

describe('insertSplits', () => {
  it('leaves a blob with one reader alone', () => {
    expect(split(input('x', 1) + layer('ReLU', 'r', 'x', 'y'))).toEqual(['x:  > x', 'r: x > y']);
  });

  it("puts a Split behind the maker, under Caffe's names", () => {
    const text =
      input('x', 1) + layer('ReLU', 'r', 'x', 'y') + layer('TanH', 't', 'y', 'a') + layer('Sigmoid', 's', 'y', 'b');
    expect(split(text)).toEqual([
      'x:  > x',
      'r: x > y',
      'y_r_0_split: y > y_r_0_split_0 y_r_0_split_1',
      't: y_r_0_split_0 > a',
      's: y_r_0_split_1 > b',
    ]);
  });

  it('counts which top it is, and two bottoms of one layer as two readers', () => {
    const text =
      input('x', 2, 4) +
      layer('Slice', 's', 'x', 'a b') +
      layer('Eltwise', 'e', 'b b', 'y') +
      layer('Silence', 'q', 'a', '');
    expect(split(text)).toContain('b_s_1_split: b > b_s_1_split_0 b_s_1_split_1');
    expect(split(text)).toContain('e: b_s_1_split_0 b_s_1_split_1 > y');
  });

  it('splits behind the in-place layer that wrote the version', () => {
    const text =
      input('x', 1) +
      layer('Power', 'p', 'x', 'y') +
      layer('ReLU', 'r', 'y', 'y') +
      layer('TanH', 't', 'y', 'a') +
      layer('Sigmoid', 's', 'y', 'b');
    expect(split(text).slice(1)).toEqual([
      'p: x > y',
      'r: y > y',
      'y_r_0_split: y > y_r_0_split_0 y_r_0_split_1',
      't: y_r_0_split_0 > a',
      's: y_r_0_split_1 > b',
    ]);
  });

  it('counts a loss weight as a reader and moves it to the first top of the Split', () => {
    const text = input('x', 1) + layer('ReLU', 'r', 'x', 'y', 'loss_weight: 0.5') + layer('TanH', 't', 'y', 'a');
    expect(split(text)).toEqual([
      'x:  > x',
      'r: x > y',
      'y_r_0_split: y > y_r_0_split_0 y_r_0_split_1 * 0.5 0',
      't: y_r_0_split_1 > a',
    ]);
  });
});

describe('a compiled net', () => {
  it('has a version for every step of an in-place chain', () => {
    const net = compile(
      input('x', 1, 2) + layer('Power', 'p', 'x', 'y') + layer('ReLU', 'r', 'y', 'y') + layer('Dropout', 'd', 'y', 'y'),
    );
    const y = net.layers.flatMap(l => l.tops).filter(t => t.name === 'y');
    expect(new Set(y.map(t => t.id)).size).toBe(3);
    expect(net.layers[2]!.bottoms[0]).toBe(y[0]);
    expect(net.blobs.get('y')).toBe(y[2]);
    expect(net.outputs).toEqual(['y']);
  });

  it('refuses an in-place layer on a blob that was read before, as Caffe does', () => {
    const text = `${input('x', 1)}${layer('Power', 'p', 'x', 'y')}${layer('TanH', 't', 'y', 'a')}${layer('ReLU', 'r', 'y', 'y')}`;
    const { diagnostics } = attempt(text);
    expect(codes(diagnostics)).toEqual(['in-place-shared@4']);
    expect(diagnostics[0]!.message).toContain('"t"');
  });

  it('takes the loss over the Split once', () => {
    const net = compile(
      input('x', 1) + layer('ReLU', 'r', 'x', 'y', 'loss_weight: 0.5') + layer('TanH', 't', 'y', 'a'),
    );
    expect(net.layers.map(l => l.lossWeights)).toEqual([[0], [0], [0.5, 0], [0]]);
  });
});
