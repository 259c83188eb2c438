/** Reads what onnxruntime's profiler writes: how long each node took, told by the layer that it is of. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observer } from '../../types.js';

interface Event {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly ts: number;
  readonly dur: number;
}

const NODE = '_kernel_time';

/**
 * Has `run` make a session with the given profile path, run it and dispose of it; then tells `observe` of every node of
 * its last run. Nodes that onnxruntime put in by itself (to change the layout) are told of as `onnxruntime`.
 */
export async function observeProfile(
  labels: Iterable<string>,
  observe: Observer,
  run: (prefix: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mokapot-profile-'));
  try {
    await run(join(folder, 'p'));
    const [file] = readdirSync(folder);
    const events = JSON.parse(readFileSync(join(folder, file!), 'utf8')) as readonly Event[];
    const last = events.filter(e => e.name === 'SequentialExecutor::Execute').at(-1);
    if (!last) return;
    const known = [...new Set(labels)].sort((a, b) => b.length - a.length);
    for (const { cat, name, ts, dur } of events) {
      if (cat !== 'Node' || !name.endsWith(NODE) || ts < last.ts || ts > last.ts + last.dur) continue;
      observe(known.find(label => name.startsWith(`${label}/`)) ?? 'onnxruntime', dur / 1000);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
