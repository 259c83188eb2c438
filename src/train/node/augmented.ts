/** Data layers that augment as a run says, in place of what they say themselves. */

import { parseAugment } from '../../data/index.js';
import { error, MokapotError } from '../../diagnostics/index.js';
import { entryOf, picturesOf, type SelectedNet } from '../../net/index.js';
import { clone, createBeside, type LayerParameter, sub } from '../../schema/index.js';

/**
 * The net with `augment_param` of this text in every layer that reads pictures; layers that give their labels follow them.
 *
 * @throws MokapotError `augment-no-pictures` where no layer reads any, or what the text has
 */
export function withAugment(selected: SelectedNet, text: string): SelectedNet {
  const param = parseAugment(text, '--augment');
  const formatOf = ({ type }: LayerParameter) => selected.catalogue.get(type)?.reads;
  const readsDataset = (layer: LayerParameter) => formatOf(layer)?.readsDataset === true;
  const { layers } = selected;
  const readers = layers.filter(l => ['lmdb', 'images'].includes(formatOf(l)?.format ?? ''));
  const plain = readers.map(layer => withParam(layer, null));
  const givesLabels = (l: LayerParameter) => l.top.length === 1 && entryOf(l.top[0]!, 0, undefined) === 'label';
  const pictures = plain.find(l => !givesLabels(l));
  if (!pictures) {
    throw new MokapotError(
      error('augment-no-pictures', 'The network has no data layer whose pictures can be augmented.', {
        hint: 'Data layers (of a data set or an LMDB) and ImageData layers can; leave out --augment for others.',
      }),
    );
  }
  const changed = new Map(
    plain.map((layer, i): [LayerParameter, LayerParameter] => {
      const before = readers[i]!;
      if (!givesLabels(layer)) return [before, withParam(layer, param)];
      if (picturesOf(layer, plain, readsDataset)) return [before, layer];
      return [before, withParam(layer, createBeside(param, 'caffe.AugmentParameter', { labels_of: pictures.name }))];
    }),
  );
  return { ...selected, layers: layers.map(l => changed.get(l) ?? l) };
}

function withParam(layer: LayerParameter, param: LayerParameter['augment_param']): LayerParameter {
  const copy = clone(layer);
  copy.augment_param = param;
  // One crop: what the run says replaces the layer's own.
  if (param && param.crop_size.length > 0 && sub(copy, 'transform_param').crop_size > 0)
    copy.transform_param!.crop_size = 0;
  return copy;
}
