/**
 * The executor every tfjs-like engine shares: holds variables, plans a graph once per set of fetched outputs (dead code,
 * recomputation where memory is short, fusion, schedule, memory), and then runs it node by node, freeing each value at its
 * last use. What differs between engines is behind `Device`.
 */

import { type Diagnostic, fail, need, nth, own, recordOf } from '../diagnostics/index.js';
import { pruneDead } from '../ir/passes/dead_code.js';
import { fuse, isElementwise } from '../ir/passes/fuse.js';
import { type Schedule, schedule } from '../ir/passes/schedule.js';
import { sameShape, sizeOf } from '../ir/shape.js';
import type { Graph, Node, NodeOf, Shape, Value } from '../ir/types.js';
import { megabytes, peakOf, planWithinMemory, tooLarge } from './memory.js';
import type { Engine, Observer, Program } from './types.js';

/** What an engine is made of. `T` is its handle on an array. */
export interface Device<T> {
  readonly name: string;
  /** Most bytes it can hold. */
  readonly limit: number;
  /** Most bytes of one array, where that is less. */
  readonly largest?: number;
  /** A handle on a copy of `data`. */
  upload(data: Float32Array, shape: Shape): T;
  /** A copy of what the handle holds. */
  download(handle: T): Promise<Float32Array>;
  /** The same at once, where the device can. */
  downloadNow?(handle: T): Float32Array;
  /** A second handle on the same data under another shape of the same size. */
  alias(handle: T, shape: Shape): T;
  release(handle: T): void;
  /**
   * How to run a node: its outputs' handles from its inputs'. Resolved once, at planning. `reuse[k]` names an input that
   * dies here and whose memory output k may take, if nobody else holds it. A kernel may be a promise of its outputs.
   */
  kernel(node: Node, reuse: readonly (Reuse | undefined)[]): Kernel<T>;
  /** Bytes a kernel takes for itself while it runs. */
  scratch?(node: Node): number;
  dispose(): void;
}

/** Outputs' handles from inputs'. */
export type Kernel<T> = (inputs: readonly T[]) => readonly T[] | Promise<readonly T[]>;

/** An input that an elementwise node may overwrite, if at run time it has no more than `holders` handles. */
export interface Reuse {
  readonly input: number;
  readonly holders: number;
}

export class DeviceEngine<T> implements Engine {
  private readonly variables = new Map<string, { handle: T; size: number }>();
  private peak = 0;

  readonly isOnHost = false;
  readonly notes: Diagnostic[] = [];
  readonly readNow?: (variable: string) => Float32Array;

  constructor(private readonly device: Device<T>) {
    if (device.downloadNow) this.readNow = variable => device.downloadNow!(this.handle(variable));
  }

  get name(): string {
    return this.device.name;
  }

  get limit(): number {
    return this.device.limit;
  }

  write(variable: string, data: Float32Array, shape: Shape): void {
    this.assign(variable, this.device.upload(data, shape), data.length);
  }

  zero(variable: string, shape: Shape): void {
    this.write(variable, new Float32Array(sizeOf(shape)), shape);
  }

  async swap(a: string, b: string): Promise<void> {
    const [first, second] = [need(this.variables, a), need(this.variables, b)];
    this.variables.set(a, second).set(b, first);
  }

  async read(variable: string): Promise<Float32Array> {
    return this.device.download(this.handle(variable));
  }

  has(variable: string): boolean {
    return this.variables.has(variable);
  }

  async compile(graph: Graph): Promise<Program> {
    return new DeviceProgram(this, this.device, graph);
  }

  memory(): { bytes: number; peakBytes: number } {
    let bytes = 0;
    for (const { size } of this.variables.values()) bytes += size * 4;
    return { bytes, peakBytes: Math.max(this.peak, bytes) };
  }

  dispose(): void {
    for (const { handle } of this.variables.values()) this.device.release(handle);
    this.variables.clear();
    this.device.dispose();
  }

  /** The live handle of a variable; it stays the engine's. */
  handle(variable: string): T {
    const entry = this.variables.get(variable);
    if (!entry) throw new Error(`engine ${this.name}: variable ${variable} was never written`);
    return entry.handle;
  }

  /** Takes over `handle` as the variable's value. */
  assign(variable: string, handle: T, size: number): void {
    const old = this.variables.get(variable);
    this.variables.set(variable, { handle, size });
    if (old) this.device.release(old.handle);
  }

  note(diagnostic: Diagnostic): void {
    if (!this.notes.some(known => known.code === diagnostic.code)) this.notes.push(diagnostic);
  }

  notePeak(bytes: number): void {
    this.peak = Math.max(this.peak, bytes);
  }
}

interface Plan<T> extends Schedule {
  readonly graph: Graph;
  readonly kernels: readonly Kernel<T>[];
  readonly constants: ReadonlyMap<Node, T>;
  readonly peakBytes: number;
}

class DeviceProgram<T> implements Program {
  private readonly plans = new Map<string, Plan<T>>();

  constructor(
    private readonly engine: DeviceEngine<T>,
    private readonly device: Device<T>,
    private readonly graph: Graph,
  ) {}

  get peakBytes(): number {
    return Math.max(0, ...[...this.plans.values()].map(p => p.peakBytes));
  }

  prepare(fetch: readonly string[]): void {
    const { peakBytes } = this.planFor(fetch);
    const variables = this.engine.memory().bytes;
    this.engine.notePeak(variables + peakBytes);
    if (variables + peakBytes > this.device.limit) throw tooLarge(this.device, variables, peakBytes);
  }

  async run(
    feeds: Readonly<Record<string, Float32Array>>,
    fetch: readonly string[],
    observe?: Observer,
  ): Promise<Record<string, Float32Array>> {
    this.prepare(fetch);
    const plan = this.planFor(fetch);
    const live = new Map<Value, T>();
    try {
      for (let i = 0; i < plan.nodes.length; i++) {
        const start = observe && performance.now();
        await this.step(plan, i, feeds, live);
        if (start !== undefined) observe!(nth(plan.nodes, i).label, performance.now() - start);
      }
      const results = new Map<string, Float32Array>();
      for (const name of fetch)
        results.set(name, await this.device.download(need(live, need(plan.graph.outputs, name))));
      return recordOf(results);
    } finally {
      for (const handle of live.values()) this.device.release(handle);
    }
  }

  private async step(
    plan: Plan<T>,
    i: number,
    feeds: Readonly<Record<string, Float32Array>>,
    live: Map<Value, T>,
  ): Promise<void> {
    const node = nth(plan.nodes, i);
    const inputs = node.inputs.map(v => need(live, v));
    const made = node.op === 'hostCall' ? this.callHost(node, inputs) : this.evaluate(plan, i, inputs, feeds);
    const handles = made instanceof Promise ? await made : made;
    node.outputs.forEach((v, k) => {
      live.set(v, nth(handles, k));
    });
    for (const { variable, value } of nth(plan.commits, i)) {
      this.engine.assign(variable, this.device.alias(need(live, value), value.shape), sizeOf(value.shape));
    }
    for (const v of nth(plan.releases, i)) {
      this.device.release(need(live, v));
      live.delete(v);
    }
  }

  private evaluate(
    plan: Plan<T>,
    i: number,
    inputs: readonly T[],
    feeds: Readonly<Record<string, Float32Array>>,
  ): ReturnType<Kernel<T>> {
    const node = nth(plan.nodes, i);
    const { shape } = node.outputs[0];
    switch (node.op) {
      case 'input':
        return [this.device.upload(fed(feeds, node.attrs, shape), shape)];
      case 'variable':
        return [this.device.alias(this.engine.handle(node.attrs.name), shape)];
      case 'constant':
        return [this.device.alias(need(plan.constants, node), shape)];
      case 'reshape':
      case 'stopGradient':
        return [this.device.alias(nth(inputs, 0), shape)];
      default:
        return nth(plan.kernels, i)(inputs);
    }
  }

  private async callHost(node: Node & { op: 'hostCall' }, inputs: readonly T[]): Promise<T[]> {
    const arrays = [];
    for (let k = 0; k < inputs.length; k++)
      arrays.push({ shape: nth(node.inputs, k).shape, data: await this.device.download(nth(inputs, k)) });
    const results = await node.attrs.run(arrays);
    return node.outputs.map((v, k) => this.device.upload(checkHostResult(node, results, k), v.shape));
  }

  private planFor(fetch: readonly string[]): Plan<T> {
    const key = JSON.stringify([...fetch].sort());
    let plan = this.plans.get(key);
    if (!plan) {
      plan = this.makePlan(fetch);
      this.plans.set(key, plan);
    }
    return plan;
  }

  private makePlan(fetch: readonly string[]): Plan<T> {
    const outputs = new Map<string, Value>();
    for (const name of fetch) {
      const value = this.graph.outputs.get(name);
      if (!value) throw fail('unknown-output', `The graph has no output ${JSON.stringify(name)}.`);
      outputs.set(name, value);
    }
    const wanted = [...outputs.values(), ...this.graph.assignments.map(a => a.value)];
    const live = { ...this.graph, nodes: pruneDead(this.graph.nodes, wanted), outputs };
    const { graph, order, peakBytes } = planWithinMemory(this.engine, live, g => this.layOut(g));
    refuseLarge(this.device, graph.nodes);
    const handled = new Set(['input', 'variable', 'constant', 'reshape', 'stopGradient', 'hostCall']);
    const none = () => [];
    return {
      ...order,
      graph,
      kernels: order.nodes.map((n, i) => (handled.has(n.op) ? none : this.device.kernel(n, reuseOf(order, i)))),
      constants: new Map(
        order.nodes.flatMap(n =>
          n.op === 'constant' ? [[n, this.device.upload(n.attrs.data, n.attrs.shape)] as const] : [],
        ),
      ),
      peakBytes,
    };
  }

  private layOut(live: Graph) {
    const graph = fuse(live);
    const order = schedule(graph.nodes, graph.assignments, new Set(graph.outputs.values()));
    return { graph, order, peakBytes: peakOf(order, n => this.device.scratch?.(n) ?? 0) };
  }

  dispose(): void {
    for (const plan of this.plans.values()) for (const handle of plan.constants.values()) this.device.release(handle);
    this.plans.clear();
  }
}

/** The k-th array that user code returned. @throws MokapotError `host-call-size` */
export function checkHostResult(
  { attrs, outputs }: NodeOf<'hostCall'>,
  results: readonly Float32Array[],
  k: number,
): Float32Array {
  const data = results[k];
  const { shape } = nth(outputs, k);
  if (data?.length === sizeOf(shape)) return data;
  throw fail(
    'host-call-size',
    `${attrs.name} returned ${data?.length ?? 'no'} elements for an output of shape [${shape.join(', ')}].`,
  );
}

/** What is fed to an input. @throws MokapotError `missing-input`, `input-size` */
export function fed(
  feeds: Readonly<Record<string, Float32Array>>,
  { name, unfed }: NodeOf<'input'>['attrs'],
  shape: Shape,
): Float32Array {
  const data = own(feeds, name) ?? (unfed === undefined ? undefined : new Float32Array(sizeOf(shape)).fill(unfed));
  if (!data)
    throw fail('missing-input', `Nothing was fed for ${JSON.stringify(name)}, shape [${shape.join(', ')}].`, {
      hint: `What was fed: ${Object.keys(feeds).join(', ') || 'nothing'}.`,
    });
  if (data.length !== sizeOf(shape))
    throw fail(
      'input-size',
      `${JSON.stringify(name)} takes ${sizeOf(shape)} numbers, shape [${shape.join(', ')}]; ${data.length} were fed.`,
    );
  return data;
}

/**
 * Which input each output of an elementwise node may overwrite: one of its shape that dies here, or a variable that takes
 * the output as its new value. This is what keeps an SGD step from paying for fresh pages at every parameter.
 */
function reuseOf({ nodes, releases, commits }: Schedule, i: number): (Reuse | undefined)[] {
  const node = nth(nodes, i);
  if (node.op !== 'fused' && !isElementwise(node)) return [];
  const taken = new Set<number>();
  return node.outputs.map(output => {
    const assigned = nth(commits, i)
      .filter(c => c.value === output)
      .map(c => c.variable);
    const fits = (v: Value, k: number) =>
      !taken.has(k) && sameShape(v.shape, output.shape) && nth(releases, i).includes(v);
    const isOwn = (v: Value) => v.node.op === 'variable' && assigned.includes(v.node.attrs.name);
    let input = node.inputs.findIndex((v, k) => fits(v, k) && isOwn(v));
    const holders = input >= 0 ? 2 : 1;
    if (input < 0) input = node.inputs.findIndex((v, k) => fits(v, k) && v.node.op !== 'variable');
    if (input < 0) return undefined;
    taken.add(input);
    return { input, holders };
  });
}

/** @throws MokapotError `array-too-large`: beyond its limit a GPU binds nothing and yields garbage */
export function refuseLarge(
  { name, largest }: Pick<Device<unknown>, 'name' | 'largest'>,
  nodes: readonly Node[],
): void {
  const bytes = (v: Value) => 4 * sizeOf(v.shape);
  const value = nodes.flatMap(n => n.outputs).find(v => largest !== undefined && bytes(v) > largest);
  if (!value) return;
  const layer = value.node.label.replace(/'$/, '');
  throw fail(
    'array-too-large',
    `An array of shape [${value.shape.join(', ')}] takes ${megabytes(bytes(value))}, and the ${name} engine's device binds ${megabytes(largest!)} at most.`,
    { ...(layer && { layer }), hint: 'A smaller batch or picture, or another --backend.' },
  );
}
