/** Graphs as TensorFlow.js graph models: loaded by tfjs's own loader, they compute what Caffe computed. */

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { greatestError } from '../../src/infer/verify.js';
import { GeneralGraph } from '../../src/ir/passes/generalise.js';
import { compileNet, lowerNet } from '../../src/net/index.js';
import { parseNet } from '../../src/schema/index.js';
import { emitTfjsGraph, TfjsModel } from '../../src/targets/tfjs_graph/index.js';
import { readSafetensors } from '../../src/weights/index.js';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter');
require('@tensorflow/tfjs-backend-cpu');

const GOLDENS = new URL('../goldens/layers/', import.meta.url);

beforeAll(async () => {
  await tf.setBackend('cpu');
  (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
});

describe('goldens', () => {
  const names = readdirSync(GOLDENS)
    .filter(f => f.endsWith('.prototxt'))
    .map(f => f.replace('.prototxt', ''));
  it.each(names)('%s', async name => {
    const golden = readSafetensors(readFileSync(new URL(`${name}.safetensors`, GOLDENS)));
    const { message } = parseNet(readFileSync(new URL(`${name}.prototxt`, GOLDENS), 'utf8'));
    const net = compileNet(message, { phase: 'TEST' });
    const { graph } = lowerNet(net, { updates: false });
    graph.outputs as Map<string, never>;
    (graph.outputs as Map<string, unknown>).delete('@loss');
    const emitted = emitTfjsGraph(new GeneralGraph([graph]), key => golden.tensors.get(`param/${key}`)!.data);
    const model = await loadGraphModel(tf.io.fromMemory(new TfjsModel(emitted).artifacts() as never));
    const feeds = Object.fromEntries(
      emitted.inputs.map(({ blob, shape }) => [blob, tf.tensor(golden.tensors.get(`input/${blob}`)!.data, [...shape])]),
    );
    const outputs = emitted.outputs.map(o => o.blob);
    const results = model.execute(feeds, outputs);
    const tensors = Array.isArray(results) ? results : [results];
    outputs.forEach((blob, i) => {
      const expected = golden.tensors.get(`output/${blob}`);
      if (!expected) return;
      expect(tensors[i]!.shape).toEqual(expected.shape);
      expect(greatestError(tensors[i]!.dataSync() as Float32Array, expected.data), blob).toBeLessThan(1e-4);
    });
  });
});
