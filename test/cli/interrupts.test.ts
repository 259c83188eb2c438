/** Ctrl-C: the first one ends in order, however often it comes at once; a later one kills. */

import { expect, it } from 'vitest';
import { interruptSignal } from '../../src/cli/io.js';

it('a press that comes twice is one; the next press kills', () => {
  const acts: (() => void)[] = [];
  const told: string[] = [];
  let [time, killed] = [5000, 0];
  const signal = interruptSignal({
    on: (_, act) => acts.push(act),
    kill: () => killed++,
    tell: text => told.push(text),
    now: () => time,
  });
  const press = () => acts[0]!();
  expect([acts.length, signal.aborted]).toEqual([3, false]);
  press();
  expect([signal.aborted, killed, told.length]).toEqual([true, 0, 1]);
  time += 5;
  press();
  time += 900;
  press();
  expect([killed, told.length]).toEqual([0, 1]);
  time += 200;
  press();
  expect(killed).toBe(1);
});
