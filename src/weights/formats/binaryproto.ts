/** `.binaryproto`: a single BlobProto, as Caffe's compute_image_mean and DIGITS store a mean image. */

import { type Bytes, toSource } from '../source.js';
import { blobParts, scanBlobMessage, takeBlob, type WeightBlob } from './blob.js';
import { concatBytes } from './wire.js';

/**
 * Reads a `.binaryproto`, such as a mean image [1, C, H, W].
 *
 * @throws MokapotError `weights-damaged`, `weights-count`.
 */
export function readBinaryproto(bytes: Bytes, name?: string): WeightBlob {
  return takeBlob(scanBlobMessage(toSource(bytes, name), 'the mean'));
}

/** Shapes of up to four axes are written as num/channels/height/width, as Caffe's tools do, others as `shape`. */
export function writeBinaryproto(blob: WeightBlob): Uint8Array {
  const missing = 4 - blob.shape.length;
  if (missing < 0) return concatBytes(blobParts(blob, 'The mean'));
  const shape = [...new Array<number>(missing).fill(1), ...blob.shape];
  return concatBytes(blobParts({ shape, data: blob.data }, 'The mean', true));
}
