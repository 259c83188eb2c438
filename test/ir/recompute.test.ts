/** Recomputation: the same numbers from less memory. */

import { describe, expect, it } from 'vitest';
import { peakOf } from '../../src/engines/memory.js';
import { createEngine, createHostEngine } from '../../src/engines/node/index.js';
import { Builder, type Graph, gradients, type Value } from '../../src/ir/index.js';
import { planWithin, recompute } from '../../src/ir/passes/recompute.js';
import { schedule } from '../../src/ir/passes/schedule.js';
import { Random } from '../../src/random/index.js';

const GEOMETRY = { stride: [1, 1], pad: [1, 1], dilation: [1, 1], groups: 1 } as const;
const DEPTH = 16;

/** A step of a net of layers like VGG's, with a pooling, a dropout and user code on the way; labels as layers give them. */
function step(calls: { count: number }): Graph {
  const b = new Builder();
  let y: Value = b.input('x', [1, 4, 16, 16]);
  const weights: Value[] = [];
  for (let i = 0; i < DEPTH; i++) {
    y = b.withLabel(`conv${i}`, () => {
      const w = b.variable(`w${i}`, [4, 4, 3, 3]);
      weights.push(w);
      return b.relu(b.conv2d(y, w, GEOMETRY));
    });
    if (i === 12) {
      const outSize = [8, 8] as const;
      y = b.withLabel('pool', () => b.maxPool(y, { kernel: [2, 2], stride: [2, 2], pad: [0, 0], outSize })[0]);
    }
    if (i === 5) y = b.withLabel('drop', () => b.mul(y, b.random('mask', y.shape, { kind: 'bernoulli', p: 0.5 })));
    if (i === 7)
      y = b.withLabel('user', () => {
        const run = ([a]: readonly { data: Float32Array }[]) => {
          calls.count++;
          return [a!.data.map(v => v * 2)];
        };
        const [z] = b.hostCall([y], {
          name: 'user',
          outputs: [y.shape],
          run,
          backward: ([, , d]) => [d!.data.map(v => v * 2)],
        });
        return z!;
      });
  }
  const loss = b.withLabel('loss', () => b.sum(b.mul(y, y)));
  const found = gradients(b, [{ value: loss, seed: b.scalar(1) }], weights);
  const assignments = b.withLabel('@solver', () =>
    weights.map((w, i) => ({ variable: `w${i}`, value: b.sub(w, b.mul(found[i]!, 0.01)) })),
  );
  return b.finish({ outputs: { loss }, assignments });
}

const peak = (g: Graph) => peakOf(schedule(g.nodes, g.assignments, new Set(g.outputs.values())), () => 0);

const lighterThan = (graph: Graph, room: number) => planWithin(graph, room, g => ({ peakBytes: peak(g) })).graph;

async function runTwice(graph: Graph, name: string) {
  const engine = name === 'host' ? createHostEngine() : await createEngine(name);
  const random = new Random(4);
  for (let i = 0; i < DEPTH; i++) {
    const data = Float32Array.from({ length: 144 }, () => random.uniform(-0.3, 0.3));
    engine.write(`w${i}`, data, [4, 4, 3, 3]);
  }
  const program = await engine.compile(graph);
  const x = Float32Array.from({ length: 1024 }, () => random.uniform(0, 1));
  const mask = Float32Array.from({ length: 1024 }, () => (random.next() < 0.5 ? 1 : 0));
  const losses = [];
  for (let i = 0; i < 2; i++) losses.push((await program.run({ x, mask }, ['loss']))['loss']![0]);
  const weights = await Promise.all(Array.from({ length: DEPTH }, (_, i) => engine.read(`w${i}`)));
  engine.dispose();
  return { losses, weights };
}

describe('recomputation', () => {
  it.each(['host', 'wasm'])(
    'gives the same numbers on %s, calls user code once a run, and takes less memory',
    async name => {
      const calls = { count: 0 };
      const graph = step(calls);
      const lighter = lighterThan(graph, 0);
      expect(peak(lighter)).toBeLessThan(0.7 * peak(graph));
      const expected = await runTwice(graph, name);
      calls.count = 0;
      expect(await runTwice(lighter, name)).toEqual(expected);
      expect(calls.count).toBe(2);
    },
  );

  it('does no more than is needed', () => {
    const graph = step({ count: 0 });
    const convolutions = (g: Graph) => g.nodes.filter(n => n.op === 'conv2d').length;
    expect(lighterThan(graph, peak(graph))).toBe(graph);
    const slightly = lighterThan(graph, peak(graph) - 1);
    expect(convolutions(slightly)).toBeLessThan(2 * DEPTH - 1);
    const all = new Set(graph.nodes.flatMap(n => n.outputs));
    expect(recompute(graph, all).nodes).toEqual(graph.nodes);
  });
});

describe('an engine short of memory', () => {
  it('computes again what it cannot keep', async () => {
    const graph = step({ count: 0 });
    const room = Math.round(0.7 * peak(graph));
    const variables = DEPTH * 144 * 4;
    const engine = createHostEngine(variables + room);
    for (let i = 0; i < DEPTH; i++) engine.write(`w${i}`, new Float32Array(144).fill(0.01), [4, 4, 3, 3]);
    const program = await engine.compile(graph);
    const result = await program.run({ x: new Float32Array(1024).fill(1), mask: new Float32Array(1024).fill(1) }, [
      'loss',
    ]);
    expect(result['loss']![0]).toBeGreaterThan(0);
    expect(program.peakBytes).toBeLessThanOrEqual(room);
    const tiny = createHostEngine(variables + 2 ** 10);
    for (let i = 0; i < DEPTH; i++) tiny.write(`w${i}`, new Float32Array(144), [4, 4, 3, 3]);
    const refused = await tiny.compile(graph);
    expect(() => refused.prepare(['loss'])).toThrow(/needs \d+ MB/);
  });
});
