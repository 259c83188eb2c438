/**
 * Exports that take more than one input size: the net is lowered at several sizes, and the graphs are merged into one with dynamic sizes.
 * What can vary is tried from the most to the least: batch and plane, then one of them, then the sizes as they are.
 */

import { fail, MokapotError, messageOf, nth, recordOf } from '../diagnostics/index.js';
import { type ExportTarget, type Graph, pruneDead, type Shape, type Value } from '../ir/index.js';
import { GeneralGraph } from '../ir/passes/generalise.js';
import { LOSS, type LowerOptions, lowerNet, type NetGraph } from '../net/index.js';
import type { Net } from '../runtime/net.js';
import type { PreparedInput } from './prepare.js';

/** What of its inputs an exported model leaves open. */
export interface OpenSizes {
  /** Any number of samples. */
  readonly batch: boolean;
  /** Height and width may be the net's own and more, in steps of this; undefined: they may not vary. */
  readonly plane: number | undefined;
}

export interface DynamicExport<T> {
  readonly result: T;
  readonly open: OpenSizes;
  /** Input shapes at which it was looked at; the first are the net's own, but for the batch where that is open. */
  readonly samples: readonly InputShapes[];
  /** Why the batch, or the plane, is fixed, where it was to be open. */
  readonly reasons: { readonly batch?: string; readonly plane?: string };
}

export type InputShapes = Readonly<Record<string, Shape>>;

/** How the net is lowered: for what, with what before its inputs, up to which blobs (default: its outputs). */
export interface Lowering extends Pick<LowerOptions, 'prepare' | 'target'> {
  readonly outputs?: readonly string[];
}

/** What is exported of a network. */
export interface Exported {
  readonly options: { readonly outputs?: readonly string[] };
  readonly prepared: PreparedInput | undefined;
}

export function loweringFor({ options, prepared }: Exported, target: ExportTarget): Lowering {
  const { outputs } = options;
  return { target, ...(prepared && { prepare: prepared.lower }), ...(outputs && { outputs }) };
}

/** Nets that halve the plane n times, and join what they get, may want multiples of 2^n. */
const STEPS = [1, 2, 4, 8, 16, 32, 64, 128];

/**
 * What is added to the net's own height and width: far enough to see a stride of 64, of many remainders, so that what is
 * rounded up or down along the way does not look like a straight line by chance.
 */
const HIGHER = [0, 13, 37, 69, 94, 137, 184, 283, 391];
const WIDER = [0, 181, 22, 311, 75, 53, 140, 97, 238];
const BATCHES = [2, 3, 5, 7, 11, 13, 17, 19, 23];

/**
 * Calls `exportGraph` with the most general form of the net, then with less general ones, until it succeeds.
 * @throws MokapotError what `exportGraph` throws for the net at its own sizes
 */
export function exportDynamic<T>(
  net: Net,
  lowering: Lowering,
  wanted: Wanted,
  exportGraph: (general: GeneralGraph) => T,
): DynamicExport<T> {
  const failures: Failure[] = [];
  let planesAreFixed = false;
  for (const open of candidates(net.graph, wanted)) {
    if (open.plane !== undefined && planesAreFixed) continue;
    const samples = shapesAt(net.graph, open);
    try {
      const result = exportGraph(new GeneralGraph(graphsAt(net, samples, lowering)));
      return { result, open, samples, reasons: reasonsFor(open, wanted, failures) };
    } catch (thrown) {
      failures.push({ open, why: reasonOf(thrown) });
      planesAreFixed ||= isFixedByWeights(thrown);
    }
  }
  const open = { batch: false, plane: undefined };
  const samples = shapesAt(net.graph, open);
  const result = exportGraph(new GeneralGraph(graphsAt(net, samples, lowering)));
  return { result, open, samples, reasons: reasonsFor(open, wanted, failures) };
}

interface Wanted {
  readonly batch: boolean;
  readonly plane: boolean;
}

interface Failure {
  readonly open: OpenSizes;
  readonly why: string;
}

function candidates(net: NetGraph, wanted: Wanted): OpenSizes[] {
  const hasImage = inputShapes(net).some(([, shape]) => shape.length === 4);
  const planes = wanted.plane && hasImage ? STEPS : [];
  return [
    ...(wanted.batch ? planes.map(plane => ({ batch: true, plane })) : []),
    ...planes.map(plane => ({ batch: false, plane })),
    ...(wanted.batch ? [{ batch: true, plane: undefined }] : []),
  ];
}

function reasonsFor(open: OpenSizes, wanted: Wanted, failures: readonly Failure[]): DynamicExport<unknown>['reasons'] {
  const plane = failures.find(f => f.open.plane !== undefined)?.why;
  const batch = failures.find(f => f.open.batch && f.open.plane === open.plane)?.why;
  return {
    ...(wanted.plane && open.plane === undefined && plane !== undefined && { plane }),
    ...(wanted.batch && !open.batch && batch !== undefined && { batch }),
  };
}

/** An InnerProduct whose weights are made for one plane: no step helps. */
function isFixedByWeights(thrown: unknown): boolean {
  return thrown instanceof MokapotError && thrown.diagnostics.some(d => d.code === 'reshape-params');
}

/** Whatever goes wrong at another size makes the net one of fixed sizes; at its own size it is thrown. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof MokapotError)) return messageOf(thrown);
  const [first] = thrown.diagnostics.filter(d => d.severity === 'error');
  if (isFixedByWeights(thrown) && first!.layer !== undefined)
    return `layer "${first!.layer}" has weights for one size of its input`;
  return first!.message.replace(/\.$/, '');
}

/** Input shapes to look at: several where something is open. */
function shapesAt(net: NetGraph, open: OpenSizes): InputShapes[] {
  const inputs = inputShapes(net);
  const image = inputs.find(([, shape]) => shape.length === 4)?.[1];
  const batch = inputs[0]?.[1][0];
  const count = open.batch || open.plane !== undefined ? BATCHES.length : 1;
  return Array.from({ length: count }, (_, k) => {
    const at = ([name, shape]: readonly [string, Shape]) => {
      const sizes = [...shape];
      if (open.batch && shape.length > 0 && shape[0] === batch) sizes[0] = nth(BATCHES, k);
      if (open.plane !== undefined && shape.length === 4 && shape[2] === image?.[2] && shape[3] === image?.[3]) {
        sizes[2]! += stepped(nth(HIGHER, k), open.plane);
        sizes[3]! += stepped(nth(WIDER, k), open.plane);
      }
      return [name, sizes] as const;
    };
    return recordOf(inputs.map(at));
  });
}

function stepped(n: number, step: number): number {
  return Math.ceil(n / step) * step;
}

/** Shapes of what is fed. */
export function inputShapes(net: NetGraph): (readonly [string, Shape])[] {
  return net.feeds.map(
    ({ blob, layer }) => [blob, nth(net.layers, layer).tops.find(t => t.name === blob)!.shape] as const,
  );
}

function graphsAt(net: Net, samples: readonly InputShapes[], lowering: Lowering): [Graph, ...Graph[]] {
  const [first, ...others] = samples.map(shapes => forwardGraph(net.graphFor(shapes), lowering));
  return [first!, ...others];
}

/** The graph of the outputs. Inputs stay, read or not: a Crop asks for the size of its second one alone. */
export function forwardGraph(net: NetGraph, { prepare, target, outputs: wanted }: Lowering): Graph {
  const inputs: Value[] = [];
  const { graph } = lowerNet(net, {
    updates: false,
    ...(target && { target }),
    fetch: wanted ?? 'outputs',
    prepare(b, blob, value) {
      inputs.push(value);
      return prepare ? prepare(b, blob, value) : value;
    },
  });
  const [random] = graph.randoms;
  if (random) throw drawsRandoms(graph, random.name);
  const outputs = new Map([...graph.outputs].filter(([name]) => name !== LOSS));
  const nodes = pruneDead(graph.nodes, [...outputs.values()]);
  const unread = inputs.map(value => value.node).filter(node => !nodes.includes(node));
  return { ...graph, outputs, nodes: [...unread, ...nodes] };
}

function drawsRandoms({ nodes }: Graph, name: string): MokapotError {
  const layer = nodes.find(n => n.op === 'input' && n.attrs.name === name)?.label ?? name;
  return fail('cannot-export', `Layer "${layer}" cannot be exported: it draws random numbers.`, {
    layer,
    hint: 'In phase TEST most layers do not: leave --phase TRAIN out.',
  });
}
