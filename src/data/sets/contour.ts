/**
 * Contours: text files of polygon points, and the mask a polygon gives. The rule is DIGITS' Sunnybrook plug-in's:
 * coordinates truncated toward zero, then filled as OpenCV's `fillPoly` fills (even-odd, edges drawn as 8-connected
 * lines, 16-bit fixed-point spans), to the pixel, also where points lie outside of the picture. OpenCV of DIGITS' time
 * up to 4.7 gives these very masks; 4.12 differs where an edge crosses the picture's border.
 */

import { fail } from '../../diagnostics/index.js';
import { readFileAs } from '../../files/index.js';

/** x to the right, y down, in pixels of the picture; fractions and places outside of the picture are allowed. */
export type Point = readonly [x: number, y: number];

const ONE = 65536;
const FARTHEST = 1e6;

/**
 * One point a line: `x y`, separated by blanks, a comma or a semicolon; empty lines and what follows `#` do not count.
 * @throws MokapotError `contour-syntax` (not two numbers), `contour-too-short` (fewer than three points).
 */
export function parseContour(text: string, name = '<contour>'): Point[] {
  const points: Point[] = [];
  text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .forEach((line, i) => {
      const content = line.replace(/#.*/, '').trim();
      if (content === '') return;
      const numbers = content.split(/[\s,;]+/).map(Number);
      const [x, y] = numbers;
      const usable = numbers.length === 2 && numbers.every(v => Math.abs(v) <= FARTHEST);
      if (!usable || x === undefined || y === undefined) {
        throw fail('contour-syntax', `${name}:${i + 1}: "${content.slice(0, 60)}" is not a point of a contour.`, {
          hint: 'Each line of a contour file holds two numbers, x and y in pixels. Mend or remove the file.',
        });
      }
      points.push([x, y]);
    });
  if (points.length < 3) {
    throw fail('contour-too-short', `${name} has ${points.length} points; a contour needs at least 3.`, {
      hint: 'The file is probably cut off. Export the contour again or remove the file.',
    });
  }
  return points;
}

/** @throws MokapotError as parseContour, and `file-unreadable`. */
export async function readContour(path: string): Promise<Point[]> {
  return parseContour((await readFileAs('file-unreadable', path)).toString('utf8'), path);
}

/** The text of a contour file as Sunnybrook has it: two decimals. */
export function formatContour(points: readonly Point[]): string {
  return points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}\n`).join('');
}

/** The contour's mask, row by row: 1 inside and on the edge, 0 elsewhere. */
export function contourMask(points: readonly Point[], width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  fillPolygon(mask, width, height, points, 1);
  return mask;
}

interface Edge {
  readonly top: number;
  readonly bottom: number;
  /** Fixed-point column on the current row. */
  x: number;
  readonly step: number;
}

/** Sets every pixel of `image` (row by row) that the polygon covers to `value`; coordinates are truncated first. */
export function fillPolygon(
  image: Uint8Array,
  width: number,
  height: number,
  points: readonly Point[],
  value: number,
): void {
  if (width < 1 || height < 1) return;
  const edges: Edge[] = [];
  const corners = points.map(([x, y]): Point => [Math.trunc(x), Math.trunc(y)]);
  corners.forEach((to, i) => {
    const from = corners[i === 0 ? corners.length - 1 : i - 1]!;
    drawLine(image, width, height, from, to, value);
    if (from[1] !== to[1]) edges.push(fillEdge(from, to));
  });
  fillSpans(image, width, height, edges, value);
}

/** An edge's fixed-point course; it is not clipped, so that an edge that leaves the picture keeps its slope. */
function fillEdge([ax, ay]: Point, [bx, by]: Point): Edge {
  const step = Math.trunc(((bx - ax) * ONE) / (by - ay));
  return ay < by ? { top: ay, bottom: by, x: ax * ONE, step } : { top: by, bottom: ay, x: bx * ONE, step };
}

/** Even-odd spans of the edges, row by row, from an active list kept in order of column. */
function fillSpans(image: Uint8Array, width: number, height: number, edges: Edge[], value: number): void {
  if (edges.length < 2) return;
  edges.sort((a, b) => a.top - b.top || a.x - b.x || a.step - b.step);
  const end = Math.min(height, Math.max(...edges.map(e => e.bottom)));
  let active: Edge[] = [];
  let next = 0;
  for (let y = edges[0]!.top; y < end; y++) {
    const first = next;
    while (next < edges.length && edges[next]!.top === y) next++;
    active = mergeEdges(
      active.filter(e => e.bottom !== y),
      edges.slice(first, next),
    );
    for (let i = 0; i + 1 < active.length; i += 2) {
      const a = active[i]!;
      const b = active[i + 1]!;
      if (y >= 0) {
        const left = Math.max(0, Math.ceil(Math.min(a.x, b.x) / ONE));
        const right = Math.min(width - 1, Math.floor(Math.max(a.x, b.x) / ONE));
        if (left <= right) image.fill(value, y * width + left, y * width + right + 1);
      }
      a.x += a.step;
      b.x += b.step;
    }
    active.sort((a, b) => a.x - b.x);
  }
}

/** Both lists are in order; of edges at one column the new one comes first. */
function mergeEdges(active: readonly Edge[], fresh: readonly Edge[]): Edge[] {
  if (fresh.length === 0) return active as Edge[];
  const merged: Edge[] = [];
  let i = 0;
  let j = 0;
  while (i < active.length || j < fresh.length) {
    const takeActive = i < active.length && (j === fresh.length || active[i]!.x < fresh[j]!.x);
    merged.push(takeActive ? active[i++]! : fresh[j++]!);
  }
  return merged;
}

/** An 8-connected line of whole pixels, both ends included, clipped first; it always runs from left to right. */
export function drawLine(
  image: Uint8Array,
  width: number,
  height: number,
  from: Point,
  to: Point,
  value: number,
): void {
  const line = clipLine(width, height, from, to);
  if (!line.visible) return;
  const [start, stop] = line.to[0] < line.from[0] ? [line.to, line.from] : [line.from, line.to];
  const dx = stop[0] - start[0];
  const dy = Math.abs(stop[1] - start[1]);
  const down = stop[1] < start[1] ? -width : width;
  const [major, minor] = dy > dx ? [dy, dx] : [dx, dy];
  const [majorStep, minorStep] = dy > dx ? [down, 1] : [1, down];
  let rest = major - 2 * minor;
  let at = start[1] * width + start[0];
  for (let i = 0; i <= major; i++) {
    image[at] = value;
    const turn = rest < 0;
    rest += (turn ? 2 * major : 0) - 2 * minor;
    at += majorStep + (turn ? minorStep : 0);
  }
}

/** Cohen and Sutherland's clipping to the picture, its divisions truncated as OpenCV's are. */
function clipLine(width: number, height: number, from: Point, to: Point) {
  const right = width - 1;
  const bottom = height - 1;
  const sideways = (x: number) => (x < 0 ? 1 : x > right ? 2 : 0);
  const code = (x: number, y: number) => sideways(x) + (y < 0 ? 4 : y > bottom ? 8 : 0);
  let [x1, y1] = from;
  let [x2, y2] = to;
  let c1 = code(x1, y1);
  let c2 = code(x2, y2);
  if ((c1 & c2) === 0 && (c1 | c2) !== 0) {
    if (c1 & 12) {
      const edge = c1 < 8 ? 0 : bottom;
      x1 += Math.trunc(((edge - y1) * (x2 - x1)) / (y2 - y1));
      y1 = edge;
      c1 = sideways(x1);
    }
    if (c2 & 12) {
      const edge = c2 < 8 ? 0 : bottom;
      x2 += Math.trunc(((edge - y2) * (x2 - x1)) / (y2 - y1));
      y2 = edge;
      c2 = sideways(x2);
    }
    if ((c1 & c2) === 0 && (c1 | c2) !== 0) {
      if (c1) {
        const edge = c1 === 1 ? 0 : right;
        y1 += Math.trunc(((edge - x1) * (y2 - y1)) / (x2 - x1));
        x1 = edge;
        c1 = 0;
      }
      if (c2) {
        const edge = c2 === 1 ? 0 : right;
        y2 += Math.trunc(((edge - x2) * (y2 - y1)) / (x2 - x1));
        x2 = edge;
        c2 = 0;
      }
    }
  }
  const start: Point = [x1, y1];
  const stop: Point = [x2, y2];
  return { visible: (c1 | c2) === 0, from: start, to: stop };
}
