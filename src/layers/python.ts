/**
 * Python: user code with Caffe's four methods, run on the host (python_layer.hpp). `setup` runs once, `reshape` before
 * every forward, `backward` where a gradient is asked for.
 */

import { MokapotError } from '../diagnostics/index.js';
import { type HostArray, type HostCallAttrs, type Shape, sameShape, showShape, sizeOf } from '../ir/index.js';
import { sub } from '../schema/index.js';
import { hostBlob } from './host_blob.js';
import type { HostBlob, HostLayer } from './host_layer.js';
import type { LayerContext, LayerType } from './types.js';

type Method = 'setup' | 'reshape' | 'forward' | 'backward';

const readied = new WeakSet<HostLayer>();

/** The user's object. Throws where nobody knows the module. */
function hostOf(ctx: LayerContext): HostLayer {
  if (ctx.host) return ctx.host;
  const { module, layer } = sub(ctx.param, 'python_param');
  throw ctx.fail('python-module', `there is no Python layer ${module}.${layer}.`, {
    field: 'python_param.module',
    hint: `Put a file ${module}.ts (or .js, .mjs) that exports the class ${layer} beside the prototxt or under --python-layers DIR, or register the class with registerPythonLayer.`,
  });
}

/** What user code threw, as a diagnostic that names layer, class and method. */
function blame(ctx: LayerContext, method: Method, thrown: unknown): unknown {
  if (thrown instanceof MokapotError) return thrown;
  const { module, layer } = sub(ctx.param, 'python_param');
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return ctx.fail('python-layer', `${module}.${layer}.${method} failed: ${reason}`, { field: 'python_param.layer' });
}

/** Runs `setup` (the first time) and `reshape` on these blobs. */
function ready(ctx: LayerContext, bottoms: readonly HostBlob[], tops: readonly HostBlob[]): void {
  const host = hostOf(ctx);
  let method: Method = 'setup';
  try {
    if (!readied.has(host)) {
      host.param_str = sub(ctx.param, 'python_param').param_str;
      host.phase = ctx.phase;
      host.setup(bottoms, tops);
      readied.add(host);
    }
    method = 'reshape';
    host.reshape(bottoms, tops);
  } catch (thrown) {
    throw blame(ctx, method, thrown);
  }
}

function blobsOf(arrays: readonly HostArray[]): HostBlob[] {
  return arrays.map(({ shape, data }) => {
    const blob = hostBlob(shape);
    blob.data.set(data);
    return blob;
  });
}

async function forward(ctx: LayerContext, inputs: readonly HostArray[], shapes: readonly Shape[]) {
  const bottoms = blobsOf(inputs);
  const tops = shapes.map(hostBlob);
  ready(ctx, bottoms, tops);
  tops.forEach((top, i) => {
    if (sameShape(top.shape, shapes[i]!)) return;
    throw blame(
      ctx,
      'reshape',
      `top ${i} became ${showShape(top.shape)}, and the net was compiled for ${showShape(shapes[i]!)}`,
    );
  });
  try {
    await hostOf(ctx).forward(bottoms, tops);
  } catch (thrown) {
    throw blame(ctx, 'forward', thrown);
  }
  tops.forEach((top, i) => {
    if (top.data.length === sizeOf(shapes[i]!)) return;
    throw blame(ctx, 'forward', `top ${i} holds ${top.data.length} numbers for the shape ${showShape(shapes[i]!)}`);
  });
  return tops.map(top => top.data);
}

/** `arrays` are the bottoms, the tops, then the tops' gradients. */
async function backward(ctx: LayerContext, arrays: readonly HostArray[], topCount: number) {
  const bottomCount = arrays.length - 2 * topCount;
  const bottoms = blobsOf(arrays.slice(0, bottomCount));
  const tops = blobsOf(arrays.slice(bottomCount, bottomCount + topCount));
  for (const [i, top] of tops.entries()) top.diff.set(arrays[bottomCount + topCount + i]!.data);
  try {
    await hostOf(ctx).backward!(
      tops,
      bottoms.map(() => true),
      bottoms,
    );
  } catch (thrown) {
    throw blame(ctx, 'backward', thrown);
  }
  return bottoms.map(bottom => bottom.diff);
}

export const python: LayerType = {
  type: 'Python',
  doc: 'User code: the class python_param names, with the methods setup, reshape, forward and backward.',
  shapeRule: 'As the class says in its reshape.',
  bottoms: { min: 0, max: Infinity },
  tops: { min: 0, max: Infinity },
  canBackward: ctx => hostOf(ctx).backward !== undefined,
  reshape(ctx) {
    const tops = Array.from({ length: ctx.topCount }, () => hostBlob([]));
    ready(ctx, ctx.bottomShapes.map(hostBlob), tops);
    return { tops: tops.map(top => [...top.shape]), params: [] };
  },
  lower(ctx, b, bottoms) {
    const shapes = python.reshape(ctx).tops;
    const attrs: HostCallAttrs = {
      name: ctx.name,
      outputs: shapes,
      run: inputs => forward(ctx, inputs, shapes),
      sideEffects: true,
    };
    const differentiable = hostOf(ctx).backward !== undefined;
    return b.hostCall(
      bottoms,
      differentiable ? { ...attrs, backward: arrays => backward(ctx, arrays, shapes.length) } : attrs,
    );
  },
};
