/** What a training tells as it goes: plain data, one JSON line each in a run's log. */

import type { Diagnostic } from '../diagnostics/index.js';
import type { Figures } from './figures.js';

interface Common {
  /** Updates behind the parameters that this is about: Caffe's iteration number. */
  readonly iter: number;
  /** Passes over the training data so far; undefined where the caller feeds. */
  readonly epoch: number | undefined;
}

/** The first event: what is trained, on what, with how much. */
export interface StartEvent extends Common {
  /** Which event it is. */
  readonly type: 'start';
  /** The network's name. */
  readonly net: string;
  /** The engine's name. */
  readonly backend: string;
  /** Of all chance; the same seed gives the same run. */
  readonly seed: number;
  /** Iterations at the end of the run. */
  readonly maxIter: number;
  /** Iterations of one pass over the training data. */
  readonly iterationsPerEpoch: number | undefined;
  /** In the training data; undefined where the caller feeds. */
  readonly entries: number | undefined;
  /** Entries of one iteration (batch_size times iter_size). */
  readonly batchSize: number | undefined;
  /** Trainable parameters, and all of them, in numbers. */
  readonly trainable: number;
  /** Numbers in all parameters. */
  readonly parameters: number;
  /** Bytes that an iteration takes at its worst moment, with parameters and history. */
  readonly peakBytes: number;
  /** The snapshot it goes on from. */
  readonly resumed: string | undefined;
  /** What each class counts for in the loss, where they do not count alike. */
  readonly classWeights: readonly number[] | undefined;
  /** Layers whose weights were copied in, and those with parameters that found none. */
  readonly weights: { readonly copied: readonly string[]; readonly missing: readonly string[] } | undefined;
}

/** An iteration was done. */
export interface IterationEvent extends Common {
  /** Which event it is. */
  readonly type: 'iteration';
  /** Its loss, the mean over iter_size passes. */
  readonly loss: number;
  /** Mean of the last average_loss losses. */
  readonly smoothedLoss: number;
  /** The net's outputs of at most 64 numbers. */
  readonly outputs: Figures;
  /** The learning rate that it used. */
  readonly rate: number;
  /** Of late; undefined where the caller feeds. */
  readonly imagesPerSecond: number | undefined;
  /** Estimated; tests included once one was timed. */
  readonly secondsLeft: number;
  /** The share of the time, of late, that went by waiting for data: 0 to 1. */
  readonly waited: number;
}

/** What Caffe's log shows every `display` iterations. */
export interface DisplayEvent extends Common {
  /** Which event it is. */
  readonly type: 'display';
  /** Mean of the last average_loss losses. */
  readonly smoothedLoss: number;
  /** The net's outputs of at most 64 numbers. */
  readonly outputs: Figures;
  /** The learning rate. */
  readonly rate: number;
}

/** A test net was run over its data. */
export interface TestEvent extends Common {
  /** Which event it is. */
  readonly type: 'test';
  /** Which test net. */
  readonly net: number;
  /** Means. */
  readonly outputs: Figures;
  /** Weighted sum of its losses; undefined where it has none. */
  readonly loss: number | undefined;
  /** How long it took. */
  readonly seconds: number;
}

/** A pass over the training data was done. */
export interface EpochEvent extends Common {
  /** Which event it is. */
  readonly type: 'epoch';
  /** Mean loss of the epoch's iterations, those before a resumed run's snapshot among them. */
  readonly loss: number;
  /** How long it took, tests included. */
  readonly seconds: number;
}

/** A snapshot was written. */
export interface SnapshotEvent extends Common {
  /** Which event it is. */
  readonly type: 'snapshot';
  /** Path of the `.caffemodel`, or `.caffemodel.h5`. */
  readonly weights: string;
  /** Path of the `.solverstate`, or `.solverstate.h5`. */
  readonly state: string;
  /** The same two where the solver's snapshot_prefix says, if that is elsewhere. */
  readonly placed?: { readonly weights: string; readonly state: string };
}

/** Something is worth knowing; the training goes on. */
export interface WarningEvent extends Common {
  /** Which event it is. */
  readonly type: 'warning';
  /** What it is. */
  readonly diagnostic: Diagnostic;
}

/** The last event. */
export interface EndEvent extends Common {
  /** Which event it is. */
  readonly type: 'end';
  /**
   * `done`: all iterations; `stopped`: tests got no better (early stopping); `aborted`: by the signal; `diverged`: the loss is
   * no number; `failed`: see `diagnostic`.
   */
  readonly reason: 'done' | 'stopped' | 'aborted' | 'diverged' | 'failed';
  /** Mean of the last average_loss losses. */
  readonly smoothedLoss: number;
  /** How long the run took. */
  readonly seconds: number;
  /** The last one that was written. */
  readonly snapshot: { readonly weights: string; readonly state: string } | undefined;
  /** Why, where the reason is `stopped`, `diverged`, or `failed`: user code did, and training cannot go on. */
  readonly diagnostic: Diagnostic | undefined;
}

/** What a training tells; `type` says which event it is. */
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
