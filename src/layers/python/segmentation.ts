/**
 * What the metrics and losses of this folder share: scores, N×C×…, beside a label, one class number a position; C is 1
 * where one score says yes or no to class 1. Written in IR: they run on the engine, and the losses' gradients follow.
 */

import { type Builder, dim, type Shape, sizeOf, type Value } from '../../ir/index.js';
import type { HostBlob, HostLayer } from '../host/host_layer.js';
import { softmaxParts } from '../rules/softmax_rule.js';
import type { Phase } from '../types.js';
import { badOption, readOptions } from './options.js';

/** What all losses and metrics of segmentation take. */
export interface LabelOptions {
  /** Positions with this label count nowhere. Default: null, all count. */
  readonly ignore_label: number | null;
}

/** One value a sample, class and position: N×C×P. */
export interface Compared {
  /** Of the prediction: a share, or 1 and 0. */
  readonly predicted: Value;
  /** 1 at the label's class. */
  readonly labelled: Value;
  /** N×1×P: 1 where the label counts; undefined where all do. */
  readonly counts: Value | undefined;
}

/** N×C×P of N×C×…. */
export function flat(b: Builder, x: Value): Value {
  const [n, classes] = x.shape as [number, number];
  return b.reshape(x, [n, classes, sizeOf(x.shape.slice(2))]);
}

/** The labels' classes and which labels count, for scores of `scores`' shape. */
export function labelParts(b: Builder, label: Value, scores: Shape, { ignore_label }: LabelOptions) {
  const [n, classes] = scores as [number, number];
  const positions = sizeOf(scores.slice(2));
  const labels = b.floor(b.reshape(label, [n, positions]));
  const whole = classes === 1 ? b.reshape(b.equal(labels, 1), [n, 1, positions]) : b.oneHot(labels, 1, classes);
  if (ignore_label === null) return { labelled: whole, counts: undefined };
  const counts = b.reshape(b.sub(1, b.equal(labels, ignore_label)), [n, 1, positions]);
  return { labelled: b.mul(whole, counts), counts };
}

/** The class of the greatest score (of equal ones the first); of one score, whether it is positive. */
export function compareClasses(b: Builder, scores: Value, label: Value, options: LabelOptions): Compared {
  const x = flat(b, scores);
  const parts = labelParts(b, label, scores.shape, options);
  const chosen = x.shape[1] === 1 ? b.greater(x, 0) : b.oneHot(b.argMax(x, 1), 1, dim(x.shape, 1));
  return { ...parts, predicted: parts.counts ? b.mul(chosen, parts.counts) : chosen };
}

/** The shares of the classes: softmax, or the sigmoid of one score. */
export function compareShares(b: Builder, scores: Value, label: Value, options: LabelOptions): Compared {
  const x = flat(b, scores);
  const parts = labelParts(b, label, scores.shape, options);
  const { exponentials, total } = softmaxParts(b, x, 1);
  const shares = x.shape[1] === 1 ? b.sigmoid(x) : b.div(exponentials, total);
  return { ...parts, predicted: parts.counts ? b.mul(shares, parts.counts) : shares };
}

/** Mean of all elements, as [1]. */
export function meanOf(b: Builder, x: Value): Value {
  return b.reshape(b.div(b.sum(x), sizeOf(x.shape)), [1]);
}

/** A layer on scores and a label, its options in `param_str`, its first top one number. */
export abstract class ScoresAndLabel<O extends LabelOptions> implements HostLayer {
  param_str = '';
  phase: Phase = 'TEST';
  protected options!: O;

  protected abstract readonly defaults: O;

  /** @throws HostFailure where an option makes no sense for this many classes */
  protected checkOptions(_options: O, _classes: number): void {}

  abstract lower(b: Builder, bottoms: readonly Value[]): readonly Value[];

  setup(bottom: readonly HostBlob[]): void {
    if (bottom.length !== 2)
      throw new Error(`it takes two bottoms, the scores and the label, and gets ${bottom.length}`);
    this.options = readOptions(this.param_str, this.defaults);
    const { ignore_label } = this.options;
    if (ignore_label !== null && !Number.isSafeInteger(ignore_label))
      throw badOption(`param_str: ignore_label is ${JSON.stringify(ignore_label)}, and must be a whole number or null`);
  }

  reshape(bottom: readonly HostBlob[], top: readonly HostBlob[]): void {
    const [scores, label] = bottom as [HostBlob, HostBlob];
    const [n, classes, ...plane] = scores.shape;
    if (n === undefined || classes === undefined || classes < 1)
      throw new Error(`it takes scores of N×classes×…, and gets ${scores.shape.join('×') || 'a scalar'}`);
    if (label.shape[0] !== n || label.count !== n * sizeOf(plane)) {
      const wanted = [n, 1, ...plane].join('×');
      throw new Error(
        `it takes labels of ${wanted} with these scores, and gets ${label.shape.join('×') || 'a scalar'}`,
      );
    }
    this.checkOptions(this.options, classes);
    for (const [i, blob] of top.entries()) blob.reshape(...this.topShape(i, classes));
  }

  /** Of one top: [1]. */
  protected topShape(i: number, _classes: number): Shape {
    if (i > 0) throw new Error('it has one top');
    return [1];
  }
}
