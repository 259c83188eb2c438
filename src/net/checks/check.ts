/** What a check is: a rule about a compiled net that is right to the letter of Caffe and yet likely not what was meant. */

import { type Diagnostic, error, type Fix, type TextEdit } from '../../diagnostics/index.js';
import type { SolverParameter } from '../../schema/index.js';
import { type At, placeOf } from '../report.js';
import type { NetGraph, NetLayer } from '../types.js';

/** What is known besides the net. */
export interface CheckOptions {
  /** Trained weights will be copied in, so that fillers do not matter. */
  readonly weightsLoaded?: boolean;
  /** The solver that trains the net, by `trainedBy(solver)`. */
  readonly solver?: TrainedBy;
  /** Names of the classes in the labels of the data set in use, from class 0 on. */
  readonly classes?: readonly string[];
  /** Bytes of memory that a run may use. */
  readonly memory?: number;
}

/** A solver, with the rules that ask something of it: a page that knows of no solver is bundled without them. */
export interface TrainedBy {
  /** Its parameters. */
  readonly param: SolverParameter;
  /** What is run besides the checks of nets alone. */
  readonly rules: readonly CheckRule[];
}

/** A text that the check speaks of, and the same after its cure. */
export interface Example {
  readonly wrong: string;
  readonly right: string;
  /** What stands in front of either, to make a net of it. */
  readonly head?: string;
  readonly phase?: 'TRAIN' | 'TEST';
  readonly options?: Omit<CheckOptions, 'solver'>;
  /** The solver that trains it. */
  readonly solver?: SolverParameter;
  /** What the example needs besides the text, in words. */
  readonly given?: string;
}

/** A rule about a compiled net that is right to the letter of Caffe and yet likely not what was meant. */
export interface Check {
  /** The code of its diagnostics. */
  readonly code: string;
  /** The rule in a sentence. */
  readonly doc: string;
  /** Why it matters and what helps, in a sentence or two. */
  readonly cure: string;
  /** A net that breaks it, and the same mended. */
  readonly example: Example;
  /** What breaks the rule in this net. */
  run(graph: NetGraph, options: CheckOptions): readonly Diagnostic[];
}

/** What a page needs of a check to run it. */
export type CheckRule = Pick<Check, 'code' | 'run'>;

/** What people read of a check. Made by a function beside the rule, which a page that asks for no documentation is bundled without. */
export type CheckDoc = Omit<Check, keyof CheckRule>;

interface About {
  /** Dotted path below the layer; the nearest thing that is written is shown. */
  readonly field?: string;
  /** Or the place itself. */
  readonly at?: At;
  /** Of a repeated field. */
  readonly index?: number;
  readonly hint: string;
  readonly severity?: Diagnostic['severity'];
  readonly fix?: Fix | undefined;
  readonly related?: Diagnostic['related'];
}

/** A warning (unless `severity` says otherwise) about a layer, at a field of it. */
export function about(layer: NetLayer, code: string, message: string, more: About): Diagnostic {
  const { field, at, index, severity = 'warning', hint, fix, related } = more;
  const location = placeOf(at ?? deepest(layer, field, index));
  return error(code, message, {
    severity,
    layer: layer.name,
    hint,
    ...(location && { location }),
    ...(fix && { fix }),
    ...(related && { related }),
  });
}

function deepest(layer: NetLayer, path: string | undefined, index: number | undefined): At {
  let message: object = layer.context.param;
  const steps = path?.split('.') ?? [];
  for (const step of steps.slice(0, -1)) {
    const inner = (message as Record<string, unknown>)[step];
    if (typeof inner !== 'object' || inner === null) return { message };
    message = inner;
  }
  return { message, field: steps.at(-1), index };
}

/** A fix of these edits; none where there are none. */
export function fixOf(title: string, edits: readonly TextEdit[] | undefined, unsafe?: 'unsafe'): Fix | undefined {
  return edits && { title, edits, ...(unsafe && { unsafe: true as const }) };
}
