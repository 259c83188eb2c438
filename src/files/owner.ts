/**
 * Who made a temporary file or holds a lock: machine, process and the process's start. A number alone would not do, for
 * systems give the numbers of dead processes to new ones.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

const OWNER = /^([0-9a-f]{6})-(\d+)-(\d+)$/;

/** `<machine>-<process>-<start>` of this process. */
export function thisOwner(): string {
  return `${machine()}-${process.pid}-${startOf(process.pid) ?? 0}`;
}

/** Whether an owner lives no more. One on another machine counts as living: nobody can ask there. */
export function isDead(owner: string): boolean {
  const match = OWNER.exec(owner);
  if (!match || match[1] !== machine()) return false;
  const pid = Number(match[2]);
  if (!isRunning(pid)) return true;
  const start = startOf(pid);
  return start !== undefined && match[3] !== '0' && Number(match[3]) !== start;
}

function machine(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 6);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ticks from the machine's start to the process's (proc(5), field 22 of stat); undefined where there is no /proc. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}
