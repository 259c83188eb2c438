/**
 * The python3 process of a net: started when the first of its Python files is needed, ended with the net. It never outlives
 * Mokapot, keeps no program from ending, and a request that takes too long ends it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { HostFailure } from '../layers/host/host_layer.js';
import { ArrayFile, type Reply, ReplyReader, sendRequest } from './channel.js';
import { hintFor } from './idioms.js';

export interface PythonOptions {
  /** The interpreter. Default: MOKAPOT_PYTHON, else `python3`, else `python`. */
  readonly interpreter?: string | undefined;
  /** Seconds that one call of a layer's method may take; 0: as long as it likes. Default 60. */
  readonly timeout?: number | undefined;
  /** Told what layers print. Default: it goes to stderr. */
  readonly onOutput?: ((text: string) => void) | undefined;
  /** Python's `random` and numpy's begin here. */
  readonly seed?: number | undefined;
}

const DEFAULT_TIMEOUT = 60;

/** How long a process that was told to end may take, and how long one that hangs has to say where, in ms. */
const GRACE = 2000;
const LAST_WORDS = 500;
/** What Python and numpy may take to start, in ms. */
const START = 60_000;

/** What may run a layer, in the order of trying: what is asked for, or MOKAPOT_PYTHON, or what machines have. */
export function interpreters(asked = process.env['MOKAPOT_PYTHON']): readonly string[] {
  return asked ? [asked] : ['python3', 'python'];
}

/** Those that run, to be ended with this process. */
const running = new Set<ChildProcess>();

function killAll(): void {
  for (const child of running) kill(child);
}

/** With all that it started itself: it leads a process group. */
function kill(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

interface Pending {
  readonly what: string;
  resolve(reply: Reply): void;
  reject(reason: HostFailure): void;
}

export class PythonProcess {
  private started: Promise<void> | undefined;
  private child: ChildProcess | undefined;
  private channel: Duplex | undefined;
  private file: ArrayFile | undefined;
  private pending: Pending | undefined;
  private tail: Promise<unknown> = Promise.resolve();
  /** Why it can no longer be asked. */
  private ended: HostFailure | undefined;
  private timedOut = false;
  /** The end of what it wrote to stderr, for the message if it dies. */
  private stderrTail = '';
  private ids = 0;

  constructor(private readonly options: PythonOptions = {}) {}

  /** A number for one more layer. */
  newId(): number {
    return this.ids++;
  }

  /**
   * One request and its reply; requests of several layers wait for each other. `what` says for people what is asked.
   *
   * @throws HostFailure `python-layer` with the traceback of an exception, `python-timeout`, `python-died`, and
   *   `python-missing`, `python-numpy` where no process can be started
   */
  request(what: string, header: object, arrays: readonly Float32Array[] = []): Promise<Reply> {
    const asked = this.tail.then(async () => {
      await (this.started ??= this.start());
      const reply = await this.ask(what, header, arrays);
      const error = reply.header['error'] as WorkerError | undefined;
      if (error) throw failureOf(error);
      return reply;
    });
    this.tail = asked.catch(() => undefined);
    return asked;
  }

  /** Ends the process: in order if it can be, else by force. It is not started again. */
  close(): void {
    const { child, channel } = this;
    this.ended ??= new HostFailure('python-died', 'The net was disposed of.');
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    if (channel?.writable) this.send({ op: 'end' });
    setTimeout(() => kill(child), GRACE).unref();
  }

  private ask(what: string, header: object, arrays: readonly Float32Array[]): Promise<Reply> {
    if (this.ended) return Promise.reject(this.ended);
    const { timeout = DEFAULT_TIMEOUT } = this.options;
    return this.await(what, timeout * 1000, () => this.send(header, arrays));
  }

  private send(header: object, arrays: readonly Float32Array[] = []): void {
    sendRequest(this.channel!, this.file!, header, arrays);
  }

  /** The next reply, after `send`. While it is waited for, and only then, the process keeps the program from ending. */
  private await(what: string, ms: number, send?: () => void): Promise<Reply> {
    const { child } = this;
    const timer = ms > 0 ? setTimeout(() => this.giveUp(what, ms), ms) : undefined;
    child!.ref();
    refer(this.channel, true);
    return new Promise<Reply>((resolve, reject) => {
      this.pending = { what, resolve, reject };
      send?.();
    }).finally(() => {
      clearTimeout(timer);
      child!.unref();
      refer(this.channel, false);
    });
  }

  private take(reply: Reply): void {
    const { printed } = reply.header;
    if (typeof printed === 'string') this.print(printed);
    else this.settle(reply);
  }

  private settle(outcome: Reply | HostFailure): void {
    const { pending } = this;
    this.pending = undefined;
    if (outcome instanceof HostFailure) pending?.reject(outcome);
    else pending?.resolve(outcome);
  }

  private async start(): Promise<void> {
    const { seed } = this.options;
    const names = interpreters(this.options.interpreter);
    for (const name of names) {
      if (this.ended) throw this.ended;
      if (!(await this.spawn(name))) continue;
      try {
        checkHello(name, await this.await(`the start of ${name}`, START));
      } catch (failure) {
        this.ended = failure as HostFailure;
        kill(this.child!);
        throw failure;
      }
      if (seed !== undefined) this.send({ op: 'seed', seed: seed >>> 0 });
      return;
    }
    this.ended = noInterpreter(names);
    throw this.ended;
  }

  /** @returns false where there is no such program */
  private async spawn(interpreter: string): Promise<boolean> {
    const file = new ArrayFile();
    const child = spawn(interpreter, ['-B', workerFile()], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', file.descriptor],
      // A group of its own: Ctrl-C is for Mokapot, which lets the iteration end first.
      detached: true,
      windowsHide: true,
    });
    const failed = new Promise<boolean>(resolve => child.once('error', () => resolve(false)));
    const spawned = new Promise<boolean>(resolve => child.once('spawn', () => resolve(true)));
    if (!(await Promise.race([failed, spawned]))) {
      file.close();
      return false;
    }
    this.child = child;
    this.file = file;
    this.listen(child, file);
    if (running.size === 0) process.on('exit', killAll);
    running.add(child);
    return true;
  }

  private listen(child: ChildProcess, file: ArrayFile): void {
    const channel = child.stdio[3] as Duplex;
    this.channel = channel;
    const reader = new ReplyReader(file, reply => this.take(reply));
    channel.on('data', (piece: Buffer) => {
      try {
        reader.take(piece);
      } catch {
        this.stderrTail += '\nIt wrote to file descriptor 3, which is Mokapot’s.';
        kill(child);
      }
    });
    for (const stream of [channel, child.stdin!]) stream.on('error', () => undefined);
    child.stdout!.on('data', (text: Buffer) => this.print(text.toString('utf8')));
    child.stderr!.on('data', (text: Buffer) => {
      this.stderrTail = (this.stderrTail + text.toString('utf8')).slice(-8000);
      if (!this.timedOut) this.print(text.toString('utf8'));
    });
    for (const stream of [channel, child.stdin, child.stdout, child.stderr]) refer(stream, false);
    child.unref();
    // 'close' comes after the last of its output.
    child.once('close', (code, signal) => {
      file.close();
      running.delete(child);
      if (running.size === 0) process.off('exit', killAll);
      this.ended ??= this.death(code, signal);
      this.settle(this.ended);
    });
  }

  private print(text: string): void {
    const { onOutput = text => void process.stderr.write(text) } = this.options;
    onOutput(text);
  }

  /** Asks a process that takes too long where it is, then ends it. */
  private giveUp(what: string, ms: number): void {
    this.timedOut = true;
    this.stderrTail = '';
    try {
      this.child!.kill('SIGUSR1');
    } catch {
      // Where there are no such signals it does not say.
    }
    setTimeout(() => {
      this.ended = new HostFailure('python-timeout', `${what} took longer than ${ms / 1000} s and was ended.`, {
        trace: hangTrace(this.stderrTail),
        hint: 'Where it may take so long, say how long: --python-timeout SECONDS (0: for ever).',
      });
      kill(this.child!);
      this.settle(this.ended);
    }, LAST_WORDS);
  }

  private death(code: number | null, signal: string | null): HostFailure {
    const how = signal ? `was killed (${signal})` : `ended by itself (exit code ${code})`;
    const during = this.pending ? ` in ${this.pending.what}` : '';
    const trace = this.stderrTail.trim().split('\n').slice(-20).join('\n');
    const hint =
      signal === 'SIGKILL'
        ? 'The system kills processes when memory runs out; a person may have done it.'
        : signal === 'SIGSEGV'
          ? 'A compiled module that the layer uses crashed.'
          : undefined;
    return new HostFailure('python-died', `its Python process ${how}${during}.`, { hint, ...(trace && { trace }) });
  }
}

function refer(stream: unknown, on: boolean): void {
  const socket = stream as { ref?(): void; unref?(): void } | undefined;
  if (on) socket?.ref?.();
  else socket?.unref?.();
}

/** From the package's src/python, whether this file runs from there, from dist/src/python or from the bundle in dist/fast. */
function workerFile(): string {
  const places = ['./caffe/_worker.py', '../../../src/python/caffe/_worker.py', './caffe/_worker.py'];
  const files = places.map(place => fileURLToPath(new URL(place, import.meta.url)));
  return files.find(file => existsSync(file)) ?? files[0]!;
}

/** What the worker says of a request that failed. */
type WorkerError =
  | { readonly kind: 'no-class'; readonly names: readonly string[] }
  | { readonly kind: 'exception'; readonly type: string; readonly message: string; readonly trace: string };

/** The class that was asked for is not in its module. */
export class NoClass extends HostFailure {
  constructor(readonly names: readonly string[]) {
    super('python-module', 'The module has no such class.');
  }
}

function failureOf(error: WorkerError): HostFailure {
  if (error.kind === 'no-class') return new NoClass(error.names);
  const { type, message, trace } = error;
  const text = message ? `${type}: ${message.split('\n')[0]}` : type;
  return new HostFailure('python-layer', text, { trace, hint: hintFor(type, message) });
}

function noInterpreter([first, ...others]: readonly string[]): HostFailure {
  const hint =
    'Install Python 3 with numpy (Debian: apt install python3-numpy; macOS: brew install numpy; else python.org, then python3 -m pip install numpy), or name an interpreter: --python PATH, or MOKAPOT_PYTHON.';
  const where = others.length === 0 ? `program ${first}` : `${first} on this machine’s PATH`;
  const message = `it is a Python file, and there is no ${where} to run it.`;
  return new HostFailure('python-missing', message, { hint });
}

/** @throws HostFailure where the interpreter cannot run layers */
function checkHello(interpreter: string, { header }: Reply): void {
  const { lacks, version } = header as { lacks?: string; version: string };
  if (lacks === 'numpy') {
    throw new HostFailure('python-numpy', `it is a Python file, and ${interpreter} (${version}) has no numpy.`, {
      hint: `Install it: ${interpreter} -m pip install numpy (Debian: apt install python3-numpy), or name another interpreter: --python PATH, or MOKAPOT_PYTHON.`,
    });
  }
  if (lacks === 'python3') {
    throw new HostFailure(
      'python-missing',
      `it is a Python file, and ${interpreter} is Python ${version}; layers run in Python 3.6 or later.`,
      {
        hint: 'Name another interpreter: --python PATH, or MOKAPOT_PYTHON.',
      },
    );
  }
}

/** The lines of a hanging layer, outermost first, from what faulthandler writes (innermost first). */
function hangTrace(output: string): string | undefined {
  const lines = output
    .split('\n')
    .filter(line => /^\s*File ".*", line \d+ in /.test(line) && !line.includes('_worker.py'));
  if (lines.length === 0) return undefined;
  return ['It was at (most recent call last):', ...lines.reverse().map(line => `  ${line.trim()}`)].join('\n');
}
