/**
 * A graph on onnxruntime. For each set of outputs that is fetched there is a plan, made once: its stages (stages.ts), its
 * updates (updates.ts), and an array for every value that goes from one to the other, which stays for the next run, since
 * fresh memory is paid for page by page.
 */

import { fail, need, recordOf } from '../../diagnostics/index.js';
import { BAND } from '../../emit/onnx/ops/filter_gradient.js';
import { pruneDead } from '../../ir/passes/dead_code.js';
import { schedule } from '../../ir/passes/schedule.js';
import { nchw, sizeOf } from '../../ir/shape.js';
import type { Graph, Node, NodeOf, Value } from '../../ir/types.js';
import { fed, refuseLarge } from '../executor.js';
import { peakOf, tooLarge } from '../memory.js';
import type { Observer, Program } from '../types.js';
import { FilterStep, type Padded, type PaddedGraph, padForFilters, productBytes } from './filter_step.js';
import { HostStep } from './host_step.js';
import { partition, rootOf, type Subgraph } from './partition.js';
import type { DeviceArray } from './runtime.js';
import { SessionStep } from './session_step.js';
import type { Arrays, EngineContext, Step } from './steps.js';
import { UpdateStep } from './update_step.js';
import { fillOf, splitUpdates, unsplit } from './updates.js';
import { rowOf } from './variables.js';

type Feeds = Readonly<Record<string, Float32Array>>;

export class OnnxProgram implements Program {
  private readonly plans = new Map<string, Plan>();

  constructor(
    private readonly engine: EngineContext,
    private readonly graph: Graph,
  ) {}

  get peakBytes(): number {
    return Math.max(0, ...[...this.plans.values()].map(p => p.peakBytes));
  }

  get fallbacks(): readonly string[] {
    return [...new Set([...this.plans.values()].flatMap(p => p.fallbacks))];
  }

  prepare(fetch: readonly string[]): void {
    const plan = this.planFor(fetch);
    const { bytes } = this.engine.memory();
    this.engine.notePeak(bytes + plan.peakBytes);
    if (bytes + plan.peakBytes > this.engine.limit) throw tooLarge(this.engine, bytes, plan.peakBytes);
    plan.prepare();
  }

  async run(feeds: Feeds, fetch: readonly string[], observe?: Observer): Promise<Record<string, Float32Array>> {
    this.prepare(fetch);
    return this.planFor(fetch).run(feeds, observe);
  }

  private planFor(fetch: readonly string[]): Plan {
    const key = JSON.stringify([...fetch].sort());
    let plan = this.plans.get(key);
    if (!plan) this.plans.set(key, (plan = new Plan(this.engine, this.graph, fetch)));
    return plan;
  }

  dispose(): void {
    for (const plan of this.plans.values()) plan.dispose();
    this.plans.clear();
  }
}

class Plan {
  readonly peakBytes: number;
  readonly fallbacks: readonly string[];
  private readonly outputs: ReadonlyMap<string, Value>;
  private readonly steps: readonly Step[];
  private readonly updates: readonly UpdateStep[];
  private readonly assignments: Graph['assignments'];
  /** Values that never leave the device, by the variables that they become. */
  private readonly staying: ReadonlyMap<Value, string>;
  /** Variables that the host reads. */
  private readonly readHere: readonly string[];
  private readonly inputs: readonly NodeOf<'input'>[];
  /** Numbers that arrays have behind their own. */
  private readonly slack: ReadonlyMap<Value, number>;
  private readonly storage = new Map<Value, Float32Array>();
  /** The run before. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly engine: EngineContext,
    graph: Graph,
    fetch: readonly string[],
  ) {
    this.outputs = new Map(fetch.map(name => [name, outputOf(graph, name)]));
    const kept = new Set(this.outputs.values());
    const nodes = pruneDead(graph.nodes, [...kept, ...graph.assignments.map(a => a.value)]);
    refuseLarge(engine, nodes);
    // Where variables are on the device, so are their updates.
    const { main, scalars, updates, assignments, needs } = engine.deviceVariables
      ? unsplit(nodes, graph.assignments)
      : splitUpdates(nodes, kept, graph.assignments);
    const later = new Set<Node>(scalars);
    const assigned = assignments.map(a => a.value).filter(v => !later.has(v.node));
    const wanted = [...kept, ...[...assigned, ...needs].filter(v => fillOf(v) === undefined)];
    const needed = pruneDead(main, wanted);
    const isInPlace = engine.provider === 'cpu' && engine.runtime.isInPlace;
    const unpadded = () => layOut({ nodes: needed, padded: new Map(), slack: new Map() }, wanted);
    const laid = isInPlace ? layOut(padForFilters(needed), wanted) : unpadded();
    // What is padded stays to the end of a run: where that is too much, filters' gradients are unfolded band by band.
    const fits = engine.memory().bytes + laid.peakBytes <= engine.limit;
    const { padded, slack, stages, peakBytes } = fits ? laid : unpadded();
    this.slack = slack;
    this.peakBytes = peakBytes;
    const isHosts = (n: Node) => !isBrought(n) && !padded.has(n);
    const hosted = stages.flatMap(s => (s.kind === 'host' ? s.nodes.filter(isHosts) : []));
    const staying = engine.deviceVariables ? stayingOnDevice(stages, kept, assignments) : new Map<Value, string>();
    this.staying = staying;
    this.readHere = engine.deviceVariables ? variablesOf([...hosted.flatMap(n => n.inputs), ...wanted]) : [];
    this.steps = [
      ...stages.flatMap((s): Step[] =>
        s.kind === 'onnx'
          ? [new SessionStep(engine, s, graph.assignments.length === 0, staying)]
          : s.nodes.filter(n => !isBrought(n)).map(n => this.stepOf(n, padded.get(n))),
      ),
      ...scalars.map(n => new HostStep(n)),
    ];
    this.updates = updates.map(u => new UpdateStep(engine, u));
    this.assignments = assignments;
    this.inputs = nodes.filter(n => n.op === 'input');
    this.fallbacks = hosted.filter(n => n.op !== 'hostCall').map(n => `${n.label}: ${n.op}`);
  }

  private stepOf(node: Node, padded: Padded | undefined): Step {
    if (!padded || node.op !== 'convFilterGrad') return new HostStep(node);
    return new FilterStep(this.engine, node, padded);
  }

  /** Starts making the sessions. */
  prepare(): void {
    for (const step of this.steps) if (step instanceof SessionStep) step.prepare();
  }

  /** Runs that overlap would share the arrays: each waits for the one before. */
  run(feeds: Feeds, observe: Observer | undefined): Promise<Record<string, Float32Array>> {
    const { deviceVariables } = this.engine;
    const work = () => this.runAlone(feeds, observe);
    const result = this.last.then(() => (deviceVariables ? deviceVariables.use(work) : work()));
    this.last = result.catch(() => undefined);
    return result;
  }

  private async runAlone(feeds: Feeds, observe: Observer | undefined): Promise<Record<string, Float32Array>> {
    const { variables, deviceVariables } = this.engine;
    const live = new Map<Value, Float32Array>();
    const kept = new Map<Value, DeviceArray>();
    for (const name of this.readHere) await deviceVariables!.syncToHost(name);
    for (const node of this.inputs) live.set(node.outputs[0], fed(feeds, node.attrs, node.outputs[0].shape));
    const inBlocks = this.placeGradients(live);
    const arrays: Arrays = {
      read: v => this.arrayOf(live, v),
      write: v => {
        const array = live.get(v) ?? this.stored(v);
        live.set(v, array);
        return array;
      },
      keep: (v, array) => void kept.set(v, array),
    };
    try {
      for (const step of this.steps) await step.run(arrays, observe);
    } catch (thrown) {
      for (const array of kept.values()) array.dispose();
      throw thrown;
    }
    const results = recordOf([...this.outputs].map(([name, value]) => [name, arrays.read(value).slice()] as const));
    const onHost = this.assignments.filter(({ value }) => !kept.has(value));
    const pending = onHost.map(({ variable, value }) => {
      const data = arrays.read(value);
      return [variable, rootOf(value).node.op === 'variable' ? data.slice() : data] as const;
    });
    for (const update of this.updates) await update.run(arrays, inBlocks.has(update), observe);
    for (const [variable, data] of pending) {
      variables.change(variable).set(data);
      deviceVariables?.drop(variable);
    }
    for (const [value, array] of kept) deviceVariables!.take(need(this.staying, value), array, value.shape);
    return results;
  }

  /** Gives the gradients of updates that are products their rows in the blocks. */
  private placeGradients(live: Map<Value, Float32Array>): ReadonlySet<UpdateStep> {
    const placed = new Set<UpdateStep>();
    for (const update of this.updates) {
      const place = update.arrange();
      if (!place || place.gradients.some(v => live.has(v))) continue;
      place.gradients.forEach((v, i) => {
        live.set(v, rowOf(place.block, place.first + i));
      });
      placed.add(update);
    }
    return placed;
  }

  private stored(v: Value): Float32Array {
    let array = this.storage.get(v);
    if (!array) {
      const size = sizeOf(v.shape);
      array = new Float32Array(size + (this.slack.get(v) ?? 0)).subarray(0, size);
      this.storage.set(v, array);
    }
    return array;
  }

  private arrayOf(live: Map<Value, Float32Array>, v: Value): Float32Array {
    const root = rootOf(v);
    const known = live.get(root);
    if (known) return known;
    if (root.node.op === 'variable') return this.engine.variables.get(root.node.attrs.name);
    if (root.node.op === 'constant') return root.node.attrs.data;
    const fill = fillOf(root);
    if (fill === undefined) throw new Error(`engine onnx: ${v.node.label}/${v.node.op} is read before it is computed`);
    return this.stored(root).fill(fill);
  }

  dispose(): void {
    for (const step of this.steps) step.dispose();
    this.storage.clear();
  }
}

/** The stages of a graph, and the most bytes of its arrays at once. */
function layOut(graph: PaddedGraph, wanted: readonly Value[]) {
  const { nodes, padded } = graph;
  const apart = new Map([...padded].map(([node, { x, dy }]) => [node, [x, dy]] as const));
  const stages = partition(nodes, wanted, apart);
  const kept = new Set(stages.flatMap(s => s.outputs));
  const peakBytes = peakOf(schedule(nodes, [], kept), n => scratchOf(n, padded.get(n)));
  return { ...graph, stages, peakBytes };
}

/** Bytes that a node takes while it runs. */
function scratchOf(node: Node, padded: Padded | undefined): number {
  return padded && node.op === 'convFilterGrad' ? productBytes(node, padded) : unfolded(node);
}

/** Bytes of what is unfolded for a filter's gradient: pictures, twice, as slices and put together. */
function unfolded(node: Node): number {
  if (node.op !== 'convFilterGrad') return 0;
  const [, channels, kh, kw] = nchw(node.outputs[0].shape);
  const [n, , height, width] = nchw(node.inputs[1].shape);
  return 8 * Math.min(BAND, channels * node.attrs.groups * kh * kw * n * height * width);
}

/** Constants and aliases, which a stage of the host has only to read. */
function isBrought(node: Node): boolean {
  return node.op === 'constant' || node.op === 'reshape' || node.op === 'stopGradient';
}

/** What sessions make for nobody but one variable each. */
function stayingOnDevice(
  stages: readonly Subgraph[],
  fetched: ReadonlySet<Value>,
  assignments: Graph['assignments'],
): ReadonlyMap<Value, string> {
  const made = new Set(stages.flatMap(s => (s.kind === 'onnx' ? s.outputs : [])));
  const readElsewhere = new Set([...stages.flatMap(s => s.inputs), ...[...fetched].map(rootOf)]);
  const once = (value: Value) => assignments.filter(a => rootOf(a.value) === value).length === 1;
  const stays = assignments.filter(({ value }) => made.has(value) && !readElsewhere.has(value) && once(value));
  return new Map(stays.map(({ value, variable }) => [value, variable]));
}

function variablesOf(values: readonly Value[]): readonly string[] {
  const nodes = values.map(v => rootOf(v).node);
  return [...new Set(nodes.flatMap(n => (n.op === 'variable' ? [n.attrs.name] : [])))];
}

function outputOf(graph: Graph, name: string): Value {
  const value = graph.outputs.get(name);
  if (!value) throw fail('unknown-output', `The graph has no output ${JSON.stringify(name)}.`);
  return value;
}
