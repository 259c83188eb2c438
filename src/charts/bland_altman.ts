/** Bland and Altman's plot as SVG: the differences of two measurements over their mean, bias and limits of agreement. */

import { visible } from '../diagnostics/index.js';
import type { BlandAltman } from '../tools/measures.js';

/** A point of the plot. */
export interface PlottedPair {
  readonly predicted: number;
  readonly truth: number;
  /** Shown where the pointer rests. */
  readonly name: string;
  /** Points of one group have one colour. */
  readonly group: string;
}

/** What stands at the plot. */
export interface PlotWords {
  readonly title: string;
  /** What is measured: `Volume`. */
  readonly quantity: string;
  readonly unit: string;
}

const [WIDTH, HEIGHT] = [640, 380];
const FRAME = { left: 62, right: 150, top: 44, bottom: 52 } as const;
const COLOURS = ['#1f6fb4', '#d9622b', '#2a8f5b', '#8a4fa3', '#b8860b', '#6b7280'] as const;

/**
 * An SVG document of 640 × 380.
 *
 * @param onPage in a page, whose colour of text it takes and whose ground shows; else dark on white
 */
export function blandAltmanPlot(
  pairs: readonly PlottedPair[],
  agreement: BlandAltman,
  words: PlotWords,
  onPage = false,
): string {
  const means = pairs.map(p => (p.predicted + p.truth) / 2);
  const differences = pairs.map(p => p.predicted - p.truth);
  const { bias, lower, upper } = agreement;
  const xs = axis(means, 6);
  const ys = axis([...differences, 0, bias, ...[lower, upper].filter(Number.isFinite)], 6);
  const x = (v: number) => place(v, xs, FRAME.left, WIDTH - FRAME.right);
  const y = (v: number) => place(v, ys, HEIGHT - FRAME.bottom, FRAME.top);
  const groups = [...new Set(pairs.map(p => p.group))].sort();
  const colour = (group: string) => COLOURS[groups.indexOf(group) % COLOURS.length]!;
  const right = WIDTH - FRAME.right;
  const unit = words.unit;
  const level = (value: number, name: string, dash: string) =>
    Number.isFinite(value)
      ? `<line x1="${FRAME.left}" x2="${right}" y1="${n(y(value))}" y2="${n(y(value))}" stroke="currentColor" stroke-width="1.2"${dash}/>${text(right + 8, y(value) + 4, `${name} ${signed(value)} ${unit}`, 12)}`
      : '';
  const points = pairs.map((p, i) => {
    const told = `${p.name}: ${figure(p.predicted)} of ${figure(p.truth)} ${unit}`;
    return `<circle cx="${n(x(means[i]!))}" cy="${n(y(differences[i]!))}" r="4.5" fill="${colour(p.group)}" fill-opacity="0.75" stroke="${colour(p.group)}"><title>${escaped(told)}</title></circle>`;
  });
  const legend = groups.length < 2 ? [] : groups.map((group, i) => legendEntry(group, colour(group), i));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="Lato, 'Helvetica Neue', Arial, sans-serif" color="${onPage ? 'inherit' : '#1f2430'}" role="img">`,
    `<title>${escaped(words.title)}</title>`,
    onPage ? '' : `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(FRAME.left, 22, words.title, 15, 'start', 700),
    grid(xs.ticks, ys.ticks, x, y),
    `<line x1="${FRAME.left}" x2="${right}" y1="${n(y(0))}" y2="${n(y(0))}" stroke="currentColor" stroke-opacity="0.45"/>`,
    level(bias, 'bias', ''),
    level(upper, '+1.96 SD', ' stroke-dasharray="5 4"'),
    level(lower, '−1.96 SD', ' stroke-dasharray="5 4"'),
    ...points,
    ...legend,
    text((FRAME.left + right) / 2, HEIGHT - 12, `Mean of prediction and truth (${unit})`, 12, 'middle'),
    `<g transform="translate(16 ${n((FRAME.top + HEIGHT - FRAME.bottom) / 2)}) rotate(-90)">${text(0, 0, `${words.quantity}: prediction − truth (${unit})`, 12, 'middle')}</g>`,
    '</svg>',
  ].join('\n');
}

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

/** Ends that hold all values, and round numbers between them. */
function axis(values: readonly number[], count: number): Axis {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  const room = (most - least || Math.abs(most) || 1) * 0.06;
  const [low, high] = [least - room, most + room];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find(f => f * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const ticks = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
  return { low, high, ticks };
}

function place(value: number, { low, high }: Axis, from: number, to: number): number {
  return from + ((value - low) / (high - low)) * (to - from);
}

function grid(
  xs: readonly number[],
  ys: readonly number[],
  x: (v: number) => number,
  y: (v: number) => number,
): string {
  const [left, right, top, bottom] = [FRAME.left, WIDTH - FRAME.right, FRAME.top, HEIGHT - FRAME.bottom];
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" stroke="currentColor" stroke-opacity="0.13"/>`;
  return [
    ...xs.map(v => `${line(x(v), top, x(v), bottom)}${text(x(v), bottom + 18, figure(v), 12, 'middle')}`),
    ...ys.map(v => `${line(left, y(v), right, y(v))}${text(left - 8, y(v) + 4, figure(v), 12, 'end')}`),
  ].join('\n');
}

function legendEntry(group: string, colour: string, index: number): string {
  const x = FRAME.left + 200 + 116 * index;
  return `<circle cx="${x}" cy="18" r="4.5" fill="${colour}"/>${text(x + 10, 22, group, 12)}`;
}

function text(x: number, y: number, content: string, size: number, anchor = 'start', weight = 400): string {
  return `<text x="${n(x)}" y="${n(y)}" font-size="${size}" text-anchor="${anchor}" font-weight="${weight}" fill="currentColor">${escaped(content)}</text>`;
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function figure(value: number): string {
  const shown = Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return shown.replace('-', '−');
}

function signed(value: number): string {
  return value > 0 ? `+${figure(value)}` : figure(value);
}

/** Text as XML and HTML have it. */
export function escaped(content: string): string {
  return visible(content).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);
}
