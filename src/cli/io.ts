/** What the CLI prints to and reads from: the process's own streams, or a test's. */

import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import pc from 'picocolors';
import { type Paint, type Severity, visible, visiblePainted } from '../diagnostics/index.js';
import { writeWholeSync } from '../files/write.js';

export type Out = { write(chunk: string | Uint8Array): unknown; readonly isTTY?: boolean; readonly columns?: number };

export interface Io {
  readonly stdout: Out;
  readonly stderr: Out;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * From this call on Ctrl-C, SIGTERM and SIGHUP (the terminal has gone) do not kill: they abort the signal, and the command
   * ends in order. A second one kills.
   */
  interruptible(options?: InterruptibleOptions): AbortSignal;
}

export interface InterruptibleOptions {
  /** Whether the command goes on where nobody reads what it prints (`| head`), for its result lies in files. Default: it ends. */
  readonly withoutOutput?: boolean;
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

/** Text for people as the stream may show it: no control characters but line breaks, tabs and, where there are any, colours. */
export function shown(io: Io, stream: Out, text: string): string {
  return colors(io, stream).isColorSupported ? visiblePainted(text) : visible(text);
}

/** One line (or several) to stdout. */
export function say(io: Io, text = ''): void {
  io.stdout.write(`${shown(io, io.stdout, text)}\n`);
}

/** The same to stderr: what is no result. */
export function tell(io: Io, text = ''): void {
  io.stderr.write(`${shown(io, io.stderr, text)}\n`);
}

/** What user code prints goes to stderr as it comes. */
export function tellingOf(io: Io): (text: string) => void {
  return text => void io.stderr.write(text);
}

const KILLED = 130;

/** npx and npm hand a terminal's Ctrl-C on, so that one press may come twice: what follows within this time, in ms, is none. */
const SAME_PRESS = 1000;

export interface Interrupts {
  on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', act: () => void): unknown;
  /** Ends the process at once. */
  kill(): void;
  /** Says to the user that the first one is heard, and what the second will do. */
  tell(text: string): void;
  now(): number;
}

/** Aborted by the first Ctrl-C; a second one, after the first was acknowledged, kills. */
export function interruptSignal({ on, kill, tell, now }: Interrupts): AbortSignal {
  const controller = new AbortController();
  let heard = Number.NaN;
  const act = () => {
    if (!controller.signal.aborted) {
      heard = now();
      tell('Stopping in order, the parameters are kept. Ctrl-C once more ends at once, without that.');
      controller.abort();
    } else if (now() - heard >= SAME_PRESS) kill();
  };
  on('SIGINT', act);
  on('SIGTERM', act);
  on('SIGHUP', act);
  return controller.signal;
}

/**
 * A file or device that output was led to. Node's own stream for it takes a full disk for success when a part of the
 * text still fits. `onFailure` is told of the first write that fails; what follows is dropped.
 */
export function fileOut(fd: number, onFailure: (cause: unknown) => void): Out {
  let failed = false;
  return {
    write(chunk) {
      if (failed) return false;
      try {
        writeWholeSync(fd, typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
        return true;
      } catch (cause) {
        failed = true;
        onFailure(cause);
        return false;
      }
    },
  };
}

/** Whether a descriptor is a file or a device, and no terminal, pipe or socket. */
function isFileOrDevice(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() || ((stat.isCharacterDevice() || stat.isBlockDevice()) && !isatty(fd));
  } catch {
    return false;
  }
}

export interface ProcessIoOptions {
  /** Told once where stdout, a file or a device, cannot be written. */
  readonly onFailure?: (cause: unknown) => void;
  /** Told when a command asks to go on where its reader has gone. */
  readonly onGoesOn?: () => void;
}

/** The process's streams; Ctrl-C as `interruptible` says. */
export function processIo({ onFailure = () => {}, onGoesOn }: ProcessIoOptions = {}): Io {
  let signal: AbortSignal | undefined;
  return {
    stdout: isFileOrDevice(1) ? fileOut(1, onFailure) : process.stdout,
    stderr: process.stderr,
    env: process.env,
    interruptible({ withoutOutput = false } = {}) {
      if (withoutOutput) onGoesOn?.();
      signal ??= interruptSignal({
        on: (name, act) => process.on(name, act),
        kill: () => process.exit(KILLED),
        tell: text => void process.stderr.write(`\n${text}\n`),
        now: () => performance.now(),
      });
      return signal;
    },
  };
}
