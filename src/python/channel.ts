/**
 * What goes between Mokapot and a layer's Python process. Words go through a pipe: the length of a JSON header, the header.
 * Arrays of 32-bit floats lie one after the other, as raw bytes, in a file in memory that both have open and nobody else can
 * open, `header.arrays` numbers in each. One request, one reply, so that the file belongs to one side at a time.
 */

import { closeSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { HostFailure } from '../layers/host/host_layer.js';

export interface Reply {
  readonly header: Readonly<Record<string, unknown>>;
  readonly arrays: readonly Float32Array[];
}

/** Bytes that must be free in memory for arrays to be exchanged there; else it is a file of the temporary folder. */
const ROOM = 256 * 2 ** 20;

/** The file of arrays; it has no name, and is gone with the last process that has it open. */
export class ArrayFile {
  readonly descriptor: number;
  private readonly folder: string;

  /** @throws HostFailure `python-exchange` */
  constructor() {
    this.folder = isRoomy('/dev/shm') ? '/dev/shm' : tmpdir();
    const path = join(this.folder, `mokapot-${process.pid}-${Math.random().toString(36).slice(2)}`);
    try {
      this.descriptor = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
    } catch (cause) {
      throw this.failure(cause);
    }
  }

  /** @throws HostFailure `python-exchange` where there is no room */
  write(arrays: readonly Float32Array[]): void {
    let position = 0;
    for (const array of arrays) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let done = 0; done < bytes.length; ) {
        try {
          done += writeSync(this.descriptor, bytes, done, bytes.length - done, position + done);
        } catch (cause) {
          throw this.failure(cause);
        }
      }
      position += bytes.length;
    }
  }

  read(sizes: readonly number[]): Float32Array[] {
    let position = 0;
    return sizes.map(size => {
      const array = new Float32Array(size);
      const bytes = new Uint8Array(array.buffer);
      for (let done = 0; done < bytes.length; ) {
        const count = readSync(this.descriptor, bytes, done, bytes.length - done, position + done);
        if (count === 0) throw new RangeError(`the reply says ${size} numbers, and they are not there`);
        done += count;
      }
      position += bytes.length;
      return array;
    });
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private failure(cause: unknown): HostFailure {
    const { message } = cause as Error;
    return new HostFailure(
      'python-exchange',
      `its arrays cannot be exchanged with Python in ${this.folder}: ${message}`,
      {
        hint: 'There must be room for the arrays of one layer: TMPDIR names another folder.',
      },
    );
  }
}

function isRoomy(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= ROOM;
  } catch {
    return false;
  }
}

/** Writes a request. @throws HostFailure `python-exchange` */
export function sendRequest(stream: Duplex, file: ArrayFile, header: object, arrays: readonly Float32Array[]): void {
  file.write(arrays);
  const text = Buffer.from(JSON.stringify({ ...header, arrays: arrays.map(a => a.length) }), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  stream.write(Buffer.concat([length, text]));
}

/** Puts replies together from the pieces in which their headers come. */
export class ReplyReader {
  private rest: Buffer = Buffer.alloc(0);

  constructor(
    private readonly file: ArrayFile,
    private readonly onReply: (reply: Reply) => void,
  ) {}

  /** @throws SyntaxError, RangeError where what comes is no reply: something else wrote to the pipe */
  take(piece: Buffer): void {
    this.rest = Buffer.concat([this.rest, piece]);
    for (;;) {
      const length = this.rest.length < 4 ? Number.POSITIVE_INFINITY : 4 + this.rest.readUInt32LE(0);
      if (this.rest.length < length) return;
      const header = JSON.parse(this.rest.toString('utf8', 4, length)) as Record<string, unknown>;
      this.rest = this.rest.subarray(length);
      this.onReply({ header, arrays: this.file.read(header['arrays'] as readonly number[]) });
    }
  }
}
