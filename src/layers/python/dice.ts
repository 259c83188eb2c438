/** The tutorial's Dice metric, `digits_python_layers.Dice`. */

import type { HostBlob, HostLayer } from '../host_layer.js';
import type { Phase } from '../types.js';

/**
 * Dice coefficient of a two-class segmentation: bottoms are the scores, N×2×H×W, and the label, N×1×H×W; the top is one
 * number. Per sample 2·|P∩L| / (|P|+|L|), where P are the pixels whose second score is greater than the first and L
 * those labelled 1; then the mean over the batch. Two empty masks agree: their Dice is 1 (the
 * tutorial's own code divides by zero there). Any label but 1 counts as background, also one that
 * a loss would ignore (the tutorial's labels are 0 and 1).
 * It is a metric and has no backward.
 */
export class Dice implements HostLayer {
  param_str = '';
  phase: Phase = 'TEST';

  setup(bottom: readonly HostBlob[]): void {
    if (bottom.length !== 2)
      throw new Error(`Dice takes two bottoms, the scores and the label, and gets ${bottom.length}`);
  }

  reshape(bottom: readonly HostBlob[], top: readonly HostBlob[]): void {
    const [scores, label] = bottom as [HostBlob, HostBlob];
    const [n, , h, w] = scores.shape;
    if (scores.shape.length !== 4 || scores.shape[1] !== 2)
      throw new Error(`Dice takes scores of two classes, N×2×H×W, and gets ${scores.shape.join('×')}`);
    if (label.shape.join() !== [n, 1, h, w].join())
      throw new Error(`Dice takes labels of ${n}×1×${h}×${w} with these scores, and gets ${label.shape.join('×')}`);
    top[0]!.reshape(1);
  }

  forward(bottom: readonly HostBlob[], top: readonly HostBlob[]): void {
    const [scores, label] = bottom as [HostBlob, HostBlob];
    const n = scores.shape[0]!;
    const plane = label.data.length / n;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const at = 2 * i * plane;
      const background = scores.data.subarray(at, at + plane);
      const foreground = scores.data.subarray(at + plane, at + 2 * plane);
      sum += diceOf(background, foreground, label.data.subarray(i * plane, (i + 1) * plane));
    }
    top[0]!.data[0] = sum / n;
  }
}

function diceOf(background: Float32Array, foreground: Float32Array, label: Float32Array): number {
  let predicted = 0;
  let labelled = 0;
  let both = 0;
  for (let i = 0; i < label.length; i++) {
    const p = foreground[i]! > background[i]!;
    const l = label[i] === 1;
    if (p) predicted++;
    if (l) labelled++;
    if (p && l) both++;
  }
  return predicted + labelled === 0 ? 1 : (2 * both) / (predicted + labelled);
}
