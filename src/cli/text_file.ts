/** Files by path, read whole: what is no text is refused with a sentence. */

import { dirname } from 'node:path';
import { bytesToText } from '../../grammar/index.js';
import { fail } from '../diagnostics/index.js';
import { fileError, readUpTo } from '../files/index.js';

const LARGEST = 64 * 2 ** 20;

/**
 * A prototxt's text; `-` is stdin. Bytes that are no UTF-8 survive (see grammar/strings.ts).
 * @throws MokapotError `file-unreadable`, `not-text` (a picture, a .caffemodel), `file-too-large` (over 64 MiB).
 */
export async function readTextFile(path: string): Promise<string> {
  const bytes = path === '-' ? await readStdin() : await readBytes(path);
  if (bytes.subarray(0, 65536).includes(0)) {
    throw fail('not-text', `${path} is a binary file, not a prototxt.`, {
      hint: 'A prototxt is plain text (UTF-8). For a binary message (.binaryproto, .caffemodel) there is `mokapot decode`.',
    });
  }
  return bytesToText(bytes);
}

/** A network or solver with what messages call it and the folder that paths in it start from. */
export interface TextFile {
  readonly text: string;
  readonly name: string;
  readonly dir: string;
}

/** The same for a network or solver; what stands on stdin names files from the working directory. */
export async function readPlacedFile(path: string): Promise<TextFile> {
  const text = await readTextFile(path);
  return { text, name: nameOf(path), dir: folderOf(nameOf(path)) };
}

/** What messages call a file. */
export function nameOf(path: string): string {
  return path === '-' ? STDIN : path;
}

/** Where relative paths in the file of that name start. */
export function folderOf(name: string): string {
  return name === STDIN ? '.' : dirname(name);
}

const STDIN = '<stdin>';

/** @throws MokapotError `file-unreadable`, `file-too-large`. */
export async function readBytes(path: string, largest = LARGEST): Promise<Uint8Array> {
  try {
    const bytes = await readUpTo(path, largest);
    if (bytes) return bytes;
  } catch (cause) {
    throw fileError('file-unreadable', 'read', path, cause);
  }
  throw tooLarge(path, largest);
}

function tooLarge(path: string, largest: number) {
  return fail('file-too-large', `${path} is larger than ${largest / 2 ** 20} MiB.`, {
    hint: 'A network or solver in text is a few kilobytes: this may be another file.',
  });
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Uint8Array);
    size += (chunk as Uint8Array).length;
    if (size > LARGEST) throw tooLarge('standard input', LARGEST);
  }
  return Buffer.concat(chunks);
}
