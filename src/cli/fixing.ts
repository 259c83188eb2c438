/** Applies the safe fixes of diagnostics to a file, and shows what changes. */

import { textToBytes } from '../../grammar/index.js';
import { applyFixes, type Diagnostic, type Fix } from '../diagnostics/index.js';
import { writeAtomically } from '../files/index.js';
import { colors, type Io, say } from './io.js';

/** Checks a text; called again after each round of fixes. */
export type CheckText = (text: string) => Promise<readonly Diagnostic[]>;

/** Fixes that overlap, and those of mistakes that hid behind others, need another round. */
const MOST_ROUNDS = 5;

export interface FixedFile {
  readonly before: string;
  readonly after: string;
  readonly applied: readonly Fix[];
  /** Those that only a person can decide on. */
  readonly refused: readonly Fix[];
}

/** The text after all safe fixes. A round that would bring new errors is not made. */
export async function fixText(name: string, before: string, check: CheckText): Promise<FixedFile> {
  let after = before;
  let diagnostics = await check(before);
  const applied: Fix[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const fixed = applyFixes(after, name, diagnostics);
    if (fixed.applied.length === 0) break;
    const next = await check(fixed.text);
    if (errorsIn(next) > errorsIn(diagnostics)) break;
    applied.push(...fixed.applied);
    after = fixed.text;
    diagnostics = next;
  }
  return { before, after, applied, refused: applyFixes(after, name, diagnostics).refused };
}

const errorsIn = (diagnostics: readonly Diagnostic[]) => diagnostics.filter(d => d.severity === 'error').length;

/** Writes the file unless `dryRun`; says what changed, line by line. */
export async function writeFixed(
  io: Io,
  file: string,
  fixed: FixedFile,
  options: { dryRun?: boolean; quiet: boolean },
) {
  if (fixed.applied.length > 0 && !options.dryRun) await writeAtomically(file, [textToBytes(fixed.after)]);
  if (options.quiet) return;
  const c = colors(io);
  for (const fix of fixed.applied) say(io, `${options.dryRun ? 'would fix' : 'fixed'} ${file}: ${fix.title}`);
  for (const line of changedLines(fixed.before, fixed.after)) {
    say(io, line.startsWith('-') ? c.red(line) : line.startsWith('+') ? c.green(line) : c.dim(line));
  }
  for (const fix of fixed.refused) say(io, `left alone in ${file}, for you to decide: ${fix.title}`);
}

const CONTEXT = 1;
/** How far ahead lines are searched for where two texts agree again. */
const WINDOW = 200;

/** The lines that differ, as a diff without headers: `-old`, `+new`, ` around`, `@@ line` before each place. */
export function changedLines(before: string, after: string): string[] {
  const [a, b] = [before.split(/\r\n|\n/), after.split(/\r\n|\n/)];
  const out: string[] = [];
  let [i, j, shown] = [0, 0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && a[i] === b[j]) {
      i++;
      j++;
      continue;
    }
    const [di, dj] = nextMatch(a, b, i, j);
    const from = Math.max(shown, i - CONTEXT);
    if (from > shown || out.length === 0) out.push(`@@ ${from + 1}`);
    out.push(...a.slice(from, i).map(line => ` ${line}`));
    out.push(...a.slice(i, i + di).map(line => `-${line}`), ...b.slice(j, j + dj).map(line => `+${line}`));
    i += di;
    j += dj;
    shown = i;
  }
  return out;
}

/** The least numbers of lines to step over in either text until the next line is the same. */
function nextMatch(a: readonly string[], b: readonly string[], i: number, j: number): readonly [number, number] {
  for (let steps = 1; steps <= WINDOW; steps++) {
    for (let di = 0; di <= steps; di++) {
      const dj = steps - di;
      if (i + di < a.length && j + dj < b.length && a[i + di] === b[j + dj]) return [di, dj];
    }
  }
  return [a.length - i, b.length - j];
}
