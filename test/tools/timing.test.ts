/** timeNet and its picture: what is counted for which layer, not how long it takes. */

import { describe, expect, it } from 'vitest';
import { timingChart } from '../../src/charts/timing_chart.js';
import { Net } from '../../src/runtime/node/net.js';
import { type Timing, timeNet } from '../../src/tools/timing.js';

const text = (loss: string) => `name: "two"
layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
${loss}`;
const withLoss = text('layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }');
const without = text('layer { name: "unread" type: "Silence" bottom: "label" }');

async function timed(source: string): Promise<{ timing: Timing; net: Net }> {
  const net = await Net.fromText(source, { backend: 'host', phase: 'TRAIN', seed: 1 });
  return { timing: await timeNet(net, { iterations: 2 }), net };
}

describe('timeNet', () => {
  it('counts every layer, forward and backward, with the multiply-adds of both', async () => {
    const { timing } = await timed(withLoss);
    expect(timing).toMatchObject({ backend: 'host', phase: 'TRAIN', iterations: 2 });
    expect(timing.inputs).toEqual({ data: [2, 3, 8, 8], label: [2] });
    const conv = timing.layers.find(l => l.layer === 'conv')!;
    const ip = timing.layers.find(l => l.layer === 'ip')!;
    const macs = 2 * 4 * 36 * 27;
    // No gradient of the data is computed, so the first layer has one product in its backward, the next one two.
    expect(conv).toMatchObject({ type: 'Convolution', forwardMacs: macs, backwardMacs: macs });
    expect(ip).toMatchObject({ forwardMacs: 2 * 144 * 5, backwardMacs: 2 * 2 * 144 * 5 });
    for (const { forward, backward } of [conv, ip]) expect(Math.min(forward, backward)).toBeGreaterThan(0);
    expect(timing.layers.map(l => l.layer)).toEqual(['in', 'conv', 'relu', 'ip', 'loss']);
  });

  it('times backward without a loss too, from gradients of 1', async () => {
    const { timing } = await timed(without);
    expect(timing.layers.find(l => l.layer === 'conv')!.backward).toBeGreaterThan(0);
  });

  it('leaves the parameters as they are', async () => {
    const { net } = await timed(withLoss);
    const again = await Net.fromText(withLoss, { backend: 'host', phase: 'TRAIN', seed: 1 });
    for (const [layer, blobs] of net.params)
      expect(blobs.map(b => [...b.data])).toEqual(again.params.get(layer)!.map(b => [...b.data]));
  });

  it('tells how far it is, up to the whole', async () => {
    const net = await Net.fromText(withLoss, { backend: 'host', phase: 'TRAIN' });
    const shares: number[] = [];
    await timeNet(net, { iterations: 3, onProgress: share => shares.push(share) });
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });
});

describe('timingChart', () => {
  const layers = (n: number) =>
    Array.from({ length: n }, (_, i) => ({
      layer: `layer${i}`,
      type: 'Convolution',
      forward: i + 1,
      backward: 2 * i,
      forwardMacs: 1,
      backwardMacs: 1,
    }));
  const made = (n: number): Timing => ({
    backend: 'host',
    phase: 'TRAIN',
    inputs: {},
    iterations: 1,
    forward: 1,
    forwardBackward: 2,
    firstForward: 1,
    firstForwardBackward: 2,
    memory: 1,
    layers: layers(n),
    other: { forward: 0, backward: 0 },
  });

  it('draws a bar for each layer of each backend', () => {
    const svg = timingChart([made(3), { ...made(3), backend: 'wasm' }], 'three layers');
    for (const word of ['three layers', 'layer0', 'layer2', 'host forward', 'wasm backward'])
      expect(svg).toContain(word);
    expect(svg).not.toContain('all others');
  });

  it('sums up the fastest of very many layers', () => {
    const svg = timingChart([made(100)], 'many');
    expect(svg).toContain('all others');
    expect(svg).toContain('>layer99<');
    expect(svg).not.toContain('>layer0<');
  });
});
