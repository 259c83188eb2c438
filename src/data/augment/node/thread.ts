/** The thread itself: augments one entry after the other. Started by `threads.ts`. */

import { parentPort, workerData } from 'node:worker_threads';
import { MokapotError } from '../../../diagnostics/index.js';
import { augment } from '../augment.js';
import type { Answer, Request, ThreadData } from './messages.js';

const { recipe, taken } = workerData as ThreadData;
const port = parentPort!;

port.on('message', ({ id, entry, key }: Request) => {
  const answer = answerTo(id, () => augment({ entry, key }, recipe, taken));
  const buffers = 'entry' in answer ? [answer.entry.data.buffer, answer.entry.label.buffer] : [];
  port.postMessage(answer, buffers as ArrayBuffer[]);
});

/** What a picture is to blame for is an answer; anything else ends the thread, which the other side is told. */
function answerTo(id: number, work: () => Request['entry']): Answer {
  try {
    return { id, entry: work() };
  } catch (thrown) {
    if (!(thrown instanceof MokapotError)) throw thrown;
    return { id, diagnostics: thrown.diagnostics };
  }
}
