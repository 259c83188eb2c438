/**
 * What a segmentation net finds in the same validation entries after each test, as pictures in the run's folder. The entries
 * are read once; each picture costs one forward pass over them. Nothing of the run is touched: not the position in the data,
 * no generator.
 */

import { join } from 'node:path';
import { type Dataset, PredictionSheet, type SheetPicture } from '../../data/index.js';
import { type Diagnostic, fail, MokapotError, recordOf } from '../../diagnostics/index.js';
import { makeFolderSync, writeAtomicallySync } from '../../files/index.js';
import type { NetGraph } from '../../net/index.js';
import type { TestEvent } from '../events.js';
import type { Solver } from './solver.js';

/** The folder of the pictures in a run's folder. */
export const OVERLAYS = 'overlays';

/** Which blobs hold pictures, class numbers and scores for each class. */
interface Blobs {
  readonly picture: string;
  readonly label: string;
  readonly scores: string;
  /** Of the layer that compares scores and class numbers: whether a single channel is a logit. */
  readonly isLogit: boolean;
}

interface Chosen extends SheetPicture {
  /** All that the net is fed with for the entry, by blob. */
  readonly fed: ReadonlyMap<string, { readonly data: Float32Array; readonly shape: readonly number[] }>;
}

/** The blobs of a net that gives a class to every pixel; undefined of any other. */
function blobsOf(net: NetGraph): Blobs | undefined {
  const fed = new Map(net.feeds.map(({ blob }) => [blob, net.blobs.get(blob)?.shape ?? []]));
  for (const { source, type } of net.layers) {
    const [scores, label] = source?.bottom ?? [];
    const labels = label === undefined ? undefined : fed.get(label);
    const shape = scores === undefined || fed.has(scores) ? undefined : net.blobs.get(scores)?.shape;
    if (!shape || labels?.length !== 4 || labels[1] !== 1 || shape.length !== 4) continue;
    const isSame = [0, 2, 3].every(axis => shape[axis] === labels[axis]);
    const isPixels = shape[2]! * shape[3]! > 1;
    const picture = [...fed].find(([blob, s]) => blob !== label && s.length === 4 && [1, 3].includes(s[1]!));
    if (!isSame || !isPixels || !picture || picture[1][2] !== shape[2] || picture[1][3] !== shape[3]) continue;
    return { picture: picture[0], label: label!, scores: scores!, isLogit: type.applies?.activation === 'sigmoid' };
  }
  return undefined;
}

/** Pictures of one run's progress. */
export class Overlays {
  private chosen: readonly Chosen[] | undefined;
  private hasFailed = false;
  private sheet: PredictionSheet | undefined;

  private constructor(
    private readonly solver: Solver,
    private readonly blobs: Blobs,
    private readonly count: number,
    private readonly folder: string,
    private readonly dataset: Dataset | undefined,
  ) {}

  /**
   * @param count validation entries to show
   * @param isWanted whether somebody has asked for them; else a net that gives no pixel a class is passed over in silence
   * @throws MokapotError `overlays` where they are wanted and cannot be
   */
  static of(
    solver: Solver,
    {
      count,
      isWanted,
      runDir,
      dataset,
    }: { count: number; isWanted: boolean; runDir: string; dataset: Dataset | undefined },
  ): Overlays | undefined {
    const net = solver.testNets[0];
    const blobs = net && solver.testData[0] && blobsOf(net.graph);
    if (blobs) return new Overlays(solver, blobs, count, join(runDir, OVERLAYS), dataset);
    if (!isWanted) return undefined;
    throw fail(
      'overlays',
      'Overlays show what a net finds in validation pictures, and there is no test net with scores for each pixel beside labels of pixels.',
      {
        hint: 'They need test data and, in phase TEST, a loss or an accuracy over pixels. Leave out --overlays.',
      },
    );
  }

  /** Draws what the net finds now. @returns a warning, the first time that a picture cannot be drawn or written */
  async draw(event: Pick<TestEvent, 'iter' | 'epoch'>): Promise<Diagnostic | undefined> {
    try {
      await this.write(event);
    } catch (cause) {
      if (!(cause instanceof MokapotError)) throw cause;
      if (this.hasFailed) return undefined;
      this.hasFailed = true;
      return { ...cause.diagnostics[0]!, severity: 'warning' };
    }
    return undefined;
  }

  private async write(event: Pick<TestEvent, 'iter' | 'epoch'>): Promise<void> {
    const chosen = (this.chosen ??= await this.choose());
    const palette = this.dataset?.manifest.palette;
    this.sheet ??= new PredictionSheet(chosen, palette ? { palette } : {});
    const png = this.sheet.png(await this.masks(chosen));
    makeFolderSync(this.folder);
    writeAtomicallySync(join(this.folder, nameOf(event)), [png], { code: 'run-folder' });
  }

  /** Entries at equal distances over the validation data. */
  private async choose(): Promise<Chosen[]> {
    const feed = this.solver.testData[0]!;
    const count = Math.min(this.count, feed.entries);
    const wanted = new Set(Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * feed.entries) / count)));
    const found: Chosen[] = [];
    let first = 0;
    for await (const batch of feed.wholePass()) {
      for (let i = 0; i < batch.count; i++) if (wanted.has(first + i)) found.push(this.entry(batch.feeds, i));
      first += batch.count;
      if (found.length === count) break;
    }
    return found;
  }

  private entry(feeds: Readonly<Record<string, unknown>>, i: number): Chosen {
    const parts = Object.entries(feeds as Record<string, { data: Float32Array; shape: readonly number[] }>).map(
      ([blob, { data, shape }]) => {
        const size = data.length / shape[0]!;
        return [blob, { data: data.slice(i * size, (i + 1) * size), shape: shape.slice(1) }] as const;
      },
    );
    const fed = new Map(parts);
    const { data, shape } = fed.get(this.blobs.picture)!;
    const label = fed.get(this.blobs.label)!.data;
    return { data, shape: shape as unknown as SheetPicture['shape'], label, fed };
  }

  private async masks(chosen: readonly Chosen[]): Promise<Uint8Array[]> {
    const { solver, blobs } = this;
    const size = solver.testData[0]!.batchSize;
    const masks: Uint8Array[] = [];
    for (let first = 0; first < chosen.length; first += size) {
      // Batches of the test's own size: the last one is filled up, so that nothing is compiled for another.
      const batch = Array.from({ length: size }, (_, i) => chosen[Math.min(first + i, chosen.length - 1)]!);
      const scores = await solver.testScores(0, blobs.scores, joined(batch));
      const each = scores.length / size;
      for (let i = 0; i < Math.min(size, chosen.length - first); i++) {
        const pixels = batch[i]!.label.length;
        masks.push(maskOf(scores.subarray(i * each, (i + 1) * each), pixels, blobs.isLogit ? 0 : 0.5));
      }
    }
    return masks;
  }
}

function joined(batch: readonly Chosen[]) {
  const names = [...batch[0]!.fed.keys()];
  return recordOf(
    names.map(name => {
      const parts = batch.map(({ fed }) => fed.get(name)!);
      const { length } = parts[0]!.data;
      const data = new Float32Array(length * batch.length);
      for (const [i, part] of parts.entries()) data.set(part.data, i * length);
      return [name, { data, shape: [batch.length, ...parts[0]!.shape] }] as const;
    }),
  );
}

/** The class of each pixel by the greatest of its scores; by a threshold where there is one channel. */
function maskOf(scores: Float32Array, pixels: number, threshold: number): Uint8Array {
  const classes = scores.length / pixels;
  return Uint8Array.from({ length: pixels }, (_, i) => {
    if (classes === 1) return Number(scores[i]! > threshold);
    let best = 0;
    for (let c = 1; c < classes; c++) if (scores[c * pixels + i]! > scores[best * pixels + i]!) best = c;
    return best;
  });
}

/** `epoch_0003.png` after whole epochs, else `iter_000300.png`. */
function nameOf({ iter, epoch }: Pick<TestEvent, 'iter' | 'epoch'>): string {
  const whole = epoch === undefined ? undefined : Math.round(epoch);
  if (whole !== undefined && Math.abs(epoch! - whole) < 1e-6) return `epoch_${String(whole).padStart(4, '0')}.png`;
  return `iter_${String(iter).padStart(6, '0')}.png`;
}
