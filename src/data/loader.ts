/**
 * Batches for training: entries in order or shuffled anew each epoch, wrapping round as Caffe's Data layer does,
 * decoded ahead so that loading never stalls training. All chance is drawn in the order of batches, not of decoding,
 * and the state names the next batch to be handed out: a resumed run goes on with the very same batches.
 */

import { fail } from '../diagnostics/index.js';
import { Random, type RandomState } from '../random/index.js';
import type { Entry, EntrySource } from './dataset.js';
import { applyTransform, type Draw, type Transform } from './transform.js';

export interface Batch {
  readonly data: Float32Array;
  /** batch × channels × height × width */
  readonly dataShape: readonly number[];
  readonly label: Float32Array;
  /** batch × 1 × height × width, or batch. */
  readonly labelShape: readonly number[];
  /** Positions in the source. */
  readonly entries: readonly number[];
}

export interface LoaderOptions {
  readonly batchSize: number;
  /** A new order each epoch; false: the order of the keys. */
  readonly shuffle?: boolean;
  /** Of shuffling and of the transform's chance; 1. */
  readonly seed?: number;
  readonly transform?: Transform;
  /** How many batches are decoded ahead; 3. */
  readonly prefetch?: number;
}

/** What a resumed run needs; plain JSON. */
export interface LoaderState {
  /** Entries of the epoch that were handed out. */
  readonly position: number;
  readonly epoch: number;
  /** The generator before the epoch's shuffle, and now. */
  readonly epochRandom: RandomState;
  readonly random: RandomState;
}

interface Planned {
  readonly before: LoaderState;
  readonly batch: Promise<Batch>;
}

export class BatchLoader implements AsyncIterable<Batch> {
  private random: Random;
  private epochRandom: RandomState;
  private order: Int32Array | undefined;
  private position = 0;
  private epoch = 0;
  private queue: Planned[] = [];

  /** @throws MokapotError `loader-batch`, `loader-empty`. */
  constructor(
    private readonly source: EntrySource,
    private readonly options: LoaderOptions,
  ) {
    const { batchSize, seed = 1 } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw fail('loader-batch', `The batch size is ${batchSize}.`, { hint: 'Give a whole number from 1 on.' });
    }
    if (source.size === 0) {
      throw fail('loader-empty', `${source.name} has no entries.`, {
        hint: 'Create the data set with a larger share for this split (--val).',
      });
    }
    this.random = new Random(seed);
    this.epochRandom = this.random.save();
    this.startEpoch();
  }

  /** The next batch; further ones are being decoded when it resolves. @throws what the source throws. */
  async next(): Promise<Batch> {
    this.fill();
    const planned = this.queue.shift()!;
    this.fill();
    return planned.batch;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    for (;;) yield await this.next();
  }

  /** Batches that make up one pass over the source (the last one may reach into the next pass). */
  get batchesPerEpoch(): number {
    return Math.ceil(this.source.size / this.options.batchSize);
  }

  /** As of the batches handed out: what is decoded ahead does not count. */
  save(): LoaderState {
    return this.queue[0]?.before ?? this.now();
  }

  /** Goes on where `save` was called on a loader of the same source and options. */
  restore(state: LoaderState): void {
    const { size } = this.source;
    if (!Number.isInteger(state.position) || state.position < 0 || state.position > size) {
      throw fail(
        'loader-state',
        `The saved position ${state.position} is none of ${this.source.name} (${size} entries).`,
        {
          hint: 'The snapshot belongs to another data set: resume with the one it was trained on.',
        },
      );
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
    this.order = this.options.shuffle ? this.random.permutation(this.source.size) : undefined;
    this.position = 0;
  }

  private fill(): void {
    const ahead = Math.max(1, this.options.prefetch ?? 3);
    while (this.queue.length < ahead) {
      const before = this.now();
      const picks = Array.from({ length: this.options.batchSize }, () => this.pick());
      const batch = this.load(picks);
      batch.catch(() => {}); // told when its turn comes
      this.queue.push({ before, batch });
    }
  }

  private pick(): { entry: number; draw: Draw } {
    if (this.position === this.source.size) {
      this.epoch++;
      this.startEpoch();
    }
    const entry = this.order?.[this.position] ?? this.position;
    this.position++;
    return { entry, draw: this.draw() };
  }

  private draw(): Draw {
    const { mirror = false, cropSize = 0, phase = 'TRAIN' } = this.options.transform ?? {};
    const crops = cropSize > 0 && phase === 'TRAIN';
    return {
      mirror: mirror && this.random.integer(2) === 1,
      top: crops ? this.random.next() : 0,
      left: crops ? this.random.next() : 0,
    };
  }

  private async load(picks: readonly { entry: number; draw: Draw }[]): Promise<Batch> {
    const { transform = {} } = this.options;
    const entries = await Promise.all(
      picks.map(async ({ entry, draw }) => applyTransform(await this.source.entry(entry), transform, draw)),
    );
    return stack(
      entries,
      picks.map(p => p.entry),
    );
  }
}

function stack(entries: readonly Entry[], positions: readonly number[]): Batch {
  const first = entries[0]!;
  const odd = entries.find(
    e => e.shape.join() !== first.shape.join() || e.labelShape.join() !== first.labelShape.join(),
  );
  if (odd) {
    throw fail(
      'loader-shapes',
      `${first.name} is ${first.shape.join(' × ')} and ${odd.name} is ${odd.shape.join(' × ')}: they do not fit into one batch.`,
      { hint: 'Use batch_size 1 for pictures of different sizes (iter_size adds up gradients), or crop_size.' },
    );
  }
  const batch = entries.length;
  const dataShape = [batch, ...first.shape];
  const labelShape = [batch, ...first.labelShape];
  if (batch === 1) return { data: first.data, dataShape, label: first.label, labelShape, entries: positions };
  const data = new Float32Array(batch * first.data.length);
  const label = new Float32Array(batch * first.label.length);
  entries.forEach((e, i) => {
    data.set(e.data, i * first.data.length);
    label.set(e.label, i * first.label.length);
  });
  return { data, dataShape, label, labelShape, entries: positions };
}
