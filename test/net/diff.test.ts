/** Networks compared by meaning. */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, describe as group, it } from 'vitest';
import { describe, diffMessages, diffNets } from '../../src/net/index.js';
import { editText, formatText, parseEdit, parseNet, parseSolver } from '../../src/schema/index.js';

const folder = new URL('../../networks/', import.meta.url);
const networks = readdirSync(folder).map(name => [name, readFileSync(new URL(name, folder), 'utf8')] as const);

const diff = (a: string, b: string) => {
  const side = (text: string) => ({ message: parseNet(text).message, description: describe(text, { phase: 'TRAIN' }) });
  return diffNets(side(a), side(b));
};

const NET = `name: "n"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 2 } include { phase: TRAIN } }
`;

group('diffNets', () => {
  it.each(networks)('%s is itself, formatted too', (_, text) => {
    expect(diff(text, formatText(text))).toMatchObject({ equal: true, changed: [], moved: [], renamed: [] });
  });

  it('a field with its default is one left out', () => {
    expect(diff(NET, NET.replace('kernel_size: 3', 'kernel_size: 3 group: 1 bias_term: true axis: 1')).equal).toBe(
      true,
    );
    expect(diff(NET, NET.replace('type: "ReLU"', 'type: "ReLU" relu_param { negative_slope: 0 }')).equal).toBe(true);
    expect(
      diff(NET, NET.replace('top: "conv" convolution', 'top: "conv" param { lr_mult: 1 } convolution')).changed,
    ).toEqual([]);
  });

  it('a changed field with the shapes and counts that follow', () => {
    const found = diff(NET, NET.replace('num_output: 4', 'num_output: 6'));
    expect(found.changed[0]).toEqual({
      name: 'conv',
      type: 'Convolution',
      fields: [{ path: 'convolution_param.num_output', before: '4', after: '6' }],
      shapes: [
        { of: 'top conv', before: [1, 4, 6, 6], after: [1, 6, 6, 6] },
        { of: 'parameter 0', before: [4, 3, 3, 3], after: [6, 3, 3, 3] },
        { of: 'parameter 1', before: [4], after: [6] },
      ],
    });
    expect(found.parameters).toEqual([4 * 28 + 2 * 145, 6 * 28 + 2 * 217]);
    expect(found.equal).toBe(false);
  });

  it('a renamed layer and a renamed blob are not gone', () => {
    const renamed = editText(NET, 'caffe.NetParameter', [
      parseEdit('conv=first', 'rename'),
      parseEdit('conv=features', 'rename-blob'),
    ]).text;
    expect(diff(NET, renamed)).toMatchObject({
      equal: false,
      added: [],
      removed: [],
      changed: [],
      moved: [],
      renamed: [{ before: 'conv', after: 'first', type: 'Convolution' }],
      renamedBlobs: [{ before: 'conv', after: 'features' }],
    });
  });

  it('layers added, removed, moved; wires; rules; the net’s own fields', () => {
    const without = NET.replace(/layer \{ name: "drop".*\n/, '');
    expect(diff(NET, without)).toMatchObject({ removed: [{ name: 'drop', type: 'Dropout' }], added: [], moved: [] });
    expect(diff(without, NET)).toMatchObject({ added: [{ name: 'drop', type: 'Dropout' }] });
    const lines = NET.split('\n');
    const swapped = [...lines.slice(0, 3), lines[4], lines[3], ...lines.slice(5)].join('\n');
    expect(
      diff(NET, swapped)
        .moved.map(l => l.name)
        .sort(),
    ).toEqual(['drop', 'relu']);
    expect(
      diff(NET, NET.replace('bottom: "conv" top: "ip"', 'bottom: "data" top: "ip"')).changed[0]!.fields[0],
    ).toEqual({ path: 'bottom', before: 'conv', after: 'data' });
    expect(diff(NET, NET.replace('phase: TRAIN', 'phase: TEST')).changed[0]!.fields).toEqual([
      { path: 'include[0].phase', before: 'TRAIN', after: 'TEST' },
    ]);
    expect(diff(NET, NET.replace(' include { phase: TRAIN }', '')).equal).toBe(false);
    expect(diff(NET, NET.replace('"n"', '"m"')).net).toEqual([{ path: 'name', before: '"n"', after: '"m"' }]);
  });

  it('solvers', () => {
    const [a, b] = ['base_lr: 0.1 momentum2: 0.999', 'base_lr: 0.2'].map(text => parseSolver(text).message);
    expect(diffMessages(a!, b!)).toEqual([{ path: 'base_lr', before: '0.1', after: '0.2' }]);
  });
});
