/** Exported models, loaded from their files to be run beside their network. */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fail, need, own, recordOf } from '../../diagnostics/index.js';
import { loadNative } from '../../engines/onnx/node/native.js';
import { loadWeb } from '../../engines/onnx/node/web.js';
import { tfjsWithWasm } from '../../engines/tfjs/node/wasm.js';
import type { Shape } from '../../ir/index.js';
import type { LoadedModel } from '../compare.js';
import type { ModelEndpoint } from '../export_net.js';

/** A graph model from its folder, on tfjs's wasm backend: what a browser would load. */
export async function loadTfjs(folder: string, layout: 'NCHW' | 'NHWC'): Promise<LoadedModel> {
  const require = createRequire(import.meta.url);
  const tf = await tfjsWithWasm();
  const { loadGraphModel } = require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter');
  const model = await loadGraphModel({ load: () => readArtifacts(folder) as never });
  const turned = (shape: Shape) => layout === 'NHWC' && shape.length === 4;
  return {
    async run(feeds, outputs) {
      const before = tf.getBackend() as string | undefined;
      await tf.setBackend('wasm');
      const given = [...feeds].map(([name, { data, shape }]) => {
        const x = tf.tensor(data, [...shape]);
        return [name, turned(shape) ? tf.transpose(x, [0, 2, 3, 1]) : x] as const;
      });
      const made = model.execute(recordOf(given), [...outputs]);
      const tensors = Array.isArray(made) ? made : [made];
      const arrays = tensors.map(t => (turned(t.shape) ? tf.transpose(t, [0, 3, 1, 2]) : t).dataSync() as Float32Array);
      const copies = arrays.map(a => a.slice());
      for (const t of [...given.map(g => g[1]), ...tensors]) t.dispose();
      // The network's own engine may run on tfjs too.
      if (before) await tf.setBackend(before);
      return copies;
    },
    dispose: () => model.dispose(),
  };
}

/**
 * A model file in onnxruntime: the native one, else the one in WebAssembly.
 *
 * @param endpoints what it takes and gives; without them it calls all blobs by their own names
 */
export async function loadOnnx(path: string, endpoints: readonly ModelEndpoint[] = []): Promise<LoadedModel> {
  const names = new Map(endpoints.map(({ blob, name = blob }) => [blob, name]));
  const nameOf = (blob: string) => names.get(blob) ?? blob;
  const native = loadNative();
  const runtime = typeof native === 'string' ? loadWeb() : native;
  if (typeof runtime === 'string') throw fail('no-onnxruntime', `onnxruntime does not load (${runtime}).`, NO_CHECK);
  const session = await runtime.createSession(await readFile(path), { logSeverityLevel: 3 }).catch((cause: Error) => {
    throw fail('convert-differs', `onnxruntime refuses the model: ${cause.message}`, NO_CHECK);
  });
  return {
    async run(feeds, outputs) {
      const given = [...feeds].filter(([blob]) => session.inputNames.includes(nameOf(blob)));
      const tensors = given.map(([blob, { data, shape }]) => [nameOf(blob), runtime.tensor(data, shape)] as const);
      // A blob that is fed and read by none is an input of the model and no output.
      const fetched = outputs.map(nameOf).filter(name => session.outputNames.includes(name));
      const made = await session.run(recordOf(tensors), fetched);
      return outputs.map(blob => (own(made, nameOf(blob))?.data as Float32Array | undefined) ?? need(feeds, blob).data);
    },
    dispose: () => session.release(),
  };
}

const NO_CHECK = { hint: '--no-check writes it all the same.' };

/** What tfjs's own reader of files (of tfjs-node, of a browser) hands on. */
async function readArtifacts(folder: string): Promise<object> {
  const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as {
    weightsManifest: readonly { paths: readonly string[]; weights: readonly object[] }[];
  };
  const { weightsManifest, ...head } = json;
  const paths = weightsManifest.flatMap(group => group.paths);
  const shards = await Promise.all(paths.map(path => readFile(join(folder, path))));
  const weightData = shards.map(s => s.buffer.slice(s.byteOffset, s.byteOffset + s.byteLength));
  return { ...head, weightSpecs: weightsManifest.flatMap(group => group.weights), weightData };
}
