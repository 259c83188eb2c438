/** Mokapot's version, from its package.json. */

import { readFileSync } from 'node:fs';

/** Of the package this file belongs to, whether it runs from src/ or from dist/src/. */
export function version(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const read: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      return (read as { version: string }).version;
    } catch {
      // The other place has it.
    }
  }
  return 'unknown';
}
