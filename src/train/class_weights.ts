/** Weights of classes in the loss: from the data set's shares or as given, put into the loss layers of a net. */

import type { Manifest } from '../data/index.js';
import { fail } from '../diagnostics/index.js';
import type { NetGraph, SelectedNet } from '../net/index.js';
import { createBeside, type LayerParameter, sub, typeOf } from '../schema/index.js';

type Classes = Pick<Manifest, 'classes' | 'name' | 'splits'>;

const HINT =
  'Write "auto" (median frequency by the shares of the data set’s training pixels), "sqrt" (the roots of those, milder), or a number for each class: 0.5,2.';

/**
 * A number for each class. `auto`: median frequency balancing (Eigen and Fergus 2015), the median of the classes' shares of
 * the training pixels over each class's own; `sqrt`: the roots of these; else the numbers themselves, by commas.
 *
 * @throws MokapotError `class-weights`
 */
export function classWeightsOf(text: string, dataset: Classes | undefined): readonly number[] {
  if (text !== 'auto' && text !== 'sqrt') {
    const numbers = text.split(',').map(part => (part.trim() === '' ? Number.NaN : Number(part)));
    if (numbers.every(n => n >= 0 && Number.isFinite(n)) && numbers.some(n => n > 0)) return numbers.map(Math.fround);
    throw fail('class-weights', `"${text}" gives no weights of classes.`, { hint: HINT });
  }
  if (!dataset)
    throw fail('class-weights', `class_weights "${text}" goes by the shares of a data set, and none is in use.`, {
      hint: 'Name it (--dataset DIR), or give a number for each class: 0.5,2.',
    });
  const { classPixels } = dataset.splits.train;
  const empty = classPixels.indexOf(0);
  if (empty >= 0) {
    const message = `Class ${empty} ("${dataset.classes[empty] ?? '?'}") has no pixel in the training pictures of ${dataset.name}: its weight would have no bound.`;
    throw fail('class-weights', message, { hint: 'Give a number for each class: 1,2,0.' });
  }
  const all = classPixels.reduce((a, b) => a + b, 0);
  const shares = classPixels.map(pixels => pixels / all);
  const ratios = shares.map(share => median(shares) / share);
  return (text === 'sqrt' ? ratios.map(Math.sqrt) : ratios).map(Math.fround);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/**
 * The net with these weights in each SoftmaxWithLoss layer that has none of its own.
 *
 * @throws MokapotError `class-weights` where there is no such layer and `isNeeded`
 */
export function weighClasses(net: SelectedNet, weights: readonly number[], isNeeded: boolean): SelectedNet {
  const weighs = (layer: LayerParameter) => net.catalogue.get(layer.type)?.classLabels?.weighs === true;
  const takes = (layer: LayerParameter) => weighs(layer) && !sub(layer, 'loss_param').weight_by_label_freqs;
  if (isNeeded && !net.layers.some(weighs))
    throw fail(
      'class-weights',
      'Classes are to be weighed, and the net has no SoftmaxWithLoss layer: no other one weighs them.',
      {
        hint: 'Leave class_weights out (--class-weights), or make the loss SoftmaxWithLoss.',
      },
    );
  const weighed = new Map(net.layers.filter(takes).map(layer => [layer, withWeights(layer, weights)]));
  const replaced = (layers: readonly LayerParameter[]) => layers.map(layer => weighed.get(layer) ?? layer);
  const param = copyWith(net.param, { layer: replaced(net.param.layer) });
  return { ...net, param, layers: replaced(net.layers) };
}

function withWeights(layer: LayerParameter, weights: readonly number[]): LayerParameter {
  const loss = layer.loss_param ?? createBeside(layer, 'caffe.LossParameter');
  const weighed = copyWith(loss, { weight_by_label_freqs: true, class_weighting: [...weights] });
  return copyWith(layer, { loss_param: weighed });
}

/** A shallow copy of a message with some fields anew. */
function copyWith<T extends object>(message: T, fields: Partial<T>): T {
  return Object.assign(typeOf(message).create(), message, fields) as T;
}

/** The weights in a net's loss, where there are any. */
export function weightsIn({ layers }: NetGraph): readonly number[] | undefined {
  const all = layers.flatMap(({ source }) => (source ? [sub(source, 'loss_param').class_weighting] : []));
  return all.find(weights => weights.length > 0);
}
