/**
 * Random graphs through every pass: the numbers stay. Each graph is made of its own seed, which its name tells, so that one
 * that fails runs alone: MOKAPOT_GRAPHS=1 MOKAPOT_SEED=<seed> npx vitest run test/ir/random_graphs.test.ts
 */

import { describe, expect, it } from 'vitest';
import { knownValues } from '../../src/emit/constants.js';
import { createHostEngine } from '../../src/engines/host/index.js';
import { splitUpdates } from '../../src/engines/onnx/updates.js';
import { Builder, type Graph, gradients, type Node, pruneDead, sizeOf, type Value } from '../../src/ir/index.js';
import { fuse } from '../../src/ir/passes/fuse.js';
import { GeneralGraph } from '../../src/ir/passes/generalise.js';
import { recompute } from '../../src/ir/passes/recompute.js';
import { schedule } from '../../src/ir/passes/schedule.js';
import { hostKernel } from '../../src/kernels/index.js';
import { Random } from '../../src/random/index.js';

const FIRST = Number(process.env['MOKAPOT_SEED'] ?? 1);
const COUNT = Number(process.env['MOKAPOT_GRAPHS'] ?? 60);

type Numbers = ReadonlyMap<string, Float32Array>;

interface Case {
  readonly graph: Graph;
  /** Inputs and variables by name. */
  readonly given: Numbers;
}

/** Grows a graph op by op over a pool of values. */
class Grower {
  readonly b = new Builder();
  readonly given = new Map<string, Float32Array>();
  readonly inputs: Value[] = [];
  readonly variables: Value[] = [];
  private readonly pool: Value[] = [];

  constructor(readonly random: Random) {
    const shapes = [this.shape(), this.shape(), this.shape()];
    shapes.forEach((shape, i) => {
      this.inputs.push(this.leaf(`x${i}`, shape, () => this.b.input(`x${i}`, shape)));
    });
    for (const i of [0, 1]) {
      const shape = this.pick(shapes);
      this.variables.push(this.leaf(`w${i}`, shape, () => this.b.variable(`w${i}`, shape)));
    }
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.integer(list.length)]!;
  }

  private shape(): number[] {
    return Array.from({ length: 1 + this.random.integer(3) }, () => 1 + this.random.integer(4));
  }

  private leaf(name: string, shape: readonly number[], make: () => Value): Value {
    this.given.set(
      name,
      Float32Array.from({ length: sizeOf(shape) }, () => this.random.uniform(-1, 1)),
    );
    const value = make();
    this.pool.push(value);
    return value;
  }

  /** Some value made so far, late ones more often. */
  value(): Value {
    const from = this.random.next() < 0.5 ? Math.max(0, this.pool.length - 4) : 0;
    return this.pool[from + this.random.integer(this.pool.length - from)]!;
  }

  grow(): void {
    const made = this.pick([
      this.unary,
      this.unary,
      this.binary,
      this.binary,
      this.reduced,
      this.moved,
      this.indexed,
    ]).call(this, this.value());
    // Kept within bounds, so that nothing overflows.
    if (sizeOf(made.shape) <= 400) this.pool.push(this.random.next() < 0.2 ? this.b.tanh(made) : made);
  }

  private unary(x: Value): Value {
    const { b } = this;
    const positive = (v: Value) => b.add(b.mul(v, v), 0.5);
    return this.pick([
      () => b.neg(x),
      () => b.abs(x),
      () => b.tanh(x),
      () => b.sigmoid(x),
      () => b.exp(b.tanh(x)),
      () => b.log(positive(x)),
      () => b.sqrt(positive(x)),
      () => b.relu(x, this.pick([0, 0.1])),
      () => b.power(positive(x), this.pick([-0.75, 2, 3, 0.5])),
      () => b.stopGradient(x),
      () => b.mul(x, this.pick([0.5, -2, 1])),
      // Of numbers that are fed: what a comparison says must not hang on the last bit.
      () => b.select(b.greater(this.pick(this.inputs), 0.1), this.b.scalar(1), this.b.scalar(0)),
    ])();
  }

  private binary(x: Value): Value {
    const { b } = this;
    const partners = this.pool.filter(v => v.shape.join() === x.shape.join() || v.shape.length === 0);
    const y = this.pick(partners.length > 0 ? partners : [x]);
    return this.pick([
      () => b.add(x, y),
      () => b.sub(x, y),
      () => b.mul(x, y),
      () => b.div(x, b.add(b.mul(y, y), 1)),
      () => b.max(x, y),
      () => b.min(x, y),
    ])();
  }

  private reduced(x: Value): Value {
    const { b } = this;
    const axes = x.shape.map((_, i) => i).filter(() => this.random.next() < 0.5);
    const keep = this.random.next() < 0.5;
    if (x.shape.length > 0 && this.random.next() < 0.3) return b.windowSum(x, this.random.integer(x.shape.length), 3);
    return this.random.next() < 0.7 ? b.mul(b.sum(x, axes, keep), 0.3) : b.reduceMax(x, axes, keep);
  }

  private moved(x: Value): Value {
    const { b, random } = this;
    const rank = x.shape.length;
    if (rank === 0) return b.broadcast(x, [3]);
    const axis = random.integer(rank);
    return this.pick([
      () => b.transpose(x, Array.from(random.permutation(rank))),
      () => b.reshape(x, [sizeOf(x.shape)]),
      () => b.concat([x, b.neg(x)], axis),
      () =>
        b.pad(
          x,
          x.shape.map(() => random.integer(2)),
          x.shape.map(() => random.integer(2)),
          0.5,
        ),
      () =>
        b.slice(
          x,
          x.shape.map((d, i) => (i === axis ? d - 1 : 0)),
          x.shape.map((d, i) => (i === axis ? 1 : d)),
        ),
      () => b.broadcast(b.reshape(x, [1, ...x.shape]), [2, ...x.shape]),
      () => {
        const rows = b.reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))]);
        return b.mul(b.matMul(rows, rows, { transposeB: true }), 0.2);
      },
    ])();
  }

  private indexed(x: Value): Value {
    const { b, random } = this;
    const rank = x.shape.length;
    if (rank === 0) return b.exp(b.tanh(x));
    const axis = random.integer(rank);
    const size = x.shape[axis]!;
    const places = (count: number) => {
      const shared = random.next() < 0.5;
      const shape = x.shape.map((d, i) => (i === axis ? count : shared ? 1 : d));
      const numbers = Float32Array.from({ length: sizeOf(shape) }, () => random.integer(size + 1));
      return b.constant(numbers, shape);
    };
    return random.next() < 0.5
      ? b.gather(x, places(1 + random.integer(4)), axis)
      : b.scatterAdd(x, places(size), { axis, size: 1 + random.integer(4) });
  }

  /** The graph of some values, their gradients and updates of the variables by them. */
  finish(): Case {
    const { b } = this;
    const outputs = [this.value(), this.value(), this.pool.at(-1)!];
    const objective = outputs.map(v => ({ value: v, seed: b.broadcast(b.scalar(0.5), v.shape) }));
    const found = gradients(b, objective, [...this.inputs, ...this.variables]);
    const steps = this.variables.map((w, i) => {
      const g = found[this.inputs.length + i] ?? b.zeros(w.shape);
      return { variable: `w${i}`, value: b.sub(w, b.mul(b.add(g, b.mul(w, 0.01)), 0.1)) };
    });
    const named: Record<string, Value> = Object.fromEntries(outputs.map((v, i) => [`y${i}`, v]));
    this.inputs.forEach((x, i) => {
      named[`d${i}`] = found[i] ?? b.zeros(x.shape);
    });
    return { graph: b.finish({ outputs: named, assignments: steps }), given: this.given };
  }
}

function randomCase(seed: number): Case {
  const grower = new Grower(new Random(seed));
  grower.b.withLabel('layer', () => {
    for (let i = 0; i < 25; i++) grower.grow();
  });
  return grower.finish();
}

/** Every node by its own kernel, one after the other as they stand: no pass at all. */
function evaluate({ nodes, outputs, assignments }: Graph, given: Numbers): Map<string, Float32Array> {
  const live = new Map<Value, Float32Array>();
  for (const node of nodes) {
    const inputs = node.inputs.map(v => {
      const array = live.get(v);
      if (!array) throw new Error(`${node.op} reads what is not there yet`);
      return array;
    });
    const made = evaluateNode(node, inputs, given);
    node.outputs.forEach((v, k) => {
      live.set(v, made[k]!);
    });
  }
  return new Map([
    ...[...outputs].map(([name, v]) => [name, live.get(v)!] as const),
    ...assignments.map(({ variable, value }) => [`new ${variable}`, live.get(value)!] as const),
  ]);
}

function evaluateNode(node: Node, inputs: readonly Float32Array[], given: Numbers): readonly Float32Array[] {
  switch (node.op) {
    case 'input':
    case 'variable':
      return [given.get(node.attrs.name)!];
    case 'constant':
      return [node.attrs.data];
    case 'reshape':
    case 'stopGradient':
      return [inputs[0]!];
    default: {
      const arrays = node.outputs.map(v => new Float32Array(sizeOf(v.shape)));
      hostKernel(node)(inputs, arrays);
      return arrays;
    }
  }
}

function expectSame(got: Numbers, expected: Numbers): void {
  expect([...got.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, theirs] of expected) {
    const ours = got.get(name)!;
    const scale = Math.max(1, ...theirs.map(Math.abs));
    expect(ours.length).toBe(theirs.length);
    theirs.forEach((v, i) => {
      expect(Math.abs(ours[i]! - v) / scale, `${name}[${i}]: ${ours[i]} for ${v}`).toBeLessThan(2e-5);
    });
  }
}

const PASSES: Readonly<Record<string, (graph: Graph, given: Numbers, random: Random) => Graph>> = {
  'dead code': graph => ({
    ...graph,
    nodes: pruneDead(graph.nodes, [...graph.outputs.values(), ...graph.assignments.map(a => a.value)]),
  }),
  fusion: graph => fuse(graph),
  schedule: graph => ({
    ...graph,
    nodes: schedule(graph.nodes, graph.assignments, new Set(graph.outputs.values())).nodes,
  }),
  recomputation: (graph, _, random) => {
    const values = graph.nodes.flatMap(n => n.outputs);
    return recompute(graph, new Set(values.filter(() => random.next() < 0.3)));
  },
  'recomputation, then fusion and schedule': graph => {
    const fused = fuse(recompute(graph, new Set()));
    return { ...fused, nodes: schedule(fused.nodes, fused.assignments, new Set(fused.outputs.values())).nodes };
  },
  'updates taken out': graph => {
    const { main, scalars, updates, assignments } = splitUpdates(
      graph.nodes,
      new Set(graph.outputs.values()),
      graph.assignments,
    );
    const taken = updates.flatMap(({ node, targets }) =>
      targets.map((variable, k) => ({ variable, value: node.outputs[k]! })),
    );
    return {
      ...graph,
      nodes: [...main, ...scalars, ...updates.map(u => u.node)],
      assignments: [...assignments, ...taken],
    };
  },
  'what is known before a run': (graph, given) => {
    const known = knownValues(new GeneralGraph([graph]), name => given.get(name)!);
    const b = new Builder();
    const constants = new Map([...known].map(([v, { data, shape }]) => [v, b.constant(data, shape)]));
    const now = (v: Value) => constants.get(v) ?? v;
    return {
      ...graph,
      nodes: [
        ...[...constants.values()].map(v => v.node),
        ...graph.nodes.map(n => ({ ...n, inputs: n.inputs.map(now) }) as Node),
      ],
    };
  },
};

describe.each(Object.entries(PASSES))('%s', (_, pass) => {
  it.each(Array.from({ length: COUNT }, (_, i) => FIRST + i))('graph %i', seed => {
    const { graph, given } = randomCase(seed);
    expectSame(evaluate(pass(graph, given, new Random(seed)), given), evaluate(graph, given));
  });
});

describe('all of them, as the host engine runs a graph', () => {
  it.each(Array.from({ length: COUNT }, (_, i) => FIRST + i))('graph %i', async seed => {
    const { graph, given } = randomCase(seed);
    const engine = createHostEngine();
    for (const { op, attrs } of graph.nodes)
      if (op === 'variable') engine.write(attrs.name, given.get(attrs.name)!, attrs.shape);
    const program = await engine.compile(graph);
    const feeds = Object.fromEntries([...given].filter(([name]) => name.startsWith('x')));
    const got = new Map(Object.entries(await program.run(feeds, [...graph.outputs.keys()])));
    for (const { variable } of graph.assignments)
      if (engine.has(variable)) got.set(`new ${variable}`, await engine.read(variable));
    expectSame(got, evaluate(graph, given));
    engine.dispose();
  });
});
