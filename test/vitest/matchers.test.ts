import { describe, expect, it } from 'vitest';
import '../../src/vitest/index.js';
import { input, layer } from '../net/nets.js';

const text =
  input('data', 1, 3, 32, 32) +
  layer(
    'Convolution',
    'conv1',
    'data',
    'conv1',
    'convolution_param { num_output: 8 kernel_size: 5 stride: 2 pad: 1 }',
  ) +
  layer('ReLU', 'relu1', 'conv1', 'conv1') +
  layer('Pooling', 'pool1', 'conv1', 'pool1', 'pooling_param { kernel_size: 2 stride: 2 }') +
  layer('TanH', 'side', 'conv1', 'side') +
  layer('InnerProduct', 'ip', 'pool1', 'ip', 'inner_product_param { num_output: 4 }') +
  layer('ReLU', 'train_only', 'ip', 'extra', 'include { phase: TRAIN }');

/** The message of the assertion that fails. */
function message(assertion: () => void): string {
  try {
    assertion();
  } catch (e) {
    return (e as Error).message;
  }
  throw new Error('the assertion holds');
}

describe('what holds', () => {
  it('passes, with options on either side', () => {
    expect(text).toCompile();
    expect(text).toHaveBlobShape('conv1', [1, 8, 15, 15]);
    expect(text).toHaveBlobShape('extra', [1, 4], { phase: 'TRAIN' });
    expect({ text, phase: 'TRAIN' }).toHaveBlobShape('extra', [1, 4]);
    expect({ text, inputShapes: { data: [2, 1, 32, 32] } }).toHaveParamShape('conv1', 0, [8, 1, 5, 5]);
    expect(text).toHaveParamCount(8 * 75 + 8 + 4 * 512 + 4);
  });

  it('can be denied', () => {
    expect('layer {').not.toCompile();
    expect(text).not.toHaveBlobShape('conv1', [1, 8, 16, 16]);
    expect(text).not.toHaveBlobShape('extra', [1, 4]);
    expect(text).not.toHaveParamShape('conv1', 2, [8]);
    expect(text).not.toHaveParamCount(1);
    expect(message(() => expect(text).not.toCompile())).toContain('does');
    expect(message(() => expect(text).not.toHaveBlobShape('ip', [1, 4]))).toContain(
      '"ip" not to have the shape [1, 4]',
    );
  });
});

describe('what fails', () => {
  it('of a blob shows the chain of shapes from the input, with the numbers of each rule', () => {
    const lines = message(() => expect(text).toHaveBlobShape('pool1', [1, 8, 7, 7])).split('\n');
    expect(lines).toEqual([
      'expected blob "pool1" to have the shape [1, 8, 7, 7], but it is [1, 8, 8, 8].',
      '',
      'How it comes about:',
      '  data (Input): data [1, 3, 32, 32]   input_param',
      '  conv1 (Convolution): data [1, 3, 32, 32] → conv1 [1, 8, 15, 15]   num_output 8; (32 + 2·1 − 5) / 2 + 1 = 15',
      '  relu1 (ReLU): conv1 [1, 8, 15, 15] → conv1 [1, 8, 15, 15]',
      '  pool1 (Pooling): conv1 [1, 8, 15, 15] → pool1 [1, 8, 8, 8]   rounded up; (15 − 2) / 2 + 1 = 8',
    ]);
  });

  it('of a missing blob names those there are', () => {
    const said = message(() => expect(text).toHaveBlobShape('extra', [1, 4]));
    expect(said).toContain('no blob has that name in phase TEST');
    expect(said).toContain('"conv1", "pool1", "side", "ip"');
    expect(said).not.toContain('split');
  });

  it('of a parameter shows its layer', () => {
    const said = message(() => expect(text).toHaveParamShape('ip', 0, [4, 10]));
    expect(said).toContain('parameter 0 of layer "ip"');
    expect(said).toContain('[4, 512]');
    expect(said).toContain('ip (InnerProduct): pool1 [1, 8, 8, 8] → ip [1, 4]');
    expect(message(() => expect(text).toHaveParamShape('ip', 5, [4]))).toContain('0: [4, 512], 1: [4]');
    expect(message(() => expect(text).toHaveParamShape('relu1', 0, [4]))).toContain('the layer has no parameters');
  });

  it('of the count lists the layers', () => {
    const said = message(() => expect(text).toHaveParamCount(7));
    expect(said).toContain('to have 7 parameters, but it has 2660');
    expect(said).toContain('ip: 2052 = [4, 512] + [4]');
  });

  it('of a net that does not compile shows the error in its place and the shapes up to it', () => {
    const bad = text.replace('num_output: 4', 'num_output: 0');
    const said = message(() => expect(bad).toCompile());
    expect(said).toContain('Layer "ip" (InnerProduct)');
    expect(said).toContain('^');
    expect(said).toContain('conv1 (Convolution): data [1, 3, 32, 32]');
    expect(message(() => expect(bad).toHaveParamCount(7))).toContain('Layer "ip"');
    expect(message(() => expect(bad).toHaveBlobShape('ip', [1, 4]))).toContain('Layer "ip"');
  });

  it('is told apart from what is no network at all', () => {
    expect(message(() => expect(42).toCompile())).toContain('takes the text of a prototxt');
  });
});
