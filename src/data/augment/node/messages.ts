/** What a thread that augments is told and what it answers. */

import type { Diagnostic } from '../../../diagnostics/index.js';
import type { Entry } from '../../sets/dataset.js';
import type { Job, Taken } from '../augment.js';
import type { Recipe } from '../recipe.js';

/** Given once, when the thread starts. */
export interface ThreadData {
  readonly recipe: Recipe;
  readonly taken: Taken;
}

export interface Request extends Job {
  readonly id: number;
}

export type Answer =
  | { readonly id: number; readonly entry: Entry }
  | { readonly id: number; readonly diagnostics: readonly Diagnostic[] };
