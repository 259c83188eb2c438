/** Nets of two forks whose schemas contradict each other, in one process, at the same time. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert } from '../../src/convert/node/index.js';
import { registerLayer } from '../../src/layers/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { defaultSchema, Schema } from '../../src/schema/index.js';
import { Solver } from '../../src/train/node/index.js';
import { folder } from '../cli/cli.js';

const fork = (
  type: string,
  preset: string,
) => `syntax = "proto2"; package caffe; message LayerParameter { optional GrowParameter grow_param = 9300; }
  message GrowParameter { optional ${type} = 1 [default = ${preset}]; }`;
/** In one fork a factor is given, in the other the exponent of one: the same number of the same field. */
const FACTOR = fork('float factor', '2');
const LOG = fork('int32 log2', '3');

registerLayer({
  type: 'Grow',
  doc: 'y = factor · x',
  bottoms: { min: 1, max: 1 },
  tops: { min: 1, max: 1 },
  reshape: ctx => ({ tops: [ctx.bottomShapes[0]!], params: [] }),
  lower(ctx, b, [x]) {
    const given = (ctx.param as unknown as { grow_param: { factor?: number; log2?: number } }).grow_param;
    return [b.mul(x!, given.factor ?? 2 ** given.log2!)];
  },
});

const net = (field: string) => `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
layer { name: "grow" type: "Grow" bottom: "x" top: "y" grow_param { ${field} } }`;
const A = Schema.caffe.extend(FACTOR, 'a.proto');
const B = Schema.caffe.extend(LOG, 'b.proto');

const CASES = [
  { schema: A, field: 'factor: 0.5', grows: 0.5 },
  { schema: B, field: 'log2: 4', grows: 16 },
  { schema: A, field: '', grows: 2 },
  { schema: B, field: '', grows: 8 },
];

describe('nets of two forks', () => {
  it('run side by side, loaded and called at the same time', async () => {
    const twice = [...CASES, ...CASES];
    const nets = await Promise.all(twice.map(c => Net.fromText(net(c.field), { schema: c.schema, backend: 'host' })));
    try {
      for (const x of [1, 3]) {
        const outs = await Promise.all(nets.map(n => n.forward({ x: [x, -x] })));
        expect(outs.map(o => [...o.get('y')!.data])).toEqual(twice.map(c => [c.grows * x, -c.grows * x]));
      }
    } finally {
      for (const n of nets) n.dispose();
    }
    expect(defaultSchema()).toBe(Schema.caffe);
  });

  it('are read from files with the .proto beside them or named, and one does not help the other', async () => {
    const dirs = [FACTOR, LOG].map((proto, i) => {
      const dir = folder();
      writeFileSync(join(dir, 'net.prototxt'), net(CASES[i]!.field));
      writeFileSync(join(dir, 'net.proto'), proto);
      writeFileSync(join(dir, 'alone.prototxt'), net(CASES[i]!.field));
      return dir;
    });
    const [a, b] = dirs as [string, string];
    const run = async (path: string, options: object = {}) => {
      const loaded = await Net.fromFile(path, { backend: 'host', ...options });
      try {
        return (await loaded.forward({ x: [1, 0] })).get('y')!.data[0];
      } finally {
        loaded.dispose();
      }
    };
    const files = [a, b, a, b].map(dir => run(join(dir, 'net.prototxt')));
    expect(await Promise.all(files)).toEqual([0.5, 16, 0.5, 16]);
    expect(await run(join(a, 'alone.prototxt'), { schema: join(a, 'net.proto') })).toBe(0.5);
    expect(await run(join(b, 'alone.prototxt'), { schema: [join(b, 'net.proto')] })).toBe(16);
    await expect(run(join(a, 'alone.prototxt'))).rejects.toThrow(/grow_param/);
    await expect(run(join(a, 'alone.prototxt'), { schema: B })).rejects.toThrow(/factor/);
  });

  it('save and copy weights, and are converted', async () => {
    const dir = folder();
    const reports = await Promise.all(
      CASES.slice(0, 2).map(async ({ schema, field }, i) => {
        const path = join(dir, `${i}.prototxt`);
        const ip =
          'layer { name: "ip" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }';
        writeFileSync(path, `${net(field)}\n${ip}`);
        const trained = await Net.fromFile(path, { schema, backend: 'host', seed: 1 });
        const weights = join(dir, `${i}.caffemodel`);
        await trained.save(weights);
        const copied = trained.copyFrom(weights).copied;
        trained.dispose();
        const out = join(dir, `${i}.onnx`);
        const report = await convert({ to: 'onnx', net: path, weights, out, schema, backend: 'host', check: false });
        return { copied, to: report.to };
      }),
    );
    expect(reports).toEqual([
      { copied: ['ip'], to: 'onnx' },
      { copied: ['ip'], to: 'onnx' },
    ]);
  });
});

describe('solvers of two forks', () => {
  const trained = (
    field: string,
  ) => `layer { name: "d" type: "DummyData" top: "x" dummy_data_param { shape { dim: 1 dim: 2 } data_filler { value: 1 } } }
layer { name: "grow" type: "Grow" bottom: "x" top: "y" grow_param { ${field} } }
layer { name: "ip" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 1 weight_filler { value: 1 } } }
layer { name: "t" type: "DummyData" top: "t" dummy_data_param { shape { dim: 1 dim: 1 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "z" bottom: "t" top: "loss" }`;
  const text =
    'net: "net.prototxt" base_lr: 0 lr_policy: "fixed" max_iter: 2 test_iter: 1 test_interval: 1 random_seed: 1';

  it('train at the same time, each net read by its own schema', async () => {
    const losses = await Promise.all(
      [...CASES, ...CASES].map(async ({ schema, field, grows }) => {
        const dir = folder();
        writeFileSync(join(dir, 'net.prototxt'), trained(field));
        const solver = await Solver.fromText(text, { dir, schema, backend: 'host' });
        try {
          expect(solver.testNets).toHaveLength(1);
          const loss = await solver.step();
          return loss / ((2 * grows) ** 2 / 2);
        } finally {
          await solver.dispose();
        }
      }),
    );
    for (const share of losses) expect(share).toBeCloseTo(1, 5);
  });

  it('the .proto beside a solver counts for its nets', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'net.prototxt'), trained('log2: 1'));
    writeFileSync(join(dir, 'solver.prototxt'), text);
    writeFileSync(join(dir, 'solver.proto'), LOG);
    const solver = await Solver.fromFile(join(dir, 'solver.prototxt'), { backend: 'host' });
    await solver.dispose();
    expect(defaultSchema()).toBe(Schema.caffe);
  });
});
