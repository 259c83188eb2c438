/**
 * Runs the inputs of the fuzz suite. Each input comes from its number and the seed alone; one that fails, takes too long or
 * never ends is told with its number and its text, and runs alone by
 *
 *     FUZZ_CASE=byte:1234 npm run test:fuzz          (with FUZZ_SEED, where it was another)
 *
 * FUZZ_RUNS is how many inputs there are in all (5 000; `npm run test:fuzz:long`: 100 000), FUZZ_SEED draws others.
 */

import { afterAll, beforeAll, it } from 'vitest';
import { type Kind, runCase, Watchdog } from './cases.js';
import type { Make } from './inputs.js';

/** Of all inputs. */
const SHARES: Readonly<Record<Kind, number>> = { token: 0.4, byte: 0.4, spaced: 0.2 };

/** In parts, so that a failure is found early. */
const PARTS = 10;

const seed = Number(process.env['FUZZ_SEED'] ?? 20260705);
const runs = Number(process.env['FUZZ_RUNS'] ?? 5_000);

/** Defines the tests of one kind of input. */
export function fuzz(kind: Kind, title: string, make: Make): void {
  let watchdog: Watchdog;
  beforeAll(() => {
    watchdog = new Watchdog(kind, seed);
  });
  afterAll(() => watchdog.stop());
  const run = (n: number) => watchdog.watch(n, () => runCase({ seed, kind, n }, make(seedOf(kind, n))));
  const [only, number] = process.env['FUZZ_CASE']?.split(':') ?? [];
  if (only !== undefined) {
    it.runIf(only === kind)(`${title}, number ${number}`, () => run(Number(number)));
    return;
  }
  const count = Math.ceil(SHARES[kind] * runs);
  it.each(Array.from({ length: PARTS }, (_, part) => part))(`${title}, part %i of ${count} (seed ${seed})`, part => {
    for (let n = part; n < count; n += PARTS) run(n);
  });
}

/** Inputs of one kind are drawn apart from those of another. */
function seedOf(kind: Kind, n: number): number {
  return (seed + Object.keys(SHARES).indexOf(kind) * 0x1000_0000 + n) | 0;
}
