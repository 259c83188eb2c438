/** Filter through Net: blobs whose first axis changes with the numbers fed. */

import { describe, expect, it } from 'vitest';
import { Net } from '../../src/runtime/node/net.js';

const NET = `
force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 } } }
layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 4 } } }
layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "y" }
layer { name: "r" type: "Reshape" bottom: "y" top: "r" reshape_param { shape { dim: 0 dim: 2 dim: 1 dim: 1 } } }
layer { name: "conv" type: "Convolution" bottom: "r" top: "conv"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "constant" value: 0.5 } } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "z"
  inner_product_param { num_output: 1 weight_filler { type: "constant" value: 1 } } }
`;
const x = [1, 2, 3, 4, 5, 6, 7, 8];

describe.each(['host', 'cpu', 'wasm'])('Filter on %s', backend => {
  it('compiles what stands behind it for the samples that pass', async () => {
    const net = await Net.fromText(NET, { backend, seed: 1, keepBlobs: true });
    const passed = async (s: number[]) => {
      const out = await net.forward({ x, s });
      await net.backward({ z: out.get('z')!.data.map((_, i) => i + 1) });
      return [
        out.get('z')!.shape,
        [...out.get('z')!.data],
        [...net.blobs.get('x')!.diff],
        [...net.params.get('conv')![0]!.diff],
      ];
    };
    expect(net.blobs.get('z')!.shape).toEqual([4, 1]);
    expect(await passed([0, 1, 0, -2])).toEqual([
      [2, 1],
      [7, 15],
      [0, 0, 1, 1, 0, 0, 2, 2],
      [17, 20, 17, 20],
    ]);
    expect(await passed([1, 1, 1, 1])).toEqual([
      [4, 1],
      [3, 7, 11, 15],
      [1, 1, 2, 2, 3, 3, 4, 4],
      [50, 60, 50, 60],
    ]);
    expect(await passed([0, 0, 0, 0])).toEqual([[0, 1], [], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0]]);
    net.dispose();
  });
});

it('a filter behind a filter, and chance before both, drawn once', async () => {
  const text = `
    force_backward: true
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 6 dim: 1 } } }
    layer { name: "d" type: "Dropout" bottom: "x" top: "d" }
    layer { name: "f" type: "Filter" bottom: "x" bottom: "d" bottom: "d" top: "kept" top: "same" }
    layer { name: "p" type: "Power" bottom: "kept" top: "p" power_param { shift: -3 } }
    layer { name: "relu" type: "ReLU" bottom: "p" top: "p" }
    layer { name: "g" type: "Filter" bottom: "kept" bottom: "p" top: "y" }`;
  const net = await Net.fromText(text, { backend: 'host', seed: 3, phase: 'TRAIN', keepBlobs: true });
  const dropped = new Set<number>();
  for (let i = 0; i < 8; i++) {
    const out = await net.forward({ x: [1, 2, 3, 4, 5, 6] });
    const kept = [...net.blobs.get('d')!.data].flatMap((v, k) => (v === 0 ? [] : [k + 1]));
    expect([...net.blobs.get('kept')!.data]).toEqual(kept);
    expect([...out.get('y')!.data]).toEqual(kept.filter(v => v > 3));
    dropped.add(kept.length);
  }
  expect(dropped.size).toBeGreaterThan(1);
  net.dispose();
});
