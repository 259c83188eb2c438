/**
 * DIGITS' all-in-one networks: what is fed in each stage. In stage "deploy" DIGITS takes the Data layers away and feeds
 * `data` directly; labels that nothing reads are then not asked for.
 */

import { own } from '../diagnostics/index.js';
import { defaultCatalogue, INPUT, type LayerCatalogue } from '../layers/index.js';
import { create, type LayerParameter } from '../schema/index.js';
import type { State } from './filter.js';
import type { NetOptions } from './types.js';

/** Whether the layer reads entries of data, its own file's or those of the data set in use. */
export function isDataLayer(layer: LayerParameter, catalogue: LayerCatalogue = defaultCatalogue()): boolean {
  return catalogue.readsData(layer.type);
}

/** In stage "deploy", the layers without the data layers whose tops nobody reads. */
export function dropUnreadData(
  layers: readonly LayerParameter[],
  state: State,
  catalogue?: LayerCatalogue,
): readonly LayerParameter[] {
  if (!state.stages.includes('deploy')) return layers;
  const read = new Set(layers.flatMap(l => l.bottom));
  return layers.filter(l => !isDataLayer(l, catalogue) || l.top.some(top => read.has(top)));
}

/** Input layers for blobs that are read, made by no layer, and whose shape the caller gives (an entry goes in alone). */
export function impliedInputs(layers: readonly LayerParameter[], options: NetOptions): LayerParameter[] {
  const made = new Set(layers.flatMap(l => l.top));
  const missing = new Set(layers.flatMap(l => l.bottom).filter(name => !made.has(name)));
  return [...missing].flatMap(name => {
    const entry = own(options.entryShapes, name);
    const shape = own(options.inputShapes, name) ?? (entry && [1, ...entry]);
    if (!shape) return [];
    return create('caffe.LayerParameter', {
      name,
      type: INPUT.type,
      top: [name],
      input_param: { shape: [{ dim: [...shape] }] },
    });
  });
}

/** Whether the layer declares a blob that the caller feeds, of a shape that the text says. */
export function isInputLayer(layer: LayerParameter, catalogue: LayerCatalogue = defaultCatalogue()): boolean {
  const type = catalogue.get(layer.type);
  return type?.isSource === true && (type.fedBy ?? 'caller') === 'caller';
}

/**
 * What of a data-set entry goes into each top of a data layer: the array of the top's own name if the data set has one,
 * else by position: the first top is the datum's `data`, the second its `label` (Caffe's Data layer).
 */
export function entryOf(top: string, position: number, entryShapes: NetOptions['entryShapes']): string {
  if (own(entryShapes, top)) return top;
  if (top === 'data' || top === 'label') return top;
  return position === 0 ? 'data' : position === 1 ? 'label' : top;
}

/**
 * The layer that gives the pictures of which `layer` gives the labels: the one that its `labels_of` names, or, for a layer that
 * takes labels from the data set in use, the one that takes pictures from it. Undefined for any other.
 *
 * @param readsDataset whether the layer's type reads the data set in use where no source is named
 */
export function picturesOf(
  layer: LayerParameter,
  layers: readonly LayerParameter[],
  readsDataset: (layer: LayerParameter) => boolean,
): LayerParameter | undefined {
  const named = layer.augment_param?.labels_of;
  if (named) return layers.find(l => l.name === named);
  const takes = (l: LayerParameter, entry: string) =>
    readsDataset(l) && !l.data_param?.source && l.top.some((top, i) => entryOf(top, i, undefined) === entry);
  if (!takes(layer, 'label') || takes(layer, 'data')) return undefined;
  return layers.find(l => takes(l, 'data'));
}
