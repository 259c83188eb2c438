/**
 * The one source of chance: a seeded generator whose state can be saved and restored (sfc32, Chris Doty-Humphrey's
 * "small fast counting" generator). Every filler, shuffle, augmentation and dropout mask draws from it, so that every
 * engine trains the same run and a resumed run continues it.
 */

/** The four words of the generator and, if one waits, the second number of the last normal pair. */
export interface RandomState {
  readonly words: readonly [number, number, number, number];
  readonly spare?: number;
}

export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 1;
  private spare: number | undefined;

  /** Same seed, same numbers. The seed may be any number; its low 64 bits count. */
  constructor(seed: number | RandomState) {
    if (typeof seed === 'object') {
      this.restore(seed);
      return;
    }
    this.a = seed >>> 0;
    this.b = Math.floor(seed / 2 ** 32) >>> 0;
    this.c = 0x9e3779b9;
    for (let i = 0; i < 16; i++) this.nextUint32();
  }

  /** A whole number from 0 to 2³² − 1. */
  nextUint32(): number {
    const t = (this.a + this.b + this.counter) >>> 0;
    this.counter = (this.counter + 1) >>> 0;
    this.a = (this.b ^ (this.b >>> 9)) >>> 0;
    this.b = (this.c + (this.c << 3)) >>> 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) >>> 0;
    return t;
  }

  /** In [0, 1), in steps of 2⁻³². */
  next(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** In [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number in [0, n). */
  integer(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** Normally distributed (Marsaglia's polar method). */
  normal(mean = 0, std = 1): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return mean + std * value;
    }
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      this.spare = v * scale;
      return mean + std * u * scale;
    }
  }

  /** The list's indices 0 … n − 1 in random order (Fisher and Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const t = order[i]!;
      order[i] = order[j]!;
      order[j] = t;
    }
    return order;
  }

  save(): RandomState {
    return { words: [this.a, this.b, this.c, this.counter], spare: this.spare };
  }

  restore(state: RandomState): void {
    [this.a, this.b, this.c, this.counter] = state.words;
    this.spare = state.spare;
  }
}
