/** Every layer golden as a model: what tfjs and onnxruntime compute of it is what Caffe computed, at other sizes what the net does. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distance, type FedArray, type LoadedModel, randomFeeds, runNet } from '../../src/convert/compare.js';
import { exportDynamic, inputShapes } from '../../src/convert/dynamic_sizes.js';
import { loadOnnx } from '../../src/convert/node/load_models.js';
import { sizesToCheck } from '../../src/convert/node/model.js';
import { emitGeneralOnnx } from '../../src/emit/onnx/index.js';
import { emitTfjsGraph, TfjsModel } from '../../src/emit/tfjs/index.js';
import type { GeneralGraph } from '../../src/ir/passes/generalise.js';
import { Net } from '../../src/runtime/node/net.js';
import { greatestError } from '../../src/tools/verify.js';
import { readSafetensors } from '../../src/weights/index.js';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter');
require('@tensorflow/tfjs-backend-cpu');

const GOLDENS = new URL('../goldens/layers/', import.meta.url);
const NAMES = readdirSync(GOLDENS).flatMap(f => (f.endsWith('.prototxt') ? [f.replace('.prototxt', '')] : []));

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mokapot-'));
  await tf.setBackend('cpu');
  (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
});
afterAll(() => rmSync(folder, { recursive: true }));

type Say = (general: GeneralGraph, parameters: (key: string) => Float32Array) => () => Promise<LoadedModel>;

/** On the cpu backend: the reference of tfjs's kernels. */
const tfjs: Say = (general, parameters) => {
  const artifacts = new TfjsModel(emitTfjsGraph(general, parameters)).artifacts();
  return async () => {
    const model = await loadGraphModel(tf.io.fromMemory(artifacts as never));
    return {
      async run(feeds, outputs) {
        const given = [...feeds].map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])] as const);
        const made = model.execute(Object.fromEntries(given), [...outputs]);
        return (Array.isArray(made) ? made : [made]).map(t => t.dataSync() as Float32Array);
      },
      dispose: () => model.dispose(),
    };
  };
};

const onnx: Say = (general, parameters) => {
  const { bytes } = emitGeneralOnnx(general, parameters, { name: 'golden' });
  return () => {
    const path = join(folder, 'golden.onnx');
    writeFileSync(path, bytes);
    return loadOnnx(path);
  };
};

async function read(name: string) {
  const golden = readSafetensors(readFileSync(new URL(`${name}.safetensors`, GOLDENS)));
  const text = readFileSync(new URL(`${name}.prototxt`, GOLDENS), 'utf8');
  const net = await Net.fromText(text, { phase: 'TEST', backend: 'host' });
  const parameters = (key: string) => golden.tensors.get(`param/${key}`)!.data;
  for (const layer of net.graph.layers)
    layer.params.forEach((index, i) => {
      net.params.get(layer.name)![i]!.data = parameters(net.graph.params[index]!.key);
    });
  return { golden, net, parameters };
}

describe.each([
  ['tfjs', tfjs],
  ['onnx', onnx],
] as const)('%s', (target, say) => {
  it.each(NAMES)('%s', async name => {
    const { golden, net, parameters } = await read(name);
    const said = exportDynamic(net, { target }, { batch: true, plane: true }, general => say(general, parameters));
    const model = await said.result();
    const outputs = net.graph.outputs;
    const feeds = new Map<string, FedArray>(
      inputShapes(net.graph).map(([blob, shape]) => [blob, { shape, data: golden.tensors.get(`input/${blob}`)!.data }]),
    );
    const results = await model.run(feeds, outputs);
    outputs.forEach((blob, i) => {
      const expected = golden.tensors.get(`output/${blob}`)!.data;
      // Of a Filter the model has a row for every sample: 0 behind those that passed.
      const [given, rest] = [results[i]!.slice(0, expected.length), results[i]!.slice(expected.length)];
      expect(greatestError(given, expected), blob).toBeLessThan(1e-4);
      expect(name === 'filter' ? rest.every(v => v === 0) : rest.length === 0).toBe(true);
    });
    for (const shapes of sizesToCheck(net, said.open).slice(1)) {
      const others = randomFeeds(shapes, net.graph);
      const expected = await runNet(net, others);
      const got = await model.run(others, outputs);
      outputs.forEach((blob, i) => {
        const { error, greatest } = distance(got[i]!, expected[i]!);
        expect(error, `${blob} at ${JSON.stringify(shapes)}`).toBeLessThan(1e-4 * Math.max(1, greatest));
      });
    }
    await model.dispose();
    net.dispose();
  });
});
