/** What prepares a loader's entries: here where it is called, in `node/threads.ts` on threads of its own. */

import type { Entry } from '../sets/dataset.js';
import { augment, type Job, type Taken } from './augment.js';
import type { Recipe } from './recipe.js';

/** Augments entries, in any order; each is what its key says. */
export interface Augmenter {
  /** @throws MokapotError `augment-crop`; `augment-thread` where a thread of its own failed */
  augment(job: Job): Entry | Promise<Entry>;
  /** Ends its threads. What is under way fails. */
  close(): Promise<void>;
}

/** Augments on the caller's own thread: in pages, and where there is too little to do for another one. */
export function inlineAugmenter(recipe: Recipe, taken: Taken = 'pictures'): Augmenter {
  return { augment: job => augment(job, recipe, taken), close: async () => {} };
}
