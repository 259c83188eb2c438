/** How long a run takes at its least, for benchmarks of single operations: other work on the machine only adds to it. */

export interface Timed {
  readonly least: number;
  readonly median: number;
}

/** Milliseconds over `count` runs, the first of which warms up. */
export async function timed(run: () => Promise<unknown>, count = 15): Promise<Timed> {
  const times: number[] = [];
  for (let i = 0; i <= count; i++) {
    const start = performance.now();
    await run();
    if (i > 0) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { least: times[0]!, median: times[count >> 1]! };
}

/** Numbers in [-0.5, 0.5), the same every time. */
export function numbers(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5);
}
