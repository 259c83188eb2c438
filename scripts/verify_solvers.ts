/**
 * Every solver golden of a folder on a backend, as `mokapot verify` does it for layers: `jiti scripts/verify_solvers.ts DIR BACKEND`.
 *
 * Parameters and loss after each iteration are compared with Caffe's. Prints a line a solver; ends with 1 where one differs
 * or fails. Used by scripts/gpu-check.sh, where the test suites' tools are not at hand.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { firstLine } from '../src/diagnostics/index.js';
import { greatestError, TOLERANCE } from '../src/tools/verify.js';
import { Solver } from '../src/train/node/solver.js';
import { loadSafetensors } from '../src/weights/node/files.js';

const [dir = '', backend = 'auto'] = process.argv.slice(2);

/** The greatest relative error of the parameters after any iteration; throws where a loss is another. */
async function greatestOf(name: string): Promise<number> {
  const { tensors } = loadSafetensors(join(dir, `${name}.safetensors`));
  const row = (key: string, k: number) => {
    const { data, shape } = tensors.get(key)!;
    const size = data.length / shape[0]!;
    return data.slice(k * size, (k + 1) * size);
  };
  const weights = join(dir, `${name}_init.caffemodel`);
  const solver = await Solver.fromFile(join(dir, `${name}_solver.prototxt`), { backend, weights });
  let greatest = 0;
  try {
    for (const [k, theirs] of tensors.get('loss')!.data.entries()) {
      const loss = await solver.step(1, { data: row('data', k), label: row('label', k) });
      if (!(Math.abs(loss - theirs) <= TOLERANCE.relative * Math.abs(theirs) + TOLERANCE.absolute))
        throw new Error(`its loss after iteration ${k + 1} is ${loss}, Caffe's ${theirs}`);
      for (const [layer, blobs] of solver.net.params) {
        blobs.forEach((blob, i) => {
          const error = greatestError(blob.data, tensors.get(`after${k + 1}/${layer}/${i}`)!.data);
          // A NaN is kept: it is no pass.
          if (!(error <= greatest)) greatest = error;
        });
      }
    }
  } finally {
    await solver.dispose();
  }
  return greatest;
}

const names = readdirSync(dir).flatMap(f => /^(.*)_solver\.prototxt$/.exec(f)?.[1] ?? []);
let good = 0;
for (const name of names) {
  try {
    const error = await greatestOf(name);
    const passed = error <= TOLERANCE.relative;
    if (passed) good++;
    console.log(`${name.padEnd(16)} ${error.toExponential(1)} ${passed ? 'pass' : 'FAIL'}`);
  } catch (cause) {
    console.log(`${name.padEnd(16)} FAIL: ${firstLine(cause)}`);
  }
}
console.log(`${good} of ${names.length} solvers pass on ${backend}.`);
process.exit(good === names.length && names.length > 0 ? 0 : 1);
