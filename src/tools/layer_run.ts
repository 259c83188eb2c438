/** One Python layer on its own: numbers in, numbers out, gradients back. For tests of one's own, and as a library call. */

import { recordOf } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { type HostLayerClass, INPUT, type Phase, PYTHON } from '../layers/index.js';
import type { Blob } from '../runtime/blob.js';
import { Net } from '../runtime/node/net.js';
import type { UserCodeOptions } from '../runtime/node/python_modules.js';
import { create } from '../schema/index.js';

/** How a Python layer is run by itself. */
export interface LayerRunOptions extends UserCodeOptions {
  /** The class itself, instead of one that is found by module and name. */
  readonly layerClass?: HostLayerClass;
  /** The `param_str` of its `python_param`. */
  readonly param_str?: string;
  /** How many tops it has. Default 1. */
  readonly tops?: number;
  /** Default TEST. */
  readonly phase?: Phase;
  /** Gradients of the tops, in order: then there are gradients of the bottoms too. A loss's is [1]. */
  readonly topDiffs?: readonly ArrayLike<number>[];
  /** Default `host`. */
  readonly backend?: string;
}

/** What a layer made. */
export interface LayerRun {
  /** In order. */
  readonly tops: readonly Blob[];
  /** Of the bottoms in order; empty where no gradient was asked for. */
  readonly bottomDiffs: readonly Float32Array[];
}

/**
 * Runs a Python layer: one that ships with Mokapot (`digits_python_layers`), a registered one, or a file's.
 *
 *     const { tops } = await runPythonLayer('digits_python_layers', 'Dice', [scores, label]);
 *
 * @param bottoms numbers with their shapes
 * @throws MokapotError as Net.fromText and Net.forward
 */
export async function runPythonLayer(
  module: string,
  layer: string,
  bottoms: readonly { readonly data: ArrayLike<number>; readonly shape: Shape }[],
  options: LayerRunOptions = {},
): Promise<LayerRun> {
  const { layerClass, param_str = '', tops = 1, phase = 'TEST', topDiffs, backend = 'host', ...userCode } = options;
  const inputs = bottoms.map((_, i) => `bottom${i}`);
  const outputs = Array.from({ length: tops }, (_, i) => `top${i}`);
  const sources = bottoms.map(({ shape }, i) => {
    const name = inputs[i]!;
    return create('caffe.LayerParameter', {
      ...{ name, type: INPUT.type, top: [name] },
      input_param: { shape: [{ dim: [...shape] }] },
    });
  });
  const tested = create('caffe.LayerParameter', {
    ...{ name: layer, type: PYTHON.type, bottom: inputs, top: outputs },
    python_param: { module, layer, param_str },
  });
  const param = create('caffe.NetParameter', { name: layer, force_backward: true });
  param.layer = [...sources, tested];
  const hostLayer = layerClass && (() => new layerClass());
  const net = await Net.fromParam(param, { ...userCode, phase, backend, ...(hostLayer && { hostLayer }) });
  try {
    const out = await net.forward(recordOf(bottoms.map(({ data }, i) => [inputs[i]!, data] as const)));
    const made = outputs.map(name => out.get(name)!);
    if (!topDiffs) return { tops: made, bottomDiffs: [] };
    await net.backward(recordOf(topDiffs.map((diff, i) => [outputs[i]!, diff] as const)));
    return { tops: made, bottomDiffs: inputs.map(name => net.blobs.get(name)!.diff) };
  } finally {
    net.dispose();
  }
}
