/** What a data set holds, as data for whoever prints it. */

import type { Manifest, SplitName } from './manifest.js';
import { readManifest, SPLITS } from './manifest.js';

export interface DatasetDescription {
  readonly path: string;
  readonly name: string;
  readonly kind: Manifest['kind'];
  /** channels, height, width; of pictures that differ: `varies`. */
  readonly shape: readonly (number | 'varies')[];
  readonly channelOrder: Manifest['channelOrder'];
  readonly splits: readonly {
    readonly name: SplitName;
    readonly count: number;
    readonly patients: readonly string[];
    readonly classShares: readonly number[];
  }[];
  readonly classes: readonly { readonly index: number; readonly name: string; readonly share: number }[];
  readonly mean: readonly number[];
  readonly seed: number;
  readonly skipped: Manifest['skipped'];
}

/** Reads the manifest only. @throws MokapotError `dataset-missing`, `dataset-manifest`. */
export async function describeDataset(path: string): Promise<DatasetDescription> {
  const m = await readManifest(path);
  return {
    path,
    name: m.name,
    kind: m.kind,
    shape: [m.channels, m.height, m.width],
    channelOrder: m.channelOrder,
    splits: SPLITS.map(name => {
      const { count, patients = [], classPixels } = m.splits[name];
      const sum = classPixels.reduce((a, b) => a + b, 0) || 1;
      return { name, count, patients, classShares: classPixels.map(p => p / sum) };
    }),
    classes: m.classes.map((name, index) => ({ index, name, share: m.classShares[index] ?? 0 })),
    mean: m.mean,
    seed: m.seed,
    skipped: m.skipped,
  };
}
