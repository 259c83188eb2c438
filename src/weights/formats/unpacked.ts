/** How much packed numbers may unfold to: a small file is not to fill the memory. */

import { fail } from '../../diagnostics/index.js';
import type { ByteSource } from '../source.js';

/** So many bytes are always allowed, and so many times the file's own size. */
export const UNPACKED_LIMIT = { bytes: 2 ** 28, ratio: 100 } as const;

/**
 * Called before anything is unpacked.
 * @param size what the file says that it unfolds to, in bytes
 * @throws MokapotError `weights-unpacked`
 */
export function checkUnpacked(source: ByteSource, size: number): void {
  const { bytes, ratio } = UNPACKED_LIMIT;
  if (size <= Math.max(bytes, ratio * source.size)) return;
  const mib = (n: number) => `${(n / 2 ** 20).toPrecision(3)} MiB`;
  throw fail(
    'weights-unpacked',
    `${source.name} has ${mib(source.size)} and would unfold to ${mib(size)}; ${mib(bytes)} are allowed, or ${ratio} times the file.`,
    {
      hint: 'If it is sound, write it unpacked first: np.savez instead of np.savez_compressed, or h5repack -f NONE IN OUT.',
    },
  );
}
