/** The suite over the package as npm packs it: installed into an empty project, which takes a minute or two. Run by .ci/run. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/package/**/*.package.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    pool: 'forks',
  },
});
