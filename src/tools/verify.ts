/**
 * Goldens: a net with its inputs, parameters and what Caffe computed from them; a case is run on an engine and compared,
 * number by number. It is how an engine is checked, here and on a user's machine.
 */

import { fail, MokapotError, need, recordOf } from '../diagnostics/index.js';
import type { Engine } from '../engines/types.js';
import { showShape, sizeOf } from '../ir/index.js';
import type { Phase } from '../layers/index.js';
import { compileNet, type LoweredNet, lowerNet, type NetGraph } from '../net/index.js';
import { type SettledTops, settleTops } from '../runtime/settle.js';
import { type NetParameter, parseText, type Schema } from '../schema/index.js';
import type { Safetensors } from '../weights/index.js';

/** One case. Keys of `values` are those of a golden's safetensors file: `input/x`, `param/conv/0`, `output/y`, … */
export interface GoldenCase {
  /** What messages call it. */
  readonly name: string;
  /** The net. */
  readonly prototxt: string;
  /** Its inputs and parameters, and what Caffe made of them. */
  readonly values: Safetensors;
}

/** One array of ours beside Caffe's. */
export interface Comparison {
  /** `output/y`, `input_diff/x`, `param_diff/conv/0`, `param_after/bn/0`. */
  readonly key: string;
  /** Greatest |ours − theirs| / (|theirs| + absolute / relative): within the tolerance where it is at most `relative`. */
  readonly error: number;
  /** Whether it is within the tolerance. */
  readonly passed: boolean;
  /** Positions that are NaN in both arrays: they count as equal, and hold no number that was compared. */
  readonly bothNaN: number;
}

/** How a case came out on an engine. */
export interface CaseResult {
  /** The case's. */
  readonly name: string;
  /** Whether it could be run and every array is within the tolerance. */
  readonly passed: boolean;
  /** Of every array that the golden has. */
  readonly comparisons: readonly Comparison[];
  /** Greatest error of the outputs (and of parameters that forward changes), and of the gradients; 0 where there are none. */
  readonly outputError: number;
  /** Greatest error of the gradients. */
  readonly gradientError: number;
  /** Why the case could not be run. */
  readonly failure?: MokapotError;
}

/** How far two numbers may be apart. */
export interface Tolerance {
  /** In parts of Caffe's number. */
  readonly relative: number;
  /** What small numbers may be apart. */
  readonly absolute: number;
}

export const TOLERANCE: Tolerance = { relative: 1e-4, absolute: 1e-5 };

/** Greatest error of two arrays; 0 where both have the same infinities and NaNs, Infinity where only one has. */
export function greatestError(ours: Float32Array, theirs: Float32Array, { relative, absolute } = TOLERANCE): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let greatest = 0;
  for (let i = 0; i < ours.length; i++) {
    const [a, b] = [ours[i]!, theirs[i]!];
    if (Object.is(a, b) || a === b) continue;
    const error = Math.abs(a - b) / (Math.abs(b) + absolute / relative);
    greatest = Math.max(greatest, Number.isFinite(error) ? error : Number.POSITIVE_INFINITY);
  }
  return greatest;
}

export interface VerifyOptions {
  readonly tolerance?: Tolerance;
  /** That the case's text goes by. Default: Caffe's. */
  readonly schema?: Schema;
}

/** Runs one case. What a person can get wrong (the text, an unknown layer, memory) comes back as its `failure`. */
export async function verifyCase(golden: GoldenCase, engine: Engine, options: VerifyOptions = {}): Promise<CaseResult> {
  try {
    return summary(golden.name, await compare(golden, engine, options));
  } catch (thrown) {
    if (!(thrown instanceof MokapotError)) throw thrown;
    return { ...summary(golden.name, []), passed: false, failure: thrown };
  }
}

function summary(name: string, comparisons: readonly Comparison[]): CaseResult {
  const worst = (gradients: boolean) =>
    Math.max(0, ...comparisons.filter(c => /_diff\//.test(c.key) === gradients).map(c => c.error));
  const passed = comparisons.length > 0 && comparisons.every(c => c.passed);
  return { name, passed, comparisons, outputError: worst(false), gradientError: worst(true) };
}

/** Names below `prefix/`, with their values. */
function under(values: Safetensors, prefix: string): ReadonlyMap<string, Float32Array> {
  const entries = [...values.tensors].filter(([key]) => key.startsWith(`${prefix}/`));
  return new Map(entries.map(([key, { data }]) => [key.slice(prefix.length + 1), data]));
}

function parse(golden: GoldenCase, schema: Schema | undefined): NetParameter {
  const { message, diagnostics } = parseText(golden.prototxt, 'caffe.NetParameter', {
    name: `${golden.name}.prototxt`,
    schema,
  });
  const errors = diagnostics.filter(d => d.severity === 'error');
  if (errors.length > 0) throw new MokapotError(errors);
  return message;
}

/** Caffe runs no backward through a layer that leads to no loss, unless the net says force_backward. */
function runsBackward(net: NetGraph, blob: string): boolean {
  const producer = net.blobs.get(blob)?.producer;
  return producer !== undefined && net.layers[producer]!.needsBackward;
}

const MISMATCH = { hint: 'Its two files do not belong together.' };

/** The numbers that a run needs are all there. */
function checkComplete(golden: GoldenCase, net: NetGraph): void {
  const needed = [...net.params.map(p => `param/${p.key}`), ...net.inputs.map(name => `input/${name}`)];
  const lacking = needed.find(key => !golden.values.tensors.has(key));
  if (lacking) throw fail('golden-incomplete', `Golden "${golden.name}" has no ${lacking}.`, MISMATCH);
  checkKeys(golden, net, ['input', 'param']);
}

/** Each key under these prefixes is about a blob or parameter of the net, of that size. */
function checkKeys(golden: GoldenCase, net: NetGraph, prefixes: readonly string[]): void {
  const params = new Map(net.params.map(p => [p.key, p.shape]));
  const blobs = new Map([...net.blobs].map(([name, { shape }]) => [name, shape]));
  for (const [key, { data }] of golden.values.tensors) {
    const [prefix, ...rest] = key.split('/');
    if (!prefixes.includes(prefix!)) continue;
    const shape = (prefix!.startsWith('param') ? params : blobs).get(rest.join('/'));
    if (shape && sizeOf(shape) === data.length) continue;
    const what = shape
      ? `holds ${data.length} numbers, and the net has ${showShape(shape)}`
      : 'is of nothing in the net';
    throw fail('golden-mismatch', `Golden "${golden.name}": ${key} ${what}.`, MISMATCH);
  }
}

/**
 * The net, its parameters on the engine, with the shapes that the golden's inputs settle (as many samples behind a Filter as pass).
 */
async function prepare(golden: GoldenCase, engine: Engine, schema: Schema | undefined): Promise<NetGraph> {
  const { values } = golden;
  const phase: Phase = values.metadata['phase'] === 'TRAIN' ? 'TRAIN' : 'TEST';
  const param = parse(golden, schema);
  const compile = (settledTops: SettledTops) => ({ graph: compileNet(param, { phase, settledTops }) });
  const start = compile(new Map());
  checkComplete(golden, start.graph);
  const [params, feeds] = [under(values, 'param'), recordOf(under(values, 'input'))];
  for (const { key, shape } of start.graph.params) engine.write(key, params.get(key)!, shape);
  const { graph } = await settleTops(start, {
    compile,
    read: async (at, options, blobs) => {
      const program = await engine.compile(lowerNet(at.graph, options).graph);
      try {
        return new Map(Object.entries(await program.run(feeds, blobs)));
      } finally {
        program.dispose();
      }
    },
  });
  checkKeys(golden, graph, ['input', 'param', 'output', 'output_diff', 'input_diff', 'param_diff', 'param_after']);
  return graph;
}

function lower({ values }: GoldenCase, net: NetGraph): LoweredNet {
  return lowerNet(net, {
    gradients: 'seeds',
    seeds: [...under(values, 'output_diff').keys()].filter(blob => runsBackward(net, blob)),
    blobDiffs: [...under(values, 'input_diff').keys()],
    paramDiffs: 'all',
    fetch: [...under(values, 'output').keys()],
  });
}

async function compare(
  golden: GoldenCase,
  engine: Engine,
  { tolerance = TOLERANCE, schema }: VerifyOptions,
): Promise<readonly Comparison[]> {
  const { values } = golden;
  const { graph } = lower(golden, await prepare(golden, engine, schema));
  const program = await engine.compile(graph);
  const feeds = recordOf([
    ...under(values, 'input'),
    ...[...under(values, 'output_diff')].map(([blob, data]) => [`diff/${blob}`, data] as const),
  ]);
  const wanted = expectations(values);
  const fetch = [...wanted.values()].filter(name => name !== undefined);
  const ours = new Map(Object.entries(await program.run(feeds, fetch)));
  program.dispose();
  const comparisons: Comparison[] = [];
  for (const [key, name] of wanted) {
    const result = name === undefined ? await engine.read(key.slice('param_after/'.length)) : need(ours, name);
    const theirs = values.tensors.get(key)!.data;
    const error = greatestError(result, theirs, tolerance);
    const bothNaN = theirs.reduce((n, v, i) => n + Number(Number.isNaN(v) && Number.isNaN(result[i])), 0);
    comparisons.push({ key, error, passed: error <= tolerance.relative, bothNaN });
  }
  return comparisons;
}

/** What the golden holds, with the graph's output that must equal it; undefined for a variable read after the run. */
function expectations(values: Safetensors): ReadonlyMap<string, string | undefined> {
  const names = new Map<string, string | undefined>();
  for (const blob of under(values, 'output').keys()) names.set(`output/${blob}`, blob);
  for (const blob of under(values, 'input_diff').keys()) names.set(`input_diff/${blob}`, `grad/blob/${blob}`);
  for (const key of under(values, 'param_diff').keys()) names.set(`param_diff/${key}`, `grad/${key}`);
  for (const key of under(values, 'param_after').keys()) names.set(`param_after/${key}`, undefined);
  return names;
}
