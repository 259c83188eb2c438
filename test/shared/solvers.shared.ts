/** Every solver and policy of ../shared on onnx, wasm, cpu and a GPU that is here: parameters and loss after each iteration, Caffe's snapshots. */

import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { greatestError, TOLERANCE } from '../../src/tools/verify.js';
import { Solver } from '../../src/train/node/index.js';
import type { Safetensors } from '../../src/weights/index.js';
import { loadSafetensors } from '../../src/weights/node/files.js';
import { gpus, shared, sharedThere } from './folder.js';

const there = sharedThere('goldens/solvers');
const file = (name: string) => shared(`goldens/solvers/${name}`);
const names = there ? readdirSync(file('')).flatMap(f => /^(.*)_solver\.prototxt$/.exec(f)?.[1] ?? []) : [];
const engines = ['onnx', 'wasm', 'cpu', ...(await gpus())];

function feedsOf({ tensors }: Safetensors) {
  const row = (key: string, k: number) => {
    const { data, shape } = tensors.get(key)!;
    const size = data.length / shape[0]!;
    return data.slice(k * size, (k + 1) * size);
  };
  return (k: number) => ({ data: row('data', k), label: row('label', k) });
}

function expectParams(solver: Solver, { tensors }: Safetensors, after: number): void {
  for (const [layer, blobs] of solver.net.params) {
    blobs.forEach((blob, i) => {
      const key = `after${after}/${layer}/${i}`;
      expect(greatestError(blob.data, tensors.get(key)!.data), key).toBeLessThanOrEqual(TOLERANCE.relative);
    });
  }
}

describe.skipIf(!there)('solvers', () => {
  it('are there', () => expect(names.length).toBeGreaterThan(9));

  it.each(engines.flatMap(backend => names.map(name => [name, backend] as const)))(
    '%s on %s',
    async (name, backend) => {
      const values = loadSafetensors(file(`${name}.safetensors`));
      const feeds = feedsOf(values);
      const weights = file(`${name}_init.caffemodel`);
      const solver = await Solver.fromFile(file(`${name}_solver.prototxt`), { backend, weights });
      const losses = values.tensors.get('loss')!.data;
      for (const [k, theirs] of losses.entries()) {
        const loss = await solver.step(1, feeds(k));
        expect(Math.abs(loss - theirs)).toBeLessThanOrEqual(TOLERANCE.relative * theirs + TOLERANCE.absolute);
        expectParams(solver, values, k + 1);
      }
      await solver.dispose();
    },
  );

  it.each(names.filter(name => existsSync(file(`${name}_iter_4.solverstate`))))(
    "%s goes on from Caffe's snapshot",
    async name => {
      const values = loadSafetensors(file(`${name}.safetensors`));
      const solver = await Solver.fromFile(file(`${name}_solver.prototxt`), { backend: 'onnx' });
      await solver.restore(file(`${name}_iter_4.solverstate`));
      await solver.step(4, feedsOf(values));
      expectParams(solver, values, 8);
      await solver.dispose();
    },
  );
});
