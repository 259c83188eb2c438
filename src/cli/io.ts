/** What the CLI prints to and reads from: the process's own streams, or a test's. */

import pc from 'picocolors';
import type { Paint, Severity } from '../diagnostics/index.js';

export type Out = { write(chunk: string | Uint8Array): unknown; readonly isTTY?: boolean; readonly columns?: number };

export interface Io {
  readonly stdout: Out;
  readonly stderr: Out;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From this call on Ctrl-C does not kill: it aborts the signal, and the command ends in order. The second one kills. */
  interruptible(): AbortSignal;
}

/** Colours for one stream: only on a terminal, never with NO_COLOR (no-color.org); FORCE_COLOR has the last word. */
export function colors(io: Io, stream: Out = io.stdout): ReturnType<typeof pc.createColors> {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0';
  return pc.createColors(forced || (stream.isTTY === true && !NO_COLOR && TERM !== 'dumb'));
}

/** The colours of diagnostics. */
export function paintFor(io: Io, stream: Out): Paint {
  const c = colors(io, stream);
  const by: Record<Severity, (text: string) => string> = { error: c.red, warning: c.yellow, note: c.cyan };
  return { severity: (text, severity) => c.bold(by[severity](text)), dim: c.dim, bold: c.bold };
}

/** One line (or several) to stdout. */
export function say(io: Io, text = ''): void {
  io.stdout.write(`${text}\n`);
}

/** The same to stderr: what is no result. */
export function tell(io: Io, text = ''): void {
  io.stderr.write(`${text}\n`);
}

/** What user code prints goes to stderr as it comes. */
export function tellingOf(io: Io): (text: string) => void {
  return text => void io.stderr.write(text);
}

const KILLED = 130;

/** The process's streams; Ctrl-C as `interruptible` says. */
export function processIo(): Io {
  let controller: AbortController | undefined;
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    interruptible() {
      if (!controller) {
        const made = new AbortController();
        const stop = () => (made.signal.aborted ? process.exit(KILLED) : made.abort());
        process.on('SIGINT', stop).on('SIGTERM', stop);
        controller = made;
      }
      return controller.signal;
    },
  };
}
