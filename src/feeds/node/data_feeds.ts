/**
 * What a net's data layers read: the file that they name, or the data set in use for Data layers without one (DIGITS'
 * all-in-one networks).
 */

import { type Diagnostic, MokapotError, own, recordOf } from '../../diagnostics/index.js';
import type { FileAccess } from '../../files/index.js';
import type { Shape } from '../../ir/index.js';
import type { NetOptions, SelectedNet } from '../../net/index.js';
import { type LayerParameter, locate } from '../../schema/index.js';
import { JoinedFeed, type Part } from '../data_feed.js';
import type { DataFeed } from '../source.js';
import {
  type DataLayer,
  type DataPlaces,
  datasetPart,
  datasetShapes,
  hasSource,
  openPart,
  sourceIsThere,
} from './data_parts.js';

export type { DataPlaces } from './data_parts.js';

type InputShapes = NetOptions['inputShapes'];

/**
 * Opens what the data layers of a net read in the state that was selected; undefined where there are none, or where the
 * caller feeds them (there is no data set, and `inputShapes` says what they get).
 *
 * @throws MokapotError `no-data-set`, `batch-sizes`, `data-backend`, `data-source`, `lmdb-…`, `image-list`, `hdf5-…`,
 *   `window-…`, `transform-…`
 */
export async function openFeed(
  net: SelectedNet,
  places: DataPlaces,
  inputShapes?: InputShapes,
): Promise<DataFeed | undefined> {
  const layers = readersOf(net);
  const others = layers.filter(l => !hasSource(l) && (places.split || !isFed(l.layer, inputShapes)));
  return join(layers.filter(hasSource), others, net.state.phase, places);
}

/**
 * The same for a net that stands alone: of the layers that name a file, those whose file is there and that the caller
 * gives no shapes for. Data are then read as pycaffe's nets read theirs.
 *
 * @throws MokapotError as the readers do
 */
export async function openOwnFeed(
  net: SelectedNet,
  places: DataPlaces & { readonly dir: string },
  inputShapes?: InputShapes,
): Promise<DataFeed | undefined> {
  const own = (l: DataLayer) => hasSource(l) && !isFed(l.layer, inputShapes) && sourceIsThere(l, places.dir);
  return join(readersOf(net).filter(own), [], net.state.phase, places);
}

/** Whether any data layer of the net reads the data set in use, instead of a source of its own. */
export function readsDataset(net: SelectedNet): boolean {
  return readersOf(net).some(l => !hasSource(l));
}

function isFed(layer: LayerParameter, inputShapes: InputShapes): boolean {
  return layer.top.every(top => own(inputShapes, top));
}

/** Opens the parts one after the other; where one fails, those before it are closed. */
async function join(
  sourced: readonly DataLayer[],
  others: readonly DataLayer[],
  phase: 'TRAIN' | 'TEST',
  places: DataPlaces,
): Promise<DataFeed | undefined> {
  const parts: Part[] = [];
  try {
    const layers = [...sourced, ...others].map(l => l.layer);
    for (const layer of sourced) parts.push(await openPart(layer, phase, places, layers));
    if (others.length > 0) parts.push(await datasetPart(others, phase, places));
  } catch (thrown) {
    for (const part of parts) await part.close();
    throw thrown;
  }
  return parts.length === 0 ? undefined : new JoinedFeed(parts);
}

/**
 * Shapes of the entries of those data layers whose own files are there, for who only looks at a net, and what is wrong with
 * such files. Layers whose files are not there are passed over; of those that `access` does not let be opened a note is made.
 */
export async function shapesThere(
  net: SelectedNet,
  dir: string,
  access?: FileAccess,
): Promise<{ readonly entryShapes: Readonly<Record<string, Shape>>; readonly diagnostics: readonly Diagnostic[] }> {
  const entryShapes = new Map<string, Shape>();
  const diagnostics: Diagnostic[] = [];
  const readers = readersOf(net);
  const layers = readers.map(l => l.layer);
  for (const data of readers.filter(l => sourceIsThere(l, dir, access))) {
    try {
      const part = await openPart(data, net.state.phase, { dir, seed: 0, shuffle: false, access }, layers);
      for (const [blob, shape] of part.entryShapes) entryShapes.set(blob, shape);
      diagnostics.push(...(part.notes ?? []));
      await part.close();
    } catch (thrown) {
      if (!(thrown instanceof MokapotError)) throw thrown;
      diagnostics.push(...thrown.diagnostics.map(d => placed(d, data)));
    }
  }
  return { entryShapes: recordOf(entryShapes), diagnostics };
}

/** With the layer's place where it has none. A file that may not be opened may well be there: no error of the network. */
function placed(diagnostic: Diagnostic, { layer, reads }: DataLayer): Diagnostic {
  const location = diagnostic.location ?? locate(layer, reads.field);
  const severity = diagnostic.code === 'file-outside' ? 'note' : diagnostic.severity;
  return { ...diagnostic, severity, layer: diagnostic.layer ?? layer.name, ...(location && { location }) };
}

/** Shapes of the entries of a data set in use whose pictures are stored as `shape`, as the net's data layers take them. */
export function shapesInUse(
  net: SelectedNet,
  shape: readonly [channels: number, height: number, width: number],
): Readonly<Record<string, Shape>> {
  const takers = readersOf(net).filter(l => !hasSource(l));
  return datasetShapes(
    takers.map(l => l.layer),
    shape,
  );
}

function readersOf({ layers, catalogue }: SelectedNet): readonly DataLayer[] {
  return layers.flatMap(layer => {
    const reads = catalogue.get(layer.type)?.reads;
    return reads ? { layer, reads } : [];
  });
}
