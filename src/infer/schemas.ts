/** Schemas of forks, from their `.proto` files. */

import { existsSync, readFileSync } from 'node:fs';
import { fail } from '../diagnostics/index.js';
import { extendSchema } from '../schema/index.js';

/**
 * Merges `.proto` files into the schema (see extendSchema).
 *
 * @throws MokapotError `file-unreadable`, `schema-syntax`, `schema-types`
 */
export function loadSchemas(paths: readonly string[]): void {
  for (const path of paths) extendSchema(read(path), path);
}

/** The schema that lies beside a network, `net.proto` beside `net.prototxt`; none of most. */
export function schemaBeside(prototxt: string): readonly string[] {
  const path = prototxt.replace(/\.prototxt$/, '.proto');
  return path !== prototxt && existsSync(path) ? [path] : [];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw fail('file-unreadable', `Cannot read the schema ${path}: ${reason}.`);
  }
}
