/** Fusion, dead code and schedule: the graph does less and means the same. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { Builder, type Graph, gradients, type Node } from '../../src/ir/index.js';
import { fuse } from '../../src/ir/passes/fuse.js';
import { schedule } from '../../src/ir/passes/schedule.js';

const opsOf = (graph: { nodes: readonly Node[] }) => graph.nodes.map(n => n.op);

/** v = 0.9 v + rate (g + decay w); w −= v, for g = x². */
function sgd(): Graph {
  const b = new Builder();
  const [w, v, rate, x] = [b.variable('w', [4]), b.variable('v', [4]), b.input('rate', []), b.input('x', [4])];
  const g = b.mul(x, x);
  const v2 = b.add(b.mul(v, 0.9), b.mul(rate, b.add(g, b.mul(w, 0.5))));
  return b.finish({
    outputs: { g },
    assignments: [
      { variable: 'v', value: v2 },
      { variable: 'w', value: b.sub(w, v2) },
    ],
  });
}

describe('fuse', () => {
  it('makes an SGD update one loop that yields both new values', () => {
    const fused = fuse({ ...sgd(), outputs: new Map() });
    expect(opsOf(fused)).toEqual(['variable', 'variable', 'input', 'input', 'fused']);
    const loop = fused.nodes.at(-1)!;
    expect(loop.outputs).toHaveLength(2);
    expect(fused.assignments.map(a => a.value.node)).toEqual([loop, loop]);
  });

  it('keeps what the outputs name', async () => {
    const engine = createHostEngine();
    engine.write('w', Float32Array.of(1, 2, 3, 4), [4]);
    engine.write('v', Float32Array.of(0, 1, 0, 1), [4]);
    const program = await engine.compile(sgd());
    const out = await program.run({ rate: Float32Array.of(2), x: Float32Array.of(1, 2, 3, 4) }, ['g']);
    expect(out['g']).toEqual(Float32Array.of(1, 4, 9, 16));
    expect([...(await engine.read('v'))].map(x => Math.round(x * 10) / 10)).toEqual([3, 10.9, 21, 36.9]);
    expect([...(await engine.read('w'))].map(x => Math.round(x * 10) / 10)).toEqual([-2, -8.9, -18, -32.9]);
  });

  it('does not join across a node that stands between', () => {
    const b = new Builder();
    const x = b.input('x', [2, 2]);
    const e = b.exp(x);
    const y = b.div(e, b.sum(e, [1], true));
    const fused = fuse(b.finish({ outputs: { y } }));
    expect(opsOf(fused)).toEqual(['input', 'exp', 'reduceSum', 'div']);
  });
});

describe('schedule', () => {
  it('updates a parameter right after its gradient, and frees the gradient', () => {
    const b = new Builder();
    const x = b.input('x', [2, 3]);
    const w1 = b.variable('w1', [3, 3]);
    const w2 = b.variable('w2', [3, 3]);
    const y = b.matMul(b.tanh(b.matMul(x, w1)), w2);
    const [g1, g2] = gradients(b, [{ value: y, seed: b.broadcast(b.scalar(1), [2, 3]) }], [w1, w2]);
    const graph = b.finish({
      outputs: {},
      assignments: [
        { variable: 'w1', value: b.sub(w1, g1!) },
        { variable: 'w2', value: b.sub(w2, g2!) },
      ],
    });
    const { nodes, commits } = schedule(graph.nodes, graph.assignments, new Set());
    const updateOf = (name: string) => commits.findIndex(list => list.some(a => a.variable === name));
    // w2's gradient comes first, and its update does not wait for w1's.
    const gradient1 = nodes.findIndex(n => n.outputs.includes(g1!));
    expect(updateOf('w2')).toBeLessThan(gradient1);
    expect(updateOf('w1')).toBe(nodes.length - 1);
  });

  it('commits a variable only when nobody will read its old value', () => {
    const b = new Builder();
    const w = b.variable('w', [2]);
    const later = b.exp(b.reshape(w, [2, 1]));
    const graph = b.finish({ outputs: { later }, assignments: [{ variable: 'w', value: b.neg(w) }] });
    const { nodes, commits } = schedule(graph.nodes, graph.assignments, new Set([later]));
    const committed = commits.findIndex(list => list.length > 0);
    expect(committed).toBeGreaterThanOrEqual(nodes.indexOf(later.node));
  });
});

describe('finish', () => {
  it('leaves out what nothing needs, and the chance nothing draws', () => {
    const b = new Builder();
    const x = b.input('x', [2]);
    b.exp(x);
    b.mul(x, b.random('mask', [2], { kind: 'uniform' }));
    const graph = b.finish({ outputs: { y: b.neg(x) } });
    expect(opsOf(graph)).toEqual(['input', 'neg']);
    expect(graph.randoms).toEqual([]);
  });

  it('adds what a forward pass changes to the assignments', async () => {
    const b = new Builder();
    const mean = b.variable('mean', [2]);
    b.update(mean, b.add(b.mul(mean, 0.5), b.input('x', [2])));
    const engine = createHostEngine();
    engine.write('mean', Float32Array.of(2, 4), [2]);
    await (await engine.compile(b.finish({ outputs: {} }))).run({ x: Float32Array.of(1, 1) }, []);
    expect(await engine.read('mean')).toEqual(Float32Array.of(2, 3));
    expect(() => b.update(b.neg(mean), mean)).toThrow('only a variable');
  });
});
