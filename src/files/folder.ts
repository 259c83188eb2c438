/** Making folders with those above them. */

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * As Node.js's `recursive`, which never returns where the system says again and again that a folder above is missing though
 * it is there (`/proc/x`).
 * @returns whether the folder is new
 * @throws the system's error
 */
export function makeFolderSync(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (cause) {
    if (isFolder(path)) return false;
    const above = dirname(path);
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || above === path || isFolder(above)) throw cause;
    makeFolderSync(above);
  }
  // Another process may have made it meanwhile.
  try {
    mkdirSync(path);
    return true;
  } catch (cause) {
    if (isFolder(path)) return false;
    throw cause;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
