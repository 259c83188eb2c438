/** What recurrent layers carry from one run of a Net to the next. */

import { describe, expect, it } from 'vitest';
import { Net } from '../../src/runtime/node/net.js';

const net = (type: string, steps: number) => `
force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: ${steps} dim: 2 dim: 1 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: ${steps} dim: 2 } } }
layer { name: "r" type: "${type}" bottom: "x" bottom: "cont" top: "y"
  recurrent_param { num_output: 2 weight_filler { type: "uniform" min: -1 max: 1 } bias_filler { type: "uniform" min: -1 max: 1 } } }`;

describe.each(['RNN', 'LSTM'])('%s', type => {
  it('goes on where the last run ended, unless cont is 0', async () => {
    const long = await Net.fromText(net(type, 4), { backend: 'host', seed: 5 });
    const short = await Net.fromText(net(type, 2), { backend: 'host', seed: 5 });
    const x = [1, -1, 0.5, 2, -0.5, 1, 0.3, 0.7];
    // The second sample begins anew at the third step.
    const cont = [0, 0, 1, 1, 1, 0, 1, 1];
    const whole = (await long.forward({ x, cont })).get('y')!.data;
    const first = (await short.forward({ x: x.slice(0, 4), cont: cont.slice(0, 4) })).get('y')!.data;
    const second = (await short.forward({ x: x.slice(4), cont: cont.slice(4) })).get('y')!.data;
    expect([...first, ...second]).toEqual([...whole]);
    long.dispose();
    short.dispose();
  });

  it('backward works at the states its forward began with', async () => {
    const given = await Net.fromText(net(type, 2), { backend: 'host', seed: 5 });
    const feeds = { x: [1, -1, 0.5, 2], cont: [1, 1, 1, 1] };
    const dy = new Float32Array(8).fill(1);
    await given.forward({ ...feeds, cont: [0, 0, 1, 1] });
    const fresh = (await given.backward({ y: dy })).get('x')!.diff.slice();
    const other = await Net.fromText(net(type, 2), { backend: 'host', seed: 5 });
    await other.forward(feeds);
    expect((await other.backward({ y: dy })).get('x')!.diff).toEqual(fresh);
    other.dispose();
    const before = await given.forward(feeds);
    const dx = (await given.backward({ y: dy })).get('x')!.diff.slice();
    expect(dx).not.toEqual(fresh);
    const again = await given.backward({ y: dy });
    expect(again.get('x')!.diff).toEqual(dx);
    const after = await given.forward(feeds);
    expect([...after.get('y')!.data]).not.toEqual([...before.get('y')!.data]);
    given.dispose();
  });
});
