/** The fuzz suite: 100 000 mutated nets, some minutes. Run by .ci/run. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/fuzz/**/*.fuzz.ts'],
    testTimeout: 900_000,
    pool: 'forks',
  },
});
