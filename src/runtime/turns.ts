/**
 * Turns: what runs on the same parameters runs one after the other, in the order of the calls. A snapshot that is asked for
 * while an iteration runs is taken after it.
 */

import { fail } from '../diagnostics/index.js';

export class Turns {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private inside = false;

  /** Whether something runs or waits. */
  get isBusy(): boolean {
    return this.waiting > 0 && !this.inside;
  }

  /** Runs `work` when all that was asked for before has ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside) return work();
    this.waiting++;
    const turn = this.last.then(work).finally(() => {
      this.waiting--;
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /**
   * For work that has its turn: what `call` takes turns for, at once and not after an await, is part of it and does not wait.
   */
  within<T>(call: () => T): T {
    const before = this.inside;
    this.inside = true;
    try {
      return call();
    } finally {
      this.inside = before;
    }
  }

  /** For calls that cannot wait. @throws MokapotError `busy` */
  mustBeIdle(what: string): void {
    if (!this.isBusy) return;
    throw fail('busy', `${what} was called while a run on the same parameters is under way.`, {
      hint: 'Await what was called before.',
    });
  }
}

/** After dispose() nothing can be computed. */
export function disposed(what: string): Error {
  return fail('disposed', `${what} was disposed of, and can no longer be used.`, {
    hint: 'Call dispose() after the last use, or load it anew.',
  });
}
