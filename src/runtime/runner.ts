/** Runs a net: one compiled variant per set of input shapes, programs made when first asked for, feeds gathered. */

import { fail, literalKey, need, recordOf } from '../diagnostics/index.js';
import type { Observer, Program } from '../engines/index.js';
import { drawRandoms, type Feeds, type GivenFeed, readFeeds } from '../feeds/feeds.js';
import { checkLabelValues, type LabelReader, labelReader } from '../feeds/label_values.js';
import { type MadeShapes, madeShapes, makeTops } from '../feeds/made_tops.js';
import { type FeedSource, gather } from '../feeds/source.js';
import { type Graph, type RandomInput, type Shape, showShape, sizeOf } from '../ir/index.js';
import { settled, TopsChanged } from '../layers/index.js';
import {
  compileSelected,
  type LowerOptions,
  labelled,
  labelName,
  lowerNet,
  type NetGraph,
  type NetLayer,
  type NetOptions,
  type SelectedNet,
  writtenName,
} from '../net/index.js';
import type { Random } from '../random/index.js';
import type { ParamStore } from './param_store.js';
import { hasToSettle, isPlain, runInParts, type SettledTops, settleTops } from './settle.js';

/** Where the blobs go that layers write to files (HDF5Output). */
export interface BlobSink {
  /** Takes what a layer's bottoms held in a run. */
  add(layer: NetLayer, blobs: readonly { readonly shape: Shape; readonly data: Float32Array }[]): void;
  /** Makes the files whole. */
  flush(): void;
}

/** The net compiled for one set of input shapes. */
interface Variant {
  readonly graph: NetGraph;
  /** By LoweringKeys. */
  readonly programs: Map<string, Promise<Compiled>>;
}

interface Compiled {
  readonly program: Program;
  readonly randoms: readonly RandomInput[];
  /** Variables that a run assigns. */
  readonly assigned: readonly string[];
  /** What can be fetched, states left out. */
  readonly outputs: readonly string[];
  readonly states: Graph['states'];
  /** Layers whose bottoms go to a file. */
  readonly writers: readonly NetLayer[];
  /** What is read as class numbers, before the run and after it. */
  readonly fedLabels: readonly LabelReader[];
  readonly madeLabels: readonly LabelReader[];
}

type Arrays = ReadonlyMap<string, Float32Array>;

/** What a run computes and which of it is fetched. */
export type NetProgram = Pick<RunRequest, 'lower' | 'fetch'>;

export interface RunRequest {
  /** What is computed. Equal options give the same program; functions among them are equal where they are identical. */
  readonly lower: LowerOptions;
  /** What the caller feeds; the net's own sources give the rest. */
  readonly feeds?: Feeds;
  /** Numbers for inputs that nobody feeds; undefined where there are none. */
  readonly held?: (input: string) => Float32Array | undefined;
  /** Inputs of the graph that are no blobs: learning rate, gradients. */
  readonly extra?: Arrays;
  /** What is fetched of the outputs that there are. */
  readonly fetch: (net: NetGraph, outputs: readonly string[]) => readonly string[];
  /** Told how long each node of the graph took. */
  readonly observe?: Observer;
}

export interface RunResult {
  readonly net: NetGraph;
  /** All that was fed, chance included. */
  readonly feeds: Arrays;
  readonly results: Arrays;
}

/** Input shapes whose programs are kept; beyond it the one not used for longest goes. */
const MAX_VARIANTS = 32;

export class Runner {
  /** Input shapes as the prototxt (or the caller of the net) declares them. */
  readonly declared: ReadonlyMap<string, Shape>;
  private readonly variants = new Map<string, Variant>();
  /** What recurrent layers remember of the last run, by name. */
  private readonly states = new Map<string, Float32Array>();
  private readonly keys = new LoweringKeys();
  private current: Variant;
  /** Seconds that runs have waited for the net's own sources. */
  waited = 0;

  constructor(
    graph: NetGraph,
    private readonly selected: SelectedNet,
    private readonly options: NetOptions,
    private readonly store: ParamStore,
    private readonly random: Random,
    private readonly sink: BlobSink | undefined,
  ) {
    this.declared = inputShapes(graph);
    this.current = { graph, programs: new Map() };
    this.variants.set(keyOf(this.declared, madeShapes(graph), new Map()), this.current);
  }

  /** The net for the input shapes of the last run. */
  get graph(): NetGraph {
    return this.current.graph;
  }

  /** @param sources fill what the request does not feed */
  async run(request: RunRequest, sources: readonly FeedSource[]): Promise<RunResult> {
    const given = await this.read(request.feeds ?? {}, sources);
    const shapes = new Map([...given].map(([name, { shape }]) => [name, shape]));
    const made = await makeTops(this.graph);
    const variant = await settled(() => this.variantFor(shapes, made.shapes));
    const feeds = new Map(made.feeds);
    for (const [name, shape] of feedShapes(variant.graph)) {
      const data = given.get(name)?.data ?? request.held?.(name);
      if (!data) throw missing(variant.graph, name, shape);
      feeds.set(name, data);
    }
    const compile = (tops: SettledTops) => settled(() => this.variantFor(shapes, made.shapes, tops));
    return this.again(() => this.runSettled(variant, request, feeds, compile));
  }

  /** The caller's numbers and those of the sources. */
  private async read(feeds: Feeds, sources: readonly FeedSource[]): Promise<Map<string, GivenFeed>> {
    const given = readFeeds(feeds, inputShapes(this.graph), this.declared);
    const all = feedShapes(this.graph);
    const began = performance.now();
    const gathered = await gather(sources, feeds);
    this.waited += (performance.now() - began) / 1000;
    return new Map([...readFeeds(gathered, all, all), ...given]);
  }

  /** Runs once more, with the same chance, where user code has changed its tops' shapes: the next time they are settled first. */
  private async again(run: () => Promise<RunResult>): Promise<RunResult> {
    const chance = this.random.save();
    for (let left = this.graph.layers.length; ; left--) {
      try {
        return await run();
      } catch (thrown) {
        if (!(thrown instanceof TopsChanged) || left === 0) throw thrown;
        this.random.restore(chance);
      }
    }
  }

  /** Settles tops whose shapes depend on numbers, and runs the net for them. */
  private async runSettled(
    variant: Variant,
    request: RunRequest,
    feeds: Arrays,
    compile: (tops: SettledTops) => Promise<Variant>,
  ): Promise<RunResult> {
    if (!hasToSettle(variant.graph)) {
      this.current = variant;
      return this.execute(variant, request, feeds);
    }
    let drawn = feeds;
    const read = async (at: Variant, part: Omit<RunRequest, 'feeds'>) => {
      const run = await this.execute(at, part, drawn);
      drawn = run.feeds;
      return run.results;
    };
    if (!isPlain(request.lower)) {
      const found = await settleTops(variant, {
        compile,
        read: (at, lower, blobs) => read(at, { lower, fetch: () => blobs }),
      });
      this.current = found;
      return this.execute(found, request, drawn);
    }
    const run = (at: Variant, part: NetProgram, known: Arrays) =>
      read(at, { ...request, ...part, extra: new Map([...(request.extra ?? []), ...known]) });
    const { at, results } = await runInParts(variant, request, { compile, run, feeds });
    this.current = at;
    const names = request.fetch(at.graph, [...results.keys()]);
    return {
      net: at.graph,
      feeds: drawn,
      results: new Map(names.map(name => [name, results.get(name) ?? need(drawn, name)])),
    };
  }

  /** Another program at the inputs, and with the chance, of an earlier run. */
  rerun(request: Omit<RunRequest, 'feeds' | 'held'>, feeds: Arrays): Promise<RunResult> {
    return this.execute(this.current, request, feeds, true);
  }

  /** Makes a program without running it. @throws MokapotError `out-of-memory` where its run would not fit. */
  async prepare({ lower, fetch }: NetProgram): Promise<void> {
    this.store.upload(variablesOf(this.graph));
    const { program, outputs } = await this.compiled(this.current, lower);
    program.prepare(fetch(this.graph, outputs));
  }

  private async execute(
    variant: Variant,
    { lower, extra, fetch, observe }: Omit<RunRequest, 'feeds'>,
    given: Arrays,
    /** Whether these labels have been looked at. */
    isChecked = false,
  ): Promise<RunResult> {
    const net = variant.graph;
    const compiled = await this.compiled(variant, lower);
    const { program, randoms, assigned, outputs, states, writers, fedLabels, madeLabels } = compiled;
    if (!isChecked) checkLabelValues(fedLabels, at => arrayOf(given, at.blob, at.shape));
    const missing = randoms.filter(input => !given.has(input.name));
    const feeds = new Map([...this.remembered(states), ...given, ...drawRandoms(missing, this.random)]);
    this.store.upload(variablesOf(net));
    const carried = states.flatMap(state => state.output ?? []);
    const labels = madeLabels.map(({ layer }) => labelName(layer));
    const wanted = [...fetch(net, outputs), ...carried, ...writers.flatMap(writtenBy), ...labels];
    const fed = recordOf([...feeds, ...(extra ?? [])]);
    const results = new Map(Object.entries(await program.run(fed, [...new Set(wanted)], observe)));
    checkLabelValues(madeLabels, at => arrayOf(results, labelName(at.layer), at.shape));
    for (const { name, output } of states) if (output) this.states.set(name, need(results, output));
    for (const variable of assigned) if (this.store.has(variable)) this.store.get(variable).changedOnEngine();
    for (const layer of writers) this.write(layer, results);
    return { net, feeds, results };
  }

  private write(layer: NetLayer, results: Arrays): void {
    const blobs = layer.bottoms.map(({ shape }, i) => ({ shape, data: need(results, writtenName(layer.name, i)) }));
    this.sink?.add(layer, blobs);
  }

  /** States of the last run; 0 before the first, and where they have another size (the batch has changed). */
  private remembered(states: Graph['states']): Arrays {
    const before = ({ name, shape }: Graph['states'][number]) => {
      const kept = this.states.get(name);
      return kept?.length === sizeOf(shape) ? kept : new Float32Array(sizeOf(shape));
    };
    return new Map(states.map(state => [state.name, before(state)]));
  }

  private variantFor(
    given: ReadonlyMap<string, Shape>,
    madeTops: MadeShapes,
    settledTops: SettledTops = new Map(),
  ): Variant {
    const shapes = new Map([...inputShapes(this.graph)].map(([name, shape]) => [name, given.get(name) ?? shape]));
    const key = keyOf(shapes, madeTops, settledTops);
    const known = this.variants.get(key);
    const options = { inputShapes: recordOf(shapes), madeTops, settledTops };
    const variant = known ?? { graph: this.recompile(options), programs: new Map() };
    this.variants.delete(key);
    this.variants.set(key, variant);
    if (this.variants.size > MAX_VARIANTS) this.forget(this.variants.keys().next().value!);
    return variant;
  }

  /** The net for other input shapes (those not given stay), without its becoming the current one. */
  graphFor(given: Readonly<Record<string, Shape>>): NetGraph {
    return this.recompile({ inputShapes: recordOf([...inputShapes(this.graph), ...Object.entries(given)]) });
  }

  private recompile(options: NetOptions): NetGraph {
    const inputShapes = { ...this.options.inputShapes, ...options.inputShapes };
    const graph = compileSelected(this.selected, { ...this.options, ...options, inputShapes });
    return this.store.adopt(graph, this.graph);
  }

  private forget(key: string): void {
    const variant = this.variants.get(key)!;
    this.variants.delete(key);
    disposeVariant(variant);
  }

  private compiled(variant: Variant, lower: LowerOptions): Promise<Compiled> {
    const key = this.keys.of(lower);
    let made = variant.programs.get(key);
    if (!made) variant.programs.set(key, (made = this.compile(variant.graph, lower)));
    return made;
  }

  private async compile(net: NetGraph, options: LowerOptions): Promise<Compiled> {
    const { updates = true, from, until } = options;
    const writes = updates && this.sink !== undefined;
    const { graph } = lowerNet(net, { ...options, writes, labels: true });
    const computed = net.layers.slice(from, until);
    const writers = writes ? computed.filter(layer => layer.type.writes) : [];
    const made = labelled(net, options);
    const labels = made.map(layer => labelName(layer.name));
    const inner = new Set([...graph.states.map(state => state.output), ...writers.flatMap(writtenBy), ...labels]);
    const readers = (layers: readonly NetLayer[]) => layers.flatMap(layer => labelReader(net, layer) ?? []);
    return {
      program: await this.store.engine.compile(graph),
      randoms: graph.randoms,
      assigned: graph.assignments.map(a => a.variable),
      outputs: [...graph.outputs.keys()].filter(name => !inner.has(name)),
      states: graph.states,
      writers,
      fedLabels: readers(computed).filter(({ isFed }) => isFed),
      madeLabels: readers(made),
    };
  }

  dispose(): void {
    for (const variant of this.variants.values()) disposeVariant(variant);
    this.variants.clear();
  }
}

function arrayOf(arrays: Arrays, name: string, shape: Shape) {
  const data = arrays.get(name);
  return data && { data, shape };
}

function writtenBy({ name, bottoms }: NetLayer): string[] {
  return bottoms.map((_, i) => writtenName(name, i));
}

function disposeVariant({ programs }: Variant): void {
  for (const made of programs.values())
    made.then(
      ({ program }) => program.dispose(),
      () => undefined,
    );
}

/** All sources' tops. */
function feedShapes(net: NetGraph): Map<string, Shape> {
  return new Map(net.feeds.map(({ blob, layer }) => [blob, net.layers[layer]!.tops.find(t => t.name === blob)!.shape]));
}

/** Blobs that a caller feeds: all of them but DummyData's. */
function inputShapes(net: NetGraph): Map<string, Shape> {
  const feeds = net.feeds.filter(feed => net.layers[feed.layer]!.type.fedBy !== 'fillers');
  return new Map(feeds.map(({ blob, layer }) => [blob, net.layers[layer]!.tops.find(t => t.name === blob)!.shape]));
}

function variablesOf(net: NetGraph): ReadonlySet<string> {
  return new Set(net.params.map(p => p.key));
}

function keyOf(shapes: ReadonlyMap<string, Shape>, madeTops: MadeShapes, settledTops: SettledTops): string {
  return JSON.stringify([shapes, madeTops, settledTops].map(map => [...map]));
}

/** Keys of ways to lower a net: equal for equal options. A function is equal to itself alone. */
class LoweringKeys {
  private readonly functions = new WeakMap<object, number>();
  private count = 0;

  of(lower: LowerOptions): string {
    const given = Object.entries(lower).filter(([, value]) => value !== undefined);
    given.sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify(given, (_, value) => (typeof value === 'function' ? { function: this.idOf(value) } : value));
  }

  private idOf(value: object): number {
    const id = this.functions.get(value) ?? ++this.count;
    this.functions.set(value, id);
    return id;
  }
}

function missing(net: NetGraph, name: string, shape: Shape) {
  const source = net.layers.find(layer => layer.tops.some(top => top.name === name));
  if (source?.type.fedBy === 'arrays') {
    const hint = 'Hand it all its numbers by net.setInputArrays(data, labels), or feed its tops.';
    return fail('missing-input', `${source.type.type} layer "${source.name}" was given no numbers.`, {
      layer: source.name,
      hint,
    });
  }
  return fail('missing-input', `Nothing was fed for "${name}", shape ${showShape(shape)}.`, {
    hint: `Feed it: forward({ ${literalKey(name)}: numbers }).`,
  });
}
