/** Offsets of Crop layers, against those that the published networks have (made by pycaffe's coord_map). */

import { readFileSync } from 'node:fs';
import { expect, it, describe as suite } from 'vitest';
import { applyFixes } from '../../../src/diagnostics/index.js';
import { compileNet, cropAlignment, describe } from '../../../src/net/index.js';
import { parseNet } from '../../../src/schema/index.js';
import { compile, input, layer } from '../nets.js';

const network = (name: string) => readFileSync(new URL(`../../../networks/${name}.prototxt`, import.meta.url), 'utf8');
const deploy = { phase: 'TEST', stages: ['deploy'] } as const;

/** The offsets that the crops of a net need, by layer. */
function offsets(text: string): Record<string, readonly number[]> {
  const graph = compileNet(parseNet(text).message, deploy);
  const crops = graph.layers.filter(l => l.type.type === 'Crop');
  return Object.fromEntries(
    crops.map(l => [l.name, cropAlignment(graph.layers, l.bottoms[0]!, l.bottoms[1]!)!.offset] as const),
  );
}

/** VGG-16 as FCN-32s has it: pad 100 at the first layer, five poolings, fc6 of kernel 7, upsampling of 64 by 32. */
function fcn32s(): string {
  const text = [input('data', 1, 3, 300, 200)];
  let bottom = 'data';
  const conv = (name: string, kernel: number, pad: number) => {
    const param = `convolution_param { num_output: 2 kernel_size: ${kernel} pad: ${pad} }`;
    text.push(layer('Convolution', name, bottom, name, param), layer('ReLU', `relu_${name}`, name, name));
    bottom = name;
  };
  [2, 2, 3, 3, 3].forEach((count, block) => {
    for (let i = 1; i <= count; i++) conv(`conv${block + 1}_${i}`, 3, block === 0 && i === 1 ? 100 : 1);
    text.push(layer('Pooling', `pool${block}`, bottom, `pool${block}`, 'pooling_param { kernel_size: 2 stride: 2 }'));
    bottom = `pool${block}`;
  });
  conv('fc6', 7, 0);
  conv('fc7', 1, 0);
  const up = 'convolution_param { num_output: 2 kernel_size: 64 stride: 32 }';
  text.push(layer('Deconvolution', 'upscore', bottom, 'upscore', up));
  text.push(layer('Crop', 'score', 'upscore data', 'score', 'crop_param { axis: 2 offset: 19 }'));
  return text.join('');
}

suite('the offset of a Crop', () => {
  it('of FCN-AlexNet is 18', () => expect(offsets(network('fcn_alexnet'))).toEqual({ score: [18, 18] }));

  it('of FCN-32s is 19', () => expect(offsets(fcn32s())).toEqual({ score: [19, 19] }));

  it('of FCN-8s is 5, 9 and 31', () => {
    expect(Object.values(offsets(network('fcn8s')))).toEqual([
      [5, 5],
      [9, 9],
      [31, 31],
    ]);
  });

  it('follows both paths, through Eltwise, a Crop before it and dilated windows', () => {
    const conv = (name: string, bottom: string, kernel: number, dilation: number) =>
      layer(
        'Convolution',
        name,
        bottom,
        name,
        `convolution_param { num_output: 2 kernel_size: ${kernel} dilation: ${dilation} }`,
      );
    const text =
      input('x', 1, 2, 40, 50) +
      conv('a', 'x', 3, 2) +
      conv('b', 'x', 5, 1) +
      layer('Eltwise', 'sum', 'a b', 'sum') +
      conv('c', 'sum', 3, 1) +
      layer('Crop', 'first', 'sum c', 'first', 'crop_param { axis: 2 offset: 1 }') +
      layer('Crop', 'second', 'x first', 'second', 'crop_param { axis: 2 offset: 3 }') +
      layer('Silence', 'all', 'second', '');
    expect(offsets(text)).toEqual({ first: [1, 1], second: [3, 3] });
    expect(describe(text).diagnostics).toEqual([]);
  });

  it('may differ along the two axes', () => {
    const up = 'convolution_param { num_output: 2 kernel_size: 3 pad_h: 4 pad_w: 6 }';
    const text = (more: string) =>
      input('x', 1, 2, 20, 20) +
      layer('Convolution', 'c', 'x', 'c', up) +
      layer('Crop', 'crop', 'c x', 'y', `crop_param { axis: 2 ${more} }`);
    expect(offsets(text('offset: 3 offset: 5'))).toEqual({ crop: [3, 5] });
    expect(describe(text('offset: 3 offset: 5')).diagnostics).toEqual([]);
    expect(describe(text('offset: 3')).diagnostics[0]!.message).toContain('"x" lies over it at 3, 5');
  });

  it('is unknown where no spatial path joins the two', () => {
    const graph = compile(
      input('x', 1, 2, 9, 9) + input('y', 1, 2, 5, 5) + layer('Crop', 'c', 'x y', 'z', 'crop_param { axis: 2 }'),
    );
    const { bottoms } = graph.layers.find(l => l.name === 'c')!;
    expect(cropAlignment(graph.layers, bottoms[0]!, bottoms[1]!)).toBeUndefined();
  });
});

suite('a Crop that does not align', () => {
  const crop = (text: string) =>
    describe(text, { ...deploy, name: 'net' }).diagnostics.filter(d => d.code === 'crop-offset');

  it.each([
    ['fcn_alexnet', 'offset: 18', 'offset: 19'],
    ['fcn8s', 'offset: 31', 'offset: 30'],
    ['fcn8s', 'offset: 9', 'offset: 0'],
    ['fcn8s', 'offset: 5', 'offset: 6'],
  ])('%s: the fix writes %s for %s', (file, right, wrong) => {
    const text = network(file);
    expect(crop(text)).toEqual([]);
    const broken = text.replace(right, wrong);
    const found = crop(broken);
    expect(found).toHaveLength(1);
    expect(applyFixes(broken, 'net', found).text).toBe(text);
  });

  it('without an offset is given one', () => {
    const text = network('fcn_alexnet').replace(/\n\s+offset: 18/, '');
    const mended = applyFixes(text, 'net', crop(text)).text;
    expect(mended).toContain('axis: 2\n    offset: 18\n');
    expect(crop(mended)).toEqual([]);
  });

  it('says so where resolutions differ, where the offset is no whole number, and where padding is wanting', () => {
    const net = (stride: number, kernel: number, pad: number) =>
      input('x', 1, 2, 40, 40) +
      layer('Convolution', 'a', 'x', 'a', `convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: ${pad} }`) +
      layer(
        'Deconvolution',
        'b',
        'a',
        'b',
        `convolution_param { num_output: 2 kernel_size: ${kernel} stride: ${stride} }`,
      ) +
      input('small', 1, 2, 4, 4) +
      layer('Crop', 'cut', 'x small', 'part', 'crop_param { axis: 2 }') +
      layer('Crop', 'c', 'b part', 'c', 'crop_param { axis: 2 }');
    expect(crop(net(3, 3, 10))[0]!.message).toContain('times as densely');
    expect(crop(net(2, 4, 10))[0]!.hint).toContain('offset 10 or 11 comes nearest');
    expect(crop(net(2, 3, 0))[0]).toBeUndefined();
    expect(crop(net(2, 1, 0))[0]!.hint).toContain('raise the pad');
  });
});
