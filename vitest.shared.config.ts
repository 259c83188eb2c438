/** The suites over ../shared: everything that lies there, from where it lies. Slower than `npm test`; run by .ci/run. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/shared/**/*.shared.ts'],
    testTimeout: 300_000,
    pool: 'forks',
  },
});
