/** Which test was best: an output that a person has chosen, and whether later tests are better. */

import { fail, own } from '../diagnostics/index.js';
import type { SolverParameter } from '../schema/index.js';
import type { Figures } from './figures.js';

/** An output of the tests and the direction in which it is better. */
export interface Choice {
  readonly output: string;
  readonly sign: 1 | -1;
}

/** The best so far, and the iteration it was at. */
export interface Best {
  readonly value: number;
  readonly iter: number;
  /** What it is the best of, `output:min` or `output:max`; states of earlier versions have none. */
  readonly by?: string;
}

/** Where early stopping stands, for snapshots. */
export interface StoppingState {
  readonly best: Best | undefined;
  /** Tests since then. */
  readonly tests: number;
  /** As of `Best`. */
  readonly by?: string;
}

/** What a run goes by: for its best snapshot, and to stop early. */
export interface Choices {
  readonly keeping: Choice | undefined;
  readonly stopping: (Choice & { readonly patience: number; readonly minDelta: number }) | undefined;
}

/**
 * What the solver says, or `keepBest` in its place.
 *
 * @param outputs of the first test net
 * @throws MokapotError `keep-best`, `early-stopping` where there is no such output
 */
export function choicesOf(
  { mokapot_param: param }: SolverParameter,
  outputs: readonly string[],
  keepBest: string | undefined,
): Choices {
  const kept = keepBest ?? (param?.keep_best || undefined);
  const stopping = param?.early_stopping;
  return {
    keeping: kept === undefined ? undefined : choiceOf(kept, outputs, 'keep-best'),
    stopping: stopping
      ? {
          ...choiceOf(stopping.output, outputs, 'early-stopping'),
          patience: stopping.patience,
          minDelta: stopping.min_delta,
        }
      : undefined,
  };
}

/**
 * `output[:min|max]`, default `min` for names with `loss` in them, else `max`.
 *
 * @param outputs of the test net
 * @throws MokapotError `keep-best` or `early-stopping`, as `code` says
 */
export function choiceOf(text: string, outputs: readonly string[], code: 'keep-best' | 'early-stopping'): Choice {
  const [output = '', direction = output.toLowerCase().includes('loss') ? 'min' : 'max', ...rest] = text.split(':');
  if (outputs.includes(output) && ['min', 'max'].includes(direction) && rest.length === 0)
    return { output, sign: direction === 'min' ? -1 : 1 };
  const purpose = code === 'keep-best' ? 'to keep the best snapshot by' : 'to stop by';
  throw fail(code, `"${text}" names no output of a test ${purpose}.`, {
    hint: `Write e.g. ${outputs[0] ?? 'accuracy'}:max. Outputs: ${outputs.join(', ') || 'none, for there is no test net'}.`,
  });
}

/** The choice in full, `output:min` or `output:max`. */
export function nameOf({ output, sign }: Choice): string {
  return `${output}:${sign > 0 ? 'max' : 'min'}`;
}

/** The chosen output in what a test gave, where it is a finite number. */
export function chosenFigure(
  { output }: Choice,
  { outputs, loss }: { readonly outputs: Figures; readonly loss: number | undefined },
): number | undefined {
  const value = own(outputs, output)?.[0] ?? (output === 'loss' ? loss : undefined);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/** Whether a value is better than the best so far, by more than `by`. What is no number never is. */
export function isBetter({ sign }: Choice, value: number | undefined, best: Best | undefined, by = 0): boolean {
  if (value === undefined) return false;
  return best === undefined || sign * (value - best.value) > by;
}
