/** A folder of its own for a test file, gone afterwards. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mokapot-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
