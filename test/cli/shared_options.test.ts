/** Options that several commands share. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { runName } from '../../src/cli/commands/train.js';
import { weightsOption } from '../../src/cli/shared_options.js';

const weightsOf = (...argv: string[]) =>
  new Command()
    .addOption(weightsOption())
    .parse(
      argv.flatMap(file => ['--weights', file]),
      { from: 'user' },
    )
    .opts()['weights'];

it('--weights takes several files in one value or in several', () => {
  expect(weightsOf('a.caffemodel,b.caffemodel', 'c.npz')).toEqual(['a.caffemodel', 'b.caffemodel', 'c.npz']);
});

it('--weights takes a file whose name has a comma as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mokapot-'));
  const file = join(folder, 'a,b.npz');
  writeFileSync(file, '');
  expect(weightsOf(file)).toEqual([file]);
  rmSync(folder, { recursive: true });
});

it("a run from standard input has a folder's name", () => {
  expect(runName('-', new Date(0))).toBe('stdin-19700101-000000');
});
