/**
 * What onnxruntime's WebGPU kernels lack, in ops that they have: without that a node goes to the CPU and back, or
 * fails. Found with onnxruntime-node 1.30: no Sign, no Sum, no Mod or Cast of 64-bit integers, and MaxPool gives no
 * indices. Its Conv for N×H×W×C gives wrong numbers for some counts of channels, so sessions keep to N×C×H×W (runtime.ts).
 */

import { nchw } from '../../ir/shape.js';
import type { Node, NodeOf, OpName, PoolAttrs } from '../../ir/types.js';
import { gatheringOnWebgpu } from './ops/gather.js';
import type { Emitter, EmitterTable, Scope } from './ops/index.js';
import { pooling, windows } from './ops/pool.js';
import { shifted } from './ops/reduce.js';
import { ElementType } from './schema.js';

type Missing = 'sign' | 'windowSum' | 'maxPool' | 'maxPoolGrad' | 'gather' | 'scatterAdd';

const emitters: EmitterTable<Missing> = {
  ...gatheringOnWebgpu,

  sign(s, { inputs: [x] }) {
    const { w } = s;
    const isGreater = (a: string, b: string) =>
      w.cast(w.op('Greater', [a, b], { type: ElementType.BOOL }), ElementType.FLOAT);
    const [name, zero] = [s.float(x), w.scalar(0)];
    return [w.op('Sub', [isGreater(name, zero), isGreater(zero, name)])];
  },

  windowSum: (s, node) => [shifted(s, node).reduce((a, b) => s.w.op('Add', [a, b]))],

  maxPool: (s, node) => maxima(s, node),

  maxPoolGrad(s, { inputs: [dy, indices], attrs: { inputSize } }) {
    const { w } = s;
    const [n, c, h, v] = nchw(dy.shape);
    const [places, all] = [
      [n * c, h * v],
      [n * c, inputSize[0] * inputSize[1]],
    ];
    const at = w.cast(w.reshape(s.float(indices), indices.shape, places), ElementType.INT32);
    const zeros = w.op('Expand', [w.scalar(0), w.ints(all)]);
    const updates = w.reshape(s.float(dy), dy.shape, places);
    const scattered = w.op('ScatterElements', [zeros, at, updates], { attrs: { axis: 1, reduction: 'add' } });
    return [w.reshape(scattered, all, [n, c, ...inputSize])];
  },
};

/** The emitter of a node for WebGPU; undefined: as for any other device. */
export function emitterForWebgpu(node: Node): Emitter<OpName> | undefined {
  if (!Object.hasOwn(emitters, node.op)) return undefined;
  return emitters[node.op as Missing] as unknown as Emitter<OpName>;
}

/** Smaller than any number of a picture. */
const LEAST = -3.4028234663852886e38;

/**
 * Maxima with their places in the plane: first along rows, then down columns, each time of shifted slices. Of equals the
 * first one stays, in the order of rows, as Caffe has it.
 */
function maxima(s: Scope, node: NodeOf<'maxPool'>): readonly string[] {
  const { w } = s;
  const { attrs } = node;
  const [x] = node.inputs;
  if (!s.isRead(node.outputs[1])) return pooling.maxPool(s, node);
  const pads = windows(attrs, x).pads;
  const [top, left, bottom, right] = pads as [number, number, number, number];
  const around = [0, 0, top, left, 0, 0, bottom, right];
  const padded = pads.every(p => p === 0) ? s.float(x) : w.op('Pad', [s.float(x), w.ints(around), w.scalar(LEAST)]);
  const [n, c, height, width] = nchw(x.shape);
  const places = w.op('Expand', [w.scalar(0), w.ints([n, c, top + height + bottom, left + width + right])]);
  const row = greatest(s, { values: padded, places }, attrs, { axis: 3, step: 1 });
  const whole = greatest(s, row, attrs, { axis: 2, step: width });
  return [whole.values, whole.places];
}

/** Numbers, and where in the plane each is, but for what the axes that are still to come add. */
interface Found {
  readonly values: string;
  readonly places: string;
}

/** The greatest of each window along one axis, on which a step moves `step` places on. */
function greatest(s: Scope, from: Found, attrs: PoolAttrs, { axis, step }: { axis: 2 | 3; step: number }): Found {
  const { w } = s;
  const i = (axis - 2) as 0 | 1;
  const [kernel, stride, pad, count] = [attrs.kernel[i], attrs.stride[i], attrs.pad[i], attrs.outSize[i]];
  const slice = (name: string, tap: number) => {
    const end = tap + (count - 1) * stride + 1;
    return w.op('Slice', [name, w.ints([tap]), w.ints([end]), w.ints([axis]), w.ints([stride])]);
  };
  const at = (tap: number): Found => {
    const line = Float32Array.from({ length: count }, (_, o) => (o * stride + tap - pad) * step);
    const moved = w.floats(line, axis === 2 ? [1, 1, count, 1] : [1, 1, 1, count]);
    return { values: slice(from.values, tap), places: w.op('Add', [slice(from.places, tap), moved]) };
  };
  let best = at(0);
  for (let tap = 1; tap < kernel; tap++) {
    const next = at(tap);
    const isGreater = w.op('Greater', [next.values, best.values], { type: ElementType.BOOL });
    best = {
      values: w.op('Where', [isGreater, next.values, best.values]),
      places: w.op('Where', [isGreater, next.places, best.places]),
    };
  }
  return best;
}
