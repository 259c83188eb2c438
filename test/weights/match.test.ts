import { describe, expect, it } from 'vitest';
import { copyWeights, matchWeights, type WeightBlob } from '../../src/weights/index.js';

const blob = (...shape: number[]): WeightBlob => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});
const old = (...shape: number[]): WeightBlob => ({ ...blob(...shape), legacy: true });
const layer = (name: string, ...shapes: number[][]) => ({ name, params: shapes.map(shape => ({ shape })) });

function only(file: WeightBlob[], ...net: number[][]) {
  const match = matchWeights(new Map([['conv1', file]]), [layer('conv1', ...net)]);
  expect(match.diagnostics.length > 0).toBe(match.copied.length === 0);
  return match.diagnostics.map(d => `${d.severity} ${d.layer} ${d.message} ${d.hint}`).join('\n');
}

describe('matchWeights', () => {
  it('goes by name, and lists what has no partner on either side', () => {
    const file = new Map([
      ['data', []],
      ['conv1', [blob(4, 3, 5, 5), blob(4)]],
      ['relu1', []],
      ['fc8', [blob(10, 4)]],
      ['gone', []],
    ]);
    const net = [layer('input'), layer('fc8_new', [2, 4]), layer('conv1', [4, 3, 5, 5], [4]), layer('relu1')];
    expect(matchWeights(file, net)).toEqual({
      copied: ['conv1'],
      missing: ['fc8_new'],
      unused: ['fc8'],
      diagnostics: [],
    });
  });

  it('compares old 4-D shapes with leading ones, and today’s shapes exactly', () => {
    expect(only([old(1, 1, 500, 800), old(1, 1, 1, 500)], [500, 800], [500])).toBe('');
    expect(only([blob(1, 1, 500, 800)], [500, 800])).toMatch(/1×1×500×800 in the weights file, 500×800 in the net/);
    expect(only([old(1, 1, 2, 3)], [1, 1, 1, 2, 3])).toMatch(/error conv1/);
  });

  it('names both shapes and the cure', () => {
    const rename = /learn the layer afresh, give it another name/;
    const colour = only([blob(96, 3, 11, 11)], [96, 1, 11, 11]);
    expect(colour).toMatch(
      /error conv1 Blob 0 of layer "conv1" .*96×3×11×11 in the weights file, 96×1×11×11 in the net/,
    );
    expect(colour).toMatch(/make the data set RGB/);
    expect(colour).toMatch(rename);
    expect(only([blob(96, 1, 11, 11)], [96, 3, 11, 11])).toMatch(/make the data set grey/);
    expect(only([blob(4096, 9216)], [4096, 256, 6, 6])).toMatch(/net surgery/);
    expect(only([blob(256, 96, 5, 5)], [256, 48, 5, 5])).toMatch(/`group`/);
    expect(only([blob(21, 4096, 1, 1), blob(21)], [2, 4096, 1, 1], [2]).match(/num_output differs/g)).toHaveLength(2);
  });

  it('refuses another number of blobs, also none', () => {
    expect(only([blob(2, 2)], [2, 2], [2])).toMatch(/has 1 blobs for layer "conv1", the net has 2/);
    expect(only([], [2, 2])).toMatch(/has 0 blobs/);
    const bn = [1, 8, 1, 1];
    expect(only([blob(...bn), blob(...bn), blob(...bn), blob(...bn)], bn, bn)).toMatch(/PSPNet's: .*momentum/);
    expect(matchWeights(new Map([['pool', [blob(1)]]]), [layer('pool')]).diagnostics).toHaveLength(1);
  });
});

describe('weights of another network', () => {
  const stored = (name: string, ...blobs: WeightBlob[]) => {
    const read = ({ data }: WeightBlob, to: Float32Array) => {
      to.set(data);
      return to;
    };
    const empty = (b: WeightBlob): Float32Array => new Float32Array(b.data.length);
    return new Map([[name, blobs.map(b => ({ ...b, read: (to = empty(b)) => read(b, to) }))]]);
  };
  const params = (name: string) => new Map([[name, [{ shape: [2], data: new Float32Array(2) }]]]);

  it('are an error that names layers of both, and nothing is copied', () => {
    const net = params('ip1');
    expect(() => copyWeights(stored('fc8', { shape: [2], data: Float32Array.of(1, 2) }), net)).toThrow(
      /No layer of the weights file fits .* the file has "fc8", the network "ip1"/,
    );
    expect([...net.get('ip1')![0]!.data]).toEqual([0, 0]);
    expect(() => copyWeights(stored('data'), net)).toThrow(/the file has no parameters, the network/);
  });

  it('go into a network without parameters unsaid', () => {
    expect(copyWeights(stored('fc8', { shape: [2], data: new Float32Array(2) }), new Map())).toMatchObject({
      copied: [],
      unused: ['fc8'],
    });
  });
});
