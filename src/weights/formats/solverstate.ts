/**
 * `.solverstate`: where a training stands. Caffe's SolverState, with Mokapot's own resume state in an extra field that
 * Caffe's parser steps over (docs/decisions.md, "Weights").
 */

import { bytesToText, textToBytes } from '../../../grammar/index.js';
import { type ByteSource, type Bytes, damaged, toSource } from '../source.js';
import { blobParts, scanBlob, takeBlob, type WeightBlob } from './blob.js';
import { hdf5Start } from './hdf5_read.js';
import { readSolverstateH5 } from './solverstate_h5.js';
import { BYTES, bytesField, concatBytes, type Field, VARINT, varintField, WireReader } from './wire.js';

/** A value as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A solver's state between two iterations, as `.solverstate` files hold it. */
export interface SolverSnapshot {
  /** Iterations done. */
  readonly iter: number;
  /** Path of the `.caffemodel` that belongs to it. */
  readonly learned_net: string;
  /** In Caffe's order: one blob a learnable parameter, then (AdaDelta, Adam) a second one each. */
  readonly history: readonly WeightBlob[];
  /** Steps taken of a `multistep` policy. */
  readonly current_step: number;
  /** What Mokapot needs beyond it to go on with the very same numbers; Caffe's own files have none. */
  readonly resume?: Json;
}

const ITER = 1;
const LEARNED_NET = 2;
const HISTORY = 3;
const CURRENT_STEP = 4;
/** JSON as UTF-8. A number that no fork of Caffe uses. */
const RESUME = 7001;
const WIRES = new Map([
  [ITER, VARINT],
  [LEARNED_NET, BYTES],
  [HISTORY, BYTES],
  [CURRENT_STEP, VARINT],
  [RESUME, BYTES],
]);

/**
 * Either form, by content.
 *
 * @throws MokapotError `weights-damaged`, `weights-count`: all of the file is read, or nothing.
 */
export function readSolverstate(bytes: Bytes, name?: string): SolverSnapshot {
  const source = toSource(bytes, name);
  if (hdf5Start(source) !== undefined) return readSolverstateH5(source);
  const reader = new WireReader(source);
  const history: WeightBlob[] = [];
  let iter: number | undefined;
  let learnedNet = '';
  let currentStep = 0;
  let resume: Json | undefined;
  for (const field of reader.fields(0, source.size)) {
    checkWire(source, field);
    if (field.number === ITER) iter = field.value;
    else if (field.number === LEARNED_NET) learnedNet = text(source, field);
    else if (field.number === HISTORY) {
      history.push(takeBlob(scanBlob(reader, field.start, field.end, `history blob ${history.length}`)));
    } else if (field.number === CURRENT_STEP) currentStep = field.value;
    else if (field.number === RESUME) resume = parseResume(source, field);
  }
  if (iter === undefined || iter < 0) {
    throw damaged(source, 0, iter === undefined ? 'it names no iteration' : `iteration ${iter} is impossible`, {
      hint: 'A .solverstate is wanted here; weights alone (.caffemodel) are loaded with --weights.',
    });
  }
  const known = { iter, learned_net: learnedNet, history, current_step: currentStep };
  return resume === undefined ? known : { ...known, resume };
}

function checkWire(source: ByteSource, field: Field): void {
  const wanted = WIRES.get(field.number);
  if (wanted === undefined || wanted === field.wire) return;
  throw damaged(source, field.at, `field ${field.number} has wire type ${field.wire} instead of ${wanted}`, {
    hint: 'A .solverstate is wanted here; weights alone (.caffemodel) are loaded with --weights.',
  });
}

function text(source: ByteSource, field: Field): string {
  return bytesToText(source.peek(field.start, field.end - field.start));
}

function parseResume(source: ByteSource, field: Field): Json {
  try {
    return JSON.parse(text(source, field)) as Json;
  } catch {
    throw damaged(source, field.at, 'the resume state in it is no JSON');
  }
}

/** As Caffe's SGDSolver::SnapshotSolverStateToBinaryProto writes it, `resume` behind all else. */
export function writeSolverstate(state: SolverSnapshot): Uint8Array {
  return concatBytes(solverstateParts(state));
}

export function solverstateParts(state: SolverSnapshot): Uint8Array[] {
  return [
    ...varintField(ITER, state.iter),
    ...bytesField(LEARNED_NET, [textToBytes(state.learned_net)]),
    ...state.history.flatMap((blob, i) => bytesField(HISTORY, blobParts(blob, `History blob ${i}`))),
    ...varintField(CURRENT_STEP, state.current_step),
    ...(state.resume === undefined ? [] : bytesField(RESUME, [textToBytes(JSON.stringify(state.resume))])),
  ];
}
