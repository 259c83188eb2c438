/**
 * The suite of faults (test/faults): kills at random moments, full disks, broken pipes, signals, two runs at once. 100 kills,
 * or FAULTS_KILLS; their moments follow from FAULTS_SEED, which is printed.
 */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/faults/**/*.faults.ts'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // Moments are measured in time: what runs beside would shift them.
    maxWorkers: 1,
  },
});
