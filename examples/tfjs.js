/**
 * A network converted to TensorFlow.js and run there: `node examples/tfjs.js`. A page does the same with the files of the
 * model's folder: `tf.loadGraphModel('model/model.json')`.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { convert, Net } from 'mokapot';

const prototxt = fileURLToPath(new URL('../networks/lenet.prototxt', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mokapot-example-'));
const pixels = Float32Array.from({ length: 28 * 28 }, (_, i) => (i * 37) % 256);

// Weights as a training leaves them; here what the fillers make.
const net = await Net.fromFile(prototxt, { phase: 'TEST', stages: ['deploy'], seed: 1 });
await net.save(join(folder, 'lenet.caffemodel'));
const [expected] = (await net.forward({ data: pixels })).values();
net.dispose();

const model = join(folder, 'model');
const report = await convert({ to: 'tfjs', net: prototxt, weights: join(folder, 'lenet.caffemodel'), out: model });
console.log('files:', report.files.map(file => basename(file.path)).join(', '));
console.log('inputs:', report.inputs, 'outputs:', report.outputs);

// Under Node.js without tfjs-node, the files are read by hand.
const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(model, 'model.json'), 'utf8'));
const shards = await Promise.all(
  weightsManifest[0].paths.map((/** @type {string} */ path) => readFile(join(model, path))),
);
const weightData = new Uint8Array(Buffer.concat(shards)).buffer;
const loaded = await loadGraphModel({
  load: async () => ({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
});
const scores = /** @type {tf.Tensor} */ (loaded.predict(tf.tensor(pixels, [1, 1, 28, 28])));
const got = await scores.data();
const furthest = Math.max(...Array.from(got, (value, i) => Math.abs(value - (expected?.data[i] ?? NaN))));
console.log(`TensorFlow.js and Mokapot differ by ${furthest.toExponential(1)} at most.`);
await rm(folder, { recursive: true });
