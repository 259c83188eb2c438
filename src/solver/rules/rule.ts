/** What a solver's update rule is: gradient and history of one parameter → the step to take and the new history, as IR. */

import type { Diagnostic } from '../../diagnostics/index.js';
import type { Builder, Value } from '../../ir/index.js';
import type { SolverParameter } from '../../schema/index.js';

/** One parameter at one iteration. All values but `rate` have the parameter's shape. */
export interface UpdateContext {
  readonly param: SolverParameter;
  readonly weight: Value;
  /** Clipped, averaged over iter_size and, but for a rule with `decouplesDecay`, regularised. */
  readonly gradient: Value;
  /** weight_decay times the parameter's decay_mult. */
  readonly decay: number;
  /** One value for each of the rule's slots. */
  readonly history: readonly Value[];
  /** Learning rate times the parameter's lr_mult, a scalar. */
  readonly rate: Value;
  /** A number of the rule's `scalars`. */
  scalar(name: string): Value;
}

export interface Update {
  /** What is subtracted from the parameter. */
  readonly step: Value;
  readonly history: readonly Value[];
}

export interface UpdateRule {
  /** Caffe's `type`, e.g. `SGD`. */
  readonly type: string;
  /** One sentence: what it computes. */
  readonly doc: string;
  /** History blobs per parameter. Caffe stores the first of all parameters, then the second of all. */
  readonly slots: 1 | 2;
  /**
   * Whether a parameter with lr_mult 0 still gathers history from weight decay: rules that average squares do, SGD's
   * history is scaled by the rate and stays 0.
   */
  readonly remembersFrozen: boolean;
  /** Whether `momentum` is the decay of running means; else it is the share of the last step in the next. */
  readonly averages?: boolean;
  /** Whether weight decay is the rule's own affair and no part of the gradient. */
  readonly decouplesDecay?: boolean;
  /** Numbers that change from iteration to iteration beside the rate; `iter` counts from 0. */
  scalars?(param: SolverParameter, iter: number): Readonly<Record<string, number>>;
  /** What in the solver does not go with this rule. */
  check?(param: SolverParameter): readonly Diagnostic[];
  update(b: Builder, ctx: UpdateContext): Update;
}
