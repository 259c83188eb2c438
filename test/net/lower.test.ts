/** Lowered nets run on the host engine, against numbers worked out by hand. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { LOSS, type LowerOptions, lowerNet, type NetOptions } from '../../src/net/index.js';
import { compile, input, layer } from './nets.js';

interface Given {
  readonly options?: LowerOptions;
  readonly net?: NetOptions;
  readonly params?: Readonly<Record<string, readonly number[]>>;
}

async function run(
  text: string,
  feeds: Record<string, readonly number[]>,
  fetch: string[],
  { options, net, params }: Given = {},
) {
  const graph = compile(text, net);
  const lowered = lowerNet(graph, options);
  const engine = createHostEngine();
  for (const p of lowered.params) engine.write(p.key, Float32Array.from(params?.[p.key] ?? []), p.shape);
  const program = await engine.compile(lowered.graph);
  const arrays = Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, Float32Array.from(v)]));
  const out = await program.run(arrays, fetch);
  const read = async (key: string) => [...(await engine.read(key))];
  return { out: Object.fromEntries(Object.entries(out).map(([k, v]) => [k, [...v]])), read, lowered };
}

const power = (name: string, bottom: string, top: string, scale: number, more = '') =>
  layer('Power', name, bottom, top, `power_param { scale: ${scale} } ${more}`);
const fc = (name: string, bottom: string, top: string, more = '') =>
  layer('InnerProduct', name, bottom, top, `inner_product_param { num_output: 2 bias_term: false } ${more}`);

describe('forward', () => {
  it('gives the outputs nobody reads, or every blob in its last version', async () => {
    const text = input('x', 2) + power('p', 'x', 'y', 2) + layer('ReLU', 'r', 'y', 'y') + power('q', 'y', 'z', 3);
    expect([...lowerNet(compile(text)).graph.outputs.keys()]).toEqual(['z']);
    const { out } = await run(text, { x: [-1, 2] }, ['x', 'y', 'z'], { options: { fetch: 'all' } });
    expect(out).toEqual({ x: [-1, 2], y: [0, 4], z: [0, 12] });
  });

  it('sums the losses with their weights', async () => {
    const text =
      input('x', 2) + power('p', 'x', 'a', 2, 'loss_weight: 0.5') + power('q', 'x', 'b', 3, 'loss_weight: 10');
    const { out } = await run(text, { x: [1, 2] }, [LOSS]);
    expect(out[LOSS]).toEqual([0.5 * 6 + 10 * 9]);
  });

  it('counts a loss that is read again once', async () => {
    const text = input('x', 2) + power('p', 'x', 'a', 2, 'loss_weight: 0.5') + power('q', 'a', 'b', 3);
    expect((await run(text, { x: [1, 2] }, [LOSS])).out[LOSS]).toEqual([3]);
  });

  it('has no loss where there is none', () => {
    expect(lowerNet(compile(input('x', 2) + power('p', 'x', 'a', 2))).graph.outputs.has(LOSS)).toBe(false);
  });
});

describe('gradients', () => {
  const fan = `force_backward: true ${input('x', 2)}${power('p', 'x', 'y', 2)}${power('a', 'y', 'a', 3)}${power('b', 'y', 'b', 5)}`;

  it('of two seeds add up where their blobs meet', async () => {
    const options: LowerOptions = { gradients: 'seeds', seeds: ['a', 'b'] };
    const { out, lowered } = await run(fan, { x: [0, 0], 'diff/a': [1, 0], 'diff/b': [1, 10] }, ['grad/blob/x'], {
      options,
    });
    expect(out['grad/blob/x']).toEqual([2 * (3 + 5), 2 * 5 * 10]);
    expect([...lowered.inputs]).toEqual([
      ['x', [2]],
      ['diff/a', [2]],
      ['diff/b', [2]],
    ]);
  });

  it('of losses and seeds add up; a seed on a loss replaces its weight', async () => {
    const text = fan.replace('scale: 3 }', 'scale: 3 } loss_weight: 7');
    const both: LowerOptions = { gradients: 'seeds', seeds: ['b'] };
    expect(
      (await run(text, { x: [0, 0], 'diff/b': [1, 0] }, ['grad/blob/x'], { options: both })).out['grad/blob/x'],
    ).toEqual([2 * (7 * 3 + 5), 2 * 7 * 3]);
    const onLoss: LowerOptions = { gradients: 'seeds', seeds: ['a'] };
    expect(
      (await run(text, { x: [0, 0], 'diff/a': [1, 0] }, ['grad/blob/x'], { options: onLoss })).out['grad/blob/x'],
    ).toEqual([6, 0]);
  });

  it("of a blob in place are those of its first version, as Caffe's diff is after backward", async () => {
    const text = `force_backward: true ${input('x', 2)}${power('p', 'x', 'y', 2)}${layer('ReLU', 'r', 'y', 'y')}`;
    const options: LowerOptions = { gradients: 'seeds', seeds: ['y'], blobDiffs: ['y', 'x'] };
    const { out } = await run(text, { x: [-1, 1], 'diff/y': [4, 4] }, ['grad/blob/y', 'grad/blob/x'], { options });
    expect(out).toEqual({ 'grad/blob/y': [0, 4], 'grad/blob/x': [0, 8] });
  });

  it('are 0 where none flows', async () => {
    const text = `${input('x', 2)}${input('z', 3)}${power('p', 'x', 'y', 2, 'loss_weight: 1')}${power('q', 'z', 'w', 1)}`;
    const options: LowerOptions = { gradients: 'loss', blobDiffs: ['x', 'z'] };
    const { out } = await run(text, { x: [1, 1], z: [1, 2, 3] }, ['grad/blob/x', 'grad/blob/z'], { options });
    expect(out).toEqual({ 'grad/blob/x': [2, 2], 'grad/blob/z': [0, 0, 0] });
  });

  it('stop at propagate_down: false', async () => {
    const text = input('x', 1, 2) + fc('a', 'x', 'a') + fc('b', 'a', 'b', 'loss_weight: 1 propagate_down: false');
    const given: Given = { options: { gradients: 'loss' }, params: { 'a/0': [1, 0, 0, 1], 'b/0': [1, 2, 3, 4] } };
    const { out } = await run(text, { x: [5, 7] }, ['grad/a/0', 'grad/b/0'], given);
    expect(out).toEqual({ 'grad/a/0': [0, 0, 0, 0], 'grad/b/0': [5, 7, 5, 7] });
  });

  it('of an input are outputs where the net asks for them', () => {
    const outputs = (text: string) => [...lowerNet(compile(text), { gradients: 'loss' }).graph.outputs.keys()];
    const net = (more: string) => input('x', 1, 2) + fc('a', 'x', 'a', `loss_weight: 1 ${more}`);
    expect(outputs(net(''))).not.toContain('grad/blob/x');
    expect(outputs(net('propagate_down: true'))).toContain('grad/blob/x');
    expect(outputs(`force_backward: true ${net('')}`)).toContain('grad/blob/x');
  });

  it('leave parameters with lr_mult 0 out, unless asked for', () => {
    const net = compile(
      input('x', 1, 2) + fc('a', 'x', 'a', 'param { lr_mult: 0 }') + fc('b', 'a', 'b', 'loss_weight: 1'),
    );
    const keys = (options: LowerOptions) =>
      [...lowerNet(net, options).graph.outputs.keys()].filter(k => k.startsWith('grad/'));
    expect(keys({ gradients: 'loss' })).toEqual(['grad/b/0']);
    expect(keys({ gradients: 'loss', paramDiffs: 'all' })).toEqual(['grad/a/0', 'grad/b/0']);
    expect(keys({})).toEqual([]);
  });

  it('of shared parameters add up, also under another shape', async () => {
    const shared = (more: string) => `param { name: "w" ${more} }`;
    const text =
      input('x', 1, 4) +
      fc('a', 'x', 'a', `${shared('')} loss_weight: 1`) +
      input('z', 1, 2) +
      layer(
        'InnerProduct',
        'b',
        'z',
        'b',
        `inner_product_param { num_output: 4 bias_term: false } ${shared('share_mode: PERMISSIVE')} loss_weight: 1`,
      );
    const given: Given = { options: { gradients: 'loss' }, params: { 'a/0': [1, 2, 3, 4, 5, 6, 7, 8] } };
    const { out } = await run(text, { x: [1, 10, 100, 1000], z: [0.5, 0.25] }, ['a', 'b', 'grad/a/0'], {
      ...given,
      options: { gradients: 'loss', fetch: 'all' },
    });
    expect(out['a']).toEqual([4321, 8765]);
    expect(out['b']).toEqual([1, 2.5, 4, 5.5]);
    expect(out['grad/a/0']).toEqual([1.5, 10.25, 100.5, 1000.25, 1.5, 10.25, 100.5, 1000.25]);
  });
});

describe('extend', () => {
  it('makes a training step of it', async () => {
    const text = input('x', 1, 2) + fc('a', 'x', 'a', 'loss_weight: 1');
    const options: LowerOptions = {
      gradients: 'loss',
      fetchGradients: false,
      extend: (b, { gradients, params }) =>
        [...gradients].map(([key, gradient]) => ({
          variable: key,
          value: b.sub(params.get(key)!, b.mul(gradient, 0.5)),
        })),
    };
    const { read, out, lowered } = await run(text, { x: [2, 4] }, [LOSS], { options, params: { 'a/0': [1, 1, 1, 1] } });
    expect(out[LOSS]).toEqual([12]);
    expect(await read('a/0')).toEqual([0, -1, 0, -1]);
    expect([...lowered.graph.outputs.keys()]).toEqual(['a', LOSS]);
  });
});

it.each([
  ['BatchNorm', ''],
  ['BN', 'bn_param { momentum: 0.9 }'],
])('%s computes the statistics of a batch once, for its top and for what it keeps', (type, param) => {
  const net = compile(input('x', 2, 3, 4, 4) + layer(type, 'n', 'x', 'n', param), { phase: 'TRAIN' });
  const { graph } = lowerNet(net);
  expect(graph.assignments.length).toBeGreaterThan(1);
  expect(graph.nodes.filter(node => node.op === 'reduceSum')).toHaveLength(2);
});
