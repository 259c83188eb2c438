/** The suite that runs real Python: apart from `npm test`, which needs none. Skipped, with a word, where there is no numpy. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/python/**/*.python.ts'],
    testTimeout: 60_000,
    pool: 'forks',
  },
});
