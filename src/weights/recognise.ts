/** Says what a file is that was given as `.caffemodel` and is none. */

import { fail } from '../diagnostics/index.js';
import type { ByteSource } from './source.js';

interface Kind {
  readonly what: string;
  readonly hint: string;
  matches(head: Uint8Array): boolean;
}

const startsWith = (head: Uint8Array, ...bytes: number[]) => bytes.every((b, i) => head[i] === b);
const isPrintable = (b: number) => (b >= 32 && b < 127) || b === 9 || b === 10 || b === 13;

const KINDS: readonly Kind[] = [
  {
    what: 'is empty',
    hint: 'The download or copy that made it failed.',
    matches: head => head.length === 0,
  },
  {
    what: 'is an HDF5 file (.caffemodel.h5)',
    hint: 'Save it from Caffe with snapshot_format: BINARYPROTO.',
    matches: head => startsWith(head, 0x89, 0x48, 0x44, 0x46),
  },
  {
    what: 'is a zip archive',
    hint: 'If it is an .npz, read it as such; else unpack it first.',
    matches: head => startsWith(head, 0x50, 0x4b, 3, 4),
  },
  {
    what: 'is a .safetensors file',
    hint: 'Read it as such.',
    matches: head => head.length > 8 && head[7] === 0 && head[6] === 0 && head[8] === 0x7b,
  },
  {
    what: 'begins with a number as a .solverstate or a .binaryproto does',
    hint: 'A solver state is resumed with --snapshot; the .caffemodel beside it holds the weights.',
    matches: head => head[0] === 0x08,
  },
  {
    what: 'is a text',
    hint: 'It may be a prototxt, or a web page or Git LFS pointer that was saved in place of the weights.',
    matches: head => head.length > 1 && head.every(isPrintable),
  },
];

/** @throws MokapotError `weights-format` where the first bytes are those of another format. */
export function refuseOtherFormats(source: ByteSource): void {
  const head = source.peek(0, 256);
  const kind = KINDS.find(k => k.matches(head));
  if (kind) throw fail('weights-format', `${source.name} ${kind.what}, not a .caffemodel.`, { hint: kind.hint });
}
