/** The interpreter that the tests of Python layers run on: MOKAPOT_PYTHON, else python3, if it has numpy. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const asked = process.env['MOKAPOT_PYTHON'] ?? 'python3';
const tried = spawnSync(asked, ['-c', 'import numpy; print(numpy.__version__)'], { encoding: 'utf8' });

export const hasPython = tried.status === 0;
export const python = asked;

if (!hasPython) console.warn(`Skipped: ${asked} has no numpy. Name an interpreter that has: MOKAPOT_PYTHON=PATH.`);

/** The folder of the test layers. */
export const LAYERS = fileURLToPath(new URL('layers', import.meta.url));

/** A new folder with these files. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'mokapot-python-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

/** Processes of layers whose parent is `parent`, from /proc. */
export function workersOf(parent: number): number[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap(line => {
    const [, pid, ppid, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return args?.includes('_worker.py') && Number(ppid) === parent ? [Number(pid)] : [];
  });
}

/** Whether a process is there (and not only waiting to be buried). */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}

/** Waits until a condition holds; fails after `seconds`. */
export async function until(condition: () => boolean, seconds = 10): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; !condition(); ) {
    if (Date.now() > end) throw new Error('it did not come to pass');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
