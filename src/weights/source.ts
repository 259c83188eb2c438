/** Where bytes come from: memory, or (src/weights/node/files.ts) a file that is read in ranges and may be larger than memory. */

import { fail } from '../diagnostics/index.js';

/** Bytes to be read in ranges: an open file, or an array. */
export interface ByteSource {
  /** What messages call it: a path, or `<bytes>`. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** The bytes from `offset`, at most `length`, fewer at the end; not to be written to. */
  peek(offset: number, length: number): Uint8Array;
  /** Fills `target` with the bytes from `offset` on; the caller has checked that they are there. */
  readInto(offset: number, target: Uint8Array): void;
}

/** What every reader takes: bytes in memory, or a source that gives them in ranges. */
export type Bytes = Uint8Array | ByteSource;

export function toSource(bytes: Bytes, name = '<bytes>'): ByteSource {
  return bytes instanceof Uint8Array ? memorySource(bytes, name) : bytes;
}

function memorySource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.length,
    peek: (offset, length) => bytes.subarray(offset, offset + length),
    readInto: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
  };
}

/** A private copy of `length` bytes from `offset`, aligned for every typed array. */
export function copyRange(source: ByteSource, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  source.readInto(offset, out);
  return out;
}

/** `throw damaged(source, at, what)`: the file is not what it should be, at a byte. */
export function damaged(source: ByteSource, at: number, what: string, more: { layer?: string; hint?: string } = {}) {
  return fail('weights-damaged', `${source.name} is damaged at byte ${at}: ${what}.`, {
    hint: 'The file may be cut off or altered; copy or download it again and compare its size and checksum.',
    ...more,
  });
}
