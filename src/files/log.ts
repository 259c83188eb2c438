/** A file that lines are added to while something goes on. A line is there whole or not at all. */

import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

export class LineLog {
  private readonly fd: number;
  private waiting = '';

  /** @throws errors of the system */
  constructor(path: string) {
    this.fd = openSync(path, 'a');
  }

  /** Adds a line, and those that could not be written before. @throws errors of the system; the line is kept for the next time */
  add(line: string): void {
    this.waiting += `${line}\n`;
    this.flush();
  }

  /** @throws errors of the system where lines still cannot be written */
  flush(): void {
    if (this.waiting === '') return;
    const bytes = Buffer.from(this.waiting);
    const before = fstatSync(this.fd);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch (cause) {
      if (before.isFile()) ftruncateSync(this.fd, before.size);
      throw cause;
    }
    this.waiting = '';
  }

  close(): void {
    closeSync(this.fd);
  }
}
