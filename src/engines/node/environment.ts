/** What variables of the environment say about the engines. */

import { fail } from '../../diagnostics/index.js';

/** Variables that hold a number above 0. */
const NUMBERS = {
  MOKAPOT_MEMORY: { what: 'how many megabytes an engine in this process may take', whole: false, example: 4096 },
  MOKAPOT_THREADS: { what: 'how many threads compute', whole: true, example: 4 },
} as const;

/** The variable's number; undefined where it is not set. @throws MokapotError `bad-environment` */
export function numberOf(name: keyof typeof NUMBERS): number | undefined {
  const text = process.env[name]?.trim();
  if (!text) return undefined;
  const number = Number(text);
  const { what, whole, example } = NUMBERS[name];
  if (number > 0 && Number.isFinite(number) && (!whole || Number.isInteger(number))) return number;
  const kind = whole ? 'whole number' : 'number';
  throw fail(
    'bad-environment',
    `The environment variable ${name} is ${JSON.stringify(text)}, which is no ${kind} above 0.`,
    {
      hint: `It says ${what}: ${name}=${example}, or leave it unset.`,
    },
  );
}

/** @throws MokapotError `bad-environment` where one of them is none of its values, whichever engine would read it */
export function checkEnvironment(): void {
  for (const name of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) numberOf(name);
}
