/**
 * Tops whose shapes depend on numbers (LayerType.settle): what decides them is computed first, then the net is compiled for
 * what was found.
 */

import { need } from '../diagnostics/index.js';
import type { HostArray } from '../ir/index.js';
import type { SettledTop } from '../layers/index.js';
import {
  blobsAcross,
  fetched,
  LOSS,
  type LowerOptions,
  type NetGraph,
  type NetLayer,
  type NetOptions,
} from '../net/index.js';

/** Shapes found, by layer name. */
export type SettledTops = NonNullable<NetOptions['settledTops']>;

type Arrays = ReadonlyMap<string, Float32Array>;

interface Means<V> {
  /** The net for these shapes; layers not named have their greatest. */
  readonly compile: (tops: SettledTops) => V | Promise<V>;
  /** Runs the part of the net that `options` cuts out and returns blobs of it. */
  readonly read: (at: V, options: LowerOptions, blobs: readonly string[]) => Promise<Arrays>;
}

/** Whether a run of this net has tops to settle. */
export function hasToSettle(net: NetGraph): boolean {
  return net.layers.some(settles);
}

function settles({ type, context }: NetLayer): boolean {
  return type.settle !== undefined && (type.settle.when?.(context) ?? true);
}

function decidingBottoms({ type, context, bottoms }: NetLayer): readonly number[] {
  return type.settle!.bottoms?.(context) ?? bottoms.map((_, i) => i);
}

/** The tops of a layer that settles, by the numbers of its bottoms. */
async function settle(layer: NetLayer, numbers: Arrays): Promise<readonly SettledTop[]> {
  const bottoms = decidingBottoms(layer).map((i): HostArray => {
    const { name, shape } = layer.bottoms[i]!;
    return { shape, data: need(numbers, name) };
  });
  return layer.type.settle!.tops(layer.context, bottoms);
}

/**
 * The net for the tops that depend on numbers: goes from one such layer to the next, as a later one may depend on an earlier,
 * and runs what lies before each. Python layers there run again when the net does.
 */
export async function settleTops<V extends { readonly graph: NetGraph }>(
  start: V,
  { compile, read }: Means<V>,
): Promise<V> {
  let at = start;
  let found: SettledTops = new Map();
  for (const { index, name } of start.graph.layers.filter(settles)) {
    const layer = at.graph.layers[index]!;
    const blobs = [...new Set(decidingBottoms(layer).map(i => layer.bottoms[i]!.name))];
    const tops = await settle(layer, await read(at, { fetch: blobs, until: index, updates: false }, blobs));
    found = withTops(found, name, tops);
    at = await compile(found);
  }
  return at;
}

function withTops(found: SettledTops, layer: string, tops: readonly SettledTop[]): SettledTops {
  return new Map([...found, [layer, tops.map(top => top.shape)]]);
}

/** A run without gradients: what is computed and which of it is wanted, of the outputs that there are. */
interface PlainRun {
  readonly lower: LowerOptions;
  readonly fetch: (net: NetGraph, outputs: readonly string[]) => readonly string[];
}

interface PartMeans<V> {
  readonly compile: Means<V>['compile'];
  /** Runs a part; `known` are the blobs of earlier parts that it reads. */
  readonly run: (at: V, part: PlainRun, known: Arrays) => Promise<Arrays>;
  /** What the net is fed. */
  readonly feeds: Arrays;
}

/** Whether such a run can be made part by part. */
export function isPlain({ gradients = 'none', extend }: LowerOptions): boolean {
  return gradients === 'none' && extend === undefined;
}

/**
 * Runs the net in parts that end where tops have to be settled, so that every layer runs once. The blobs that a later part
 * reads go through the host.
 */
export async function runInParts<V extends { readonly graph: NetGraph }>(
  start: V,
  request: PlainRun,
  { compile, run, feeds }: PartMeans<V>,
): Promise<{ readonly at: V; readonly results: Arrays }> {
  let at = start;
  let found: SettledTops = new Map();
  let known: Arrays = new Map();
  let loss: number | undefined;
  let from = 0;
  const runPart = async (until?: number) => {
    const results = await run(at, partOf(request, from, until), known);
    const own = results.get(LOSS);
    if (own) loss = (loss ?? 0) + own[0]!;
    known = new Map([...known, ...results]);
  };
  for (const { index, name } of start.graph.layers.filter(settles)) {
    await runPart(index);
    const tops = await settle(at.graph.layers[index]!, new Map([...feeds, ...known]));
    found = withTops(found, name, tops);
    at = await compile(found);
    const computed = tops.flatMap(({ data }, i) =>
      data ? [[at.graph.layers[index]!.tops[i]!.name, data] as const] : [],
    );
    known = new Map([...known, ...computed]);
    from = computed.length === tops.length ? index + 1 : index;
  }
  await runPart();
  return { at, results: loss === undefined ? known : new Map([...known, [LOSS, Float32Array.of(loss)]]) };
}

/** The layers from `from` up to `until`: wanted of them are their own last versions of blobs, and what later layers read. */
function partOf({ lower, fetch }: PlainRun, from: number, until: number | undefined): PlainRun {
  const wanted = (net: NetGraph, outputs: readonly string[]) => {
    const end = until ?? net.layers.length;
    const made = new Set(net.layers.slice(from, end).flatMap(layer => layer.tops.map(top => top.name)));
    const last = (name: string) => (net.blobs.get(name)?.producer ?? 0) < end;
    const asked = fetch(net, [...fetched(net, lower.fetch), ...outputs.filter(name => name === LOSS)]);
    const passedOn = blobsAcross(net, end).map(blob => blob.name);
    const own = [...asked.filter(name => name !== LOSS && last(name)), ...passedOn].filter(name => made.has(name));
    return [...new Set([...own, ...asked.filter(name => name === LOSS)])];
  };
  return { lower: { ...lower, from, ...(until !== undefined && { until }), fetch: 'all' }, fetch: wanted };
}
