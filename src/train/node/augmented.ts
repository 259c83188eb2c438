/** Data layers that augment as a run says, in place of what they say themselves. */

import { parseAugment } from '../../data/index.js';
import { error, MokapotError } from '../../diagnostics/index.js';
import { entryOf, picturesOf, type SelectedNet } from '../../net/index.js';
import { clone, createBeside, type LayerParameter, locate, sub } from '../../schema/index.js';

/**
 * The net with `augment_param` of this text in every layer that reads pictures; layers that give their labels follow them. In
 * phase TEST a net may have none.
 *
 * @throws MokapotError `augment-no-pictures` where no layer reads any in phase TRAIN; `augment-labels` where it is not known which
 *   layers read pictures and which their labels; or what the text has
 */
export function withAugment(selected: SelectedNet, text: string): SelectedNet {
  const param = parseAugment(text, '--augment');
  const formatOf = ({ type }: LayerParameter) => selected.catalogue.get(type)?.reads;
  const readsDataset = (layer: LayerParameter) => formatOf(layer)?.readsDataset === true;
  const { layers } = selected;
  const readers = layers.filter(l => ['lmdb', 'images'].includes(formatOf(l)?.format ?? ''));
  const givesLabels = labelGivers(selected, readers, readsDataset);
  const pictures = readers.filter(l => !givesLabels.has(l));
  const [first] = pictures;
  if (!first) {
    if (selected.state.phase === 'TEST') return selected;
    throw new MokapotError(
      error('augment-no-pictures', 'The network has no data layer whose pictures can be augmented.', {
        hint: 'Data layers (of a data set or an LMDB) and ImageData layers can; leave out --augment for others.',
      }),
    );
  }
  const plain = readers.map(layer => withParam(layer, null));
  const changed = new Map(
    plain.map((layer, i): [LayerParameter, LayerParameter] => {
      const before = readers[i]!;
      if (!givesLabels.has(before)) return [before, withParam(layer, param)];
      const named = before.augment_param?.labels_of;
      if (!named && picturesOf(layer, plain, readsDataset)) return [before, layer];
      if (!named && pictures.length > 1) throw unclear(before, pictures);
      const follows = { labels_of: named || first.name };
      return [before, withParam(layer, createBeside(param, 'caffe.AugmentParameter', follows))];
    }),
  );
  return { ...selected, layers: layers.map(l => changed.get(l) ?? l) };
}

/**
 * Those of the readers that give labels: by their own words, by what they take from the data set in use, or by what is done
 * with what they read.
 */
function labelGivers(
  selected: SelectedNet,
  readers: readonly LayerParameter[],
  readsDataset: (layer: LayerParameter) => boolean,
): ReadonlySet<LayerParameter> {
  const givesLabels = (layer: LayerParameter) => {
    const { augment_param: own, data_param: data, top } = layer;
    if (own) return own.labels_of !== '';
    // A second top is the label, a class number.
    if (top.length !== 1) return false;
    if (readsDataset(layer) && !data?.source) return entryOf(top[0]!, 0, undefined) === 'label';
    const uses = usesOf(selected, layer);
    const isClear = uses.size === 1 || (uses.size === 0 && selected.state.phase === 'TEST');
    if (!isClear && readers.length > 1)
      throw unclear(
        layer,
        readers.filter(l => l !== layer),
      );
    return uses.has('label') && !uses.has('picture');
  };
  return new Set(readers.filter(givesLabels));
}

function unclear(layer: LayerParameter, [other]: readonly LayerParameter[]): MokapotError {
  const location = locate(layer);
  const message = `--augment cannot tell whether layer "${layer.name}" gives pictures or labels, and of which.`;
  return new MokapotError(
    error('augment-labels', message, {
      layer: layer.name,
      hint: `Say so in the layer: augment_param { labels_of: "${other!.name}" } for labels, augment_param {} for pictures.`,
      ...(location && { location }),
    }),
  );
}

/** What the layers that read a data layer's top take it for, also behind layers that learn nothing of it. */
function usesOf({ layers, catalogue }: SelectedNet, reader: LayerParameter): ReadonlySet<'picture' | 'label'> {
  const uses = new Set<'picture' | 'label'>();
  const names = new Set(reader.top);
  for (const layer of layers.slice(layers.indexOf(reader) + 1)) {
    const at = layer.bottom.flatMap((name, i) => (names.has(name) ? [i] : []));
    if (at.length === 0) continue;
    const type = catalogue.get(layer.type);
    if (type?.classLabels) for (const i of at) uses.add(i === 1 ? 'label' : 'picture');
    // What is compared with something learned is what is to be learned.
    else if (catalogue.isLoss(layer.type)) uses.add('label');
    else if (type?.weights) uses.add('picture');
    else for (const name of layer.top) names.add(name);
  }
  return uses;
}

function withParam(layer: LayerParameter, param: LayerParameter['augment_param']): LayerParameter {
  const copy = clone(layer);
  copy.augment_param = param;
  // One crop: what the run says replaces the layer's own.
  if (param && param.crop_size.length > 0 && sub(copy, 'transform_param').crop_size > 0)
    copy.transform_param!.crop_size = 0;
  return copy;
}
