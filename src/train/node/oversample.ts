/** How many times an epoch each entry of a data set is read, by the classes that its label has. */

import type { Dataset, DatasetSplit, Manifest } from '../../data/index.js';
import { fail, nearest } from '../../diagnostics/index.js';
import type { Oversampling } from '../../schema/index.js';

/**
 * A factor for each entry of the training split: the greatest of those whose class its label has, else 1. Every label is read
 * for it, once.
 *
 * @throws MokapotError `oversample` where no data set is in use, or it has no such class, or no entry has it
 */
export async function factorsOf(
  wanted: readonly Oversampling[],
  dataset: Dataset | undefined,
): Promise<readonly number[] | undefined> {
  if (wanted.length === 0) return undefined;
  if (!dataset)
    throw fail('oversample', 'oversample goes by the classes of a data set, and none is in use.', {
      hint: 'Name it (--dataset DIR), or take oversample out of the solver.',
    });
  const split = await dataset.split('train');
  const classes = wanted.map(entry => ({ ...entry, index: classOf(entry.class, dataset.manifest) }));
  const found: ReadonlySet<number>[] = [];
  for (let entry = 0; entry < split.size; entry++) found.push(await classesIn(split, entry));
  for (const { index, class: name } of classes) {
    if (found.some(has => has.has(index))) continue;
    throw fail('oversample', `No label of the training entries of ${dataset.manifest.name} has class "${name}".`, {
      hint: 'Take it out: there is nothing to read more often.',
    });
  }
  return found.map(has => Math.max(1, ...classes.flatMap(({ index, factor }) => (has.has(index) ? [factor] : []))));
}

function classOf(name: string, { classes, name: dataset }: Manifest): number {
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  if (/^\d+$/.test(name) && Number(name) < classes.length) return Number(name);
  const near = nearest(name, classes);
  throw fail('oversample', `The data set ${dataset} has no class "${name}".`, {
    hint: `${near === undefined ? '' : `Did you mean "${near}"? `}There are: ${classes.map((c, i) => `${i} (${c})`).join(', ')}.`,
  });
}

async function classesIn(split: DatasetSplit, entry: number): Promise<ReadonlySet<number>> {
  return new Set((await split.entry(entry)).label);
}
