import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCaffemodel, readSolverstate, writeSolverstate } from '../../../src/weights/index.js';

const goldens = new URL('../../goldens/solvers/', import.meta.url);
const golden = (name: string) => new Uint8Array(readFileSync(new URL(name, goldens)));

describe('solver states that Caffe wrote', () => {
  const files = readdirSync(goldens).filter(f => f.endsWith('.solverstate'));

  it.each(files)('%s is understood and comes back byte for byte', file => {
    const bytes = golden(file);
    const state = readSolverstate(bytes);
    expect(state.iter).toBe(Number(/iter_(\d+)/.exec(file)![1]));
    expect(state.learned_net).toBe(file.replace('.solverstate', '.caffemodel'));
    const params = [...readCaffemodel(golden(state.learned_net)).layers.values()].flat().map(b => b.shape);
    const twice = /^(adam|adadelta)_/.test(file);
    expect(state.history.map(b => b.shape)).toEqual(twice ? [...params, ...params] : params);
    expect(state.resume).toBeUndefined();
    expect(writeSolverstate(state)).toEqual(bytes);
  });

  it("carries Mokapot's resume state behind what Caffe reads", () => {
    const bytes = golden('sgd_iter_4.solverstate');
    const resume = { random: [1, 2, 3], order: { epoch: 2, at: 17 }, name: 'é' };
    const longer = writeSolverstate({ ...readSolverstate(bytes), resume });
    expect(longer.slice(0, bytes.length)).toEqual(bytes);
    expect(readSolverstate(longer).resume).toEqual(resume);
  });

  it('tells a caffemodel from a solver state', () => {
    expect(() => readSolverstate(golden('sgd_init.caffemodel'), 'a.caffemodel')).toThrow(/a\.caffemodel.*--weights/);
    expect(() => readSolverstate(new Uint8Array(0))).toThrow(/names no iteration/);
  });
});
