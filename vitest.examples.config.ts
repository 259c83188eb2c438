/** The programs in examples/, run as their first lines say, on the built package. Run by .ci/run. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['examples/*.test.js', 'test/examples/*.examples.ts'],
    testTimeout: 120_000,
    pool: 'forks',
  },
});
