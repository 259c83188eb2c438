import { describe, expect, it } from 'vitest';
import { attempt, codes, compile, input, layer } from './nets.js';

const fc = (name: string, bottom: string, params: string, out = 3) =>
  layer('InnerProduct', name, bottom, name, `inner_product_param { num_output: ${out} bias_term: false } ${params}`);

describe('parameters', () => {
  it('are keyed by layer and position, with multipliers 1 where nothing is said', () => {
    const net = compile(
      input('x', 2, 5) +
        layer(
          'InnerProduct',
          'a',
          'x',
          'a',
          'inner_product_param { num_output: 3 } param { lr_mult: 0 decay_mult: 2 }',
        ),
    );
    expect(net.params.map(({ key, shape, lrMult, decayMult }) => ({ key, shape, lrMult, decayMult }))).toEqual([
      { key: 'a/0', shape: [3, 5], lrMult: 0, decayMult: 2 },
      { key: 'a/1', shape: [3], lrMult: 1, decayMult: 1 },
    ]);
  });

  it('of one name are one parameter', () => {
    const net = compile(input('x', 2, 3) + fc('a', 'x', 'param { name: "w" }') + fc('b', 'a', 'param { name: "w" }'));
    expect(net.params).toHaveLength(1);
    expect(net.layers.slice(1).map(l => l.params)).toEqual([[0], [0]]);
  });

  it('take a multiplier from a sharer where the owner has none', () => {
    const net = compile(
      input('x', 2, 3) +
        fc('a', 'x', 'param { name: "w" }') +
        fc('b', 'a', 'param { name: "w" lr_mult: 0.5 decay_mult: 0 }'),
    );
    expect(net.params[0]).toMatchObject({ lrMult: 0.5, decayMult: 0 });
  });

  it.each(['lr_mult', 'decay_mult'])('with two different %s are an error', field => {
    const text =
      input('x', 2, 3) +
      fc('a', 'x', `param { name: "w" ${field}: 1 }`) +
      fc('b', 'a', `param { name: "w" ${field}: 2 }`);
    const { diagnostics } = attempt(text);
    expect(codes(diagnostics)).toEqual(['shared-param-multiplier@3']);
    expect(diagnostics[0]!.message).toMatch(/"b".*"w".* 2, layer "a" gives it 1\./);
  });

  it('of different shapes are refused under STRICT, with both shapes', () => {
    const { diagnostics } = attempt(
      input('x', 2, 6) + fc('a', 'x', 'param { name: "w" }', 4) + fc('b', 'a', 'param { name: "w" }', 6),
    );
    expect(codes(diagnostics)).toEqual(['shared-param-shape@3']);
    expect(diagnostics[0]!.message).toContain('[6, 4]');
    expect(diagnostics[0]!.message).toContain('[4, 6]');
  });

  it('of one count are shared under PERMISSIVE, each layer with its own shape', () => {
    const net = compile(
      input('x', 2, 6) +
        fc('a', 'x', 'param { name: "w" }', 4) +
        fc('b', 'a', 'param { name: "w" share_mode: PERMISSIVE }', 6),
    );
    expect(net.params[0]!.shape).toEqual([4, 6]);
    expect(net.layers.at(-1)!.paramShapes).toEqual([[6, 4]]);
  });

  it('of different counts are refused under PERMISSIVE too', () => {
    const text =
      input('x', 2, 6) +
      fc('a', 'x', 'param { name: "w" }', 4) +
      fc('b', 'a', 'param { name: "w" share_mode: PERMISSIVE }', 5);
    expect(codes(attempt(text).diagnostics)).toEqual(['shared-param-shape@3']);
  });

  it('are not fewer than their param blocks', () => {
    const { diagnostics } = attempt(`${input('x', 2, 6)}${fc('a', 'x', 'param { lr_mult: 1 } param { lr_mult: 2 }')}`);
    expect(codes(diagnostics)).toEqual(['too-many-params@2']);
    expect(diagnostics[0]!.hint).toContain('bias_term');
  });

  it('of two layers of one name have different keys', () => {
    const net = compile(
      input('x', 2, 3) +
        fc('a', 'x', '') +
        layer('InnerProduct', 'a', 'a', 'b', 'inner_product_param { num_output: 3 }'),
    );
    expect(new Set(net.params.map(p => p.key)).size).toBe(3);
  });
});
