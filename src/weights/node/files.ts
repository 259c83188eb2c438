/** Weights in files: read in ranges (whatever their size), written whole or not at all. The only part that needs Node. */

import { closeSync, fstatSync, readSync } from 'node:fs';
import { fileError, openRegularSync, writeAtomically } from '../../files/index.js';
import type { DecodeOptions } from '../../schema/index.js';
import { type LoadedWeights, readWeights, type ScannedWeights, scanNetWeights, scanWeights } from '../any.js';
import { readBinaryproto, writeBinaryproto } from '../formats/binaryproto.js';
import type { WeightBlob } from '../formats/blob.js';
import { type CaffeH5, caffeH5Parts, readCaffeH5 } from '../formats/caffe_h5.js';
import {
  type Caffemodel,
  caffemodelParts,
  readCaffemodel,
  type SavedNet,
  type SaveOptions,
  type ScannedCaffemodel,
  scanCaffemodel,
} from '../formats/caffemodel.js';
import { npzParts, readNpz } from '../formats/npz.js';
import { readSafetensors, type Safetensors, safetensorsParts } from '../formats/safetensors.js';
import { readSolverstate, type SolverSnapshot, solverstateParts } from '../formats/solverstate.js';
import { solverstateH5Parts } from '../formats/solverstate_h5.js';
import { type ByteSource, damaged } from '../source.js';

/** One read call takes at most this much; Node's own limit is 2^31 - 1. */
const READ_AT_ONCE = 1 << 30;

type Tensors = ReadonlyMap<string, WeightBlob>;
/** By layer. */
type Params = ReadonlyMap<string, readonly WeightBlob[]>;

/**
 * Reads a `.caffemodel` of any generation.
 *
 * @throws MokapotError `weights-file` where it cannot be opened, else as `readCaffemodel`.
 */
export function loadCaffemodel(path: string, options?: DecodeOptions): Caffemodel {
  return withFile(path, source => readCaffemodel(source, path, options));
}

/** Hands a checked file to `use` while it is open: `useCaffemodel(path, m => copyWeights(m.layers, net.params))`. */
export function useCaffemodel<T>(path: string, use: (model: ScannedCaffemodel) => T, options?: DecodeOptions): T {
  return withFile(path, source => use(scanCaffemodel(source, path, options)));
}

/** Weights of any format, which the content tells. @throws MokapotError as `readWeights` */
export function loadWeights(path: string, options?: DecodeOptions): LoadedWeights {
  return withFile(path, source => readWeights(source, path, options));
}

/** Hands a checked file of any format to `use` while it is open. */
export function useWeights<T>(path: string, use: (weights: ScannedWeights) => T, options?: DecodeOptions): T {
  return withFile(path, source => use(scanWeights(source, path, options)));
}

/** The same for a file that shall go into a net: a mean or a solver's state is refused. */
export function useNetWeights<T>(path: string, use: (weights: ScannedWeights) => T, options?: DecodeOptions): T {
  return withFile(path, source => use(scanNetWeights(source, path, options)));
}

/** `.caffemodel.h5` */
export function loadCaffeH5(path: string): CaffeH5<WeightBlob> {
  return withFile(path, source => readCaffeH5(source));
}

/**
 * Reads a `.solverstate` or `.solverstate.h5`. @throws MokapotError `weights-file` where it cannot be opened, else
 * as `readSolverstate`
 */
export function loadSolverstate(path: string): SolverSnapshot {
  return withFile(path, source => readSolverstate(source));
}

/**
 * Reads a `.binaryproto`, such as a mean image. @throws MokapotError `weights-file` where it cannot be opened, else
 * as `readBinaryproto`
 */
export function loadBinaryproto(path: string): WeightBlob {
  return withFile(path, source => readBinaryproto(source));
}

/**
 * Reads a `.safetensors` file. @throws MokapotError `weights-file` where it cannot be opened, else as
 * `readSafetensors`
 */
export function loadSafetensors(path: string): Safetensors {
  return withFile(path, source => readSafetensors(source));
}

/**
 * Reads an `.npz` archive: arrays by name. @throws MokapotError `weights-file` where it cannot be opened, else as
 * `readNpz`
 */
export function loadNpz(path: string): Map<string, WeightBlob> {
  return withFile(path, source => readNpz(source));
}

/**
 * Writes a `.caffemodel` layer by layer (see `caffemodelParts`). The parameters must not change until it is done.
 * @throws MokapotError `weights-file`; a file of that name stays as it was then.
 */
export function saveCaffemodel(path: string, net: SavedNet, params: Params, options: SaveOptions = {}): Promise<void> {
  return write(path, caffemodelParts(net, params, options));
}

/**
 * Writes a `.caffemodel.h5` as Caffe's Net::ToHDF5: every layer of `params`, arrays that several layers share once; with
 * `diffs` the gradients too.
 */
export async function saveCaffeH5(path: string, params: Params, diffs?: Params): Promise<void> {
  await write(path, caffeH5Parts(params, diffs));
}

/** HDF5 where the name ends in `.h5`. */
export function saveSolverstate(path: string, state: SolverSnapshot): Promise<void> {
  return write(path, path.endsWith('.h5') ? solverstateH5Parts(state) : solverstateParts(state));
}

/** Writes one blob as `.binaryproto`, whole or not at all. @throws MokapotError `weights-file` */
export async function saveBinaryproto(path: string, blob: WeightBlob): Promise<void> {
  await write(path, [writeBinaryproto(blob)]);
}

/** Writes arrays by name as `.safetensors`, whole or not at all. @throws MokapotError `weights-file` */
export async function saveSafetensors(
  path: string,
  tensors: Tensors,
  metadata: Record<string, string> = {},
): Promise<void> {
  await write(path, safetensorsParts(tensors, metadata));
}

/** Writes arrays by name as `.npz`, whole or not at all. @throws MokapotError `weights-file` */
export async function saveNpz(path: string, arrays: Tensors): Promise<void> {
  await write(path, npzParts(arrays));
}

function write(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  return writeAtomically(path, parts, { code: 'weights-file' });
}

/** Opens a file for reading in ranges while `read` runs. @param called what messages call it @throws MokapotError `weights-file` */
export function withFile<T>(path: string, read: (source: ByteSource) => T, called = path): T {
  const fd = wrapped(called, 'open', () => openRegularSync(path));
  try {
    return read(fileSource(called, fd, fstatSync(fd).size));
  } finally {
    closeSync(fd);
  }
}

function fileSource(path: string, fd: number, size: number): ByteSource {
  const source: ByteSource = {
    name: path,
    size,
    peek(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      source.readInto(offset, bytes);
      return bytes;
    },
    readInto(offset, target) {
      for (let done = 0; done < target.length; ) {
        const length = Math.min(READ_AT_ONCE, target.length - done);
        const got = wrapped(path, 'read', () => readSync(fd, target, done, length, offset + done));
        if (got === 0) throw damaged(source, offset + done, 'it grew shorter while it was read');
        done += got;
      }
    },
  };
  return source;
}

function wrapped<T>(path: string, verb: 'open' | 'read', run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw fileError('weights-file', verb, path, cause);
  }
}
