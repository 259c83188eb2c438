/**
 * The entry of the bundle (scripts/bundle-cli.mjs), in which the command line is a few files instead of hundreds and so
 * starts faster. It runs what only reads texts. Engines, and code of users, which imports Mokapot itself, need the modules
 * as they are, one copy of each: such a command line goes on to the unbundled main.js.
 */

import { calledCommand } from './commands/index.js';

/** Where the unbundled entry lies, seen from the bundle. */
const UNBUNDLED = '../src/cli/main.js';

export async function run(argv: readonly string[]): Promise<void> {
  const called = calledCommand(argv);
  const fits = called === undefined || (called.bundled === true && !argv.includes('--run-python'));
  const main: typeof import('./main.js') = fits
    ? await import('./main.js')
    : await import(new URL(UNBUNDLED, import.meta.url).href);
  await main.run(argv);
}
