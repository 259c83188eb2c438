/**
 * What goes between Mokapot and a layer's Python process: the length of a JSON header, the header, then arrays of 32-bit
 * floats as raw bytes, `header.arrays` numbers in each. One request, one reply.
 */

import type { Duplex } from 'node:stream';

export interface Reply {
  readonly header: Readonly<Record<string, unknown>>;
  readonly arrays: readonly Float32Array[];
}

/** Writes a request. The arrays must stay as they are until its reply is there. */
export function sendRequest(stream: Duplex, header: object, arrays: readonly Float32Array[]): void {
  const text = Buffer.from(JSON.stringify({ ...header, arrays: arrays.map(a => a.length) }), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  stream.cork();
  for (const part of [length, text]) stream.write(part);
  for (const { buffer, byteOffset, byteLength } of arrays)
    if (byteLength > 0) stream.write(Buffer.from(buffer, byteOffset, byteLength));
  stream.uncork();
}

/** Puts replies together from the pieces in which they come. */
export class ReplyReader {
  private head: Buffer = Buffer.alloc(0);
  private header: Readonly<Record<string, unknown>> | undefined;
  private body = new Uint8Array(0);
  private filled = 0;

  constructor(private readonly onReply: (reply: Reply) => void) {}

  /** @throws SyntaxError where what comes is no reply: something else wrote to the channel */
  take(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0 || this.isComplete) {
      if (!this.header) rest = this.takeHead(rest);
      else rest = this.takeBody(rest);
      if (this.isComplete) this.deliver();
    }
  }

  private get isComplete(): boolean {
    return this.header !== undefined && this.filled === this.body.length;
  }

  private takeHead(piece: Buffer): Buffer {
    this.head = Buffer.concat([this.head, piece]);
    const length = this.head.length < 4 ? Number.POSITIVE_INFINITY : 4 + this.head.readUInt32LE(0);
    if (this.head.length < length) return Buffer.alloc(0);
    const rest = this.head.subarray(length);
    this.header = JSON.parse(this.head.toString('utf8', 4, length)) as Record<string, unknown>;
    this.head = Buffer.alloc(0);
    this.body = new Uint8Array(4 * sizesOf(this.header).reduce((a, b) => a + b, 0));
    this.filled = 0;
    return rest;
  }

  private takeBody(piece: Buffer): Buffer {
    const part = piece.subarray(0, this.body.length - this.filled);
    this.body.set(part, this.filled);
    this.filled += part.length;
    return piece.subarray(part.length);
  }

  private deliver(): void {
    const { buffer } = this.body;
    let offset = 0;
    const arrays = sizesOf(this.header!).map(size => {
      offset += 4 * size;
      return new Float32Array(buffer, offset - 4 * size, size);
    });
    const header = this.header!;
    this.header = undefined;
    this.onReply({ header, arrays });
  }
}

function sizesOf(header: Readonly<Record<string, unknown>>): readonly number[] {
  return header['arrays'] as readonly number[];
}
