import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    pool: 'forks',
    // vitest leaves a core free, which on two cores leaves one.
    maxWorkers: '100%',
  },
});
