/** What a file of weights is, by its first bytes: names may be wrong, and downloads may be something else altogether. */

import { fail } from '../diagnostics/index.js';
import { hdf5Start } from './formats/hdf5_read.js';
import type { ByteSource } from './source.js';

/** A format that weights come in, which the content of a file tells. */
export type WeightsFormat = 'caffemodel' | 'h5' | 'safetensors' | 'npz' | 'npy' | 'binaryproto' | 'solverstate';

const startsWith = (head: Uint8Array, ...bytes: number[]) => bytes.every((b, i) => head[i] === b);
const isPrintable = (b: number) => (b >= 32 && b < 127) || b === 9 || b === 10 || b === 13;
/** Tags: num and channels of BlobProto, its data and shape (no bytes in NetParameter); iter of SolverState is field 1 as well. */
const FIELD_1_NUMBER = 0x08;
const FIELD_2_NUMBER = 0x10;
const FIELD_5_BYTES = 0x2a;
const FIELD_7_BYTES = 0x3a;

/**
 * What has no mark of its own is taken for a `.caffemodel`, whose reader then says what is wrong with it.
 * @throws MokapotError `weights-format` for an empty file or a text
 */
export function formatOf(source: ByteSource): WeightsFormat {
  const head = source.peek(0, 256);
  if (head.length === 0) {
    throw fail('weights-format', `${source.name} is empty.`, { hint: 'The download or copy that made it failed.' });
  }
  if (hdf5Start(source) !== undefined) return 'h5';
  if (startsWith(head, 0x50, 0x4b, 3, 4) || startsWith(head, 0x50, 0x4b, 5, 6)) return 'npz';
  if (startsWith(head, 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)) return 'npy';
  if (head.length > 8 && head[7] === 0 && head[6] === 0 && head[8] === 0x7b) return 'safetensors';
  if (head[0] === FIELD_5_BYTES || head[0] === FIELD_7_BYTES) return 'binaryproto';
  if (head[0] === FIELD_1_NUMBER) return behindNumber(head) === FIELD_2_NUMBER ? 'binaryproto' : 'solverstate';
  if (head.length > 1 && head.every(isPrintable)) {
    throw fail('weights-format', `${source.name} is a text, no weights.`, {
      hint: 'It may be a prototxt, or a web page or Git LFS pointer that was saved in place of the weights.',
    });
  }
  return 'caffemodel';
}

/** The tag behind a leading varint field. */
function behindNumber(head: Uint8Array): number | undefined {
  let i = 1;
  while (i < head.length && head[i]! >= 0x80) i++;
  return head[i + 1];
}

const OTHERS: Readonly<Record<Exclude<WeightsFormat, 'caffemodel'>, { readonly what: string; readonly hint: string }>> =
  {
    h5: { what: 'an HDF5 file (.caffemodel.h5)', hint: 'loadWeights reads any format.' },
    npz: {
      what: 'a zip archive',
      hint: 'If it is an .npz, read it as such (loadWeights reads any format); else unpack it first.',
    },
    npy: { what: 'a NumPy array (.npy)', hint: 'It holds one array and no names of layers.' },
    safetensors: { what: 'a .safetensors file', hint: 'Read it as such; loadWeights reads any format.' },
    binaryproto: { what: 'a single blob (.binaryproto), such as a mean', hint: 'The weights are in a .caffemodel.' },
    solverstate: {
      what: 'a .solverstate',
      hint: 'A solver state is resumed with --snapshot; the .caffemodel beside it holds the weights.',
    },
  };

/** @throws MokapotError `weights-format` where the first bytes are those of a format that is not wanted. */
export function refuseOthers(source: ByteSource, ...wanted: WeightsFormat[]): WeightsFormat {
  const format = formatOf(source);
  if (format === 'caffemodel' || wanted.includes(format)) return format;
  const { what, hint } = OTHERS[format];
  const names = wanted.length > 1 ? 'weights by layer' : 'a .caffemodel';
  throw fail('weights-format', `${source.name} is ${what}, not ${names}.`, { hint });
}
