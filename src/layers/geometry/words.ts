/** How windows and sizes are written for people. */

import { nth } from '../../diagnostics/index.js';

/** `3×3`, also of a single number; `3×5`. */
export function sides(numbers: readonly number[]): string {
  return numbers.length === 1 ? `${numbers[0]}×${numbers[0]}` : numbers.join('×');
}

/** `2×2` as `2`. */
export function squareOnce(text: string): string {
  return /^(\d+)×\1$/.test(text) ? nth(text.split('×'), 0) : text;
}

/** The words that are not empty. */
export function joinWords(words: readonly string[]): string {
  return words.filter(word => word !== '').join(', ');
}

/** ` + 2·100`; nothing without a pad. */
export function plusPads(pad: number): string {
  return pad ? ` + 2·${pad}` : '';
}

/** What is shown of each axis, once where it is the same of all. */
export function once(axes: readonly string[]): string {
  return [...new Set(axes)].join(', ');
}
