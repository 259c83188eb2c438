/** A stage that ONNX supports, as one session of onnxruntime. */

import { fail, need, nth } from '../../diagnostics/index.js';
import { emitGraph } from '../../emit/onnx/emit.js';
import { BLOCKED } from '../../emit/onnx/ops/blocked.js';
import { emitterForWebgpu } from '../../emit/onnx/webgpu.js';
import { GraphWriter } from '../../emit/onnx/writer.js';
import { sizeOf } from '../../ir/shape.js';
import type { Node, Value } from '../../ir/types.js';
import { workOf } from '../../ir/work.js';
import type { Observer } from '../types.js';
import type { Subgraph } from './partition.js';
import { type Bound, type DeviceArray, Session } from './runtime.js';
import type { Arrays, EngineContext, Step } from './steps.js';

/** A stage's graph, written, with what its names stand for. */
interface Written {
  readonly w: GraphWriter;
  readonly inputs: readonly { readonly name: string; readonly value: Value }[];
  readonly outputs: readonly Output[];
  /** New values of variables that stay on the device. */
  readonly kept: readonly Output[];
}

interface Output {
  readonly name: string;
  readonly value: Value;
  readonly dims: readonly number[];
}

/** `constants` gives the numbers of values that are to be constants of the graph; undefined where there are none. */
function write(
  stage: Subgraph,
  { provider, block }: Pick<EngineContext, 'provider' | 'block'>,
  kept: ReadonlyMap<Value, string>,
  constants?: (v: Value) => Float32Array | undefined,
): Written {
  const w = new GraphWriter();
  const names = stage.inputs.map(nameOf);
  const outputs = stage.outputs.map((_, i) => `output ${i}`);
  for (const name of [...names, ...outputs]) w.reserve(name);
  const known = new Map<Value, string>();
  const inputs: { name: string; value: Value }[] = [];
  stage.inputs.forEach((value, i) => {
    const data = constants?.(value);
    if (data) known.set(value, w.external(data, value.shape, `constant ${i}`));
    else {
      w.addInput(nth(names, i), value.shape);
      inputs.push({ name: nth(names, i), value });
      known.set(value, nth(names, i));
    }
  });
  const nameIn = emitGraph(w, stage.nodes, {
    known,
    wanted: stage.outputs,
    ...(provider === 'webgpu' && { instead: emitterForWebgpu }),
    block,
    onCpu: provider === 'cpu',
    isAffineOne: provider === 'cpu' && !constants,
  });
  const given = stage.outputs.map((value, i) => {
    const inner = nameIn(value);
    const flat = (kept.has(value) ? undefined : w.beforeReshape(inner)) ?? { name: inner, dims: value.shape };
    w.addOutput(nth(outputs, i), flat.name, flat.dims);
    return { name: nth(outputs, i), value, dims: flat.dims };
  });
  return { w, inputs, outputs: given.filter(o => !kept.has(o.value)), kept: given.filter(o => kept.has(o.value)) };
}

/**
 * A stage as one session, made when first needed. In a graph that changes no variable the variables become constants of
 * the session once they have stood still for enough runs: onnxruntime then lays the filters out as its fastest kernels
 * want them (FCN-AlexNet: 82 instead of 115 ms). Making that session takes about 0.9 s for 228 MB, so it is made when
 * about as much time has gone into runs without it. That time is reckoned from the graph's shapes, never measured: the two
 * sessions add in different orders, and two equal commands must give equal numbers.
 */
export class SessionStep implements Step {
  private readonly written: Written;
  private session: Promise<Session> | undefined;
  private frozen: { readonly written: Written; readonly session: Session; readonly version: number } | undefined;
  /** Runs since the variables were of `version`. */
  private runs = 0;
  private version = -1;
  /** Runs without constants before there is a session with them. */
  private readonly runsBefore: number;
  /** Whether the device's numbers have been held against the CPU's. */
  private isChecked: boolean;

  constructor(
    private readonly engine: EngineContext,
    private readonly stage: Subgraph,
    mayFreeze: boolean,
    /** Values that only become a variable's, with its name: they stay on the device. */
    private readonly kept: ReadonlyMap<Value, string> = new Map(),
  ) {
    this.written = write(stage, engine, kept);
    this.isChecked = engine.provider === 'cpu';
    const variables = stage.inputs.filter(v => v.node.op === 'variable');
    const bytes = 4 * variables.reduce((n, v) => n + sizeOf(v.shape), 0);
    const cost = engine.patience * (FREEZE_LEAST + bytes * FREEZE_PER_BYTE);
    const runs = Math.max(1, Math.ceil(cost / expectedTime(stage.nodes)));
    this.runsBefore = mayFreeze && bytes > 0 && !engine.deviceVariables ? runs : Number.POSITIVE_INFINITY;
  }

  /** Starts making the session; a failure shows when it is run. */
  prepare(): void {
    if (!this.frozen) this.open().catch(() => undefined);
  }

  private open(): Promise<Session> {
    this.session ??= this.create(this.written);
    return this.session;
  }

  private create({ w, kept }: Written, profile?: string): Promise<Session> {
    return Session.create(this.engine.runtime, w, {
      provider: this.engine.provider,
      domains: this.engine.block === undefined ? [] : [BLOCKED],
      kept: kept.map(o => o.name),
      profile,
    });
  }

  async run(arrays: Arrays, observe?: Observer): Promise<void> {
    if (observe) {
      await this.observed(arrays, observe);
      return;
    }
    const frozen = await this.freeze(arrays);
    if (frozen) {
      await this.runWritten(frozen.session, frozen.written, arrays);
      return;
    }
    const session = await this.open();
    const kept = await this.runWritten(session, this.written, arrays);
    this.runs++;
    try {
      if (!this.isChecked) await this.check(arrays, kept);
    } catch (thrown) {
      for (const array of kept.values()) array.dispose();
      throw thrown;
    }
    this.keepAll(arrays, kept);
  }

  /** Runs once on the CPU what a GPU has just run. @throws MokapotError `gpu-disagrees` */
  private async check(arrays: Arrays, kept: ReadonlyMap<string, DeviceArray>): Promise<void> {
    const { deviceVariables, name, variables } = this.engine;
    const { written } = this;
    for (const { value } of written.inputs)
      if (value.node.op === 'variable') await deviceVariables?.syncToHost(value.node.attrs.name);
    const session = await Session.create(this.engine.runtime, written.w, { provider: 'cpu' });
    const expected = new Map<Output, Float32Array>();
    for (const output of [...written.outputs, ...written.kept])
      expected.set(output, new Float32Array(sizeOf(output.dims)));
    const results = [...expected].map(([output, data]) => [output.name, { data, dims: output.dims }] as const);
    await session.run(new Map(written.inputs.map(i => [i.name, boundOf(arrays, i.value)])), new Map(results));
    await session.dispose();
    for (const [output, data] of expected) {
      const array = kept.get(output.name);
      const ours = array ? await deviceVariables!.download(array, output.dims) : arrays.read(output.value);
      // Of a parameter's new value the change counts: next to the parameter itself it is small.
      const before = array && variables.get(need(this.kept, output.value));
      const error = disagreement(ours, data, before);
      if (error > DISAGREEMENT) throw disagrees(name, output.value, error);
    }
    this.isChecked = true;
  }

  private async runWritten(session: Session, { inputs, outputs }: Written, arrays: Arrays) {
    const { deviceVariables } = this.engine;
    const feeds = new Map<string, Bound | DeviceArray>();
    for (const { name, value } of inputs) {
      const isResident = deviceVariables && value.node.op === 'variable';
      feeds.set(
        name,
        isResident ? await deviceVariables.get(value.node.attrs.name, value.shape) : boundOf(arrays, value),
      );
    }
    const results = new Map<string, Bound>();
    for (const { name, value, dims } of outputs) results.set(name, { data: arrays.write(value), dims });
    return session.run(feeds, results);
  }

  /** The session with constants, if it is there or its time has come. */
  private async freeze(arrays: Arrays): Promise<SessionStep['frozen']> {
    const { version } = this.engine.variables;
    if (this.version !== version) {
      this.version = version;
      this.runs = 0;
    }
    if (this.frozen?.version === version) return this.frozen;
    const { frozen } = this;
    this.frozen = undefined;
    await frozen?.session.dispose();
    if (this.runs < this.runsBefore) return undefined;
    // Where filters are constants the library finds its own layout, and keeps to it from one convolution to the next.
    const { provider } = this.engine;
    const written = write(this.stage, { provider, block: undefined }, this.kept, v =>
      v.node.op === 'variable' ? arrays.read(v) : undefined,
    );
    this.frozen = {
      written,
      session: await Session.create(this.engine.runtime, written.w, { provider }),
      version,
    };
    await this.session?.then(s => s.dispose());
    this.session = undefined;
    return this.frozen;
  }

  /**
   * Twice in a session of its own: the first run of a session pays for its memory. A library without a profiler is told of
   * as one layer, `onnxruntime`.
   */
  private async observed(arrays: Arrays, observe: Observer): Promise<void> {
    const { runtime } = this.engine;
    if (!runtime.observeProfile) {
      const session = await this.open();
      const start = performance.now();
      this.keepAll(arrays, await this.runWritten(session, this.written, arrays));
      observe('onnxruntime', performance.now() - start);
      return;
    }
    const labels = this.stage.nodes.map(n => n.label);
    await runtime.observeProfile(labels, observe, async profile => {
      const session = await this.create(this.written, profile);
      const first = await this.runWritten(session, this.written, arrays);
      for (const array of first.values()) array.dispose();
      this.keepAll(arrays, await this.runWritten(session, this.written, arrays));
      await session.dispose();
    });
  }

  private keepAll(arrays: Arrays, kept: ReadonlyMap<string, DeviceArray>): void {
    for (const { name, value } of this.written.kept) arrays.keep(value, need(kept, name));
  }

  dispose(): void {
    void this.session?.then(s => s.dispose());
    void this.frozen?.session.dispose();
  }
}

/** Milliseconds that a session with constants costs at least, and for each byte of them. */
const FREEZE_LEAST = 20;
const FREEZE_PER_BYTE = 4e-6;

/** Milliseconds of a run on two cores: 100 GFLOP/s, 10 GB/s, and what any run costs. */
function expectedTime(nodes: readonly Node[]): number {
  const { operations, bytes } = workOf(nodes);
  return 0.05 + operations / 1e8 + bytes / 1e7;
}

/** Greatest difference that sums in another order account for, in parts of the greatest number. */
const DISAGREEMENT = 1e-2;

/** How much of a number its last bit may be. */
const ROUNDING = 2 ** -22;

/** The greatest difference, in parts of the greatest change from what was `before` (0). */
function disagreement(ours: Float32Array, theirs: Float32Array, before?: Float32Array): number {
  let [greatest, change, worst] = [0, 1e-6, 0];
  for (let i = 0; i < theirs.length; i++) {
    if (Object.is(ours[i], theirs[i])) {
      change = Math.max(change, Math.abs(theirs[i]! - (before?.[i] ?? 0)) || 0);
      continue;
    }
    const difference = Math.abs(ours[i]! - theirs[i]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    greatest = Math.max(greatest, Math.abs(theirs[i]!));
    change = Math.max(change, Math.abs(theirs[i]! - (before?.[i] ?? 0)));
    worst = Math.max(worst, difference);
  }
  return before ? Math.max(0, worst - ROUNDING * greatest) / Math.max(change, Number.MIN_VALUE) : worst / change;
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

function boundOf(arrays: Arrays, value: Value): Bound {
  return { data: arrays.read(value), dims: value.shape };
}

/** A name that tells in a profile what it is. */
function nameOf({ node, index }: Value, i: number): string {
  if (node.op === 'input' || node.op === 'variable') return `${node.op} ${node.attrs.name}`;
  return `value ${i} ${node.label}/${node.op}:${index}`;
}
