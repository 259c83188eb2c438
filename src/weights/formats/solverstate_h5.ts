/**
 * `.solverstate.h5`: a SolverState as HDF5, as Caffe writes it under `snapshot_format: HDF5` (sgd_solver.cpp): the datasets
 * `iter`, `learned_net`, `current_step`, and the history in the group `history`, "0", "1", …. Mokapot's own resume state is
 * one more dataset, which Caffe does not look for.
 */

import { MokapotError } from '../../diagnostics/index.js';
import { type ByteSource, damaged } from '../source.js';
import type { WeightBlob } from './blob.js';
import { Hdf5Reader, type Links } from './hdf5_read.js';
import { type Hdf5Group, hdf5Int, hdf5Parts, hdf5Text } from './hdf5_write.js';
import type { Json, SolverSnapshot } from './solverstate.js';
import { concatBytes } from './wire.js';

const RESUME = 'mokapot_resume';
const HINT = 'A .solverstate.h5 is wanted here; weights alone (.caffemodel.h5) are loaded with --weights.';

/** @throws MokapotError `weights-damaged`, `weights-count`, `weights-hdf5`: all of the file is read, or nothing. */
export function readSolverstateH5(source: ByteSource): SolverSnapshot {
  const reader = new Hdf5Reader(source);
  const root = reader.group(reader.root) ?? new Map<string, number>();
  const need = (name: string) => {
    const at = root.get(name);
    if (at === undefined) throw damaged(source, 0, `it has no "${name}"`, { hint: HINT });
    return at;
  };
  const iter = reader.wholeNumber(need('iter'), '"iter"');
  if (iter < 0) throw damaged(source, 0, `iteration ${iter} is impossible`, { hint: HINT });
  const learned = root.get('learned_net');
  const known = {
    iter,
    learned_net: learned === undefined ? '' : reader.fixedText(learned, '"learned_net"'),
    current_step: reader.wholeNumber(need('current_step'), '"current_step"'),
    history: readHistory(reader, reader.group(need('history'))),
  };
  const resume = root.get(RESUME);
  return resume === undefined ? known : { ...known, resume: parseResume(reader, resume) };
}

function readHistory(reader: Hdf5Reader, links: Links | undefined): WeightBlob[] {
  const blobs: WeightBlob[] = [];
  for (let i = 0; i < (links?.size ?? 0); i++) {
    const at = links!.get(String(i));
    if (at === undefined) throw damaged(reader.source, 0, `its history has ${links!.size} blobs, and no "${i}"`);
    const { shape, read } = reader.dataset(at, `history blob ${i}`);
    blobs.push({ shape, data: read() });
  }
  return blobs;
}

function parseResume(reader: Hdf5Reader, at: number): Json {
  try {
    return JSON.parse(reader.fixedText(at, 'the resume state')) as Json;
  } catch (cause) {
    throw cause instanceof MokapotError ? cause : damaged(reader.source, at, 'the resume state in it is no JSON');
  }
}

/** The bytes of a `.solverstate.h5`. */
export function writeSolverstateH5(state: SolverSnapshot): Uint8Array {
  return concatBytes([...solverstateH5Parts(state)]);
}

export function solverstateH5Parts(state: SolverSnapshot): Iterable<Uint8Array> {
  const history: Hdf5Group = new Map(state.history.map((blob, i) => [String(i), blob]));
  const root: [string, ReturnType<typeof hdf5Int> | Hdf5Group][] = [
    ['iter', hdf5Int(state.iter)],
    ['learned_net', hdf5Text(state.learned_net)],
    ['current_step', hdf5Int(state.current_step)],
    ['history', history],
  ];
  if (state.resume !== undefined) root.push([RESUME, hdf5Text(JSON.stringify(state.resume))]);
  return hdf5Parts(new Map(root));
}
