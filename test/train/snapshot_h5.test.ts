/** snapshot_format: HDF5: the files, and runs that go on from them. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Solver } from '../../src/train/node/index.js';
import { Hdf5Reader } from '../../src/weights/formats/hdf5_read.js';
import { readSolverstate } from '../../src/weights/index.js';
import { loadSolverstate, saveSolverstate, withFile } from '../../src/weights/node/files.js';
import { mokapot } from '../cli/cli.js';
import { temporaryFolder } from '../data/temporary.js';

const folder = temporaryFolder();
const GOLDEN = new URL('../goldens/hdf5_data/state.solverstate.h5', import.meta.url).pathname;

const NET = `net_param { name: "n"
  layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 2 } data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
  layer { name: "conv/a" type: "InnerProduct" bottom: "x" top: "z" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "drop" type: "Dropout" bottom: "z" top: "z" }
  layer { name: "l" type: "EuclideanLoss" bottom: "z" bottom: "y" top: "l" } }`;
const SOLVER = `${NET} base_lr: 0.1 lr_policy: "multistep" stepvalue: 2 gamma: 0.5 momentum: 0.9 type: "Adam" max_iter: 8 random_seed: 3 snapshot_format: HDF5`;
const make = (seed?: number) => Solver.fromText(SOLVER, { backend: 'host', ...(seed !== undefined && { seed }) });

describe('a snapshot in HDF5', () => {
  it('has Caffe’s names and datasets', async () => {
    const solver = await make();
    await solver.step(3);
    const files = await solver.snapshot(join(folder, 'a'));
    expect(Object.values(files).map(f => basename(f))).toEqual(['a_iter_3.caffemodel.h5', 'a_iter_3.solverstate.h5']);
    withFile(files.state, source => {
      const reader = new Hdf5Reader(source);
      const root = reader.group(reader.root)!;
      expect([...root.keys()]).toEqual(['current_step', 'history', 'iter', 'learned_net', 'mokapot_resume']);
      expect(reader.wholeNumber(root.get('iter')!, 'iter')).toBe(3);
      expect(reader.wholeNumber(root.get('current_step')!, 'current_step')).toBe(1);
      expect(reader.fixedText(root.get('learned_net')!, 'learned_net')).toBe(files.weights);
      const history = reader.group(root.get('history')!)!;
      expect([...history.keys()].sort()).toEqual(['0', '1', '2', '3']);
      expect(reader.dataset(history.get('0')!, 'history').shape).toEqual([2, 3]);
    });
    withFile(files.weights, source => {
      const reader = new Hdf5Reader(source);
      const data = reader.group(reader.group(reader.root)!.get('data')!)!;
      expect([...data.keys()]).toContain('drop');
      expect([...reader.group(reader.group(data.get('conv')!)!.get('a')!)!.keys()]).toEqual(['0', '1']);
    });
    await solver.dispose();
  });

  it('is gone on from with the very numbers of the unbroken run', async () => {
    const unbroken = await make();
    await unbroken.step(3);
    const { state } = await unbroken.snapshot(join(folder, 'b'));
    await unbroken.step(4);
    const resumed = await make(99);
    await resumed.restore(state);
    expect(resumed.iter).toBe(3);
    await resumed.step(4);
    expect(resumed.losses).toEqual(unbroken.losses.slice(3));
    await Promise.all([unbroken.dispose(), resumed.dispose()]);
  });

  it('is written and gone on from by the command line', async () => {
    const solver = join(folder, 'solver.prototxt');
    writeFileSync(solver, SOLVER);
    const run = (...more: string[]) =>
      mokapot(['train', '--solver', solver, '--out', join(folder, 'run'), '--backend', 'host', ...more]);
    expect((await run()).code).toBe(0);
    const state = join(folder, 'run', 'snapshot_iter_8.solverstate.h5');
    expect(existsSync(state)).toBe(true);
    const { code, out } = await run('--snapshot', state, '--max-iter', '9');
    expect([code, out]).toEqual([0, expect.stringMatching(/Goes on from .*iter_8\.solverstate\.h5, iteration 8/)]);
  });

  it('comes back as it was saved, exact whole numbers and all', async () => {
    const state = {
      iter: 123456789,
      learned_net: 'näme.caffemodel.h5',
      current_step: 2,
      history: [{ shape: [2], data: Float32Array.of(1, 2) }],
      resume: { a: ['é', 1.5] },
    };
    const path = join(folder, 'c.solverstate.h5');
    await saveSolverstate(path, state);
    expect(loadSolverstate(path)).toEqual(state);
  });

  it('that HDF5’s own library wrote, as Caffe does, is read', () => {
    expect(loadSolverstate(GOLDEN)).toEqual({
      iter: 16777217,
      learned_net: 'lenet_iter_4.caffemodel.h5',
      current_step: 3,
      history: [
        { shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) },
        { shape: [2], data: Float32Array.of(-1, 0.5) },
      ],
    });
  });

  it('that is damaged or none is told in a sentence', async () => {
    const bytes = readFileSync(GOLDEN);
    for (let at = 0; at < bytes.length; at += 97) {
      const flipped = Uint8Array.from(bytes);
      flipped[at]! ^= 0xff;
      for (const damaged of [bytes.subarray(0, at), flipped]) {
        try {
          readSolverstate(damaged, 'state');
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'MokapotError', message: expect.stringMatching(/^state/) });
        }
      }
    }
    expect(() => loadSolverstate(GOLDEN.replace('state.solverstate', 'plain'))).toThrow(/no "iter".*weights alone/);
  });
});
