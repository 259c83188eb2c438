/** Which GPUs are here; where ../shared lies, and whether it is there: a fresh clone does not have it, and then these suites are skipped. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chooseEngine } from '../../src/engines/node/index.js';

const ROOT = fileURLToPath(new URL('../../../shared/', import.meta.url));

/** The path of a file or folder of ../shared. */
export function shared(path: string): string {
  return ROOT + path;
}

/** True where it is there; says that the suite is skipped where it is not. */
export function sharedThere(path: string): boolean {
  const there = existsSync(shared(path));
  if (!there) console.warn(`Skipped: ${shared(path)} is not there.`);
  return there;
}

/** Engines of onnxruntime on GPUs of this machine. */
export async function gpus(): Promise<string[]> {
  const { engines } = await chooseEngine();
  return engines.flatMap(e => (/^onnx-/.test(e.name) && e.available ? [e.name] : []));
}
