/** Labels outside of the classes: value, entry and pixel are named; a run that meets one keeps what it has learnt. */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../../src/data/index.js';
import { MokapotError } from '../../src/diagnostics/index.js';
import { checkLabelValues, labelReaders } from '../../src/feeds/label_values.js';
import { compileNet } from '../../src/net/index.js';
import { parseNet } from '../../src/schema/index.js';
import type { TrainEvent } from '../../src/train/events.js';
import { Solver, train } from '../../src/train/node/index.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

beforeAll(() => {
  for (let i = 0; i < 6; i++)
    writeFileSync(
      file(`p${i}.png`),
      encodePng({ width: 2, height: 2, channels: 1, data: Uint8Array.of(i, 0, 9 * i, 3) }),
    );
  writeFileSync(file('list.txt'), [0, 1, 0, 1, 1, 2].map((label, i) => `p${i}.png ${label}`).join('\n'));
  const net = `layer { name: "d" type: "ImageData" top: "data" top: "label" image_data_param { source: "list.txt" batch_size: 2 is_color: false } }
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
    layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }`;
  writeFileSync(file('net.prototxt'), net);
  writeFileSync(
    file('solver.prototxt'),
    'net: "net.prototxt" base_lr: 1e-4 lr_policy: "fixed" max_iter: 9 random_seed: 1',
  );
});

const failure = (run: () => void) => {
  try {
    run();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(MokapotError);
    return (thrown as MokapotError).diagnostics[0]!;
  }
  return undefined;
};

describe('label values', () => {
  const graph = (more: string) =>
    compileNet(
      parseNet(`layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 2 dim: 3 dim: 2 dim: 4 } shape { dim: 2 dim: 1 dim: 2 dim: 4 } } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "y" top: "loss" ${more} }
        layer { name: "other" type: "Accuracy" bottom: "x" bottom: "y" top: "a" accuracy_param { ignore_label: 255 } }`)
        .message,
      { phase: 'TEST' },
    );
  const check = (values: Record<number, number>, more = '') => {
    const data = new Float32Array(16);
    for (const [at, value] of Object.entries(values)) data[Number(at)] = value;
    const readers = labelReaders(graph(more));
    return failure(() =>
      checkLabelValues(
        readers,
        ({ blob }) => (blob === 'y' ? { data, shape: [2, 1, 2, 4] } : undefined),
        () => ['first', 'second'],
      ),
    );
  };

  it('are followed through Splits to the blob that is fed', () => {
    expect(labelReaders(graph('loss_param { ignore_label: 7 }'))).toMatchObject([
      { blob: 'y', layer: 'loss', classes: 3, ignored: 7 },
      { blob: 'y', layer: 'other', classes: 3, ignored: 255 },
    ]);
  });

  it('pass where they are classes or ignored', () => {
    expect(check({ 0: 2, 5: 1 })).toBeUndefined();
    expect(check({ 3: 255 }, 'loss_param { ignore_label: 255 }')).toBeUndefined();
  });

  it('are named with entry and pixel where they are not', () => {
    expect(check({ 13: 3, 15: 3 })).toMatchObject({
      code: 'label-value',
      layer: 'loss',
      message:
        'second has the label 3 at row 1, column 1 (2 of its 8 pixels), and layer "loss" knows the classes 0 to 2.',
      hint: expect.stringMatching(/num_output: 4.*loss_param \{ ignore_label/),
    });
    expect(check({ 0: -1 })).toMatchObject({
      message: expect.stringMatching(/^first has the label -1 at row 0, column 0/),
    });
    expect(check({ 0: Number.NaN })).toMatchObject({ message: expect.stringMatching(/label NaN/) });
    expect(check({ 0: 255 }, 'loss_param { ignore_label: 7 }')).toMatchObject({
      message: expect.stringMatching(/ignores 7/),
    });
  });
});

describe('a run that meets one', () => {
  it('ends with a snapshot of what was learnt, and says which entry it was', async () => {
    const events: TrainEvent[] = [];
    for await (const e of train({ solver: file('solver.prototxt'), backend: 'host', runDir: file('run') }))
      events.push(e);
    const end = events.at(-1)!;
    expect(end).toMatchObject({
      type: 'end',
      reason: 'failed',
      iter: 2,
      diagnostic: { code: 'label-value', message: expect.stringMatching(/^Iteration 2: p5\.png has the label 2,/) },
    });
    expect(end.type === 'end' && end.snapshot && existsSync(end.snapshot.state)).toBe(true);
  });

  it('is refused at its first batch by the library and by `mokapot test`', async () => {
    writeFileSync(file('list.txt'), 'p0.png 2\np1.png 1');
    const solver = await Solver.fromFile(file('solver.prototxt'), { backend: 'host' });
    await expect(solver.step()).rejects.toThrow(/p0\.png has the label 2/);
    await solver.dispose();
    const tested = await mokapot(['test', '--net', file('net.prototxt'), '--backend', 'host']);
    expect([tested.code, tested.err]).toEqual([1, expect.stringMatching(/p0\.png has the label 2/)]);
    const trained = await mokapot([
      'train',
      '--solver',
      file('solver.prototxt'),
      '--out',
      file('none'),
      '--backend',
      'host',
    ]);
    expect([trained.code, trained.err]).toEqual([1, expect.stringMatching(/p0\.png has the label 2/)]);
  });
});
