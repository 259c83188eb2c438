/** What is suspicious about a data set, as its manifest has it. */

import { type Diagnostic, error } from '../../diagnostics/index.js';
import type { Manifest } from './manifest.js';

/** All of it, as warnings. */
export function datasetWarnings(manifest: Manifest): Diagnostic[] {
  return [...classWarnings(manifest), ...splitWarnings(manifest)];
}

/** A share that rounds down to no entry. */
function splitWarnings({ name, splitBy, splits, valPercent }: Manifest): Diagnostic[] {
  const { train, val } = splits;
  if (splitBy === 'folder' || valPercent === 0 || val.count > 0) return [];
  const share = `${valPercent} % of the ${train.count} entries of ${name}`;
  return [
    error('nothing-held-back', `${share} is less than one: none is held back, and training cannot test.`, {
      severity: 'warning',
      hint: `Hold back more: --val ${Math.ceil(100 / train.count)} is one of ${train.count}. With --val 0 nothing is wanted.`,
    }),
  ];
}

/** A set whose labels show one class can teach nothing, most often because its masks are 0 and 255. */
function classWarnings({ name, classes, ignoreLabel, splits }: Manifest): Diagnostic[] {
  const all = [splits.train, splits.val];
  const pixels = classes.map((_, c) => all.reduce((sum, split) => sum + (split.classPixels?.[c] ?? 0), 0));
  const seen = pixels.flatMap((count, c) => (count > 0 ? [c] : []));
  if (seen.length > 1) return [];
  const ignored = all.reduce((sum, split) => sum + (split.ignoredPixels ?? 0), 0);
  if (seen[0] === 0 && ignored > 0) {
    const message = `The label pictures of ${name} are 0 and ${ignoreLabel}, and ${ignoreLabel} counts nowhere: there is only class 0.`;
    return [
      error('masks-0-255', message, {
        severity: 'warning',
        hint: `Where ${ignoreLabel} means the object, create the data set with --map-label ${ignoreLabel}=1.`,
      }),
    ];
  }
  const what = seen.length === 0 ? 'no class: all their pixels are to be ignored' : `only class ${seen[0]}`;
  return [
    error('one-class', `The label pictures of ${name} show ${what}. A network can learn nothing from them.`, {
      severity: 'warning',
      hint: 'Check that the label pictures are the right ones: their values are the classes 0, 1, 2 …',
    }),
  ];
}
