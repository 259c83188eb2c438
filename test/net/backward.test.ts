/** Which bottoms get a gradient: Caffe's rules, on nets small enough to work out by hand. */

import { describe, expect, it } from 'vitest';
import type { NetGraph } from '../../src/net/index.js';
import { compile, input, layer } from './nets.js';

const fc = (name: string, bottom: string, more = '') =>
  layer('InnerProduct', name, bottom, name, `inner_product_param { num_output: 3 } ${more}`);
const data = input('x', 2, 3) + input('label', 2);
const loss = (bottom: string, more = '') => layer('SoftmaxWithLoss', 'loss', `${bottom} label`, 'loss', more);
const FROZEN = 'param { lr_mult: 0 } param { lr_mult: 0 }';

/** `name: propagateDown` of the text's layers that have bottoms. */
function flow(net: NetGraph): Record<string, string> {
  const rows = net.layers
    .filter(l => l.source && l.bottoms.length > 0)
    .map(l => [l.name, `${l.needsBackward ? 'backward' : 'no'} ${l.propagateDown.map(p => (p ? 1 : 0)).join('')}`]);
  return Object.fromEntries(rows) as Record<string, string>;
}

describe('gradients', () => {
  it('stop at the lowest layer that learns', () => {
    expect(flow(compile(data + fc('a', 'x') + fc('b', 'a') + loss('b')))).toEqual({
      a: 'backward 0',
      b: 'backward 1',
      loss: 'backward 10',
    });
  });

  it('do not reach layers below the lowest that learns', () => {
    const net = compile(data + fc('a', 'x', FROZEN) + fc('b', 'a') + loss('b'));
    expect(flow(net)).toEqual({ a: 'no 0', b: 'backward 0', loss: 'backward 10' });
  });

  it('pass through a frozen layer to one that learns', () => {
    const net = compile(data + fc('a', 'x') + fc('b', 'a', FROZEN) + loss('b'));
    expect(flow(net)).toEqual({ a: 'backward 0', b: 'backward 1', loss: 'backward 10' });
  });

  it('do not flow in a branch without a loss', () => {
    const net = compile(data + fc('a', 'x') + fc('side', 'a') + loss('a'));
    expect(flow(net)).toEqual({ a: 'backward 0', side: 'no 0', loss: 'backward 10' });
  });

  it('are cut by propagate_down: false, and nothing below is run backward', () => {
    const net = compile(data + fc('a', 'x') + fc('b', 'a', 'propagate_down: false') + loss('b'));
    expect(flow(net)).toEqual({ a: 'no 0', b: 'backward 0', loss: 'backward 10' });
    expect(net.layers.find(l => l.name === 'b')!.blocked).toEqual([true]);
  });

  it('are forced to an input by propagate_down: true', () => {
    const net = compile(data + fc('a', 'x', 'propagate_down: true') + loss('a'));
    expect(flow(net).a).toBe('backward 1');
  });

  it('flow everywhere but to labels under force_backward, even past propagate_down: false', () => {
    const net = compile(
      `force_backward: true ${data}${fc('a', 'x', FROZEN)}${fc('b', 'a', 'propagate_down: false')}${loss('b')}`,
    );
    expect(flow(net)).toEqual({ a: 'backward 1', b: 'backward 1', loss: 'backward 10' });
    expect(net.layers.at(-1)!.blocked).toEqual([false, true]);
  });

  it('do not flow where every loss weight is 0', () => {
    expect(flow(compile(data + fc('a', 'x') + loss('a', 'loss_weight: 0')))).toEqual({ a: 'no 0', loss: 'no 00' });
  });
});

describe('loss weights', () => {
  const weights = (text: string) => compile(text).layers.at(-1)!.lossWeights;
  it("are 1 for a loss's first top", () => {
    expect(weights(data + loss('x'))).toEqual([1]);
    expect(weights(data + layer('SoftmaxWithLoss', 'l', 'x label', 'loss prob'))).toEqual([1, 0]);
  });
  it('are what is written', () => expect(weights(data + loss('x', 'loss_weight: 0.25'))).toEqual([0.25]));
  it('are 0 for any other layer', () => expect(weights(data + layer('ReLU', 'r', 'x', 'y'))).toEqual([0]));
  it('make any layer a loss', () =>
    expect(weights(data + layer('ReLU', 'r', 'x', 'y', 'loss_weight: 2'))).toEqual([2]));
  it('of an unnamed top are there too, and it is no output', () => {
    const net = compile(data + layer('SoftmaxWithLoss', 'l', 'x label', ''));
    expect(net.layers.at(-1)!.lossWeights).toEqual([1]);
    expect(net.layers.at(-1)!.tops.map(t => t.shape)).toEqual([[]]);
    expect(net.outputs).toEqual([]);
  });
});
