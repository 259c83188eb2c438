/** Agreement with protoc on all texts of ../shared, through `mokapot encode --raw`, as a user would compare. */

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mokapot } from '../cli/cli.js';
import { shared, sharedThere } from './folder.js';

interface ProtocCase {
  readonly name: string;
  readonly message: string;
  readonly text: string;
  readonly ok: boolean;
  readonly binary?: string;
}

const there = sharedThere('goldens/grammar');
const cases: ProtocCase[] = there
  ? (JSON.parse(readFileSync(shared('goldens/grammar/protoc_cases.json'), 'utf8')) as ProtocCase[])
  : [];
const dir = mkdtempSync(join(tmpdir(), 'mokapot-shared-'));

describe.skipIf(!there)('protoc', () => {
  for (const [i, c] of cases.entries()) {
    const path = join(dir, `${i}.prototxt`);
    it(`${c.name}: ${c.ok ? 'the same bytes' : 'refused'}`, async () => {
      writeFileSync(path, c.text);
      const { code, bytes, err } = await mokapot(['encode', path, '--message', c.message, '--raw']);
      if (c.ok) expect([code, bytes.toString('base64')]).toEqual([0, c.binary]);
      else if (c.name !== 'bom') expect([code, err]).toEqual([1, expect.stringMatching(/^error\[/)]);
    });
  }
});
