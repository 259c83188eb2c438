/** How often a net is looked at to find the shape that its data have: an error that is there in any case asks for no other. */

import { expect, it } from 'vitest';
import { defaultCatalogue, LayerCatalogue, type LayerType } from '../../src/layers/index.js';
import { describeFile } from '../../src/net/index.js';

/** The codes of a net's errors, and how often its ReLU was given a shape. */
function looked(layers: string) {
  const catalogue = defaultCatalogue();
  const relu = catalogue.get('ReLU')!;
  const sides: number[] = [];
  const counting: LayerType = {
    ...relu,
    reshape(ctx) {
      sides.push(ctx.bottomShapes[0]![2]!);
      return relu.reshape(ctx);
    },
  };
  const text = `layer { name: "d" type: "Data" top: "data" data_param { batch_size: 2 } }
    layer { name: "r" type: "ReLU" bottom: "data" top: "r" }
    layer { name: "a" type: "InnerProduct" bottom: "r" top: "a" inner_product_param { num_output: 3 } }
    layer { name: "b" type: "InnerProduct" bottom: "r" top: "b" inner_product_param { num_output: 4 } } ${layers}`;
  const types = new LayerCatalogue([...catalogue.types.values(), counting]);
  const net = describeFile({ text, name: 'n', state: { phase: 'TEST', stages: [] }, catalogue: types });
  const errors = net.diagnostics.filter(d => d.severity === 'error').map(d => d.code);
  return { errors, sides };
}

it('an error that is there without a shape asks for no other one', () => {
  const { errors, sides } = looked('layer { name: "c" type: "ReLU" bottom: "none" top: "c" }');
  expect(errors).toEqual(['unknown-blob']);
  expect(sides).toEqual([256]);
});

it('an error in the same words with a usual, a small and a large shape is taken for what it is', () => {
  const { errors, sides } = looked('layer { name: "s" type: "Eltwise" bottom: "a" bottom: "b" top: "s" }');
  expect(errors).toEqual(['eltwise-shapes']);
  // Between them are sizes near 256, by which the error says what would fit.
  expect(sides[0]).toBe(256);
  expect(sides.slice(-2)).toEqual([28, 1024]);
  expect(sides).not.toContain(32);
});

it('a shape of which an error speaks is looked for', () => {
  const crop =
    'layer { name: "k" type: "Convolution" bottom: "r" top: "k" convolution_param { num_output: 1 kernel_size: 299 } }';
  const { errors, sides } = looked(crop);
  expect(errors).toEqual([]);
  expect(sides.at(-1)).toBe(299);
});
