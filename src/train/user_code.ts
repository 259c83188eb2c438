/** Failures of user code in a training: told with the iteration, and no reason to lose what was trained. */

import { MokapotError } from '../diagnostics/index.js';

/** Whether what was thrown comes from a Python layer's code, or from what runs it. */
export function isOfUserCode(thrown: unknown): thrown is MokapotError {
  return thrown instanceof MokapotError && thrown.diagnostics.some(d => d.code.startsWith('python-'));
}

/** A run's result; where user code fails, the diagnostic says when: `Iteration 12`. */
export async function atIteration<T>(when: string, run: Promise<T>): Promise<T> {
  try {
    return await run;
  } catch (thrown) {
    if (!isOfUserCode(thrown)) throw thrown;
    throw new MokapotError(thrown.diagnostics.map(d => ({ ...d, message: `${when}: ${d.message}` })));
  }
}
