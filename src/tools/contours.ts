/**
 * Contours of masks as closed lines, half-way between the pixels inside and outside (marching squares at the level ½), and
 * distances between such lines.
 */

/** y down, x across, from the middle of the first pixel. */
export type ContourPoint = readonly [y: number, x: number];

/** A closed line: its last point is joined to the first. */
export type Contour = readonly ContourPoint[];

/**
 * The contours of all parts of a mask and of their holes. Beyond the picture all is outside. Pixels that touch by a corner
 * alone are parts of their own.
 *
 * @param spacing size of a pixel, down and across; the points are in its unit
 */
export function contoursOf(
  { mask, width, height }: { readonly mask: ArrayLike<number>; readonly width: number; readonly height: number },
  [down, across]: readonly [down: number, across: number] = [1, 1],
): Contour[] {
  const isIn = (y: number, x: number) => y >= 0 && x >= 0 && y < height && x < width && mask[y * width + x] === 1;
  const next = nextPoints(isIn, width, height);
  const contours: Contour[] = [];
  for (const start of next.keys()) {
    if (!next.has(start)) continue;
    const points: ContourPoint[] = [];
    for (let at: number | undefined = start; at !== undefined; ) {
      const [y, x] = placeOf(at, width);
      points.push([y * down, x * across]);
      const following: number | undefined = next.get(at);
      next.delete(at);
      at = following !== undefined && next.has(following) ? following : undefined;
    }
    contours.push(points);
  }
  return contours;
}

/** A point between two pixels as one number: twice its places, shifted so that none is negative. */
function keyOf(y2: number, x2: number, width: number): number {
  return (y2 + 1) * (2 * width + 1) + x2 + 1;
}

function placeOf(key: number, width: number): [y: number, x: number] {
  const row = 2 * width + 1;
  return [(Math.floor(key / row) - 1) / 2, ((key % row) - 1) / 2];
}

/** From each point of the contours to the one that follows, the class on the right-hand side. */
function nextPoints(isIn: (y: number, x: number) => boolean, width: number, height: number): Map<number, number> {
  const next = new Map<number, number>();
  // A square has pixels' middles at its corners.
  for (let y = -1; y < height; y++) {
    for (let x = -1; x < width; x++) {
      const [a, b, c, d] = [isIn(y, x), isIn(y, x + 1), isIn(y + 1, x + 1), isIn(y + 1, x)];
      if (a === b && b === c && c === d) continue;
      // Its sides' middles: above, right, below, left.
      const sides = [
        keyOf(2 * y, 2 * x + 1, width),
        keyOf(2 * y + 1, 2 * x + 2, width),
        keyOf(2 * y + 2, 2 * x + 1, width),
        keyOf(2 * y + 1, 2 * x, width),
      ] as const;
      const corners = [a, b, c, d];
      // Around each run of corners inside a line goes from the side before it to the side behind it.
      for (let i = 0; i < 4; i++) {
        if (!corners[i] || corners[(i + 3) % 4]) continue;
        let end = i;
        while (corners[(end + 1) % 4]) end++;
        next.set(sides[(i + 3) % 4]!, sides[end % 4]!);
      }
    }
  }
  return next;
}

/**
 * A closed line with fewer points: what is left out lies no farther than `tolerance` from what stays, in the points' unit
 * (Ramer, Douglas and Peucker's way). Of the smallest parts at least three points stay.
 */
export function thinned(line: Contour, tolerance: number): Contour {
  if (line.length < 4) return line;
  const farthest = (from: number, to: number) => {
    const segment = [line[from]!, line[to % line.length]!] as const;
    let [at, most] = [from, -1];
    for (let i = from + 1; i < to; i++) {
      const distance = toSegment(line[i]!, segment);
      if (distance > most) [at, most] = [i, distance];
    }
    return { at, most };
  };
  const stays = new Uint8Array(line.length);
  const opposite = farthest(0, line.length).at;
  const isLonger = opposite > line.length - opposite;
  const third = isLonger ? farthest(0, opposite).at : farthest(opposite, line.length).at;
  const cuts = [0, opposite, third].sort((a, b) => a - b);
  for (const at of cuts) stays[at] = 1;
  const open = cuts.map((from, i): [number, number] => [from, cuts[i + 1] ?? line.length]);
  for (let part = open.pop(); part; part = open.pop()) {
    const [from, to] = part;
    const { at, most } = farthest(from, to);
    if (!(most > tolerance ** 2)) continue;
    stays[at] = 1;
    open.push([from, at], [at, to]);
  }
  return line.filter((_, i) => stays[i] === 1);
}

/** The mean, over the points of some contours, of the distance to the nearest place on the lines of others. */
export function meanDistance(from: readonly Contour[], to: readonly Contour[]): number {
  const segments = to.flatMap(line => line.map((p, i) => [p, line[(i + 1) % line.length]!] as const));
  const grid = new Segments(segments);
  let [total, count] = [0, 0];
  for (const line of from) {
    for (const point of line) {
      total += Math.sqrt(grid.nearest(point));
      count++;
    }
  }
  return total / count;
}

type Segment = readonly [ContourPoint, ContourPoint];

/** Segments sorted by their places down, so that only those that may be the nearest are looked at. */
class Segments {
  private readonly sorted: readonly Segment[];
  /** The longest one's length: how far from its first point a place of a segment may be. */
  private readonly longest: number;

  constructor(segments: readonly Segment[]) {
    this.sorted = [...segments].sort((a, b) => a[0][0] - b[0][0]);
    this.longest = Math.sqrt(segments.reduce((most, [a, b]) => Math.max(most, squared(a, b)), 0));
  }

  /** The least squared distance. */
  nearest(point: ContourPoint): number {
    const { sorted, longest } = this;
    let best = Number.POSITIVE_INFINITY;
    const middle = this.firstFrom(point[0]);
    const isNear = (s: Segment) => Math.max(0, Math.abs(s[0][0] - point[0]) - longest) ** 2 < best;
    for (let i = middle; i < sorted.length && isNear(sorted[i]!); i++)
      best = Math.min(best, toSegment(point, sorted[i]!));
    for (let i = middle - 1; i >= 0 && isNear(sorted[i]!); i--) best = Math.min(best, toSegment(point, sorted[i]!));
    return best;
  }

  private firstFrom(y: number): number {
    let [low, high] = [0, this.sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]![0][0] < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function squared([ay, ax]: ContourPoint, [by, bx]: ContourPoint): number {
  return (ay - by) ** 2 + (ax - bx) ** 2;
}

function toSegment(p: ContourPoint, [a, b]: Segment): number {
  const length = squared(a, b);
  const along = ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, along));
  return squared(p, [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
}
