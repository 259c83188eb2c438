/**
 * Exact Euclidean distances of all pixels of a picture to the nearest marked one, in time that grows with the number of
 * pixels alone (Felzenszwalb and Huttenlocher, Distance Transforms of Sampled Functions, 2012).
 */

/**
 * The distance of every pixel to the nearest one that `marks` has 1 for.
 *
 * @param spacing size of a pixel, down and across
 * @returns in the unit of the spacing; Infinity everywhere where nothing is marked
 */
export function distanceTo(
  marks: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  [down, across]: readonly [down: number, across: number],
): Float64Array {
  const squares = Float64Array.from(marks, mark => (mark === 1 ? 0 : Number.POSITIVE_INFINITY));
  const envelope = new Envelope(Math.max(width, height));
  for (let x = 0; x < width; x++) envelope.spread(squares, x, width, height, down);
  for (let y = 0; y < height; y++) envelope.spread(squares, y * width, 1, width, across);
  return squares.map(Math.sqrt);
}

/** The lower envelope of parabolas that stand at the places of a line, each at its height. */
class Envelope {
  /** Places of the parabolas that are part of it. */
  private readonly places: Int32Array;
  /** From where on each is the lowest. */
  private readonly starts: Float64Array;
  private readonly line: Float64Array;

  constructor(longest: number) {
    this.places = new Int32Array(longest);
    this.starts = new Float64Array(longest);
    this.line = new Float64Array(longest);
  }

  /** Replaces every value of a line by the least of (value at q) + (distance to q)². */
  spread(values: Float64Array, from: number, step: number, count: number, spacing: number): void {
    const { places, starts, line } = this;
    let top = -1;
    for (let q = 0; q < count; q++) {
      const height = (line[q] = values[from + q * step]!);
      if (height === Number.POSITIVE_INFINITY) continue;
      let start = Number.NEGATIVE_INFINITY;
      for (; top >= 0; top--) {
        const p = places[top]!;
        const [at, before] = [q * spacing, p * spacing];
        start = (height + at * at - line[p]! - before * before) / (2 * (at - before));
        if (start > starts[top]!) break;
        start = Number.NEGATIVE_INFINITY;
      }
      top++;
      places[top] = q;
      starts[top] = start;
    }
    if (top < 0) return;
    for (let q = 0, k = 0; q < count; q++) {
      while (k < top && starts[k + 1]! < q * spacing) k++;
      const p = places[k]!;
      values[from + q * step] = line[p]! + ((q - p) * spacing) ** 2;
    }
  }
}
