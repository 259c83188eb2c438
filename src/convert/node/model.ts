/** What the model targets share: the net exported with as many dynamic sizes as possible, and run for comparison. */

import { fail, type MokapotError, recordOf } from '../../diagnostics/index.js';
import type { ExportTarget } from '../../ir/index.js';
import type { GeneralGraph } from '../../ir/passes/generalise.js';
import type { Net } from '../../runtime/net.js';
import { type Comparison, compare, type LoadedModel } from '../compare.js';
import { type DynamicExport, type InputShapes, inputShapes, type OpenSizes } from '../dynamic_sizes.js';
import { exportNet } from '../export_net.js';
import type { Job } from './types.js';

export function exportJob<T>(
  job: Job,
  target: ExportTarget,
  exportGraph: (general: GeneralGraph) => T,
): DynamicExport<T> {
  return exportNet(job, target, exportGraph);
}

/** Of the greatest output: what two ways of adding up the same numbers may be apart. */
const TOLERANCE = 1e-4;

/** Share of an output of whole numbers that may differ: classes whose scores are as good as equal. */
const TIES = 0.001;

/**
 * Runs the model beside the network, at its own sizes and, where they are open, at others.
 * @throws MokapotError `convert-differs`; never of a quantised model, which is another one
 */
export async function checkModel(
  job: Job,
  { open }: DynamicExport<unknown>,
  load: () => Promise<LoadedModel>,
): Promise<readonly Comparison[] | undefined> {
  if (job.options.check === false) return undefined;
  job.progress('comparing it with the network');
  const model = await load();
  const checks: Comparison[] = [];
  try {
    for (const shapes of sizesToCheck(job.net, open)) checks.push(await compare(job, model, shapes));
  } finally {
    await model.dispose();
  }
  if (!job.options.quantize) for (const check of checks) refuseDifferent(check);
  return checks;
}

/** The network's own input shapes, and others where some are open. */
export function sizesToCheck(net: Net, open: OpenSizes): InputShapes[] {
  const own = recordOf(inputShapes(net.graph));
  if (!open.batch && open.plane === undefined) return [own];
  const [[, first]] = Object.entries(own) as [[string, readonly number[]]];
  const image = Object.values(own).find(shape => shape.length === 4);
  const other = Object.entries(own).map(([name, shape]) => {
    const sizes = [...shape];
    if (open.batch && shape[0] === first[0]) sizes[0] = first[0] === 2 ? 3 : 2;
    if (open.plane !== undefined && shape.length === 4 && shape[2] === image![2] && shape[3] === image![3]) {
      sizes[2]! += open.plane;
      sizes[3]! += 3 * open.plane;
    }
    return [name, sizes] as const;
  });
  return [own, recordOf(other)];
}

function refuseDifferent({ inputs, outputs }: Comparison): void {
  for (const { blob, error, greatest, differing = 1 } of outputs) {
    if (error === Number.POSITIVE_INFINITY) throw notComparable(blob);
    if (error <= TOLERANCE * Math.max(1, greatest) || differing <= TIES) continue;
    const sizes = Object.entries(inputs).map(([name, shape]) => `${name} ${shape.join('x')}`);
    throw fail(
      'convert-differs',
      `The model's "${blob}" is up to ${error} off the network's (whose greatest value is ${greatest}), at ${sizes.join(', ')}. Nothing was put in place.`,
      { hint: '--no-check writes it all the same; --fixed leaves no size open. This may be a bug in Mokapot.' },
    );
  }
}

/** NaN and infinity cannot be compared, however alike both sides have them. */
function notComparable(blob: string): MokapotError {
  return fail(
    'non-finite',
    `The output "${blob}" has numbers that are not finite, so that the model cannot be compared with the network. Nothing was put in place.`,
    {
      hint: 'Check the weights: those of a training that diverged cannot be used. --no-check writes it all the same.',
    },
  );
}
