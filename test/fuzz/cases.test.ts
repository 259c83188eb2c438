/** The fuzz suite's own doings: an input that fails is told small and runs alone, one that never ends is stopped. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCase } from './cases.js';
import { type Input, mutatedByByte, mutatedByToken, spacedOut } from './inputs.js';

const one = { seed: 7, kind: 'byte', n: 12 } as const;

/** Fails where both 3 and 5 are among the numbers. */
function summing(numbers: readonly number[]): Input {
  return {
    text: numbers.join(' '),
    smaller: () => numbers.map((_, i) => summing(numbers.toSpliced(i, 1))),
    check: () => {
      if (numbers.includes(3) && numbers.includes(5)) throw new Error('3 and 5');
    },
  };
}

describe('an input', () => {
  it('that holds is silent, one that fails is told with the smallest that fails and how it runs alone', () => {
    runCase(one, summing([1, 2, 3]));
    expect(() => runCase(one, summing([1, 3, 2, 5, 4]))).toThrow(
      'Input 12 fails. It runs alone by: FUZZ_SEED=7 FUZZ_CASE=byte:12 npm run test:fuzz\n3 and 5\nThe text: "3 5"',
    );
  });

  it('that takes too long fails', () => {
    const slow: Input = {
      text: 'slow',
      smaller: () => [],
      check: () => {
        const end = process.cpuUsage().user + 50_000;
        while (process.cpuUsage().user < end);
      },
    };
    expect(() => runCase(one, slow, 0.02)).toThrow(/takes \d\.\d s, and 0\.02 s are allowed/);
  });

  it('is the same for the same seed, and another for another', () => {
    for (const make of [mutatedByByte, mutatedByToken, spacedOut]) {
      expect(make(5).text).toBe(make(5).text);
      expect(new Set([1, 2, 3, 4, 5].map(seed => make(seed).text)).size).toBeGreaterThan(1);
    }
  });

  it('that never ends is stopped by the watchdog, which says which it was', () => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const { signal, stderr } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { createJiti } from 'jiti';
         const { Watchdog } = await createJiti(${JSON.stringify(root)}).import('./test/fuzz/cases.ts');
         const watchdog = new Watchdog('token', 7, 0.3);
         setTimeout(() => {
           watchdog.watch(1, () => {});
           watchdog.watch(41, () => { for (;;); });
         }, 300);`,
      ],
      { cwd: root, encoding: 'utf8', timeout: 60_000 },
    );
    expect(signal).toBe('SIGKILL');
    expect(stderr).toContain(
      'Input 41 does not end. It runs alone by: FUZZ_SEED=7 FUZZ_CASE=token:41 npm run test:fuzz',
    );
  });
});
