/** "Did you mean …?": the known name that a mistyped one is closest to. */

/** The candidate with the least edit distance to `name`, if it is near enough to be a slip; else undefined. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  const lower = name.toLowerCase();
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const d = candidate.toLowerCase() === lower ? 0 : editDistance(lower, candidate.toLowerCase());
    if (d < bestDistance) {
      bestDistance = d;
      best = candidate;
    }
  }
  return best;
}

/**
 * The same among names of layers and fields, where many differ by little and mean different things: word by word, so
 * that "Flip" is no "Clip" and "psroi_pooling" no "roi_pooling".
 */
export function nearestSlip(name: string, candidates: Iterable<string>): string | undefined {
  return nearest(
    name,
    [...candidates].filter(candidate => isSlip(name, candidate)),
  );
}

/** Shorter words are mistyped behind their first letter. */
const SHORT = 6;

function isSlip(name: string, candidate: string): boolean {
  const [a, b] = [name.toLowerCase(), candidate.toLowerCase()];
  if (a === b) return true;
  if (a.replace(/\D/g, '') !== b.replace(/\D/g, '')) return false;
  const [words, others] = [wordsOf(name), wordsOf(candidate)];
  if (words.length !== others.length) return a[0] === b[0] && editDistance(a, b) <= 1;
  return words.every((word, i) => {
    const other = others[i]!;
    if (word === other) return true;
    const length = Math.max(word.length, other.length);
    if (length < SHORT && word[0] !== other[0]) return false;
    return editDistance(word, other) <= Math.max(1, Math.floor(length / 3));
  });
}

/** `num_output` and `InnerProduct` in words, in small letters. */
function wordsOf(name: string): string[] {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map(word => word.toLowerCase());
}

/** Levenshtein's distance, with a swap of neighbours counted as one. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2]! + 1);
      row.push(d);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
