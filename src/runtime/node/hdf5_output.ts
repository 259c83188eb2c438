/** What HDF5Output layers write, gathered batch by batch into their files. */

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { writeAtomicallySync } from '../../files/index.js';
import { type Shape, showShape } from '../../ir/index.js';
import type { NetLayer } from '../../net/index.js';
import { hdf5Parts } from '../../weights/formats/hdf5_write.js';
import type { BlobSink } from '../runner.js';

interface Written {
  readonly shape: Shape;
  readonly data: Float32Array;
}

interface Dataset {
  /** Of one row. */
  readonly rowShape: Shape;
  rows: number;
  readonly parts: Float32Array[];
}

interface Sink {
  readonly path: string;
  readonly datasets: Map<string, Dataset>;
  /** Rows that the file has. */
  saved: number;
}

/**
 * The files of a net's layers. A file is written at the first batch and whenever its rows have doubled, so that many small
 * batches cost no more than a few writes of the whole, and the rest by `flush`.
 */
export class Hdf5Output implements BlobSink {
  private readonly sinks = new Map<string, Sink>();

  /** @param folder of the prototxt */
  constructor(private readonly folder: string | undefined) {}

  /** Adds a forward's numbers. @throws MokapotError `hdf5-output-written`; `hdf5-output-rows` where rows have another shape than before */
  add(layer: NetLayer, blobs: readonly Written[]): void {
    const { file, datasets } = layer.type.writes!(layer.context);
    let sink = this.sinks.get(layer.name);
    if (!sink) this.sinks.set(layer.name, (sink = { path: this.pathOf(file), datasets: new Map(), saved: 0 }));
    for (const [i, { shape, data }] of blobs.entries()) {
      const rowShape = legacyAxes(shape).slice(1);
      const dataset = sink.datasets.get(datasets[i]!) ?? { rowShape, rows: 0, parts: [] };
      sink.datasets.set(datasets[i]!, dataset);
      if (rowShape.join() !== dataset.rowShape.join()) {
        throw layer.context.fail(
          'hdf5-output-rows',
          `a row of bottom ${i} is ${showShape(rowShape)}, and was ${showShape(dataset.rowShape)} before.`,
          { hint: 'A dataset has rows of one shape: write batches of one size of picture.' },
        );
      }
      dataset.rows += shape[0]!;
      dataset.parts.push(data);
    }
    const rows = rowsOf(sink);
    if (rows >= 2 * sink.saved) save(sink);
  }

  /** Writes what the files still lack. */
  flush(): void {
    for (const sink of this.sinks.values()) if (rowsOf(sink) > sink.saved) save(sink);
  }

  private pathOf(file: string): string {
    const beside = resolve(this.folder ?? '.', file);
    return existsSync(dirname(beside)) ? beside : resolve(file);
  }
}

/** Caffe writes four axes, whatever the blob has (LegacyShape). */
function legacyAxes(shape: Shape): Shape {
  return [...shape, 1, 1, 1, 1].slice(0, 4);
}

function rowsOf({ datasets }: Sink): number {
  return datasets.values().next().value!.rows;
}

function save(sink: Sink): void {
  const blobs = [...sink.datasets].map(([name, dataset]) => {
    const { rowShape, rows, parts } = dataset;
    const whole = new Float32Array(rows * rowShape.reduce((n, d) => n * d, 1));
    let at = 0;
    for (const part of parts.splice(0)) {
      whole.set(part, at);
      at += part.length;
    }
    parts.push(whole);
    return [name, { shape: [rows, ...rowShape], data: whole }] as const;
  });
  writeAtomicallySync(sink.path, hdf5Parts(new Map(blobs)), { code: 'hdf5-output-written' });
  sink.saved = rowsOf(sink);
}
