/** Readers of option values: each refuses what makes no sense, naming the option's need. */

import { InvalidArgumentError } from 'commander';
import { recordOf } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';

/** A whole number of at least `least`. */
export function integer(least = 0): (text: string) => number {
  return text => {
    const n = Number(text);
    if (!/^[+-]?\d+$/.test(text.trim()) || !Number.isSafeInteger(n) || n < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    return n;
  };
}

/** A finite number of at least `least`. */
export function number(least = Number.NEGATIVE_INFINITY): (text: string) => number {
  return text => {
    const n = Number(text);
    if (text.trim() === '' || !Number.isFinite(n) || n < least) {
      throw new InvalidArgumentError(
        Number.isFinite(least) ? `It must be a number of at least ${least}.` : 'It must be a number.',
      );
    }
    return n;
  };
}

/** Numbers separated by commas. */
export function numbers(text: string): number[] {
  return text.split(',').map(number(0));
}

/** Gathers a repeatable option; commas separate too: `--stage val,deploy`. */
export function list(text: string, before: readonly string[] = []): string[] {
  const parts = text.split(',').map(part => part.trim());
  return [...before, ...parts.filter(part => part !== '')];
}

/** Gathers a repeatable option whose values may hold commas. */
export function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** `train` and `TRAIN` alike. */
export function phase(text: string): 'TRAIN' | 'TEST' {
  const upper = text.toUpperCase();
  if (upper !== 'TRAIN' && upper !== 'TEST') throw new InvalidArgumentError('It must be TRAIN or TEST.');
  return upper;
}

/** `data=1,3,256,256` (also `data=1x3x256x256`), repeatable, gathered by blob name. */
export function inputShape(text: string, before: Readonly<Record<string, Shape>> = {}): Record<string, Shape> {
  const match = /^([^=]+)=(\d+(?:[,x]\d+)*)$/.exec(text.replace(/\s+/g, ''));
  const shape = match?.[2]?.split(/[,x]/).map(Number) ?? [];
  if (!match || shape.some(n => n < 1 || !Number.isSafeInteger(n))) {
    throw new InvalidArgumentError('It must read like data=1,3,256,256.');
  }
  return recordOf([...Object.entries(before), [match[1]!, shape] as const]);
}

/** `256,320`: height and width; one number is both. */
export function sides(text: string): [height: number, width: number] {
  const numbers = text.split(/[,x]/).map(part => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  const [height = Number.NaN, width = height] = numbers;
  if (numbers.length > 2 || ![height, width].every(n => n >= 1)) {
    throw new InvalidArgumentError('It must read like 256 or 256,320.');
  }
  return [height, width];
}

/** `255=1`, repeatable and separated by commas. */
export function labelMap(text: string, before: readonly (readonly [number, number])[] = []): [number, number][] {
  const pairs = text.split(',').map((part): [number, number] => {
    const match = /^\s*(\d{1,3})\s*=\s*(\d{1,3})\s*$/.exec(part);
    const pair: [number, number] = [Number(match?.[1]), Number(match?.[2])];
    if (pair.some(v => !(v <= 255)))
      throw new InvalidArgumentError('It must read like 255=1, of values from 0 to 255.');
    return pair;
  });
  return [...before.map(([from, to]): [number, number] => [from, to]), ...pairs];
}
