/** Which stored layer goes to which layer of a net: the rule of Caffe's Net::CopyTrainedLayersFrom (net.cpp). */

import { type Diagnostic, error, fail, hasErrors, MokapotError } from '../diagnostics/index.js';
import { type BlobShape, formatShape, type StoredBlob } from './formats/blob.js';

type Shape = readonly number[];

/** A layer of the net with the shapes of its parameters, none for layers that have none. */
export interface TargetLayer {
  /** As in the net. */
  readonly name: string;
  /** In the layer's order: weights, bias. */
  readonly params: readonly TargetParam[];
}

/** A parameter that numbers are to go to. */
export interface TargetParam {
  /** In Caffe's layout. */
  readonly shape: Shape;
  /** It is another layer's parameter too, which brings its numbers: HDF5 files have such blobs once. */
  readonly shared?: boolean;
}

/** Which layers of a file go to which of a net. */
export interface WeightMatch {
  /** Layers with parameters whose numbers are to be copied, in the net's order. */
  readonly copied: readonly string[];
  /** Layers of the net with parameters and without a partner in the file: they keep what their fillers gave. */
  readonly missing: readonly string[];
  /** Layers of the file with parameters and without a partner in the net. */
  readonly unused: readonly string[];
  /** An error for each layer that does not fit; nothing may be copied then. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Matches by layer name. The number of blobs and every shape must agree (a parameter shared with another layer may be
 * missing, as HDF5 files leave it out: Net::CopyTrainedLayersFromHDF5); the old 4-D shapes of V0 and V1 files agree
 * with a shape that has fewer axes when the leading ones are 1.
 */
export function matchWeights(
  fileLayers: ReadonlyMap<string, readonly BlobShape[]>,
  netLayers: readonly TargetLayer[],
): WeightMatch {
  const inNet = new Set(netLayers.map(l => l.name));
  const withParams = netLayers.filter(l => l.params.length > 0);
  const diagnostics = netLayers.flatMap(layer => {
    const blobs = fileLayers.get(layer.name);
    return blobs ? misfits(layer, blobs) : [];
  });
  const misfit = new Set(diagnostics.map(d => d.layer));
  const names = withParams.map(l => l.name);
  return {
    copied: names.filter(n => fileLayers.has(n) && !misfit.has(n)),
    missing: names.filter(n => !fileLayers.has(n)),
    unused: [...fileLayers].filter(([name, blobs]) => blobs.length > 0 && !inNet.has(name)).map(([name]) => name),
    diagnostics,
  };
}

/**
 * Fills a net's arrays with the numbers of a scanned file, in place. Where a layer does not fit, nothing is copied. Caffe
 * takes a file of which no layer's name is the net's without a word, and goes on with the fillers' numbers; here that is
 * an error.
 * @param params the net's parameters by layer.
 * @param called what messages call the file.
 * @throws MokapotError `weights-shape-mismatch`, `weights-blob-count`, `weights-none-fit`.
 */
export function copyWeights(
  fileLayers: ReadonlyMap<string, readonly StoredBlob[]>,
  params: ReadonlyMap<string, readonly (TargetParam & { readonly data: Float32Array })[]>,
  called = 'the weights file',
): WeightMatch {
  const match = matchWeights(
    fileLayers,
    [...params].map(([name, blobs]) => ({ name, params: blobs })),
  );
  if (hasErrors(match.diagnostics)) throw new MokapotError(match.diagnostics);
  if (match.copied.length === 0 && match.missing.length > 0) throw noneFits(fileLayers, match.missing, called);
  for (const name of match.copied) {
    const targets = params.get(name)!;
    fileLayers.get(name)!.forEach((blob, i) => {
      if (!blob.shared) blob.read(targets[i]!.data);
    });
  }
  return match;
}

function noneFits(
  fileLayers: ReadonlyMap<string, readonly BlobShape[]>,
  missing: readonly string[],
  called: string,
): MokapotError {
  const stored = [...fileLayers].filter(([, blobs]) => blobs.length > 0).map(([name]) => name);
  const there = stored.length > 0 ? listed(stored) : 'no parameters';
  return fail(
    'weights-none-fit',
    `No layer of ${called} fits the network: they are matched by name; the file has ${there}, the network ${listed(missing)}.`,
    {
      hint: 'Are they weights of another network? If only names differ: mokapot transplant --rename OLD=NEW.',
    },
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 4).map(name => `"${name}"`);
  return names.length > 4 ? `${shown.join(', ')} and ${names.length - 4} more` : shown.join(', ');
}

const RENAME = 'To learn the layer afresh, give it another name in the prototxt.';

/** SegNet's BN, which a bare BN layer is, has 2 blobs. */
const PSPNET = `If it is a BN layer, the weights are PSPNet's: say so by a field of its own, bn_param { momentum: 0.95 }. ${RENAME}`;

function misfits(layer: TargetLayer, blobs: readonly BlobShape[]): Diagnostic[] {
  const { name, params } = layer;
  const isThere = (i: number) => i < blobs.length && !blobs[i]!.shared;
  if (blobs.length > params.length || params.some((p, i) => !isThere(i) && !p.shared)) {
    const counts = `The weights file has ${blobs.filter(b => !b.shared).length} blobs for layer "${name}", the net has ${params.length}`;
    const hint =
      params.length === 2 && blobs.length === 4 ? PSPNET : `bias_term may differ, or the layer's type. ${RENAME}`;
    return [error('weights-blob-count', `${counts}.`, { layer: name, hint })];
  }
  return params.flatMap((param, i) => {
    if (!isThere(i)) return [];
    const blob = blobs[i]!;
    if (shapesAgree(blob, param.shape)) return [];
    const shapes = `${formatShape(blob.shape)} in the weights file, ${formatShape(param.shape)} in the net`;
    const message = `Blob ${i} of layer "${name}" has the shape ${shapes}.`;
    return [error('weights-shape-mismatch', message, { layer: name, hint: cure(blob.shape, param.shape) })];
  });
}

/** Caffe's Blob::ShapeEquals: an old shape is compared as 4-D, a shape of today axis by axis. */
export function shapesAgree(blob: BlobShape, shape: Shape): boolean {
  if (same(blob.shape, shape)) return true;
  if (!blob.legacy && !blob.mayBeLegacy) return false;
  return shape.length <= 4 && same(blob.shape, [...new Array<number>(4 - shape.length).fill(1), ...shape]);
}

function same(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** What is the likely reason, and what can be done about it. */
function cure(file: Shape, net: Shape): string {
  const onlyAxis1 = file.length === 4 && net.length === 4 && file.every((d, i) => i === 1 || d === net[i]);
  if (onlyAxis1 && file[1] === 3 && net[1] === 1) {
    return `The weights are for colour pictures, the data are grey: make the data set RGB (--channels RGB), or mokapot transplant --gray sums the channels. ${RENAME}`;
  }
  if (onlyAxis1 && file[1] === 1 && net[1] === 3) {
    return `The weights are for grey pictures, the data are RGB: make the data set grey (--channels L), or mokapot transplant --rgb spreads it. ${RENAME}`;
  }
  if (onlyAxis1 && (file[1]! % net[1]! === 0 || net[1]! % file[1]! === 0)) {
    return `Layers with another \`group\` or another number of input channels have such shapes; mokapot transplant rearranges groups. ${RENAME}`;
  }
  if (product(file) === product(net)) {
    return (
      'Both hold equally many numbers: if one is fully connected and the other its convolution, mokapot transplant gives ' +
      `the stored blob the net's shape (net surgery). ${RENAME}`
    );
  }
  if (file.length === net.length && file[0] !== net[0]) return `num_output differs. ${RENAME}`;
  return RENAME;
}

function product(shape: Shape): number {
  return shape.reduce((p, d) => p * d, 1);
}
