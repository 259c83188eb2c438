/**
 * The plan behind every loader: which entries make the next batch, epoch after epoch, wrapping round as Caffe's data layers
 * do. Batches are decoded ahead. All chance is drawn in the order of batches, not of decoding, and the state names the
 * next batch to be handed out: a resumed run goes on with the very same batches.
 */

import { fail } from '../../diagnostics/index.js';
import { Random, type RandomState } from '../../random/index.js';

/** What a resumed run needs; plain JSON. */
export interface LoaderState {
  /** Entries of the epoch that were handed out. */
  readonly position: number;
  readonly epoch: number;
  /** The generator before the epoch's shuffle, and now. */
  readonly epochRandom: RandomState;
  readonly random: RandomState;
}

export interface Pick<Draw> {
  /** Position in the source. */
  readonly entry: number;
  readonly draw: Draw;
  /** The epoch, from 0 on. */
  readonly epoch: number;
  /** How often the entry has come before in this epoch; 0 unless the order repeats entries. */
  readonly turn: number;
}

export interface EpochPlan<Draw, B> {
  /** What messages call the source. */
  readonly name: string;
  /** Entries of an epoch. */
  readonly size: number;
  readonly batchSize: number;
  /** Of the order and of all other chance; 1. */
  readonly seed?: number;
  /** The order of an epoch; absent: that of the source. */
  readonly order?: (random: Random) => Int32Array;
  /** Entries of the first epoch that are left out (Caffe's rand_skip). */
  readonly skip?: (random: Random) => number;
  /** The chance that an entry needs. */
  readonly draw: (random: Random, entry: number) => Draw;
  readonly load: (picks: readonly Pick<Draw>[]) => Promise<B>;
  /** How many batches are decoded ahead; 3. */
  readonly prefetch?: number;
}

/** Batches one after the other, and where they stand. */
export interface Batches<B> {
  next(): Promise<B>;
  save(): LoaderState;
  restore(state: LoaderState): void;
}

interface Planned<B> {
  readonly before: LoaderState;
  readonly batch: Promise<B>;
}

export class EpochLoader<Draw, B> implements Batches<B> {
  private random: Random;
  private epochRandom: RandomState;
  private order: Int32Array | undefined;
  private turns: Uint32Array | undefined;
  private position = 0;
  private epoch = 0;
  private queue: Planned<B>[] = [];

  /** @throws MokapotError `loader-batch`, `loader-empty`. */
  constructor(private readonly plan: EpochPlan<Draw, B>) {
    const { batchSize, name, size, seed = 1 } = plan;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw fail('loader-batch', `The batch size is ${batchSize}.`, { hint: 'Give a whole number from 1 on.' });
    }
    if (size === 0) {
      throw fail('loader-empty', `${name} has no entries.`, {
        hint: 'Create the data set with a larger share for this split (--val).',
      });
    }
    this.random = new Random(seed);
    this.epochRandom = this.random.save();
    this.startEpoch();
    this.position = plan.skip?.(this.random) ?? 0;
  }

  /** The next batch; further ones are being decoded when it resolves. @throws what `load` throws. */
  async next(): Promise<B> {
    this.fill();
    const planned = this.queue.shift()!;
    this.fill();
    return planned.batch;
  }

  /** As of the batches handed out: what is decoded ahead does not count. */
  save(): LoaderState {
    return this.queue[0]?.before ?? this.now();
  }

  /** Goes on where `save` was called on a loader of the same plan. */
  restore(state: LoaderState): void {
    const { size, name } = this.plan;
    if (!Number.isInteger(state.position) || state.position < 0 || state.position > size) {
      throw fail('loader-state', `The saved position ${state.position} is none of ${name} (${size} entries).`, {
        hint: 'The snapshot belongs to another data set: resume with the one it was trained on.',
      });
    }
    this.queue = [];
    this.random = new Random(state.epochRandom);
    this.startEpoch();
    this.random = new Random(state.random);
    this.position = state.position;
    this.epoch = state.epoch;
  }

  private now(): LoaderState {
    const { position, epoch, epochRandom } = this;
    return { position, epoch, epochRandom, random: this.random.save() };
  }

  private startEpoch(): void {
    this.epochRandom = this.random.save();
    this.order = this.plan.order?.(this.random);
    this.turns = this.order && turnsOf(this.order);
    this.position = 0;
  }

  private fill(): void {
    const ahead = Math.max(1, this.plan.prefetch ?? 3);
    while (this.queue.length < ahead) {
      const before = this.now();
      const picks = Array.from({ length: this.plan.batchSize }, () => this.pick());
      const batch = this.plan.load(picks);
      batch.catch(() => {}); // told when its turn comes
      this.queue.push({ before, batch });
    }
  }

  private pick(): Pick<Draw> {
    if (this.position === this.plan.size) {
      this.epoch++;
      this.startEpoch();
    }
    const entry = this.order?.[this.position] ?? this.position;
    const turn = this.turns?.[this.position] ?? 0;
    this.position++;
    return { entry, draw: this.plan.draw(this.random, entry), epoch: this.epoch, turn };
  }
}

/** For each place of an order, how often its entry stands before it. */
function turnsOf(order: Int32Array): Uint32Array {
  const counts = new Map<number, number>();
  return Uint32Array.from(order, entry => {
    const turn = counts.get(entry) ?? 0;
    counts.set(entry, turn + 1);
    return turn;
  });
}
