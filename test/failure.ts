/** What a call is refused with. */

import { expect } from 'vitest';
import { type Diagnostic, MokapotError } from '../src/diagnostics/index.js';

/** The first diagnostic of what `work` throws; fails where it throws none. */
export async function failure(work: Promise<unknown>): Promise<Diagnostic> {
  const thrown: unknown = await work.then(
    () => undefined,
    e => e,
  );
  expect(thrown).toBeInstanceOf(MokapotError);
  return (thrown as MokapotError).diagnostics[0]!;
}
