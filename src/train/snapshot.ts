/** Snapshots: a `.caffemodel` and a `.solverstate` as Caffe's, the latter with what a resumed run needs beyond it. */

import type { LoaderState } from '../data/batches/epochs.js';
import { fail, type MokapotError } from '../diagnostics/index.js';
import { type Shape, showShape } from '../ir/index.js';
import type { RandomState } from '../random/index.js';
import { allFinite } from '../runtime/finite.js';
import { type Json, type SolverSnapshot, shapesAgree } from '../weights/index.js';
import type { Progress } from './iterations.js';

/** What makes a resumed run the very run that was broken off. */
export interface ResumeState {
  readonly version: 1;
  readonly seed: number;
  /** Generators of the training net and of the test nets. */
  readonly random: RandomState;
  readonly testRandoms: readonly RandomState[];
  /** Where the loaders stand: none where the caller feeds. */
  readonly data: readonly LoaderState[];
  readonly testData: readonly (readonly LoaderState[])[];
  /** The window of the smoothed loss. */
  readonly losses: readonly number[];
  /** Whether the weights beside the state are averages, and the weights themselves stand behind the history. */
  readonly averaged?: boolean;
  /** Where the epoch stands; states of earlier versions have none. */
  readonly progress?: Progress;
  /** The weights that the state belongs to: SHA-256 of their file. Undefined where it cannot be computed. */
  readonly weights?: string;
}

/** A snapshot in memory: the bytes of a `.caffemodel` and of a `.solverstate`. */
export interface SnapshotBytes {
  /** The `.caffemodel`. */
  readonly weights: Uint8Array;
  /** The `.solverstate`. */
  readonly state: Uint8Array;
}

/** A snapshot as files: their paths. */
export interface SnapshotFiles {
  /** The `.caffemodel`, or `.caffemodel.h5`. */
  readonly weights: string;
  /** The `.solverstate`, or `.solverstate.h5`. */
  readonly state: string;
}

/** `<prefix>_iter_<n>.caffemodel` and `.solverstate`; under `snapshot_format: HDF5` both with `.h5` behind. */
export function snapshotNames(prefix: string, iter: number, isHdf5: boolean): SnapshotFiles {
  const end = isHdf5 ? '.h5' : '';
  return { weights: `${prefix}_iter_${iter}.caffemodel${end}`, state: `${prefix}_iter_${iter}.solverstate${end}` };
}

/** Mokapot's part of a state; undefined in Caffe's own files. @throws MokapotError `resume-version` */
export function resumeOf({ resume }: SolverSnapshot, path: string): ResumeState | undefined {
  if (resume === undefined) return undefined;
  const state = resume as Json & Partial<ResumeState>;
  if (typeof state === 'object' && state?.version === 1) return state as unknown as ResumeState;
  throw fail('resume-version', `${path} was written by another version of Mokapot.`, {
    hint: 'Its weights can still be used: train anew with --weights.',
  });
}

/** @throws MokapotError `history-count`, `history-shape` where the state is of another net or solver type */
export function checkHistory(
  { history }: SolverSnapshot,
  params: readonly { readonly key: string; readonly shape: Shape }[],
  slots: number,
  path: string,
): void {
  const hint = 'The snapshot belongs to another net or solver: resume with those it was made with.';
  if (history.length !== params.length * slots) {
    const message = `${path} has ${history.length} history blobs; this solver keeps ${params.length * slots}.`;
    throw fail('history-count', message, { hint });
  }
  history.forEach((blob, i) => {
    const { key, shape } = params[i % params.length]!;
    if (shapesAgree(blob, shape)) return;
    throw fail(
      'history-shape',
      `The history of ${key} has the shape ${showShape(blob.shape)} in ${path}, and ${showShape(shape)} here.`,
      { hint },
    );
  });
}

/** Says that weights are not those the state was written with; for the caller to throw. */
export function foreignWeights(state: string, weights: string): MokapotError {
  return fail('foreign-weights', `${weights} holds other weights than those that ${state} was written with.`, {
    hint: 'They are of another run, or were written anew since. Put the right ones there, or start from them alone with --weights.',
  });
}

/** SHA-256 in hex; undefined in pages without crypto.subtle, which only secure ones have. */
export async function sha256(bytes: Uint8Array): Promise<string | undefined> {
  const digest = await globalThis.crypto?.subtle?.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return digest && [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Refuses to keep what is not finite: who went on from it would train nothing.
 *
 * @param blobs by what they are, e.g. `The weights of layer "conv"`
 * @throws MokapotError `non-finite`
 */
export function checkFinite(
  blobs: Iterable<readonly [what: string, layer: string, data: ArrayLike<number>]>,
  iter: number,
): void {
  for (const [what, layer, data] of blobs) {
    if (allFinite(data)) continue;
    throw fail(
      'non-finite',
      `${what} of layer "${layer}" are not finite (NaN or infinite) after ${iter} iterations: no snapshot is written.`,
      {
        layer,
        hint: 'Training has diverged. Lower base_lr (a tenth is a good try), or set clip_gradients; --check-numerics shows where it begins.',
      },
    );
  }
}
