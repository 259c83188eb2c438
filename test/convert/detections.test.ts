/** DetectionOutput in models: in ONNX the very rows of the layer, for TensorFlow.js its decoded boxes with their scores. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { emitGeneralOnnx } from '../../src/emit/onnx/index.js';
import { emitTfjsGraph, TfjsModel } from '../../src/emit/tfjs/index.js';
import { createHostEngine } from '../../src/engines/index.js';
import { type ExportTarget, type Graph, sizeOf } from '../../src/ir/index.js';
import { GeneralGraph } from '../../src/ir/passes/generalise.js';
import { lowerNet } from '../../src/net/index.js';
import { Random } from '../../src/random/index.js';
import { runModel } from '../engines/onnx/run.js';
import { compiled, runLayer, type Shapes } from '../layers/net_of.js';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter');
require('@tensorflow/tfjs-backend-cpu');

interface Case {
  readonly body: string;
  readonly shapes: Shapes;
  readonly loc: readonly number[];
  readonly conf: readonly number[];
  readonly prior: readonly number[];
}

const { detection: written } = JSON.parse(
  readFileSync(new URL('../goldens/ssd/cases.json', import.meta.url), 'utf8'),
) as { detection: readonly Case[] };

type Feeds = Readonly<Record<string, Float32Array>>;

function layer(shapes: Shapes, body: string): string {
  const bottoms = Object.keys(shapes).map(name => `bottom: "${name}"`);
  return `layer { name: "l" type: "DetectionOutput" ${bottoms.join(' ')} top: "y" ${body} }`;
}

function graphFor(target: ExportTarget, shapes: Shapes, body: string): Graph {
  return lowerNet(compiled(layer(shapes, body), shapes, 'TEST'), { target, fetch: ['y'] }).graph;
}

function onnxOf(shapes: Shapes, body: string): Uint8Array {
  const general = new GeneralGraph([graphFor('onnx', shapes, body)]);
  return emitGeneralOnnx(general, () => new Float32Array(0), { name: 'test' }).bytes;
}

async function compareOnnx(shapes: Shapes, body: string, feeds: Feeds): Promise<void> {
  const expected = (await runLayer(layer(shapes, body), shapes, feeds, { phase: 'TEST' }))['y']!;
  const given = Object.entries(feeds).map(([name, data]) => [name, { data, shape: shapes[name]! }] as const);
  const { y } = await runModel(onnxOf(shapes, body), Object.fromEntries(given));
  // The layer has as many rows as it found, a model room for all there can be.
  expect(y!.data.length).toBeGreaterThanOrEqual(expected.length);
  expect(y!.data.slice(expected.length).every(v => v === -1)).toBe(true);
  expected.forEach((v, i) => {
    expect(Math.abs(y!.data[i]! - v), `row ${Math.floor(i / 7)}, column ${i % 7} of ${body}`).toBeLessThan(1e-5);
  });
}

/** Boxes that overlap, and scores of which some are equal. */
function randomCase(seed: number): readonly [Shapes, string, Feeds] {
  const random = new Random(seed);
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  const [samples, priors, classes] = [1 + random.integer(3), 2 + random.integer(30), 2 + random.integer(3)];
  const shared = random.next() < 0.5;
  const shapes: Shapes = {
    loc: [samples, priors * 4 * (shared ? 1 : classes)],
    conf: [samples, priors * classes],
    prior: [1, 2, priors * 4],
  };
  const corners = Array.from({ length: priors }, () => {
    const [x, y] = [random.uniform(0, 0.6), random.uniform(0, 0.6)];
    return [x, y, x + random.uniform(0.1, 0.4), y + random.uniform(0.1, 0.4)];
  });
  const feeds = {
    loc: Float32Array.from({ length: sizeOf(shapes['loc']!) }, () => random.uniform(-0.5, 0.5)),
    conf: Float32Array.from({ length: sizeOf(shapes['conf']!) }, () => random.integer(20) / 20),
    prior: Float32Array.from([...corners.flat(), ...corners.flatMap(() => [0.1, 0.1, 0.2, 0.2])]),
  };
  const optional = [
    random.next() < 0.7 ? `confidence_threshold: ${pick([0.01, 0.3, 0.5])}` : '',
    random.next() < 0.7 ? `keep_top_k: ${pick([1, 2, 5, 50])}` : '',
    random.next() < 0.5 ? 'background_label_id: -1' : '',
    random.next() < 0.5 ? 'variance_encoded_in_target: true' : '',
  ];
  const topK = random.next() < 0.6 ? `top_k: ${pick([1, 3, 10, 400])}` : '';
  const body = `detection_output_param { num_classes: ${classes} share_location: ${shared} ${optional.join(' ')}
    code_type: ${pick(['CORNER', 'CENTER_SIZE', 'CORNER_SIZE'])} nms_param { nms_threshold: ${pick([0.2, 0.45, 0.9])} ${topK} } }`;
  return [shapes, body, feeds];
}

describe('an ONNX model', () => {
  it.each(written.filter(c => !/eta/.test(c.body)).map(c => [c.body, c] as const))('%s', async (_, c) => {
    const f = Float32Array.from;
    const feeds = {
      loc: f.call(Float32Array, c.loc),
      conf: f.call(Float32Array, c.conf),
      prior: f.call(Float32Array, c.prior),
    };
    await compareOnnx(c.shapes, c.body, feeds as Feeds);
  });

  it.each(Array.from({ length: 60 }, (_, seed) => seed))('random boxes, seed %i', async seed => {
    const [shapes, body, feeds] = randomCase(seed);
    await compareOnnx(shapes, body, feeds);
  });

  it('cannot say eta', () => {
    const shapes: Shapes = { loc: [1, 8], conf: [1, 4], prior: [1, 2, 8] };
    const attempt = () => onnxOf(shapes, 'detection_output_param { num_classes: 2 nms_param { eta: 0.9 } }');
    expect(attempt).toThrow(MokapotError);
    expect(attempt).toThrow(/for which ONNX has no op/);
  });
});

describe('a model for TensorFlow.js', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
    (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
  });

  it.each([0, 1, 2, 3, 4, 5])('has the boxes decoded and the scores, seed %i', async seed => {
    const [shapes, body, feeds] = randomCase(seed);
    const graph = graphFor('tfjs', shapes, body);
    const model = new TfjsModel(emitTfjsGraph(new GeneralGraph([graph]), () => new Float32Array(0)));
    const loaded = await loadGraphModel(tf.io.fromMemory(model.artifacts() as never));
    const given = Object.entries(feeds).map(([name, data]) => [name, tf.tensor(data, [...shapes[name]!])] as const);
    const got = (loaded.execute(Object.fromEntries(given), 'y') as import('@tensorflow/tfjs-core').Tensor).dataSync();
    // Every box of the layer's rows is among them, with its score, when nothing is suppressed.
    const all = body.replace(/keep_top_k: \d+|top_k: \d+/g, '').replace(/nms_threshold: [\d.]+/, 'nms_threshold: 2');
    const rows = (await runLayer(layer(shapes, all), shapes, feeds, { phase: 'TEST' }))['y']!;
    const [samples, priors, width] = graph.outputs.get('y')!.shape as readonly [number, number, number];
    const classes = shapes['conf']![1]! / priors;
    const shared = width === 4 + classes;
    for (let at = 0; at < rows.length && rows[at] !== -1; at += 7) {
      const [sample, label, score, ...box] = rows.subarray(at, at + 7) as unknown as number[];
      const found = Array.from({ length: priors }, (_, p) => (sample! * priors + p) * width).some(from => {
        const boxFrom = from + (shared ? 0 : 4 * label!);
        const scoreAt = from + width - classes + label!;
        return got[scoreAt] === score && box.every((v, i) => Math.abs(v - got[boxFrom + i]!) < 1e-5);
      });
      expect(found, `row ${at / 7} of ${samples} samples`).toBe(true);
    }
  });

  it('says the same as the host engine of the same graph', async () => {
    const [shapes, body, feeds] = randomCase(7);
    const program = await createHostEngine().compile(graphFor('onnx', shapes, body));
    const { y } = await program.run(feeds, ['y']);
    const expected = (await runLayer(layer(shapes, body), shapes, feeds, { phase: 'TEST' }))['y']!;
    const found = y!.slice(0, expected.length);
    expect([...found].map(v => v.toFixed(4))).toEqual([...expected].map(v => v.toFixed(4)));
    expect(y!.slice(expected.length).every(v => v === -1)).toBe(true);
  });
});
