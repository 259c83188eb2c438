/** A taste of the fuzz suite; `npm run test:fuzz` runs 5 000 inputs, `npm run test:fuzz:long` 100 000. */

import { it } from 'vitest';
import { type Kind, runCase } from '../fuzz/cases.js';
import { type Make, mutatedByByte, mutatedByToken, spacedOut } from '../fuzz/inputs.js';

const kinds: readonly [kind: Kind, title: string, make: Make, runs: number][] = [
  ['token', 'nets mutated by token are answered', mutatedByToken, 200],
  ['byte', 'nets mutated by byte are answered', mutatedByByte, 200],
  ['spaced', "protoc's cases read the same with blanks and comments between tokens", spacedOut, 500],
];

/** Apart from those of the suite itself. */
const seed = 1;

it.each(kinds)('%s: %s', (kind, _title, make, runs) => {
  for (let n = 0; n < runs; n++) runCase({ seed, kind, n }, make(seed + n));
});
