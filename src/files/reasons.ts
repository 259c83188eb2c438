/** Why the system refused, in words: one table for everything that opens, reads or writes files. */

import { fail, type MokapotError, messageOf, own } from '../diagnostics/index.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EISDIR: 'it is a folder, and a file is wanted',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'it is there already',
  ENOTEMPTY: 'the folder is not empty',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than the system allows',
  EROFS: 'the disk is read-only',
  EMFILE: 'too many files are open (the limit of this process, `ulimit -n`)',
  ENFILE: 'too many files are open on this machine',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
  EBUSY: 'another program holds it',
  EIO: 'the disk does not answer',
  EPIPE: 'its reader has gone',
  ENXIO: 'there is no device or reader behind it',
  EAGAIN: 'the system has no resources left for it',
  ENOMEM: 'the machine has no memory left for it',
  ERR_FS_FILE_TOO_LARGE: 'the file is too large to be read whole',
};

/** The reason of an error of the operating system; undefined for any other error. */
export function systemReason(cause: unknown): string | undefined {
  const { code, message } = (cause ?? {}) as NodeJS.ErrnoException;
  const reason = typeof code === 'string' ? own(REASONS, code) : undefined;
  if (reason !== undefined) return reason;
  // Workers and native modules pass the system's code on in their text.
  const told = /\b(EMFILE|ENFILE|ENOSPC|EDQUOT)\b/.exec(String(message ?? ''))?.[1];
  return told === undefined ? undefined : own(REASONS, told);
}

/** `Cannot write x.svg: the disk is full.` The hint is for what the user can do about this reason. */
export function fileError(code: string, verb: 'open' | 'read' | 'write', path: string, cause: unknown): MokapotError {
  const message = messageOf(cause);
  const reason = systemReason(cause) ?? message.replace(/\.$/, '');
  return fail(code, `Cannot ${verb} ${path}: ${reason}.`, { hint: hintFor(cause, verb) });
}

function hintFor(cause: unknown, verb: string): string {
  switch ((cause as NodeJS.ErrnoException | undefined)?.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'Make room, or name another place.';
    case 'EMFILE':
    case 'ENFILE':
      return 'Close other programs, or raise the limit: `ulimit -n 4096`.';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return verb === 'write' ? 'Name a place that you may write to.' : 'Ask for the right to read it.';
    default:
      return 'Check the path.';
  }
}

/** An error with a code of the system's, for what is found out before the system is asked. */
export function systemError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
