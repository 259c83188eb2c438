/**
 * Python: user code with Caffe's four methods, run on the host (python_layer.hpp). `setup` runs once, `reshape` after it and
 * before every forward, `backward` where a gradient is asked for. Code with a `lower` becomes part of the graph instead.
 */

import { MokapotError, messageOf, nth } from '../../diagnostics/index.js';
import { type Builder, type HostArray, type Shape, sameShape, showShape, sizeOf, type Value } from '../../ir/index.js';
import { sub } from '../../schema/index.js';
import { hostBlob, hostBlobs } from '../host/host_blob.js';
import { type HostBlob, HostFailure, type HostLayer } from '../host/host_layer.js';
import { ShapesPending, TopsChanged } from '../host/pending.js';
import { oncePerGraph } from '../rules/once_per_graph.js';
import type { LayerContext, LayerShapes, LayerType, SettledTop } from '../types.js';

type Method = 'setup' | 'reshape' | 'forward' | 'backward' | 'lower';

/** What is kept of one object of user code from call to call. */
interface HostState {
  /** What its reshape told, by the bottoms' shapes; or how it failed. */
  readonly shapes: Map<string, LayerShapes | MokapotError>;
  isSetUp: boolean;
  /** What the tops were last: a reshape that does nothing leaves them so. */
  topShapes: readonly Shape[];
  /** The blobs of the last forward, which its backward sees again. */
  bottoms: readonly HostBlob[];
  tops: readonly HostBlob[];
  /** Whether its tops' shapes have turned out to depend on numbers. */
  changes: boolean;
  /**
   * Whether that last forward need not be done again: it gave tops that the net was not compiled for (`aborted`, for the next
   * to settle them by), or has settled them (`settled`, for the run that follows).
   */
  ahead: 'aborted' | 'settled' | undefined;
}

const states = new WeakMap<HostLayer, HostState>();

function stateOf(host: HostLayer): HostState {
  let state = states.get(host);
  if (state) return state;
  const none = { isSetUp: false, topShapes: [], bottoms: [], tops: [], changes: false, ahead: undefined };
  states.set(host, (state = { shapes: new Map(), ...none }));
  return state;
}

/** The user's object. Throws where nobody knows the module. */
function hostOf(ctx: LayerContext): HostLayer {
  if (ctx.host) return ctx.host;
  const { module, layer } = sub(ctx.param, 'python_param');
  throw ctx.fail('python-module', `there is no Python layer ${module}.${layer}.`, {
    field: 'python_param.module',
    hint: `Put a file ${module}.py (or .ts, .js, .mjs) with the class ${layer} beside the prototxt or under --python-layers, or register the class with registerPythonLayer.`,
  });
}

/** What user code threw, as a diagnostic that names layer, class and method. */
function blame(ctx: LayerContext, method: Method, thrown: unknown): MokapotError {
  if (thrown instanceof MokapotError) return thrown;
  const { module, layer } = sub(ctx.param, 'python_param');
  const field = 'python_param.layer';
  const where = `${module}.${layer}.${method}`;
  if (thrown instanceof HostFailure) {
    const { code, message, more } = thrown;
    return ctx.fail(code, code === 'python-layer' ? `${where} failed: ${message}` : message, { field, ...more });
  }
  const reason = messageOf(thrown);
  return ctx.fail('python-layer', `${where} failed: ${reason}`, { field });
}

/** Runs a method of user code; what goes wrong in it becomes a diagnostic. */
async function call(ctx: LayerContext, method: Method, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    throw blame(ctx, method, thrown);
  }
}

/** Top blobs; one that has a bottom's name is that bottom, as in Caffe. */
function topBlobs(ctx: LayerContext, bottoms: readonly HostBlob[], shapes: readonly Shape[]): HostBlob[] {
  return shapes.map((shape, i) => {
    const at = ctx.param.top[i] === undefined ? -1 : ctx.param.bottom.indexOf(ctx.param.top[i]);
    return bottoms[at] ?? hostBlob(shape);
  });
}

type Step = readonly [Method, () => void | Promise<void>];

/** Sets up and reshapes for these bottoms; synchronous where user code is. */
function shapesFor(ctx: LayerContext, host: HostLayer): LayerShapes | Promise<LayerShapes> {
  const state = stateOf(host);
  const bottoms = ctx.bottomShapes.map(shape => hostBlob(shape));
  const lastShapes = Array.from({ length: ctx.topCount }, (_, i) => state.topShapes[i] ?? []);
  const tops = topBlobs(ctx, bottoms, lastShapes);
  const steps: Step[] = [['reshape', () => host.reshape(bottoms, tops)]];
  if (!state.isSetUp) {
    host.param_str = sub(ctx.param, 'python_param').param_str;
    host.phase = ctx.phase;
    host.blobs = hostBlobs();
    steps.unshift(['setup', () => host.setup?.(bottoms, tops)]);
  }
  const told = (): LayerShapes => {
    state.isSetUp = true;
    state.topShapes = tops.map(top => [...top.shape]);
    const params = host.blobs!.map(({ shape, data }) => ({ shape: [...shape], filler: undefined, values: data }));
    return { tops: state.topShapes, params };
  };
  for (const [i, [method, run]] of steps.entries()) {
    try {
      const waiting = run();
      if (waiting) return finish(ctx, waiting, steps.slice(i), told);
    } catch (thrown) {
      throw blame(ctx, method, thrown);
    }
  }
  return told();
}

/** Waits for the first of the steps, which has begun, and runs the others. */
async function finish(
  ctx: LayerContext,
  first: Promise<void>,
  steps: readonly Step[],
  told: () => LayerShapes,
): Promise<LayerShapes> {
  for (const [i, [method, run]] of steps.entries()) await call(ctx, method, () => (i === 0 ? first : run()));
  return told();
}

/** The same, asked once for each set of bottom shapes. */
function knownShapes(ctx: LayerContext): LayerShapes {
  const host = hostOf(ctx);
  const { shapes } = stateOf(host);
  const key = JSON.stringify(ctx.bottomShapes);
  const known = shapes.get(key);
  if (known instanceof MokapotError) throw known;
  if (known) return known;
  const found = shapesFor(ctx, host);
  if (found instanceof Promise) {
    const keep = (result: LayerShapes | MokapotError) => void shapes.set(key, result);
    const failed = (thrown: unknown) => keep(blame(ctx, 'reshape', thrown));
    throw new ShapesPending(ctx.name, found.then(keep, failed));
  }
  shapes.set(key, found);
  return found;
}

/** Whether the tops are made before a run and fed to it: nothing flows into the layer, and no gradient back. */
function isMade(ctx: LayerContext): boolean {
  return ctx.bottomShapes.length === 0 && !hostOf(ctx).lower && knownShapes(ctx).params.length === 0;
}

/** Own parameters that no solver touches: what forward writes into them stays, as in Caffe. */
function keptBlobs(ctx: LayerContext, count: number): number[] {
  return Array.from({ length: count }, (_, i) => i).filter(i => ctx.param.param[i]?.lr_mult === 0);
}

/** Throws where a top is not what the net was compiled for: TopsChanged where the next run can settle it. */
function checkTop(ctx: LayerContext, top: HostBlob, i: number, shape: Shape): void {
  if (top.data.length !== sizeOf(top.shape))
    throw blame(ctx, 'forward', `top ${i} holds ${top.data.length} numbers for the shape ${showShape(top.shape)}`);
  if (sameShape(top.shape, shape)) return;
  const message = `top ${i} became ${showShape(top.shape)}, and the net was compiled for ${showShape(shape)}`;
  const failed = blame(ctx, 'forward', new HostFailure('python-layer', message, { hint: RESHAPES }));
  const host = hostOf(ctx);
  if (ctx.bottomShapes.length === 0 || host.blobs!.length > 0) throw failed;
  Object.assign(stateOf(host), { changes: true, ahead: 'aborted' });
  throw new TopsChanged(ctx.name, failed);
}

const RESHAPES =
  'With the same shapes and numbers of bottoms a layer gives its tops the same shapes, and one with blobs of its own does so whatever the numbers.';

/** Reshape and forward of user code: its blobs are kept for backward, the tops with whatever shapes it gives them. */
async function runForward(ctx: LayerContext, arrays: readonly HostArray[], shapes: readonly Shape[]): Promise<void> {
  const host = hostOf(ctx);
  const bottoms = arrays.map(({ shape, data }) => hostBlob(shape, data));
  const tops = topBlobs(ctx, bottoms, shapes);
  await call(ctx, 'reshape', () => host.reshape(bottoms, tops));
  await call(ctx, 'forward', () => forwardOf(host)(bottoms, tops));
  Object.assign(stateOf(host), { bottoms, tops });
}

/** Whether a forward that came ahead saw these numbers. It is taken once. */
function takeAhead(state: HostState, kind: HostState['ahead'], arrays: readonly HostArray[]): boolean {
  const isThere = state.ahead === kind;
  state.ahead = undefined;
  if (!isThere) return false;
  const same = ({ data }: HostArray, i: number) => {
    const seen = state.bottoms[i]!.data;
    return seen.length === data.length && seen.every((v, k) => Object.is(v, data[k]));
  };
  return arrays.every(same);
}

/** `arrays` are the bottoms, then the layer's own parameters; the tops, then those parameters that it keeps. */
async function forward(ctx: LayerContext, arrays: readonly HostArray[], shapes: readonly Shape[]) {
  const host = hostOf(ctx);
  const state = stateOf(host);
  const bottoms = arrays.slice(0, ctx.bottomShapes.length);
  const blobs = host.blobs!;
  arrays.slice(bottoms.length).forEach(({ data }, i) => {
    blobs[i]!.data = data;
  });
  const kept = new Set(keptBlobs(ctx, blobs.length));
  const before = blobs.map((blob, i) => (kept.has(i) ? undefined : blob.data.slice()));
  if (!takeAhead(state, 'settled', bottoms)) await runForward(ctx, bottoms, shapes);
  for (const [i, top] of state.tops.entries()) checkTop(ctx, top, i, shapes[i]!);
  for (const [i, was] of before.entries()) if (was) checkUntouched(ctx, blobs[i]!.data, was, i);
  return [...state.tops.map(top => top.data), ...[...kept].map(i => blobs[i]!.data)];
}

/** The tops of a layer that changes their shapes with the numbers: its forward is run for them. */
async function settleTops(ctx: LayerContext, arrays: readonly HostArray[]): Promise<readonly SettledTop[]> {
  const state = stateOf(hostOf(ctx));
  if (!takeAhead(state, 'aborted', arrays)) await runForward(ctx, arrays, python.reshape(ctx).tops);
  state.ahead = 'settled';
  return state.tops.map(({ shape, data }) => ({ shape, data }));
}

function forwardOf(host: HostLayer): NonNullable<HostLayer['forward']> {
  if (!host.forward) throw new HostFailure('python-layer', 'the class has no such method');
  return host.forward.bind(host);
}

/** A parameter that the solver learns is the solver's. */
function checkUntouched(ctx: LayerContext, data: Float32Array, before: Float32Array, i: number): void {
  if (data.length === before.length && data.every((v, k) => Object.is(v, before[k]))) return;
  const hint = `Give it param { lr_mult: 0 }: then what forward writes stays, and no solver changes it.`;
  throw blame(ctx, 'forward', new HostFailure('python-layer', `it changed blobs[${i}], which is learnt`, { hint }));
}

/**
 * `arrays` are the bottoms, the layer's own parameters, the outputs of forward, then the outputs' gradients. User code sees
 * the blobs of its last forward, which is this one's.
 */
async function backward(ctx: LayerContext, arrays: readonly HostArray[], wanted: readonly boolean[]) {
  const host = hostOf(ctx);
  const { bottoms, tops } = stateOf(host);
  const blobs = host.blobs!;
  const outputs = tops.length + keptBlobs(ctx, blobs.length).length;
  const inputs = bottoms.length + blobs.length;
  for (const [i, bottom] of bottoms.entries()) if (!tops.includes(bottom)) bottom.diff = zeros(nth(arrays, i).shape);
  for (const [i, top] of tops.entries()) top.diff = nth(arrays, inputs + outputs + i).data;
  for (const blob of blobs) blob.diff = zeros(blob.shape);
  const propagate = bottoms.map((_, i) => nth(wanted, i) || ctx.param.propagate_down[i] === true);
  await call(ctx, 'backward', () => host.backward!(tops, propagate, bottoms));
  return [...bottoms.map((bottom, i) => (propagate[i] ? bottom.diff : zeros([0]))), ...blobs.map(blob => blob.diff)];
}

const zeros = (shape: Shape) => new Float32Array(sizeOf(shape));

/** The call's values: `lower` takes its tops, `updates` the parameters that it keeps. */
function hostCall(ctx: LayerContext, b: Builder, bottoms: readonly Value[], params: readonly Value[]) {
  const host = hostOf(ctx);
  const { tops } = python.reshape(ctx);
  return b.hostCall([...bottoms, ...params], {
    name: ctx.name,
    outputs: [...tops, ...keptBlobs(ctx, params.length).map(i => nth(params, i).shape)],
    run: arrays => forward(ctx, arrays, tops),
    ...(host.backward && { backward: (arrays, wanted) => backward(ctx, arrays, wanted) }),
    sideEffects: true,
  });
}

/** User code's own lowering, held to the shapes that its reshape gave. */
function lowered(ctx: LayerContext, b: Builder, bottoms: readonly Value[], params: readonly Value[]) {
  const host = hostOf(ctx);
  let tops: readonly Value[];
  try {
    tops = host.lower!(b, bottoms, params);
  } catch (thrown) {
    throw blame(ctx, 'lower', thrown);
  }
  const { tops: shapes } = python.reshape(ctx);
  return shapes.map((shape, i) => {
    const top = tops[i];
    if (top && sizeOf(top.shape) === sizeOf(shape)) return b.reshape(top, shape);
    const made = top ? `has the shape ${showShape(top.shape)}` : 'is missing';
    throw blame(ctx, 'lower', `top ${i} ${made}, and reshape gave it ${showShape(shape)}`);
  });
}

export const python: LayerType = {
  type: 'Python',
  doc: 'User code: the class python_param names, with the methods setup, reshape, forward and backward.',
  shapeRule: 'As the class says in its reshape.',
  differences:
    'Tops whose shapes change with the numbers of the bottoms are found before the layers behind are compiled, which are kept for each shape; a layer with blobs of its own keeps its shapes. What forward writes into `blobs` stays where lr_mult is 0 and is an error elsewhere. docs/python-layers.md tells the rest.',
  unusedFields: { share_in_parallel: 'a net trains in one place' },
  inPlace: true,
  endsNet: true,
  userCode: true,
  detail: param => sub(param, 'python_param').layer,
  bottoms: { min: 0, max: Infinity },
  tops: { min: 0, max: Infinity },
  settle: { when: ctx => stateOf(hostOf(ctx)).changes, tops: settleTops },
  canBackward(ctx) {
    const host = hostOf(ctx);
    return host.backward !== undefined || host.lower !== undefined;
  },
  reshape(ctx) {
    const known = knownShapes(ctx);
    const found = ctx.settledTops ?? ctx.madeTops;
    return found ? { ...known, tops: found } : known;
  },
  updates(ctx, b, bottoms, params) {
    const kept = keptBlobs(ctx, params.length);
    if (kept.length === 0 || hostOf(ctx).lower) return [];
    const values = oncePerGraph(b, ctx, () => hostCall(ctx, b, bottoms, params)).slice(-kept.length);
    return params.map((_, i) => values[kept.indexOf(i)]);
  },
  lower(ctx, b, bottoms, params) {
    if (hostOf(ctx).lower) return lowered(ctx, b, bottoms, params);
    const { tops } = python.reshape(ctx);
    if (isMade(ctx)) return tops.map((shape, i) => b.input(madeName(ctx.name, i), shape));
    return oncePerGraph(b, ctx, () => hostCall(ctx, b, bottoms, params)).slice(0, tops.length);
  },
  async make(ctx) {
    if (!isMade(ctx)) return undefined;
    const host = hostOf(ctx);
    const tops = stateOf(host).topShapes.map(shape => hostBlob(shape));
    await call(ctx, 'reshape', () => host.reshape([], tops));
    await call(ctx, 'forward', () => forwardOf(host)([], tops));
    for (const [i, top] of tops.entries()) checkTop(ctx, top, i, top.shape);
    stateOf(host).topShapes = tops.map(top => [...top.shape]);
    return tops.map(({ shape, data }, i) => ({ name: madeName(ctx.name, i), shape: [...shape], data }));
  },
};

/** How a made top is fed. */
const madeName = (layer: string, i: number) => `@made/${layer}/${i}`;
