/** A run's log as text: its events, and what of it stands where the run is gone on with. */

import { basename, join } from 'node:path';
import { eventLine, type StartEvent, type TrainEvent } from '../events.js';
import { weightsBeside } from './snapshot_files.js';
import type { Solver } from './solver.js';

/** The events of a log. Lines that are no events (a run that was cut off) are left out. */
export function eventsOf(text: string): TrainEvent[] {
  return linesOf(text).map(({ event }) => event);
}

function linesOf(text: string): { readonly line: string; readonly event: TrainEvent }[] {
  return text.split('\n').flatMap(line => {
    try {
      const event: unknown = JSON.parse(line);
      return typeof event === 'object' && event !== null && 'type' in event
        ? [{ line, event: event as TrainEvent }]
        : [];
    } catch {
      return [];
    }
  });
}

/**
 * The log up to where a solver was restored: the events that the solver will not do again, and that of the snapshot, where
 * the run was killed before it could tell of it.
 */
export function logUpTo(text: string, solver: Solver, folder: string, snapshot: string | undefined): string {
  const lines = linesOf(text).filter(({ event }) => isBehind(event, solver));
  const { iter, param, progress } = solver;
  const isTold = lines.some(({ event }) => event.type === 'snapshot' && event.iter === iter);
  const isBest = progress.best?.iter === iter;
  const isDue = iter > 0 && (isBest || (param.snapshot > 0 && iter % param.snapshot === 0) || iter === param.max_iter);
  const kept = lines.map(({ line }) => `${line}\n`).join('');
  if (isTold || !isDue || snapshot === undefined) return kept;
  const start = lines.find(({ event }) => event.type === 'start')?.event as StartEvent | undefined;
  const perEpoch = start?.iterationsPerEpoch;
  const at = (path: string) => join(folder, basename(path));
  const state = at(snapshot);
  const weights = weightsBeside(state);
  return `${kept}${eventLine({ type: 'snapshot', iter, epoch: perEpoch && iter / perEpoch, weights, state })}\n`;
}

/** Whether an event lies behind a solver that was restored, so that it does not come again. */
function isBehind(event: TrainEvent, { iter, progress }: Solver): boolean {
  switch (event.type) {
    case 'iteration':
    case 'display':
      return event.iter < iter;
    case 'test':
      return event.iter < iter || (event.iter === iter && progress.isTested);
    case 'end':
      return false;
    case 'start':
      return iter > 0;
    default:
      return event.iter <= iter && iter > 0;
  }
}
