/** One graph of several sizes: which formulas are found, and when there are none. */

import { describe, expect, it } from 'vitest';
import { Builder, type Graph, type Value } from '../../src/ir/index.js';
import { GeneralGraph, NotGeneral } from '../../src/ir/passes/generalise.js';

type Build = (b: Builder, x: Value) => Value;

/** The graph at five sizes of an N×3×H×W input. */
function general(build: Build): GeneralGraph {
  const graphs = [
    [2, 3, 20, 31],
    [3, 3, 27, 20],
    [5, 3, 24, 44],
    [7, 3, 39, 25],
    [11, 3, 30, 29],
  ].map(shape => {
    const b = new Builder();
    return b.finish({ outputs: { y: build(b, b.input('x', shape)) } });
  });
  return new GeneralGraph(graphs as [Graph, ...Graph[]]);
}

const last = (g: GeneralGraph) => g.graph.outputs.get('y')!.node;
const placesOf = (g: GeneralGraph, axis: number) =>
  g.formula(g.axis(last(g).outputs[0]!, axis), last(g))!.factors.map(({ value, axis: a }) => `${value.node.op} ${a}`);

describe('formulas', () => {
  it('of what equals an axis', () => {
    const g = general((b, x) => b.slice(b.pad(x, [0, 0, 2, 3], [0, 0, 4, 5]), [0, 0, 1, 1], x.shape));
    expect(placesOf(g, 2)).toEqual(['input 2']);
    expect(placesOf(g, 3)).toEqual(['input 3']);
    expect(g.formula([3, 3, 3, 3, 3], last(g))).toEqual({ factors: [], multiply: 1, divide: 1, offset: 3 });
  });

  it('of what lies on a line with one', () => {
    const g = general((b, x) => b.relu(x));
    const [h, n] = [g.axis(last(g).inputs[0]!, 2), g.axis(last(g).inputs[0]!, 0)];
    const line = (samples: readonly number[]) => {
      const found = g.formula(samples, last(g));
      return found && { axis: found.factors[0]!.axis, ...found, factors: found.factors.length };
    };
    expect(line(h.map(d => 2 * d - 5))).toEqual({ axis: 2, factors: 1, multiply: 2, divide: 1, offset: -5 });
    expect(line(n.map(d => 12 * d))).toEqual({ axis: 0, factors: 1, multiply: 12, divide: 1, offset: 0 });
    expect(line(h.map(d => Math.ceil(d / 2)))).toBeUndefined();
    expect(line(h.map((d, i) => d + i))).toBeUndefined();
  });

  it('of products, and of numbers that are a share of them', () => {
    const g = general((b, x) => b.reshape(x, [x.shape[0]! * x.shape[2]! * x.shape[3]!, 3]));
    expect(placesOf(g, 0).sort()).toEqual(['input 0', 'input 2', 'input 3']);
    const [x] = last(g).inputs as readonly [Value];
    const [h, w] = [g.axis(x, 2), g.axis(x, 3)];
    const share = g.numberFormula(
      h.map((d, k) => Math.fround(1 / (d * w[k]!))),
      last(g),
    )!;
    expect(share.power).toBe(-1);
    expect(share.number).toBeCloseTo(1, 5);
    expect(share.factors.map(f => f.axis).sort()).toEqual([2, 3]);
    expect(g.numberFormula([1, 2, 4, 8, 15], last(g))).toBeUndefined();
  });

  it('know all axes of one length', () => {
    const g = general((b, x) => b.exp(b.relu(x)));
    const [x] = g.graph.nodes.map(n => n.outputs[0]!);
    expect(g.equals({ value: x!, axis: 3 }).map(({ value, axis }) => `${value.node.op} ${axis}`)).toEqual([
      'input 3',
      'relu 3',
      'exp 3',
    ]);
  });
});

describe('refuses', () => {
  it.each<[string, Build]>([
    ['another number of nodes', (b, x) => (x.shape[0] === 7 ? b.exp(x) : b.exp(b.neg(x)))],
    ['another op', (b, x) => (x.shape[0] === 7 ? b.exp(x) : b.neg(x))],
    [
      'another operand',
      (b, x) => {
        const y = b.exp(x);
        return x.shape[0] === 7 ? b.sub(y, x) : b.sub(x, y);
      },
    ],
  ])('%s', (_, build) => expect(() => general(build)).toThrow(NotGeneral));
});
