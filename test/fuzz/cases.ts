/**
 * One input at a time: what is wrong with it, the smallest form of it that is wrong too, how it runs alone; and a watchdog
 * for what never ends.
 */

import { Worker } from 'node:worker_threads';
import type { Input } from './inputs.js';

export type Kind = 'token' | 'byte' | 'spaced';

/** Which input of a run: the seed that is added to its number, its kind, its number. */
export interface Case {
  readonly seed: number;
  readonly kind: Kind;
  readonly n: number;
}

/** Seconds of processor time that one input may take. */
const LIMIT = 5;
/** After this many, an input that has not ended is stopped, and the process with it. */
const HANGS = 20;

/** @throws Error with how the input runs alone, what is wrong and the smallest text that shows it */
export function runCase({ seed, kind, n }: Case, input: Input, limit = LIMIT): void {
  const fault = faultOf(input, limit);
  if (!fault) return;
  const least = smallest(input, limit);
  const found = faultOf(least, limit) ?? fault;
  const head = `Input ${n} fails. It runs alone by: ${replay(kind, seed)}${n} npm run test:fuzz`;
  throw new Error(`${head}\n${found.message}\nThe text: ${JSON.stringify(least.text)}`, { cause: found });
}

const replay = (kind: Kind, seed: number): string => `FUZZ_SEED=${seed} FUZZ_CASE=${kind}:`;

/** What is wrong with an input; undefined where all holds. */
function faultOf(input: Input, limit: number): Error | undefined {
  const before = process.cpuUsage();
  try {
    input.check();
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  return seconds > limit ? new Error(`It takes ${seconds.toFixed(1)} s, and ${limit} s are allowed.`) : undefined;
}

/** One change taken away after the other, as long as it still fails. */
function smallest(input: Input, limit: number): Input {
  const next = input.smaller().find(i => faultOf(i, limit) !== undefined);
  return next ? smallest(next, limit) : input;
}

/** Runs in a thread of its own: what never ends leaves the thread that it runs on no chance to say so. */
const WATCHDOG = `
  const { workerData } = require('node:worker_threads');
  const { shared, replay, hangs } = workerData;
  const state = new Int32Array(shared);
  let seen = -1;
  let since = process.cpuUsage();
  for (;;) {
    Atomics.wait(state, 1, 0, 200);
    if (Atomics.load(state, 1) !== 0) break;
    const now = Atomics.load(state, 0);
    if (now !== seen) {
      seen = now;
      since = process.cpuUsage();
      continue;
    }
    const { user, system } = process.cpuUsage(since);
    if (now < 0 || (user + system) / 1e6 < hangs) continue;
    require('node:fs').writeSync(2, 'Input ' + now + ' does not end. It runs alone by: ' + replay + now + ' npm run test:fuzz\\n');
    process.kill(process.pid, 'SIGKILL');
  }
`;

/** Ends the process, with a word on stderr, where an input takes `hangs` seconds of its processor time. */
export class Watchdog {
  readonly #state = new Int32Array(new SharedArrayBuffer(8));

  constructor(kind: Kind, seed: number, hangs = HANGS) {
    Atomics.store(this.#state, 0, -1);
    const workerData = { shared: this.#state.buffer, replay: replay(kind, seed), hangs };
    new Worker(WATCHDOG, { eval: true, execArgv: [], workerData }).unref();
  }

  /** Works at input `n`. */
  watch(n: number, work: () => void): void {
    Atomics.store(this.#state, 0, n);
    work();
    Atomics.store(this.#state, 0, -1);
  }

  stop(): void {
    Atomics.store(this.#state, 1, 1);
    Atomics.notify(this.#state, 1);
  }
}
