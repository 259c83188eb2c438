/** Pictures of a run's progress: which there are, that they show the weights that tests have, and that the run is as without. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createPhantom, decodeImage } from '../../src/data/index.js';
import type { TrainEvent } from '../../src/train/events.js';
import { Solver, type TrainOptions, train } from '../../src/train/node/index.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';
import { failure } from '../failure.js';
import { DROP, dataLayer, tinyNet } from './tiny_net.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const NET = tinyNet(DROP);
const base: TrainOptions = {
  net: at('net.prototxt'),
  dataset: at('data'),
  epochs: 2,
  lr: 0.05,
  ema: 0.5,
  seed: 5,
  backend: 'host',
};

beforeAll(async () => {
  await createPhantom({ count: 16, size: 64, channels: 'L', val: 40, out: at('data'), seed: 3 });
  writeFileSync(at('net.prototxt'), NET);
});

async function run(options: TrainOptions): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train(options)) events.push(event);
  return events;
}

const bytes = (dir: string, name: string) => readFileSync(join(dir, name)).toString('base64');

describe('overlays', () => {
  it('need a folder where they are asked for', async () => {
    expect(await failure(run({ ...base, epochs: 1, overlays: 2 }))).toMatchObject({ code: 'overlays' });
    expect((await run({ ...base, epochs: 1 })).at(-1)).toMatchObject({ reason: 'done' });
  });

  it('are drawn after each epoch by default, and change nothing of the run', async () => {
    const [shown, bare] = [at('shown'), at('bare')];
    await run({ ...base, runDir: shown });
    await run({ ...base, overlays: 0, runDir: bare });
    expect(readdirSync(join(shown, 'overlays')).sort()).toEqual(['epoch_0000.png', 'epoch_0001.png', 'epoch_0002.png']);
    expect(existsSync(join(bare, 'overlays'))).toBe(false);
    expect(bytes(shown, 'snapshot_iter_8.caffemodel')).toBe(bytes(bare, 'snapshot_iter_8.caffemodel'));
    const drawn = ['0000', '0001', '0002'].map(n => bytes(join(shown, 'overlays'), `epoch_${n}.png`));
    expect(new Set(drawn).size).toBe(3);
  });

  it('show as many entries as asked for, after tests between epochs by the iteration, also by a solver file', async () => {
    const dir = at('few');
    await run({ ...base, overlays: 3, epochs: 1, valInterval: 0.5, runDir: dir });
    expect(readdirSync(join(dir, 'overlays')).sort()).toEqual(['epoch_0000.png', 'epoch_0001.png', 'iter_000002.png']);
    const image = await decodeImage(readFileSync(join(dir, 'overlays', 'epoch_0000.png')), 'x.png');
    expect(image.width).toBe(3 * (192 + 4) + 4);
    const solver = join(dir, 'solver.prototxt');
    const again = at('by-solver');
    await run({ solver, dataset: at('data'), backend: 'host', overlays: 3, runDir: again });
    expect(bytes(join(again, 'overlays'), 'epoch_0001.png')).toBe(bytes(join(dir, 'overlays'), 'epoch_0001.png'));
    const silent = at('silent');
    await run({ solver, dataset: at('data'), backend: 'host', runDir: silent });
    expect(existsSync(join(silent, 'overlays'))).toBe(false);
  });

  it('are of the averaged weights, as tests are', async () => {
    const text = `net_param { ${NET} } base_lr: 0.05 lr_policy: "fixed" max_iter: 4 random_seed: 1 test_iter: 2 test_interval: 2`;
    const options = { dataset: at('data'), backend: 'host' };
    const averaged = await Solver.fromText(`${text} mokapot_param { ema_decay: 0.5 }`, options);
    const plain = await Solver.fromText(text, options);
    await averaged.step(3);
    const { feeds } = await averaged.testData[0]!.next();
    const scores = await averaged.testScores(0, 'score', feeds);
    const before = await plain.testScores(0, 'score', feeds);
    plain.copyFrom((await averaged.snapshotBytes()).weights as never);
    expect(await plain.testScores(0, 'score', feeds)).toEqual(scores);
    expect(before).not.toEqual(scores);
    await Promise.all([averaged.dispose(), plain.dispose()]);
  });

  it('of a net that gives no pixel a class: none by default, refused where asked for', async () => {
    const net = at('whole.prototxt');
    writeFileSync(
      net,
      `${dataLayer('data')}${dataLayer('label')}
       layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
       layer { name: "b" type: "InnerProduct" bottom: "label" top: "b" inner_product_param { num_output: 2 } param { lr_mult: 0 } param { lr_mult: 0 } }
       layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }`,
    );
    const args = ['train', '--net', net, '--dataset', at('data'), '--epochs', '1', '--lr', '1e-9', '--backend', 'host'];
    const ran = await mokapot([...args, '--out', at('whole')]);
    expect(ran).toMatchObject({ code: 0 });
    expect(existsSync(at('whole', 'overlays'))).toBe(false);
    const refused = await mokapot([...args, '--out', at('whole-2'), '--overlays', '4']);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('no test net with scores for each pixel') });
    expect(existsSync(at('whole-2'))).toBe(false);
  });
});
