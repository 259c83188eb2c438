/** The update rules Mokapot has. Adding one touches its own file and this list. */

import { adadelta } from './adadelta.js';
import { adagrad } from './adagrad.js';
import { adam } from './adam.js';
import { adamw } from './adamw.js';
import { nesterov } from './nesterov.js';
import { rmsprop } from './rmsprop.js';
import type { UpdateRule } from './rule.js';
import { sgd } from './sgd.js';

/** By `type`: Caffe's, and AdamW. */
export const updateRules: ReadonlyMap<string, UpdateRule> = new Map(
  [sgd, nesterov, adagrad, rmsprop, adadelta, adam, adamw].map(rule => [rule.type, rule]),
);

export type * from './rule.js';
