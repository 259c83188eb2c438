/** Small nets for the tests of single layers: a layer's text between inputs of given shapes, compiled and run. */

import { createHostEngine, type Engine } from '../../src/engines/node/index.js';
import type { Phase } from '../../src/layers/index.js';
import { compileNet, lowerNet, type NetOptions } from '../../src/net/index.js';
import { settleTops } from '../../src/runtime/settle.js';
import { parseText } from '../../src/schema/index.js';

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** `layer` is a prototxt; the inputs are named by `shapes`. */
export function netText(layer: string, shapes: Shapes): string {
  const inputs = Object.entries(shapes).map(
    ([name, shape]) =>
      `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${shape.map(d => `dim: ${d}`).join(' ')} } } }`,
  );
  return `force_backward: true\n${inputs.join('\n')}\n${layer}`;
}

export function compiled(layer: string, shapes: Shapes, phase: Phase = 'TRAIN', options: Partial<NetOptions> = {}) {
  const { message, diagnostics } = parseText(netText(layer, shapes), 'caffe.NetParameter');
  if (diagnostics.length > 0) throw new Error(diagnostics.map(d => d.message).join('\n'));
  return compileNet(message, { phase, ...options });
}

/** Shape of each blob a layer makes, inputs left out. */
export function topShapes(layer: string, shapes: Shapes, phase: Phase = 'TRAIN'): Record<string, readonly number[]> {
  const blobs = [...compiled(layer, shapes, phase).blobs.values()];
  return Object.fromEntries(blobs.filter(v => !(v.name in shapes)).map(v => [v.name, v.shape]));
}

export interface RunOptions {
  readonly phase?: Phase;
  readonly params?: Readonly<Record<string, Float32Array>>;
  readonly randoms?: Readonly<Record<string, Float32Array>>;
  /** Top gradients by blob; they start a backward, whose results come back as `grad/…`. */
  readonly diffs?: Readonly<Record<string, Float32Array>>;
  readonly blobDiffs?: readonly string[];
  readonly options?: Partial<NetOptions>;
  /** Default: a host engine of its own. */
  readonly engine?: Engine;
}

/** Runs the layer: every blob and, where asked for, every gradient. Tops have the shapes that the numbers settle. */
export async function runLayer(
  layer: string,
  shapes: Shapes,
  feeds: Readonly<Record<string, Float32Array>>,
  { phase = 'TRAIN', params = {}, randoms = {}, diffs, blobDiffs = [], options = {}, engine: given }: RunOptions = {},
): Promise<Record<string, Float32Array>> {
  const start = { graph: compiled(layer, shapes, phase, options) };
  const engine = given ?? createHostEngine();
  for (const { key, shape } of start.graph.params) engine.write(key, params[key]!, shape);
  const { graph: net } = await settleTops(start, {
    compile: settledTops => ({ graph: compiled(layer, shapes, phase, { ...options, settledTops }) }),
    read: async (at, lowering, blobs) => {
      const part = await engine.compile(lowerNet(at.graph, lowering).graph);
      const numbers = await part.run({ ...feeds, ...randoms }, blobs);
      part.dispose();
      return new Map(Object.entries(numbers));
    },
  });
  const { graph } = lowerNet(net, {
    gradients: diffs ? 'seeds' : 'none',
    seeds: Object.keys(diffs ?? {}),
    blobDiffs,
    paramDiffs: 'all',
    fetch: 'all',
  });
  const program = await engine.compile(graph);
  const seeds = Object.fromEntries(Object.entries(diffs ?? {}).map(([name, d]) => [`diff/${name}`, d]));
  try {
    return await program.run({ ...feeds, ...randoms, ...seeds }, [...graph.outputs.keys()]);
  } finally {
    program.dispose();
    if (!given) engine.dispose();
  }
}
