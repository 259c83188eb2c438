/** An exported model beside the network it came from: both are run on the same random input. */

import { need, recordOf } from '../diagnostics/index.js';
import type { Parameters } from '../emit/constants.js';
import { createHostEngine } from '../engines/host/index.js';
import { labelInputs } from '../feeds/label_values.js';
import { type ExportTarget, type Graph, type Shape, sizeOf } from '../ir/index.js';
import type { NetGraph } from '../net/index.js';
import { Random } from '../random/index.js';
import type { Net } from '../runtime/net.js';
import { type Exported, forwardGraph, type InputShapes, loweringFor } from './dynamic_sizes.js';
import type { PreparedInput } from './prepare.js';

/** A model's outputs beside the network's, at random inputs. */
export interface Comparison {
  /** Shapes that were fed, by name. */
  readonly inputs: InputShapes;
  /** How far each output is off. */
  readonly outputs: readonly ({ readonly blob: string } & Distance)[];
}

export interface FedArray {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A model that was loaded. Arrays are in Caffe's layout. */
export interface LoadedModel {
  run(feeds: ReadonlyMap<string, FedArray>, outputs: readonly string[]): Promise<Float32Array[]>;
  dispose(): void | Promise<void>;
}

/** Random pixels for pictures, class numbers for labels, numbers around 0 for what else is fed. */
export function randomFeeds(shapes: InputShapes, graph?: NetGraph, seed = 1): Map<string, FedArray> {
  const labels = graph ? labelInputs(graph) : new Map<string, number>();
  const random = new Random(seed);
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const isPicture = shape.length === 4 && (shape[1] === 1 || shape[1] === 3);
      const data = new Float32Array(sizeOf(shape));
      const classes = labels.get(name);
      if (classes !== undefined) for (let i = 0; i < data.length; i++) data[i] = random.integer(classes);
      else for (let i = 0; i < data.length; i++) data[i] = isPicture ? random.uniform(0, 255) : random.uniform(-1, 1);
      return [name, { shape, data }];
    }),
  );
}

/** A network that was exported, with what was worked into the model and which blobs it gives. */
interface Compared extends Exported {
  readonly net: Net;
  readonly options: Exported['options'] & { readonly to: string };
  readonly parameters: Parameters;
}

/**
 * Runs both at these input shapes. Where a blob has another form in the model than in the network (rows that are as many as
 * there may be), what the host engine makes of the model's graph is what is compared.
 */
export async function compare(
  { net, prepared, options, parameters }: Compared,
  model: LoadedModel,
  shapes: InputShapes,
): Promise<Comparison> {
  const raw = randomFeeds(shapes, net.graph);
  const blobs = options.outputs ?? net.graph.outputs;
  let expected = await runNet(net, raw, { prepared, blobs });
  const got = await model.run(raw, blobs);
  if (got.some((array, i) => array.length !== expected[i]!.length)) {
    const lowering = loweringFor({ options, prepared }, options.to as ExportTarget);
    expected = await runGraph(forwardGraph(net.graphFor(shapes), lowering), parameters, raw, blobs);
  }
  return { inputs: shapes, outputs: blobs.map((blob, i) => ({ blob, ...distance(got[i]!, expected[i]!) })) };
}

/** What the host engine makes of a graph. */
export async function runGraph(
  graph: Graph,
  parameters: Parameters,
  feeds: ReadonlyMap<string, FedArray>,
  outputs: readonly string[],
): Promise<Float32Array[]> {
  const engine = createHostEngine();
  for (const { op, attrs } of graph.nodes)
    if (op === 'variable') engine.write(attrs.name, parameters(attrs.name), attrs.shape);
  const program = await engine.compile(graph);
  const fed = recordOf([...feeds].map(([name, { data }]) => [name, data] as const));
  const made = new Map(Object.entries(await program.run(fed, outputs)));
  engine.dispose();
  return outputs.map(name => need(made, name));
}

/** What the network makes of what it is fed, preprocessed: its outputs, or other blobs. */
export async function runNet(
  net: Net,
  raw: ReadonlyMap<string, FedArray>,
  { prepared, blobs }: { readonly prepared?: PreparedInput | undefined; readonly blobs?: readonly string[] } = {},
): Promise<Float32Array[]> {
  const fed = [...raw].map(([name, feed]) => {
    const data = prepared?.blob === name ? prepared.apply(feed.data, feed.shape) : feed.data;
    return [name, { shape: feed.shape, data }] as const;
  });
  const feeds = recordOf(fed.filter(([name]) => net.inputs.includes(name)));
  await net.forward(feeds, { keepBlobs: blobs !== undefined });
  return (blobs ?? net.graph.outputs).map(name => need(net.blobs, name).data.slice());
}

export interface Distance {
  /** Greatest |exported − network's|; Infinity where one of them alone is no number, or none of the network's is finite. */
  readonly error: number;
  /** The network's greatest value. */
  readonly greatest: number;
  /** Of an output of whole numbers (classes, masks), where a tie may fall either way: the share that differs. */
  readonly differing?: number;
}

export function distance(ours: Float32Array, theirs: Float32Array): Distance {
  if (ours.length !== theirs.length) return { error: Number.POSITIVE_INFINITY, greatest: 0 };
  let [error, greatest, differing, whole] = [0, 0, 0, true];
  if (theirs.length > 0 && !theirs.some(Number.isFinite)) return { error: Number.POSITIVE_INFINITY, greatest };
  for (let i = 0; i < ours.length; i++) {
    const [x, y] = [ours[i]!, theirs[i]!];
    if (Math.abs(y) > greatest) greatest = Math.abs(y);
    if (!Number.isInteger(x) || !Number.isInteger(y)) whole = false;
    if (Object.is(x, y) || x === y) continue;
    const apart = Math.abs(x - y);
    error = Math.max(error, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
    differing++;
  }
  return { error, greatest, ...(whole && differing > 0 && { differing: differing / ours.length }) };
}
