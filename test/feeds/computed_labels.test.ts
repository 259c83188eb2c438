/** Labels outside of the classes, where layers make or move them, or the caller feeds them. */

import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { Net } from '../../src/runtime/node/net.js';
import { mokapot, project } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';
import { failure } from '../failure.js';

const folder = temporaryFolder();
beforeAll(() => {
  cpSync(project('test/cases/python-labels-out-of-range'), folder, { recursive: true });
  // The Python class in JavaScript; in Python it runs in test/python.
  rmSync(join(folder, 'lab2.py'));
  const body = `setup() {}
    reshape(bottom, top) { top[0].reshape(1, 1, 4, 4); top[1].reshape(1, 1, 4, 4); }
    forward(bottom, top) { top[0].data.fill(1); top[1].data.fill(0); top[1].data.fill(255, 0, 8); }`;
  writeFileSync(join(folder, 'lab2.mjs'), `export class Seg { ${body} }`);
});

const LOSS = (shape: string, label: string) => `
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
  ${shape}
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "${label}" top: "loss" }`;

it.each(['sseg', 's_m'])('ends training: %s', async solver => {
  const { code, err } = await mokapot([
    'train',
    '--solver',
    join(folder, `${solver}.prototxt`),
    '--out',
    join(folder, solver),
  ]);
  expect(code).toBe(1);
  expect(err).toContain('error[label-value]');
  expect(err).toMatch(solver === 'sseg' ? /the label 255 at row 0, column 0 \(8 of its 16 pixels\)/ : /has the label/);
});

it.each([
  ['fed', 'layer { name: "y" type: "Input" top: "y" input_param { shape { dim: 2 } } }', 'y', { y: [0, 3] }],
  [
    'reshaped in place of a name',
    `layer { name: "y" type: "Input" top: "y" input_param { shape { dim: 1 dim: 2 } } }
     layer { name: "r" type: "Reshape" bottom: "y" top: "z" reshape_param { shape { dim: 2 } } }`,
    'z',
    { y: [0, 3] },
  ],
  [
    'DummyData',
    'layer { name: "y" type: "DummyData" top: "y" dummy_data_param { shape { dim: 2 } data_filler { value: 3 } } }',
    'y',
    {},
  ],
  [
    'changed in place',
    `layer { name: "y" type: "Input" top: "y" input_param { shape { dim: 2 } } }
     layer { name: "p" type: "Power" bottom: "y" top: "y" power_param { shift: 2 } }`,
    'y',
    { y: [0, 1] },
  ],
])('%s: is told', async (_, layers, label, feeds) => {
  const net = await Net.fromText(LOSS(layers, label), { phase: 'TRAIN' });
  const error = await failure(net.forward({ x: new Float32Array(6), ...feeds }));
  expect(error).toMatchObject({ code: 'label-value', layer: 'loss' });
  expect(error!.message).toContain('Entry');
  net.dispose();
});

it('labels that are changed into classes are fine', async () => {
  const layers = `layer { name: "y" type: "Input" top: "y" input_param { shape { dim: 2 } } }
     layer { name: "p" type: "Power" bottom: "y" top: "y" power_param { shift: -2 } }`;
  const net = await Net.fromText(LOSS(layers, 'y'), { phase: 'TRAIN' });
  const blobs = await net.forward({ x: new Float32Array(6), y: [2, 4] });
  expect(blobs.get('loss')!.data[0]).toBeCloseTo(Math.log(3), 5);
  net.dispose();
});
