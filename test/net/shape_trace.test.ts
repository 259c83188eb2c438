/** Shape errors tell how the shapes came about and what would have to change. */

import { expect, it, describe as suite } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/index.js';
import { describe } from '../../src/net/index.js';
import { input, layer } from './nets.js';

const only = (text: string) => {
  const { diagnostics } = describe(text, { name: 'net' });
  expect(diagnostics.map(d => d.severity)).toEqual(['error']);
  return diagnostics[0]!;
};
const fits = (text: string) => expect(describe(text).diagnostics).toEqual([]);

const conv = (name: string, bottom: string, params: string) =>
  layer('Convolution', name, bottom, name, `convolution_param { ${params} }`);
const pool = (name: string, bottom: string) =>
  layer('Pooling', name, bottom, name, 'pooling_param { kernel_size: 2 stride: 2 }');

suite('a kernel that finds no place', () => {
  const alexnet = (size: number) =>
    input('data', 1, 3, size, size) +
    conv('conv1', 'data', 'num_output: 96 kernel_size: 11 stride: 4') +
    layer('ReLU', 'relu1', 'conv1', 'conv1') +
    pool('pool1', 'conv1') +
    conv('conv2', 'pool1', 'num_output: 8 kernel_size: 5');

  it('is told with the shapes from the input on, and the least input that fits', () => {
    const d = only(alexnet(30));
    expect(d.shapes).toEqual([
      '"data"   Input        [1, 3, 30, 30]  input_param',
      '"conv1"  Convolution  [1, 96, 5, 5]   num_output 96; (30 − 11) / 4 + 1 = 5',
      '"pool1"  Pooling      [1, 96, 3, 3]   rounded up; (5 − 2) / 2 + 1 = 3',
    ]);
    expect(d.hint).toContain('With "data" of 43×43 instead of 30×30 it would fit.');
    fits(alexnet(43));
    expect(formatDiagnostic(d)).toContain('  shapes:\n    "data"   Input');
  });

  it('finds inputs that are much larger too', () => {
    const deep = (size: number) =>
      input('data', 1, 3, size, size) +
      [1, 2, 3, 4, 5, 6].map(i => pool(`p${i}`, i === 1 ? 'data' : `p${i - 1}`)).join('') +
      conv('fc6', 'p6', 'num_output: 8 kernel_size: 7');
    const [, size] = /of (\d+)×\1/.exec(only(deep(64)).hint!)!;
    fits(deep(Number(size)));
    only(deep(Number(size) - 1));
  });
});

suite('paths that do not meet', () => {
  const unet = (size: number) =>
    input('x', 1, 4, size, size) +
    pool('down', 'x') +
    layer('Deconvolution', 'up', 'down', 'up', 'convolution_param { num_output: 4 kernel_size: 2 stride: 2 }') +
    layer('Eltwise', 'sum', 'up x', 'sum');

  it('are told which sizes fit, smaller and larger', () => {
    const d = only(unet(25));
    expect(d.hint).toContain('With "x" of 24×24 or 26×26 instead of 25×25 it would fit.');
    expect(d.shapes).toHaveLength(3);
    fits(unet(24));
    fits(unet(26));
  });

  it('by their channels are told which num_output', () => {
    const net = (outputs: number) =>
      input('x', 1, 4, 9, 9) +
      conv('a', 'x', 'num_output: 16 kernel_size: 1') +
      layer('ReLU', 'relu', 'a', 'a') +
      conv('b', 'x', `num_output: ${outputs} kernel_size: 1`) +
      layer('Eltwise', 'sum', 'a b', 'sum');
    expect(only(net(8)).hint).toContain('num_output: 16 in layer "b", or num_output: 8 in layer "a"');
    expect(only(net(8)).hint).not.toContain('it would fit');
    fits(net(16));
  });

  it('a depthwise layer has the channels of its bottom: its own num_output would change nothing', () => {
    const depthwise = layer('ConvolutionDepthwise', 'd', 'b', 'd', 'convolution_param { kernel_size: 1 }');
    const net = (outputs: number) =>
      input('x', 1, 3, 8, 8) +
      conv('a', 'x', 'num_output: 16 kernel_size: 1') +
      conv('b', 'x', `num_output: ${outputs} kernel_size: 1`) +
      depthwise +
      layer('Eltwise', 'sum', 'a d', 'sum');
    expect(only(net(8)).hint).toContain('num_output: 16 in layer "b", or num_output: 8 in layer "a"');
    fits(net(16));
  });

  it('are told the offset of a Crop', () => {
    const net = (offset: number) =>
      input('data', 1, 2, 64, 64) +
      conv('conv', 'data', 'num_output: 2 kernel_size: 3 pad: 10 stride: 2') +
      layer('Deconvolution', 'up', 'conv', 'up', 'convolution_param { num_output: 2 kernel_size: 3 stride: 2 }') +
      layer('Crop', 'score', 'up data', 'score', `crop_param { axis: 2 offset: ${offset} }`);
    expect(only(net(30)).hint).toContain('at offset 10.');
    fits(net(10));
  });

  it('by groups are told whose channels they are', () => {
    const net = (group: number) =>
      input('x', 1, 4, 9, 9) +
      conv('a', 'x', 'num_output: 6 kernel_size: 1') +
      conv('b', 'a', `num_output: 8 kernel_size: 1 group: ${group}`);
    expect(only(net(4)).hint).toContain('The channels are the num_output of layer "a".');
    fits(net(2));
  });
});

it('a parameter that is wrong in any shape has no story', () => {
  expect(only(input('x', 1, 4, 9, 9) + conv('a', 'x', 'kernel_size: 1')).shapes).toBeUndefined();
});

it('long chains are cut in the middle', () => {
  const many = Array.from({ length: 40 }, (_, i) =>
    conv(`c${i}`, i ? `c${i - 1}` : 'x', `num_output: ${i + 2} kernel_size: 1`),
  );
  const d = only(input('x', 1, 4, 9, 9) + many.join('') + conv('end', 'c39', 'num_output: 3 kernel_size: 50'));
  expect(d.shapes).toHaveLength(24);
  expect(d.shapes![4]).toBe('… 18 more');
});
