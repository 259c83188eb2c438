/** Weights of any format that Mokapot reads, in one form: blobs by layer. */

import type { Diagnostic } from '../diagnostics/index.js';
import type { DecodeOptions, NetParameter } from '../schema/index.js';
import { type StoredBlob, scanBlobMessage, takeBlob, type WeightBlob } from './formats/blob.js';
import { scanCaffeH5 } from './formats/caffe_h5.js';
import { type Generation, scanCaffemodel } from './formats/caffemodel.js';
import { scanNpy, scanNpz } from './formats/npz.js';
import { scanSafetensors } from './formats/safetensors.js';
import { readSolverstate } from './formats/solverstate.js';
import { layersOf } from './formats/tensors.js';
import { formatOf, refuseOthers, type WeightsFormat } from './recognise.js';
import { type ByteSource, type Bytes, toSource } from './source.js';

interface AnyWeights<Blob> {
  readonly format: WeightsFormat;
  /** Blobs by layer. A mean is layer "mean", a solver's history layer "history", a lone array layer "array". */
  readonly layers: Map<string, Blob[]>;
  /** The network in the file, where it has one: a `.caffemodel`. */
  readonly net?: NetParameter;
  readonly generation?: Generation;
  /** Notes and warnings about the file. */
  readonly diagnostics: readonly Diagnostic[];
}

/** With the numbers in memory. */
export type LoadedWeights = AnyWeights<WeightBlob>;
/** Checked from end to end, the numbers still in the file. */
export type ScannedWeights = AnyWeights<StoredBlob>;

/**
 * Reads weights of any format, which the content tells: `.caffemodel`, `.caffemodel.h5`, `.safetensors`, `.npz`, and, of no
 * use to a net, `.npy`, `.binaryproto` and `.solverstate`.
 * @throws MokapotError `weights-format`, and what the format's own reader throws
 */
export function readWeights(bytes: Bytes, name?: string, options?: DecodeOptions): LoadedWeights {
  const scanned = scanWeights(bytes, name, options);
  return { ...scanned, layers: new Map([...scanned.layers].map(([layer, b]) => [layer, b.map(takeBlob)])) };
}

/** The same up to the numbers, which each blob's `read` fetches. */
export function scanWeights(bytes: Bytes, name?: string, options?: DecodeOptions): ScannedWeights {
  const source = toSource(bytes, name);
  const format = formatOf(source);
  return { format, diagnostics: [], ...SCANNERS[format](source, options) };
}

/** The same, of the formats that hold a net's weights. @throws MokapotError `weights-format` for the others */
export function scanNetWeights(bytes: Bytes, name?: string, options?: DecodeOptions): ScannedWeights {
  const source = toSource(bytes, name);
  refuseOthers(source, 'caffemodel', 'h5', 'safetensors', 'npz');
  return scanWeights(source, source.name, options);
}

type Scanner = (
  source: ByteSource,
  options?: DecodeOptions,
) => Omit<ScannedWeights, 'format' | 'diagnostics'> & Partial<ScannedWeights>;

const SCANNERS: Readonly<Record<WeightsFormat, Scanner>> = {
  caffemodel: (source, options) => scanCaffemodel(source, source.name, options),
  h5: source => ({ layers: perhapsLegacy(scanCaffeH5(source).layers) }),
  safetensors: source => ({ layers: perhapsLegacy(layersOf(scanSafetensors(source).tensors)) }),
  npz: source => ({ layers: perhapsLegacy(layersOf(scanNpz(source))) }),
  npy: source => ({ layers: new Map([['array', [scanNpy(source)]]]) }),
  binaryproto: source => ({ layers: new Map([['mean', [scanBlobMessage(source, 'the mean')]]]) }),
  solverstate: source => ({ layers: new Map([['history', readSolverstate(source).history.map(inMemory)]]) }),
};

/** Formats that cannot say so may hold what came from an old file. */
function perhapsLegacy(layers: ReadonlyMap<string, readonly StoredBlob[]>): Map<string, StoredBlob[]> {
  const marked = (blob: StoredBlob) =>
    blob.shape.length === 4 && blob.shape[0] === 1 && blob.shape[1] === 1 ? { ...blob, mayBeLegacy: true } : blob;
  return new Map([...layers].map(([name, blobs]) => [name, blobs.map(marked)]));
}

/** A blob in memory as one that is read from where it lies. */
export function inMemory({ data, ...shape }: WeightBlob): StoredBlob {
  const read = (target = new Float32Array(data.length)) => {
    target.set(data);
    return target;
  };
  return { ...shape, read };
}
