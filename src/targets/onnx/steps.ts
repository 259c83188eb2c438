/** What a plan does one after the other: sessions, host code, updates. */

import { fail } from '../../diagnostics/index.js';
import { sizeOf } from '../../ir/shape.js';
import type { Node, Value } from '../../ir/types.js';
import { checkHostResult } from '../executor.js';
import { hostKernel, type Kernel } from '../host/kernels.js';
import type { Observer } from '../types.js';
import { emitGraph } from './emit.js';
import type { OnnxEngine } from './engine.js';
import { observeProfile } from './profile.js';
import { type Bound, Session } from './runtime.js';
import { rootOf, type Stage } from './stages.js';
import { fillOf, linearForm, type Update } from './updates.js';
import type { Block } from './variables.js';
import { GraphWriter } from './writer.js';

/** Arrays of values during a run, by root. */
export interface Arrays {
  /** What holds a value. */
  read(v: Value): Float32Array;
  /** What a value is to be written to; it is there from run to run. */
  write(v: Value): Float32Array;
}

export interface Step {
  run(arrays: Arrays, observe?: Observer): Promise<void>;
  dispose(): void;
}

/** A stage's graph, written, with what its names stand for. */
interface Written {
  readonly w: GraphWriter;
  readonly inputs: readonly { readonly name: string; readonly value: Value }[];
  readonly outputs: readonly { readonly name: string; readonly value: Value; readonly dims: readonly number[] }[];
}

/** `constants` gives the numbers of values that are to be constants of the graph. */
function write(stage: Stage, constants: (v: Value) => Float32Array | undefined): Written {
  const w = new GraphWriter();
  const names = stage.inputs.map(nameOf);
  const outputs = stage.outputs.map((_, i) => `output ${i}`);
  for (const name of [...names, ...outputs]) w.reserve(name);
  const known = new Map<Value, string>();
  const inputs: { name: string; value: Value }[] = [];
  stage.inputs.forEach((value, i) => {
    const data = constants(value);
    if (data) known.set(value, w.external(data, value.shape, `constant ${i}`));
    else {
      w.addInput(names[i]!, value.shape);
      inputs.push({ name: names[i]!, value });
      known.set(value, names[i]!);
    }
  });
  const nameIn = emitGraph(w, stage.nodes, { known, wanted: stage.outputs });
  const given = stage.outputs.map((value, i) => {
    const inner = nameIn(value);
    const flat = w.beforeReshape(inner) ?? { name: inner, dims: value.shape };
    w.addOutput(outputs[i]!, flat.name, flat.dims);
    return { name: outputs[i]!, value, dims: flat.dims };
  });
  return { w, inputs, outputs: given };
}

/**
 * A stage as one session, made when first needed. In a graph that changes no variable the variables become constants of
 * the session once they have stood still for long enough: onnxruntime then lays the filters out as its fastest kernels
 * want them (FCN-AlexNet: 82 instead of 115 ms). Making that session takes about 0.9 s for 228 MB, so it is
 * made when as much time has gone into runs without it.
 */
export class OnnxStep implements Step {
  private readonly written: Written;
  private session: Promise<Session> | undefined;
  private frozen: { readonly written: Written; readonly session: Session; readonly version: number } | undefined;
  /** Milliseconds of runs since the variables were of `version`. */
  private spent = 0;
  private version = -1;
  private readonly freezeCost: number;
  /** Whether the device's numbers have been held against the CPU's. */
  private isChecked: boolean;

  constructor(
    private readonly engine: OnnxEngine,
    private readonly stage: Stage,
    mayFreeze: boolean,
  ) {
    this.written = write(stage, () => undefined);
    this.isChecked = engine.provider === 'cpu';
    const variables = stage.inputs.filter(v => v.node.op === 'variable');
    const bytes = 4 * variables.reduce((n, v) => n + sizeOf(v.shape), 0);
    const cost = engine.patience * (FREEZE_LEAST + bytes * FREEZE_PER_BYTE);
    this.freezeCost = mayFreeze && bytes > 0 ? cost : Number.POSITIVE_INFINITY;
  }

  /** Starts making the session. */
  prepare(): void {
    this.open().catch(() => undefined);
  }

  private open(): Promise<Session> {
    this.session ??= Session.create(this.written.w, { provider: this.engine.provider });
    return this.session;
  }

  async run(arrays: Arrays, observe?: Observer): Promise<void> {
    if (observe) {
      await this.observed(arrays, observe);
      return;
    }
    const frozen = await this.freeze(arrays);
    if (frozen) {
      await runWritten(frozen.session, frozen.written, arrays);
      return;
    }
    const session = await this.open();
    const start = performance.now();
    await runWritten(session, this.written, arrays);
    this.spent += performance.now() - start;
    if (!this.isChecked) await this.check(arrays);
  }

  /** Runs once on the CPU what a GPU has just run. @throws MokapotError `gpu-disagrees` */
  private async check(arrays: Arrays): Promise<void> {
    const session = await Session.create(this.written.w, { provider: 'cpu' });
    const expected = new Map(this.written.outputs.map(o => [o.value, new Float32Array(sizeOf(o.dims))]));
    await runWritten(session, this.written, { read: arrays.read, write: v => expected.get(v)! });
    await session.dispose();
    for (const [value, data] of expected) {
      const error = disagreement(arrays.read(value), data);
      if (error > DISAGREEMENT) throw disagrees(this.engine.name, value, error);
    }
    this.isChecked = true;
  }

  /** The session with constants, if it is there or its time has come. */
  private async freeze(arrays: Arrays): Promise<OnnxStep['frozen']> {
    const { version } = this.engine.variables;
    if (this.version !== version) {
      this.version = version;
      this.spent = 0;
    }
    if (this.frozen?.version === version) return this.frozen;
    await this.frozen?.session.dispose();
    this.frozen = undefined;
    if (this.spent <= this.freezeCost) return undefined;
    const written = write(this.stage, v => (v.node.op === 'variable' ? arrays.read(v) : undefined));
    this.frozen = { written, session: await Session.create(written.w, { provider: this.engine.provider }), version };
    await this.session?.then(s => s.dispose());
    this.session = undefined;
    return this.frozen;
  }

  /** Twice in a session of its own: the first run of a session pays for its memory. */
  private observed(arrays: Arrays, observe: Observer): Promise<void> {
    const labels = this.stage.nodes.map(n => n.label);
    return observeProfile(labels, observe, async profile => {
      const session = await Session.create(this.written.w, { provider: this.engine.provider, profile });
      for (let i = 0; i < 2; i++) await runWritten(session, this.written, arrays);
      await session.dispose();
    });
  }

  dispose(): void {
    void this.session?.then(s => s.dispose());
    void this.frozen?.session.dispose();
  }
}

/** Milliseconds that a session with constants costs at least, and for each byte of them. */
const FREEZE_LEAST = 50;
const FREEZE_PER_BYTE = 4e-6;

/** Greatest difference that sums in another order account for, in parts of the greatest number. */
const DISAGREEMENT = 1e-2;

function disagreement(ours: Float32Array, theirs: Float32Array): number {
  let [greatest, worst] = [1e-6, 0];
  for (let i = 0; i < theirs.length; i++) {
    greatest = Math.max(greatest, Math.abs(theirs[i]!));
    const difference = Math.abs(ours[i]! - theirs[i]!);
    worst = Math.max(worst, Object.is(ours[i], theirs[i]) ? 0 : difference);
    if (Number.isNaN(difference) && !Object.is(ours[i], theirs[i])) return Number.POSITIVE_INFINITY;
  }
  return worst / greatest;
}

function disagrees(engine: string, { node }: Value, error: number) {
  const percent = Number.isFinite(error) ? `by ${(100 * error).toFixed(1)} %` : 'altogether';
  return fail(
    'gpu-disagrees',
    `On ${engine} layer "${node.label}" (${node.op}) differs from the CPU's numbers ${percent}.`,
    {
      layer: node.label,
      hint: 'The GPU, its driver or onnxruntime is wrong here; --backend onnx computes on the CPU.',
    },
  );
}

function runWritten(session: Session, { inputs, outputs }: Written, arrays: Arrays): Promise<void> {
  const feeds = new Map<string, Bound>();
  for (const { name, value } of inputs) feeds.set(name, { data: arrays.read(value), dims: value.shape });
  const results = new Map<string, Bound>();
  for (const { name, value, dims } of outputs) results.set(name, { data: arrays.write(value), dims });
  return session.run(feeds, results);
}

/** A name that says in a profile what it is. */
function nameOf({ node, index }: Value, i: number): string {
  if (node.op === 'input' || node.op === 'variable') return `${node.op} ${node.attrs.name}`;
  return `value ${i} ${node.label}/${node.op}:${index}`;
}

/** One node on the host. */
export class HostStep implements Step {
  private readonly kernel: Kernel | undefined;

  constructor(private readonly node: Node) {
    this.kernel = node.op === 'hostCall' ? undefined : hostKernel(node);
  }

  async run(arrays: Arrays, observe?: Observer): Promise<void> {
    const { node } = this;
    const start = performance.now();
    const inputs = node.inputs.map(arrays.read);
    const outputs = node.outputs.map(arrays.write);
    if (node.op === 'hostCall') {
      // User code may keep or change what it is given.
      const given = inputs.map((data, i) => ({ shape: node.inputs[i]!.shape, data: data.slice() }));
      const results = await node.attrs.run(given);
      outputs.forEach((to, i) => {
        to.set(checkHostResult(node, results, i));
      });
    } else this.kernel!(inputs, outputs);
    observe?.(node.label, performance.now() - start);
  }

  dispose(): void {}
}

/** A parameter's update: one product over the rows of its block, or a loop. */
export class UpdateStep {
  /** Positions of the node's arrays in the order of a block's rows: gradients, what is only read, what is changed. */
  private readonly rows: readonly number[] | undefined;
  private readonly length: number;

  constructor(
    private readonly engine: OnnxEngine,
    private readonly update: Update,
  ) {
    const { node } = update;
    this.length = sizeOf(node.outputs[0]!.shape);
    this.rows = this.length > 1 ? this.rowsOfProduct() : undefined;
  }

  private rowsOfProduct(): readonly number[] | undefined {
    const { node, targets } = this.update;
    const arrays = node.inputs.flatMap((v, i) => (fillOf(v) === undefined && sizeOf(v.shape) > 1 ? [i] : []));
    const variable = (i: number) => {
      const { node: source } = node.inputs[i]!;
      return source.op === 'variable' ? source.attrs.name : undefined;
    };
    const changed = targets.map(name => arrays.find(i => variable(i) === name));
    const others = arrays.filter(i => !changed.includes(i));
    const made = others.filter(i => variable(i) === undefined);
    const isSame = arrays.every(i => sizeOf(node.inputs[i]!.shape) === this.length);
    const isFed = made.some(
      i => rootOf(node.inputs[i]!).node.op === 'input' || rootOf(node.inputs[i]!).node.op === 'variable',
    );
    if (!isSame || isFed || changed.includes(undefined)) return undefined;
    const rows = [...made, ...others.filter(i => !made.includes(i)), ...(changed as number[])];
    const numbers = new Map(node.inputs.flatMap((_, i) => (rows.includes(i) ? [] : [[i, 0.5 + i] as const])));
    for (const [i] of numbers) numbers.set(i, fillOf(node.inputs[i]!) ?? 0.5 + i);
    return linearForm(node, rows, numbers) ? rows : undefined;
  }

  /** The values that are to be made in rows of the block, and where those are. Brings the variables into the block. */
  arrange(): { readonly block: Block; readonly first: number; readonly gradients: readonly Value[] } | undefined {
    if (!this.rows) return undefined;
    const { inputs } = this.update.node;
    const names = this.rows.map(i => {
      const { node } = inputs[i]!;
      return node.op === 'variable' ? node.attrs.name : undefined;
    });
    const place = this.engine.variables.arrange(names, this.length);
    const gradients = this.rows.flatMap((i, row) => (names[row] === undefined ? [rootOf(inputs[i]!)] : []));
    return place && { ...place, gradients };
  }

  async run(arrays: Arrays, inBlock: boolean, observe?: Observer): Promise<void> {
    const { node, targets } = this.update;
    const start = performance.now();
    const place = inBlock ? this.arrange() : undefined;
    if (place) {
      const numbers = new Map<number, number>();
      node.inputs.forEach((v, i) => {
        if (!this.rows!.includes(i)) numbers.set(i, fillOf(v) ?? arrays.read(v)[0]!);
      });
      const factors = linearForm(node, this.rows!, numbers)!;
      await this.engine.combineRows(place.block, place.first, this.rows!.length, factors);
    } else {
      const inputs = node.inputs.map(arrays.read);
      hostKernel(node)(
        inputs,
        targets.map(name => this.engine.variables.change(name)),
      );
    }
    observe?.(node.label, performance.now() - start);
  }
}
