/** Receptive fields against gradients: where the input moves a score at all is found out by running the net. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/engine.js';
import { compileNet, type NetGraph } from '../../src/net/index.js';
import { receptiveField } from '../../src/net/receptive_field.js';
import { Net } from '../../src/runtime/net.js';
import { parseNet } from '../../src/schema/index.js';

const input = (h: number, w: number, channels = 1) =>
  `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: ${channels} dim: ${h} dim: ${w} } } }`;

function conv(name: string, bottom: string, param: string): string {
  const filler = 'weight_filler { type: "constant" value: 1 }';
  return `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: 1 ${param} ${filler} } }`;
}

function up(name: string, bottom: string, param: string): string {
  return conv(name, bottom, param).replace('"Convolution"', '"Deconvolution"');
}

function fieldOf(graph: NetGraph, to: string) {
  const data = graph.layers.find(l => l.name === 'data')!.tops[0]!;
  return receptiveField(graph.layers, data, graph.blobs.get(to)!);
}

/** The places of a line of the input that change the score at (y, y): by a gradient of it. */
async function seenFrom(text: string, to: string, y: number): Promise<[number, number]> {
  const net = await Net.fromText(`force_backward: true\n${text}`, { engine: createHostEngine(), seed: 1 });
  const size = net.graph.blobs.get('data')!.shape[2]!;
  const rows = net.graph.blobs.get(to)!.shape[2]!;
  await net.forward({ data: Float32Array.from({ length: size * size }, (_, i) => 1 + ((i * 7919) % 13) / 13) });
  const diff = new Float32Array(rows * rows);
  diff[y * rows + y] = 1;
  const found = await net.backward({ [to]: diff }, { diffs: ['data'] });
  const gradient = [...found.values()][0]!.diff;
  const lines = Array.from({ length: size }, (_, v) => v).filter(v =>
    gradient.subarray(v * size, (v + 1) * size).some(g => g !== 0),
  );
  net.dispose();
  return [lines[0]!, lines.at(-1)!];
}

/** Sums and means, so that no place is without a share. */
const NETS: Record<string, string> = {
  'convolutions, one dilated': [
    input(24, 24),
    conv('a', 'data', 'kernel_size: 3 pad: 1'),
    conv('b', 'a', 'kernel_size: 3 dilation: 2'),
  ].join('\n'),
  'strides and back up': [
    input(32, 32),
    conv('a', 'data', 'kernel_size: 5 stride: 2 pad: 2'),
    'layer { name: "p" type: "Pooling" bottom: "a" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }',
    conv('c', 'p', 'kernel_size: 3 pad: 1'),
    up('b', 'c', 'kernel_size: 8 stride: 4 pad: 2'),
  ].join('\n'),
  'a path around': [
    input(32, 32),
    conv('a', 'data', 'kernel_size: 2 stride: 2'),
    conv('c', 'a', 'kernel_size: 3 pad: 1'),
    up('u', 'c', 'kernel_size: 4 stride: 2 pad: 1'),
    conv('s', 'data', 'kernel_size: 5 pad: 2'),
    'layer { name: "b" type: "Eltwise" bottom: "u" bottom: "s" top: "b" }',
  ].join('\n'),
  'a crop': [
    input(20, 20),
    conv('a', 'data', 'kernel_size: 3 pad: 6'),
    'layer { name: "b" type: "Crop" bottom: "a" bottom: "data" top: "b" crop_param { axis: 2 offset: 5 } }',
  ].join('\n'),
};

describe('receptiveField', () => {
  it.each(Object.entries(NETS))('%s: exactly where the gradient is not 0', async (_, text) => {
    const graph = compileNet(parseNet(text).message, {});
    const found = fieldOf(graph, 'b')!;
    if ('at' in found) throw new Error(found.at.name);
    expect(found.global).toEqual([]);
    const { step, low, high, stride } = found.axes[0]!;
    expect(step).toBe(1);
    const rows = graph.blobs.get('b')!.shape[2]!;
    let [nearest, farthest] = [Infinity, -Infinity];
    for (let y = 8; y < 8 + stride; y++) {
      const [first, last] = await seenFrom(text, 'b', Math.min(y, rows - 8));
      const at = Math.min(y, rows - 8);
      // Never outside of what is said, …
      expect(first).toBeGreaterThanOrEqual(Math.floor(at + low));
      expect(last).toBeLessThanOrEqual(Math.ceil(at + high));
      nearest = Math.min(nearest, first - at);
      farthest = Math.max(farthest, last - at);
    }
    // … and within a stride of it on the way up, where places of the scores differ in what they see.
    expect(nearest).toBeLessThanOrEqual(low + (stride > 1 ? stride : 0));
    expect(farthest).toBeGreaterThanOrEqual(high - (stride > 1 ? stride : 0));
  });

  it('FCN-small: stride 16, and all of it is local', () => {
    const text = readFileSync(new URL('../../networks/fcn_small.prototxt', import.meta.url), 'utf8');
    const graph = compileNet(parseNet(text).message, { phase: 'TEST', stages: ['deploy'] });
    const found = fieldOf(graph, 'prob');
    expect(found).toMatchObject({
      global: [],
      axes: [
        { step: 1, stride: 16 },
        { step: 1, stride: 16 },
      ],
    });
  });

  it('names layers that see all, and the one behind which there are no places', () => {
    const mvn = `${input(8, 8)}\nlayer { name: "n" type: "MVN" bottom: "data" top: "n" }\n${conv('b', 'n', 'kernel_size: 3 pad: 1')}`;
    const seen = fieldOf(compileNet(parseNet(mvn).message, {}), 'b');
    expect(seen).toMatchObject({ global: [{ name: 'n' }], axes: [{ low: -1, high: 1 }, {}] });

    const pooled = [
      input(8, 8, 2),
      'layer { name: "g" type: "Pooling" bottom: "data" top: "g" pooling_param { pool: AVE global_pooling: true } }',
      'layer { name: "f" type: "InnerProduct" bottom: "g" top: "f" inner_product_param { num_output: 2 } }',
      'layer { name: "b" type: "Scale" bottom: "data" bottom: "f" top: "b" scale_param { axis: 0 } }',
    ].join('\n');
    expect(fieldOf(compileNet(parseNet(pooled).message, {}), 'b')).toMatchObject({ axes: [{ low: 0, high: 0 }, {}] });
    const attention = fieldOf(compileNet(parseNet(pooled).message, {}), 'b')!;
    expect('global' in attention && attention.global.map(l => l.name)).toContain('b');

    const flat = [
      input(8, 8),
      'layer { name: "f" type: "InnerProduct" bottom: "data" top: "f" inner_product_param { num_output: 128 } }',
      'layer { name: "b" type: "Reshape" bottom: "f" top: "b" reshape_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }',
    ].join('\n');
    expect(fieldOf(compileNet(parseNet(flat).message, {}), 'b')).toMatchObject({ at: { name: 'b' } });
  });
});
