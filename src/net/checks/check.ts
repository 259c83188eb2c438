/** What a check is: a rule about a compiled net that is right to the letter of Caffe and yet likely not what was meant. */

import type { Diagnostic } from '../../diagnostics/index.js';
import type { NetGraph } from '../types.js';

export interface CheckOptions {
  /** Trained weights will be copied in, so that fillers do not matter. */
  readonly weightsLoaded?: boolean;
}

export interface Check {
  /** The code of its diagnostics. */
  readonly code: string;
  /** The rule in a sentence. */
  readonly doc: string;
  run(graph: NetGraph, options: CheckOptions): readonly Diagnostic[];
}
