/** Whether a data set is as it was written: every entry by its checksum, then the files as a whole. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Diagnostic, error, MokapotError } from '../../diagnostics/index.js';
import { fileError } from '../../files/index.js';
import { openDataset } from './dataset.js';
import { type ManifestSplit, SPLITS, type SplitName } from './manifest.js';

export interface Verified {
  /** Entries that were read. */
  readonly entries: number;
  /** Entries without a checksum: a set of an older version. */
  readonly unchecked: number;
  readonly problems: readonly Diagnostic[];
}

/** Of a file, in hex. @throws errors of the system */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * Reads all entries and files of a data set.
 * @param onProgress told how many entries are read
 * @throws MokapotError where it cannot be opened at all, as openDataset
 */
export async function verifyDataset(
  path: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Verified> {
  const dataset = await openDataset(path);
  const problems: Diagnostic[] = [];
  const { splits } = dataset.manifest;
  const total = SPLITS.reduce((sum, name) => sum + splits[name].entries.length, 0);
  const unchecked = SPLITS.flatMap(name => splits[name].entries.filter(e => !e.checksums)).length;
  let entries = 0;
  const telling = async (work: Promise<unknown>) => {
    try {
      await work;
    } catch (cause) {
      if (!(cause instanceof MokapotError)) throw cause;
      problems.push(...cause.diagnostics);
    }
  };
  try {
    for (const name of SPLITS) {
      const before = problems.length;
      await telling(
        (async () => {
          const split = await dataset.split(name);
          for (let i = 0; i < split.size; i++) {
            await telling(split.entry(i));
            entries++;
            onProgress?.(entries, total);
          }
        })(),
      );
      problems.push(...(await changedFiles(path, name, splits[name], problems.length > before)));
    }
  } finally {
    await dataset.close();
  }
  return { entries, unchecked, problems };
}

/** Files that are not byte for byte what was written. Of databases it is told only where no entry says it already. */
async function changedFiles(
  path: string,
  name: SplitName,
  { features, labels, mean, sha256 }: ManifestSplit,
  isKnown: boolean,
): Promise<Diagnostic[]> {
  if (!sha256) return [];
  const files: [string, string | undefined][] = [
    ...(isKnown
      ? []
      : [
          [join(features, 'data.mdb'), sha256.features] as [string, string],
          [join(labels, 'data.mdb'), sha256.labels] as [string, string],
        ]),
    ...(mean ? [[mean, sha256.mean] as [string, string | undefined]] : []),
  ];
  const problems: Diagnostic[] = [];
  for (const [file, wanted] of files) {
    const place = join(path, file);
    const is = await sha256Of(place).catch((cause: unknown) => {
      problems.push(...fileError('dataset-damaged', 'read', place, cause).diagnostics);
      return undefined;
    });
    if (is === undefined || wanted === undefined || is === wanted) continue;
    const entries = file === mean ? '' : `, though every entry of ${name} is as it was`;
    problems.push(
      error('dataset-damaged', `${place} is not the file that was written${entries}: its SHA-256 differs.`, {
        hint: 'Bits of it have changed, or another program wrote to it: copy it again or create the data set anew.',
      }),
    );
  }
  return problems;
}
