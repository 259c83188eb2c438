/** What is fed to a net: numbers that the caller gives, with their shapes, and the chance that layers need. */

import { fail, nearest } from '../diagnostics/index.js';
import { type RandomInput, type Shape, showShape, sizeOf } from '../ir/index.js';
import type { Random } from '../random/index.js';

/** Numbers for a blob, in row-major order; with a shape where it differs from the last one. */
export type Feed = ArrayLike<number> | { readonly data: ArrayLike<number>; readonly shape: Shape };
/** What is fed, by the name of the blob. */
export type Feeds = Readonly<Record<string, Feed>>;

export interface GivenFeed {
  readonly data: Float32Array;
  readonly shape: Shape;
}

function numbersOf(feed: Feed): ArrayLike<number> {
  return 'data' in feed ? feed.data : feed;
}

/**
 * The feeds with their shapes. Numbers without one have the blob's current shape, or, where only that fits, the one the
 * prototxt declares.
 *
 * @throws MokapotError `unknown-input`, `missing-feed`, `feed-size`
 */
export function readFeeds(
  feeds: Feeds,
  current: ReadonlyMap<string, Shape>,
  declared: ReadonlyMap<string, Shape>,
): Map<string, GivenFeed> {
  const given = new Map<string, GivenFeed>();
  for (const [name, feed] of Object.entries(feeds)) {
    const now = current.get(name);
    if (!now) throw unknownInput(name, [...current.keys()]);
    if (feed === undefined || feed === null) {
      throw fail('missing-feed', `"${name}" was fed ${String(feed)}: numbers are wanted.`, {
        hint: 'Leave the name out for an input that keeps what it had.',
      });
    }
    const numbers = numbersOf(feed);
    const shape = 'data' in feed ? [...feed.shape] : fitting(numbers.length, now, declared.get(name)!);
    if (numbers.length !== sizeOf(shape)) {
      throw fail(
        'feed-size',
        `"${name}" takes ${sizeOf(shape)} numbers, shape ${showShape(shape)}; ${numbers.length} were fed.`,
        { hint: 'For another shape, feed { data, shape }.' },
      );
    }
    given.set(name, { data: numbers instanceof Float32Array ? numbers : Float32Array.from(numbers), shape });
  }
  return given;
}

function fitting(length: number, now: Shape, declared: Shape): Shape {
  return length !== sizeOf(now) && length === sizeOf(declared) ? declared : now;
}

function unknownInput(name: string, inputs: readonly string[]) {
  const near = nearest(name, inputs);
  return fail('unknown-input', `The net has no input "${name}".`, {
    hint: `${near ? `Did you mean "${near}"? ` : ''}Its inputs: ${inputs.map(i => `"${i}"`).join(', ') || 'none'}.`,
  });
}

/** Draws what a graph needs of chance, in the graph's order. */
export function drawRandoms(randoms: readonly RandomInput[], random: Random): Map<string, Float32Array> {
  return new Map(randoms.map(input => [input.name, draw(input, random)]));
}

function draw({ shape, distribution }: RandomInput, random: Random): Float32Array {
  const data = new Float32Array(sizeOf(shape));
  if (distribution.kind === 'uniform') for (let i = 0; i < data.length; i++) data[i] = random.next();
  else for (let i = 0; i < data.length; i++) data[i] = random.next() < distribution.p ? 1 : 0;
  return data;
}
