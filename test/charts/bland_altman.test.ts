/** Bland and Altman's plot: a point a pair, lines at bias and limits, names escaped. */

import { expect, it } from 'vitest';
import { blandAltmanPlot } from '../../src/charts/bland_altman.js';
import { blandAltman } from '../../src/tools/measures.js';

const words = { title: 'Volume', quantity: 'Volume', unit: 'ml' };
const pairs = [
  { predicted: 101, truth: 100, name: '<A> & "B"', group: 'end-diastole' },
  { predicted: 78, truth: 80, name: 'C', group: 'end-systole' },
  { predicted: 124, truth: 120, name: 'D', group: 'end-systole' },
];

it('places points by difference over mean, between lines where they belong', () => {
  const svg = blandAltmanPlot(pairs, blandAltman(pairs), words);
  const points = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="4.5" fill="[^"]*" fill-opacity/g)];
  const [xs, ys] = [1, 2].map(i => points.map(p => Number(p[i])));
  // Means 100.5, 79, 122; differences 1, −2, 4: up is less.
  expect((xs![0]! - xs![1]!) / (xs![2]! - xs![1]!)).toBeCloseTo(21.5 / 43, 2);
  expect((ys![1]! - ys![0]!) / (ys![1]! - ys![2]!)).toBeCloseTo(3 / 6, 2);
  expect(svg).toContain('bias +1 ml');
  expect(svg).toContain('+1.96 SD +6.88 ml');
  expect(svg).toContain('−1.96 SD −4.88 ml');
  expect(svg).toContain('&#60;A&#62; &#38; &#34;B&#34;: 101 of 100 ml');
  expect(svg).toContain('end-diastole');
});

it('one pair has a bias and no limits', () => {
  const [one] = pairs;
  const svg = blandAltmanPlot([one!], blandAltman([one!]), words, true);
  expect(svg).toContain('bias');
  expect(svg).not.toMatch(/SD|NaN|Infinity/);
});

it('takes more pairs than a call takes arguments', () => {
  const many = Array.from({ length: 200_000 }, (_, i) => ({ predicted: i % 100, truth: 50, name: '', group: '' }));
  const svg = blandAltmanPlot(many, blandAltman(many), words);
  expect(svg.match(/<circle/g)).toHaveLength(200_000);
  expect(svg).not.toContain('NaN');
});
