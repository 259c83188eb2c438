/** The suite that runs `mokapot/core` in Debian's Chromium. Skipped, with a word, where there is no Chromium. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
  },
});
