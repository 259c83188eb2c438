/** Runs the CLI in this process and keeps what it prints. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../src/cli/io.js';
import { main } from '../../src/cli/main.js';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What went to stdout, to the byte. */
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Told everything that goes to stdout. */
  readonly onOut?: (text: string) => void;
}

export async function mokapot(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const to = (list: Buffer[], tell?: (text: string) => void) => ({
    write: (chunk: string | Uint8Array) => {
      list.push(Buffer.from(chunk));
      tell?.(String(chunk));
    },
  });
  const io: Io = {
    stdout: to(out, options.onOut),
    stderr: to(err),
    env: options.env ?? {},
    interruptible: () => options.signal ?? new AbortController().signal,
  };
  const code = await main(argv, io);
  const bytes = Buffer.concat(out);
  return { code, out: bytes.toString('utf8'), err: Buffer.concat(err).toString('utf8'), bytes };
}

/** A new empty folder. */
export function folder(): string {
  return mkdtempSync(join(tmpdir(), 'mokapot-cli-'));
}

/** A file of the project, whatever the working directory. */
export function project(path: string): string {
  return new URL(`../../${path}`, import.meta.url).pathname;
}
