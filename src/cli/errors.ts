/** The last stop of every error: people get sentences, never a stack trace. */

import { existsSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { CommanderError } from 'commander';
import { type Diagnostic, formatDiagnostic, hasErrors, MokapotError, own } from '../diagnostics/index.js';
import type { Engine } from '../engines/types.js';
import { systemReason } from '../files/reasons.js';
import { type Io, paintFor, tell } from './io.js';

/** What `mokapot` leaves with. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Thrown by a command that was stopped by Ctrl-C and has left everything in order. */
export class Interrupted extends Error {}

/** Says what went wrong on stderr; returns the exit code. */
export function reportError(io: Io, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof Interrupted) {
    tell(io, error.message);
    return exitCodes.interrupted;
  }
  if (error instanceof MokapotError) {
    printDiagnostics(io, error.diagnostics);
    if (io.env['MOKAPOT_DEBUG']) tell(io, error.stack);
    return exitCodes.failed;
  }
  const sentence = systemSentence(error);
  const paint = paintFor(io, io.stderr);
  if (sentence) {
    tell(io, `${paint.severity('error', 'error')}: ${sentence}`);
    if (io.env['MOKAPOT_DEBUG']) tell(io, (error as Error).stack);
    return exitCodes.failed;
  }
  tellBug(io, error);
  return exitCodes.failed;
}

function tellBug(io: Io, error: unknown): void {
  const paint = paintFor(io, io.stderr);
  const message = error instanceof Error ? error.message : String(error);
  tell(io, `${paint.severity('error', 'error')}: ${paint.bold('This is a bug in Mokapot.')} It says: ${message}`);
  if (io.env['MOKAPOT_DEBUG']) tell(io, error instanceof Error ? error.stack : undefined);
  else tell(io, '  The same command with MOKAPOT_DEBUG=1 before it prints where; please report that.');
}

/** All of them with code frames, to stderr (or to `stream`), and a count where there are several. */
export function printDiagnostics(io: Io, diagnostics: readonly Diagnostic[], stream = io.stderr): void {
  const paint = paintFor(io, stream);
  for (const d of diagnostics) stream.write(`${formatDiagnostic(d, paint)}\n`);
}

/** What the engine of a run has to say at its end. */
export function printEngineNotes(io: Io, engine: Engine | undefined): void {
  printDiagnostics(io, engine?.notes ?? []);
}

/** `1 error, 2 warnings`; empty where there is nothing. */
export function countDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const kinds = ['error', 'warning', 'note'] as const;
  return kinds
    .map(kind => [kind, diagnostics.filter(d => d.severity === kind).length] as const)
    .filter(([, n]) => n > 0)
    .map(([kind, n]) => `${n} ${kind}${n === 1 ? '' : 's'}`)
    .join(', ');
}

/** Prints diagnostics and stops the command where one is an error. */
export function printAndStop(io: Io, diagnostics: readonly Diagnostic[]): void {
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
  printDiagnostics(io, diagnostics);
}

/** A sentence for an error of the operating system; undefined for anything else. */
export function systemSentence(thrown: unknown): string | undefined {
  const { path, syscall } = (thrown ?? {}) as NodeJS.ErrnoException;
  const reason = systemReason(thrown);
  if (!reason) return starvedSentence(thrown);
  const verb = syscall === undefined ? 'open' : (own(VERBS, syscall) ?? 'open');
  return path ? `Cannot ${verb} ${path}: ${reason}.` : `${reason[0]!.toUpperCase()}${reason.slice(1)}.`;
}

/** With too few file handles Node.js says of modules that they do not exist, although their folders do. */
function starvedSentence(thrown: unknown): string | undefined {
  const { code, message } = (thrown ?? {}) as NodeJS.ErrnoException;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined;
  const [, path = ''] = /^Cannot find (?:package|module) '([^']+)'/.exec(message ?? '') ?? [];
  if (!isAbsolute(path) || !existsSync(dirname(path))) return undefined;
  return `Cannot read ${dirname(path)}: too many files are open (the limit of this process, \`ulimit -n\`).`;
}

const VERBS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['write', 'mkdir', 'mkdtemp', 'rename', 'fsync', 'ftruncate'].map(call => [call, 'write'])),
  ...Object.fromEntries(['unlink', 'rmdir', 'rm'].map(call => [call, 'remove'])),
  ...Object.fromEntries(['read', 'scandir'].map(call => [call, 'read'])),
  spawn: 'start',
};
