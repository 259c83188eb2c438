/** The fuzz suite (test/fuzz/run.ts): 5 000 inputs, run by .ci/run; 100 000 in mode `long`, some minutes. */

import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  test: {
    include: ['test/fuzz/**/*.fuzz.ts'],
    env: { FUZZ_RUNS: process.env['FUZZ_RUNS'] ?? (mode === 'long' ? '100000' : '5000') },
    testTimeout: 900_000,
    pool: 'forks',
  },
}));
