/** 50 000 nets, mutated by token. FUZZ_RUNS and FUZZ_SEED change how many and which. */

import { it } from 'vitest';
import { mutated, seed } from './fuzz.js';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 50_000);
/** In parts, so that a failure is found and shrunk early. */
const PARTS = 10;

console.log(`nets mutated by token: ${RUNS} inputs, seed ${seed}`);

it.each(Array.from({ length: PARTS }, (_, i) => i))(
  `nets mutated by token are answered, part %i (seed ${seed})`,
  part => {
    mutated('token', Math.ceil(RUNS / PARTS), part);
  },
);
