/** Weights that are not finite are found without handing the arrays out, which would have each run compare them. */

import { expect, it } from 'vitest';
import { checkFiniteWeights, firstNotFinite } from '../../src/runtime/finite.js';
import { Net } from '../../src/runtime/node/net.js';

const NET = `input: "data" input_shape { dim: 1 dim: 3 }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
`;

it('looks through all parameters and exposes none', async () => {
  const net = await Net.fromText(NET, { backend: 'host' });
  await net.forward({ data: Float32Array.of(1, 2, 3) });
  expect(firstNotFinite(net)).toBeUndefined();
  checkFiniteWeights(net);
  expect(net.graph.params.map(p => net.store.get(p.key).isExposed)).toEqual([false, false, false, false]);
  net.dispose();
});

it('names the layer and the position of the first', async () => {
  const net = await Net.fromText(NET, { backend: 'host' });
  net.params.get('b')![1]!.data[0] = Number.NEGATIVE_INFINITY;
  expect(firstNotFinite(net)).toMatchObject({ layer: 'b', position: 1 });
  expect(() => checkFiniteWeights(net)).toThrow('Parameter 1 of layer "b"');
  net.dispose();
});
