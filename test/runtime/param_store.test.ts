/** Parameters that nobody has given numbers: the engine hears of zeros only as long as that is so. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/node/index.js';
import { Net } from '../../src/index.js';
import { sizeOf } from '../../src/ir/index.js';

const TEXT = `
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }`;

/** A net on an engine that notes how its variables were set. */
async function watched() {
  const engine = createHostEngine();
  const calls: string[] = [];
  const write = engine.write.bind(engine);
  engine.write = (name, data, shape) => {
    calls.push(`write ${name}`);
    write(name, data, shape);
  };
  engine.zero = (name, shape) => {
    calls.push(`zero ${name}`);
    write(name, new Float32Array(sizeOf(shape)), shape);
  };
  const net = await Net.fromText(TEXT, { engine, phase: 'TEST' });
  return { net, calls };
}

describe('parameters without a filler', () => {
  it('are zeros to the engine, told once', async () => {
    const { net, calls } = await watched();
    expect((await net.forward({ x: [3, 4] })).get('y')!.data).toEqual(Float32Array.of(0, 0));
    await net.forward({ x: [3, 4] });
    expect(calls.map(call => call.split(' ')[0])).toEqual(['zero', 'zero']);
  });

  it('are numbers once somebody has written some, before the first run or after it', async () => {
    const { net, calls } = await watched();
    const weights = net.params.get('ip')![0]!;
    weights.data[0] = 2;
    expect((await net.forward({ x: [3, 4] })).get('y')!.data).toEqual(Float32Array.of(6, 0));
    weights.data[3] = 1;
    expect((await net.forward({ x: [3, 4] })).get('y')!.data).toEqual(Float32Array.of(6, 4));
    expect(calls.filter(call => call.startsWith('write'))).toHaveLength(2);
  });
});

describe('parameters left to an engine in this process', () => {
  const trained = async () => {
    const net = await Net.fromText(TEXT, { backend: 'onnx', phase: 'TEST' });
    net.params.get('ip')![1]!.data = [1, -1];
    await net.forward({ x: [3, 4] });
    return net;
  };

  it('can be read after the net is disposed', async () => {
    const net = await trained();
    net.dispose();
    expect(net.params.get('ip')!.map(blob => [...blob.data])).toEqual([
      [0, 0, 0, 0],
      [1, -1],
    ]);
  });

  it('can be changed and saved later', async () => {
    const net = await trained();
    net.params.get('ip')![0]!.data = [1, 0, 0, 2];
    expect([...(await net.forward({ x: [3, 4] })).get('y')!.data]).toEqual([4, 7]);
    net.params.get('ip')![0]!.data[1] = 5;
    expect([...(await net.forward({ x: [3, 4] })).get('y')!.data]).toEqual([24, 7]);
    net.dispose();
  });
});
