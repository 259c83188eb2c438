/** A taste of the fuzz suite; `npm run test:fuzz` runs 100 000 inputs. */

import { expect, it } from 'vitest';
import { mutated, seed, spacedOut } from '../fuzz/fuzz.js';

it.each(['token', 'byte'] as const)(`nets mutated by %s are answered (seed ${seed})`, how => {
  expect(() => mutated(how, 200)).not.toThrow();
});

it("protoc's cases read the same with blanks and comments between tokens", () => {
  expect(() => spacedOut(500)).not.toThrow();
});
