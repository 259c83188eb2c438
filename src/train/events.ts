/** What a training tells as it goes: plain data, one JSON line each in a run's log. */

import type { Diagnostic } from '../diagnostics/index.js';
import type { Figures } from './figures.js';

interface Common {
  /** Updates behind the parameters that this is about: Caffe's iteration number. */
  readonly iter: number;
  /** Passes over the training data so far; undefined where the caller feeds. */
  readonly epoch: number | undefined;
}

export interface StartEvent extends Common {
  readonly type: 'start';
  readonly net: string;
  readonly backend: string;
  readonly seed: number;
  readonly maxIter: number;
  /** Iterations of one pass over the training data. */
  readonly iterationsPerEpoch: number | undefined;
  readonly entries: number | undefined;
  /** Entries of one iteration (batch_size times iter_size). */
  readonly batchSize: number | undefined;
  /** Numbers that are learnt, and all numbers in parameters. */
  readonly trainable: number;
  readonly parameters: number;
  /** Bytes that an iteration takes at its worst moment, with parameters and history. */
  readonly peakBytes: number;
  /** The snapshot it goes on from. */
  readonly resumed: string | undefined;
  /** Layers whose weights were copied in, and those with parameters that found none. */
  readonly weights: { readonly copied: readonly string[]; readonly missing: readonly string[] } | undefined;
}

export interface IterationEvent extends Common {
  readonly type: 'iteration';
  readonly loss: number;
  /** Mean of the last average_loss losses. */
  readonly smoothedLoss: number;
  readonly outputs: Figures;
  readonly rate: number;
  readonly imagesPerSecond: number | undefined;
  /** Estimated; tests included once one was timed. */
  readonly secondsLeft: number;
}

/** What Caffe's log shows every `display` iterations. */
export interface DisplayEvent extends Common {
  readonly type: 'display';
  readonly smoothedLoss: number;
  readonly outputs: Figures;
  readonly rate: number;
}

export interface TestEvent extends Common {
  readonly type: 'test';
  /** Which test net. */
  readonly net: number;
  /** Means. */
  readonly outputs: Figures;
  readonly loss: number | undefined;
  readonly seconds: number;
}

export interface EpochEvent extends Common {
  readonly type: 'epoch';
  /** Mean loss of the epoch's iterations that this run did. */
  readonly loss: number;
  readonly seconds: number;
}

export interface SnapshotEvent extends Common {
  readonly type: 'snapshot';
  readonly weights: string;
  readonly state: string;
}

export interface WarningEvent extends Common {
  readonly type: 'warning';
  readonly diagnostic: Diagnostic;
}

export interface EndEvent extends Common {
  readonly type: 'end';
  readonly reason: 'done' | 'aborted' | 'diverged' | 'failed';
  readonly smoothedLoss: number;
  readonly seconds: number;
  /** The last one that was written. */
  readonly snapshot: { readonly weights: string; readonly state: string } | undefined;
  /** Why, where the reason is `diverged`, or `failed`: user code did, and training cannot go on. */
  readonly diagnostic: Diagnostic | undefined;
}

export type TrainEvent =
  | StartEvent
  | IterationEvent
  | DisplayEvent
  | TestEvent
  | EpochEvent
  | SnapshotEvent
  | WarningEvent
  | EndEvent;

/** The event as one line of JSON, without the source texts that diagnostics carry. */
export function eventLine(event: TrainEvent): string {
  return JSON.stringify(event, (key: string, value: unknown) =>
    key === 'source' && typeof value === 'object' && value !== null && 'name' in value ? { name: value.name } : value,
  );
}
