/** What the file system says, told as diagnostics. */

import { fail, type MokapotError } from '../diagnostics/index.js';

const REASONS: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'it may not be read with your rights',
  EPERM: 'it may not be touched with your rights',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many files are open',
  EROFS: 'the disk is read-only',
  EEXIST: 'it exists already',
};

/** `path: reason`, from an error of node:fs. */
export function fileError(code: string, path: string, cause: unknown): MokapotError {
  const errno = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  const reason = REASONS[errno] ?? (cause instanceof Error ? cause.message : String(cause));
  const verb = code.includes('writ') ? 'written' : 'read';
  return fail(code, `${path} cannot be ${verb}: ${reason}.`, { hint: 'Check the path and its rights.' });
}
