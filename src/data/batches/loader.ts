/** Batches of pictures and labels: entries in order or shuffled anew each epoch, transformed, decoded ahead. */

import { fail } from '../../diagnostics/index.js';
import type { Random } from '../../random/index.js';
import type { Augmenter } from '../augment/augmenter.js';
import type { Entry, EntrySource } from '../sets/dataset.js';
import { type Batches, EpochLoader, type LoaderState, type Pick } from './epochs.js';
import { oversampling } from './oversampling.js';
import { applyTransform, type Draw, type Transform } from './transform.js';

/** Samples with their labels. */
export interface Batch {
  /** Pixels, row-major. */
  readonly data: Float32Array;
  /** batch × channels × height × width */
  readonly dataShape: readonly number[];
  /** Class numbers, row-major. */
  readonly label: Float32Array;
  /** batch × 1 × height × width, or batch. */
  readonly labelShape: readonly number[];
  /** Positions in the source. */
  readonly entries: readonly number[];
  /** What messages call them. */
  readonly names: readonly string[];
}

/** How batches are made of a source's entries. */
export interface LoaderOptions {
  /** Samples a batch. */
  readonly batchSize: number;
  /** A new order each epoch; false: the order of the keys. */
  readonly shuffle?: boolean;
  /** Up to this many entries, by chance, are left out of the first epoch (Caffe's rand_skip); 0. */
  readonly randomSkip?: number;
  /** Of shuffling and of the transform's chance; 1. */
  readonly seed?: number;
  /** Caffe's transform_param: crop, mirror, mean, scale. Default: none. */
  readonly transform?: Transform;
  /** Changes entries before they are transformed, by seed, epoch and entry. Default: none are. It stays the caller's to close. */
  readonly augmenter?: Augmenter | undefined;
  /** How many times an epoch each entry is read, as a mean: at least 1. Default: once. */
  readonly factors?: readonly number[] | undefined;
  /** How many batches are decoded ahead; 3. */
  readonly prefetch?: number;
}

/** Batches of a source, without end: epoch after epoch, decoded ahead while the caller works. */
export class BatchLoader implements Batches<Batch>, AsyncIterable<Batch> {
  private readonly epochs: EpochLoader<Draw, Batch>;
  /** Entries of an epoch, repetitions counted. */
  readonly size: number;

  /** @throws MokapotError `loader-batch`, `loader-empty`, `loader-skip`. */
  constructor(
    private readonly source: EntrySource,
    private readonly options: LoaderOptions,
  ) {
    const { shuffle = false, randomSkip = 0, factors, ...rest } = options;
    const { name } = source;
    const repeated = factors && oversampling(factors);
    this.size = repeated?.size ?? source.size;
    const { size } = this;
    this.epochs = new EpochLoader({
      ...rest,
      name,
      size,
      ...(repeated
        ? { order: (random: Random) => repeated.order(random, shuffle) }
        : shuffle && { order: (random: Random) => random.permutation(size) }),
      ...(randomSkip > 0 && { skip: (random: Random) => skipWithin(random.integer(randomSkip), source) }),
      draw: random => this.draw(random),
      load: picks => this.load(picks),
    });
  }

  /** The next batch; further ones are being decoded when it resolves. @throws what the source throws. */
  next(): Promise<Batch> {
    return this.epochs.next();
  }

  /** Batches without end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    for (;;) yield await this.next();
  }

  /** Batches that make up one pass over the source (the last one may reach into the next pass). */
  get batchesPerEpoch(): number {
    return Math.ceil(this.size / this.options.batchSize);
  }

  /** As of the batches handed out: what is decoded ahead does not count. */
  save(): LoaderState {
    return this.epochs.save();
  }

  /** Goes on where `save` was called on a loader of the same source and options. */
  restore(state: LoaderState): void {
    this.epochs.restore(state);
  }

  private draw(random: Random): Draw {
    const { mirror = false, cropSize = 0, phase = 'TRAIN' } = this.options.transform ?? {};
    const crops = cropSize > 0 && phase === 'TRAIN';
    return {
      mirror: mirror && random.integer(2) === 1,
      top: crops ? random.next() : 0,
      left: crops ? random.next() : 0,
    };
  }

  private async load(picks: readonly Pick<Draw>[]): Promise<Batch> {
    const { transform = {}, augmenter, seed = 1 } = this.options;
    const entries = await Promise.all(
      picks.map(async ({ entry: position, draw, epoch, turn }) => {
        const read = await this.source.entry(position);
        const entry = await augmenter?.augment({ entry: read, key: { seed, epoch, entry: position, turn } });
        return applyTransform(entry ?? read, transform, draw);
      }),
    );
    return stack(
      entries,
      picks.map(p => p.entry),
    );
  }
}

/** Caffe's CHECK: at least one entry must be left (image_data_layer.cpp). */
function skipWithin(skip: number, { name, size }: EntrySource): number {
  if (skip < size) return skip;
  throw fail('loader-skip', `rand_skip would leave out ${skip} entries, and ${name} has ${size}.`, {
    hint: 'Make rand_skip no greater than the number of entries.',
  });
}

function stack(entries: readonly Entry[], positions: readonly number[]): Batch {
  const first = entries[0]!;
  const mismatch = entries.find(
    e => e.shape.join() !== first.shape.join() || e.labelShape.join() !== first.labelShape.join(),
  );
  if (mismatch) {
    throw fail(
      'loader-shapes',
      `${first.name} is ${first.shape.join(' × ')} and ${mismatch.name} is ${mismatch.shape.join(' × ')}: they do not fit into one batch.`,
      { hint: 'Use batch_size 1 for pictures of different sizes (iter_size adds up gradients), or crop_size.' },
    );
  }
  const batch = entries.length;
  const shapes = { dataShape: [batch, ...first.shape], labelShape: [batch, ...first.labelShape] };
  const told = { ...shapes, entries: positions, names: entries.map(e => e.name) };
  if (batch === 1) return { data: first.data, label: first.label, ...told };
  return { data: joined(entries.map(e => e.data)), label: joined(entries.map(e => e.label)), ...told };
}

/** Arrays of one length, one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
