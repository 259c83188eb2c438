/** Whether training waits for its data: the share of the time, over a while. */

import { type Diagnostic, error } from '../diagnostics/index.js';

/** Above this share of the time it is told. */
const MOST = 0.2;
/** How long it is watched before that. */
const ITERATIONS = 20;
const SECONDS = 10;

export class Stalls {
  private iterations = -1;
  private seconds = 0;
  private waited = 0;
  private isTold = false;

  /**
   * Takes note of an iteration, all of it and what of it went by until the data were there, in seconds. The first one, which
   * also makes the program, does not count.
   * @returns a warning, the first time that too much has been waited over a while
   */
  note(seconds: number, waited: number): Diagnostic | undefined {
    if (this.iterations++ < 0) return undefined;
    this.seconds += seconds;
    this.waited += waited;
    if (this.iterations < ITERATIONS || this.seconds < SECONDS) return undefined;
    const share = this.waited / this.seconds;
    [this.iterations, this.seconds, this.waited] = [0, 0, 0];
    if (share <= MOST || this.isTold) return undefined;
    this.isTold = true;
    return error(
      'data-stall',
      `Training waits for its data ${Math.round(100 * share)} % of the time: entries are read, decoded and transformed more slowly than the network learns from them.`,
      {
        severity: 'warning',
        hint: 'Make the data set of pictures that are no larger than the network takes, put it on a local disk, or augment less. Each iteration’s share stands in the log as `waited`.',
      },
    );
  }
}
