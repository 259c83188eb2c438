/** Each program in examples/ runs as it stands and prints what it claims to show. */

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

const run = async (program: string) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [EXAMPLES + program]);
  expect(stderr).toBe('');
  return stdout;
};

/** The number that the pattern's first group finds, and that must be there. */
const number = (text: string, pattern: RegExp) => Number(pattern.exec(text)![1]);

const PROGRAMS: Readonly<Record<string, (stdout: string) => void>> = {
  'train.js'(stdout) {
    expect(number(stdout, /epoch 2: loss (\S+)/)).toBeLessThan(number(stdout, /epoch 1: loss (\S+)/));
    const dice = [...stdout.matchAll(/dice: \[ (\S+) \]/g)].map(match => Number(match[1]));
    expect(dice.at(-1)).toBeGreaterThan(0.5);
    expect(stdout).toMatch(/^done; the weights are in .*\.caffemodel$/m);
  },
  'tfjs.js'(stdout) {
    expect(stdout).toContain('model.json');
    expect(number(stdout, /differ by (\S+) at most/)).toBeLessThan(1e-5);
  },
  'layer.js'(stdout) {
    expect(number(stdout, /3, 4 becomes (\S+),/)).toBeCloseTo(3 / Math.sqrt(12.5), 5);
    expect(number(stdout, /the scale is (\S+),/)).toBeCloseTo(2, 5);
  },
  'surgery.js'(stdout) {
    expect(stdout).toContain('score[0] 3×4×6×6: coerced');
    expect(number(stdout, /the same scores, to (\S+)\./)).toBeLessThan(1e-5);
  },
};

it('knows every program', () => {
  const programs = readdirSync(EXAMPLES).filter(file => file.endsWith('.js') && !file.endsWith('.test.js'));
  expect(programs.sort()).toEqual(Object.keys(PROGRAMS).sort());
});

it.each(Object.keys(PROGRAMS))('%s', async program => PROGRAMS[program]!(await run(program)));
