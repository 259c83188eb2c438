/** Goldens on disk: `<case>.prototxt` beside `<case>.safetensors`. */

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail } from '../diagnostics/index.js';
import { readSafetensors } from '../weights/index.js';
import type { GoldenCase } from './verify.js';

/** Names of the cases of a folder, sorted. @throws MokapotError `no-goldens` where there is none. */
export async function goldenNames(dir: string): Promise<readonly string[]> {
  const files = await readdir(dir).catch(() => [] as string[]);
  const names = files.filter(f => f.endsWith('.prototxt') && files.includes(f.replace(/prototxt$/, 'safetensors')));
  if (names.length > 0) return names.map(f => basename(f, '.prototxt')).sort();
  throw fail('no-goldens', `There are no goldens in ${dir}.`, {
    hint: 'A golden is a pair of files, <case>.prototxt and <case>.safetensors.',
  });
}

export async function readGolden(dir: string, name: string): Promise<GoldenCase> {
  const [prototxt, bytes] = await Promise.all([
    readFile(join(dir, `${name}.prototxt`), 'utf8'),
    readFile(join(dir, `${name}.safetensors`)),
  ]);
  return { name, prototxt, values: readSafetensors(bytes, `${name}.safetensors`) };
}
