/** All files under a folder. Links are followed, but for those that lead back to where they stand. */

import type { Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Walked {
  /** Paths from the folder, with `/`, in order. */
  readonly files: readonly string[];
  /** Links to a folder that they lie in: following them would never end. */
  readonly loops: readonly string[];
}

/** Links to each other's folders can make a small tree look endless: more folders than this behind links are refused. */
const MOST_LINKED = 10_000;

/** @throws errors of the system for the folder itself; what cannot be looked into below it counts as empty */
export async function walkFolder(root: string): Promise<Walked> {
  const files: string[] = [];
  const loops: string[] = [];
  let linked = 0;
  const enter = async (folder: string, prefix: string, above: readonly string[], byLink: boolean): Promise<void> => {
    if (byLink && ++linked > MOST_LINKED) {
      throw new Error(`its links lead to more than ${MOST_LINKED} folders; do they point at each other?`);
    }
    const real = await realpath(folder);
    if (above.includes(real)) {
      loops.push(prefix.slice(0, -1));
      return;
    }
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      const isLink = entry.isSymbolicLink();
      const found = isLink ? await stat(path).catch((): Stats | undefined => undefined) : entry;
      if (found?.isDirectory()) {
        await enter(path, `${prefix}${entry.name}/`, [...above, real], byLink || isLink);
      } else if (found) files.push(prefix + entry.name);
    }
  };
  await enter(root, '', [], false);
  return { files, loops };
}
