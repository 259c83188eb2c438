/** The layers of segmentation.py in TypeScript. */

import type { HostBlob, HostBlobs } from '../../../src/index.js';

type Blobs = readonly HostBlob[];

abstract class Layer {
  param_str = '';
  phase = 'TEST' as const;
}

/** The class of the greatest score at each position of a sample. */
function argmax(scores: HostBlob, n: number): number[] {
  const [, classes, ...plane] = scores.shape as number[];
  const size = plane.reduce((a, b) => a * b, 1);
  const at = (c: number, i: number) => scores.data[(n * classes! + c) * size + i]!;
  return Array.from({ length: size }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes!; c++) if (at(c, i) > at(best, i)) best = c;
    return best;
  });
}

function allClasses(scores: HostBlob): number[] {
  return Array.from({ length: scores.num }, (_, n) => argmax(scores, n)).flat();
}

export class DiceLoss extends Layer {
  private p: number[] = [];
  private g: number[] = [];
  private above = 0;
  private below = 0;

  reshape(_: Blobs, top: Blobs): void {
    top[0]!.reshape(1);
  }

  forward([scores, label]: Blobs, top: Blobs): void {
    const epsilon = Number(this.param_str || 1);
    const size = scores!.height * scores!.width;
    const second = (i: number) => Math.floor(i / size) * 2 * size + size + (i % size);
    this.p = Array.from(
      label!.data,
      (_, i) => 1 / (1 + Math.exp(scores!.data[second(i) - size]! - scores!.data[second(i)]!)),
    );
    this.g = Array.from(label!.data, l => Number(l === 1));
    const sum = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0);
    this.above = 2 * sum(this.p.map((p, i) => p * this.g[i]!)) + epsilon;
    this.below = sum(this.p) + sum(this.g) + epsilon;
    top[0]!.data[0] = 1 - this.above / this.below;
  }

  backward(top: Blobs, propagateDown: readonly boolean[], [scores]: Blobs): void {
    if (!propagateDown[0]) return;
    const size = scores!.height * scores!.width;
    this.p.forEach((p, i) => {
      const slope = -(2 * this.g[i]! * this.below - this.above) / this.below ** 2;
      const towards = top[0]!.diff[0]! * slope * p * (1 - p);
      const second = Math.floor(i / size) * 2 * size + size + (i % size);
      scores!.diff[second] = towards;
      scores!.diff[second - size] = -towards;
    });
  }
}

export class MultiClassDice extends Layer {
  reshape([scores]: Blobs, top: Blobs): void {
    top[0]!.reshape(scores!.channels);
  }

  /** Asynchronous, as any method may be. */
  async forward([scores, label]: Blobs, top: Blobs): Promise<void> {
    const predicted = allClasses(scores!);
    await Promise.resolve();
    top[0]!.data.forEach((_, c) => {
      const both = predicted.filter((p, i) => p === c && label!.data[i] === c).length;
      const area = predicted.filter(p => p === c).length + label!.data.filter(l => l === c).length;
      top[0]!.data[c] = area ? (2 * both) / area : 1;
    });
  }
}

export class IoU extends Layer {
  reshape([scores]: Blobs, top: Blobs): void {
    top[0]!.reshape(1);
    top[1]!.reshape(scores!.channels);
  }

  forward([scores, label]: Blobs, top: Blobs): void {
    const predicted = allClasses(scores!);
    const found: number[] = [];
    top[1]!.data.forEach((_, c) => {
      const both = predicted.filter((p, i) => p === c && label!.data[i] === c).length;
      const either = predicted.filter((p, i) => p === c || label!.data[i] === c).length;
      top[1]!.data[c] = either ? both / either : 1;
      if (either) found.push(both / either);
    });
    top[0]!.data[0] = found.reduce((a, b) => a + b, 0) / found.length;
  }
}

export class Counting extends Layer {
  private next = 0;
  private rows = 0;

  setup(_: Blobs, top: Blobs): void {
    top[0]!.reshape(1, 2);
  }

  async reshape(_: Blobs, top: Blobs): Promise<void> {
    this.rows = (this.rows % 3) + 1;
    top[0]!.reshape(this.rows, 2);
  }

  forward(_: Blobs, top: Blobs): void {
    top[0]!.data.forEach((_, i) => {
      top[0]!.data[i] = this.next++;
    });
  }
}

export class Affine extends Layer {
  blobs!: HostBlobs;

  setup(): void {
    for (let i = 0; i < 3; i++) this.blobs.add_blob(1);
    this.blobs[0]!.data[0] = Number(this.param_str || 0.5);
  }

  reshape(bottom: Blobs, top: Blobs): void {
    top[0]!.reshape(...bottom[0]!.shape);
  }

  forward(bottom: Blobs, top: Blobs): void {
    const [a, b, count] = this.blobs;
    bottom[0]!.data.forEach((x, i) => {
      top[0]!.data[i] = a!.data[0]! * x + b!.data[0]!;
    });
    if ((this.phase as string) === 'TRAIN') count!.data[0]! += 1;
  }

  backward(top: Blobs, propagateDown: readonly boolean[], bottom: Blobs): void {
    const [a, b] = this.blobs;
    top[0]!.diff.forEach((d, i) => {
      a!.diff[0]! += d * bottom[0]!.data[i]!;
      b!.diff[0]! += d;
      if (propagateDown[0]) bottom[0]!.diff[i] = a!.data[0]! * d;
    });
  }
}

/** Caffe's own example of a loss, examples/pycaffe/layers/pyloss.py: no heed of loss_weight. */
export class EuclideanLossLayer extends Layer {
  private diff = new Float32Array(0);

  setup(bottom: Blobs): void {
    if (bottom.length !== 2) throw new Error('Two bottoms are needed for a distance.');
  }

  reshape([a, b]: Blobs, top: Blobs): void {
    if (a!.count !== b!.count) throw new Error('Both bottoms must have the same size.');
    top[0]!.reshape(1);
  }

  forward([a, b]: Blobs, top: Blobs): void {
    this.diff = a!.data.map((v, i) => v - b!.data[i]!);
    top[0]!.data[0] = this.diff.reduce((sum, d) => sum + d * d, 0) / a!.num / 2;
  }

  backward(_: Blobs, propagateDown: readonly boolean[], bottom: Blobs): void {
    for (const [i, sign] of [1, -1].entries())
      if (propagateDown[i]) bottom[i]!.diff.set(this.diff.map(d => (sign * d) / bottom[i]!.num));
  }
}
