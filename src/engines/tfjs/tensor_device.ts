/**
 * Engines on tfjs tensors: `tensorflow` (tfjs-node, tfjs-node-gpu), `webgpu` and `cpu`. Ops run as the backend's own
 * kernels; what it lacks or gets wrong (gradients of dilated convolutions, on `cpu` pooling and filter gradients too) runs
 * on the host.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { fail, nth } from '../../diagnostics/index.js';
import { sizeOf } from '../../ir/shape.js';
import type { Node, Shape } from '../../ir/types.js';
import { hostKernel } from '../../kernels/index.js';
import type { Device, Kernel } from '../executor.js';
import { tfjsKernel } from './ops.js';
import type { Webgpu } from './webgpu.js';

/** The tfjs module, whichever package brought it. */
export type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;

export class TensorDevice implements Device<Tensor> {
  /** On a GPU arrays can only be read by waiting, and each has a greatest size. */
  readonly downloadNow?: (tensor: Tensor) => Float32Array;
  readonly largest?: number;

  constructor(
    private readonly tf: Tf,
    /** Of the engine, and of tfjs's backend. */
    readonly name: string,
    readonly limit: number,
    /** Whether the backend has TensorFlow's kernels for gradients. */
    private readonly native: boolean,
    private readonly gpu?: Pick<Webgpu, 'largest' | 'complaint'>,
  ) {
    if (gpu) this.largest = gpu.largest;
    else this.downloadNow = tensor => Float32Array.from(tensor.dataSync());
  }

  /** tfjs has one current backend a process; engines of several may live side by side. */
  private select(): Tf {
    if (this.tf.getBackend() !== this.name) void this.tf.setBackend(this.name);
    return this.tf;
  }

  upload(data: Float32Array, shape: Shape): Tensor {
    // The cpu backend keeps the very array it is given.
    return this.select().tensor(data.slice(), [...shape], 'float32');
  }

  async download(tensor: Tensor): Promise<Float32Array> {
    const data = Float32Array.from(await tensor.data());
    const complaint = this.gpu?.complaint();
    if (complaint)
      throw fail('gpu-error', `The GPU refused a step, so its numbers are worth nothing: ${complaint}`, {
        hint: 'Another --backend computes this; please report the network.',
      });
    return data;
  }

  alias(tensor: Tensor, shape: Shape): Tensor {
    return this.select().reshape(tensor, [...shape]);
  }

  release(tensor: Tensor): void {
    tensor.dispose();
  }

  dispose(): void {}

  kernel(node: Node): Kernel<Tensor> {
    const native = tfjsKernel(this.tf, node, this.native);
    if (!native) return this.onHost(node);
    return inputs => {
      const tf = this.select();
      return tf.tidy(() => {
        const results = native(inputs);
        return results.map((r, i) => this.whole(r, inputs, nth(node.outputs, i).shape));
      });
    };
  }

  /** A tensor of the declared shape that is not one of the inputs (which the executor frees on its own). */
  private whole(result: Tensor, inputs: readonly Tensor[], shape: Shape): Tensor {
    const same = result.shape.length === shape.length && result.shape.every((d, i) => d === shape[i]);
    const full = same ? result : this.tf.broadcastTo(result, [...shape]);
    return inputs.includes(full) ? this.tf.clone(full) : full;
  }

  private onHost(node: Node): Kernel<Tensor> {
    const run = hostKernel(node);
    const compute = (inputs: readonly Float32Array[]) => {
      const tf = this.select();
      const outputs = node.outputs.map(v => new Float32Array(sizeOf(v.shape)));
      run(inputs, outputs);
      return outputs.map((data, i) => tf.tensor(data, [...nth(node.outputs, i).shape], 'float32'));
    };
    if (this.downloadNow) return inputs => compute(inputs.map(t => t.dataSync<'float32'>()));
    return async inputs => compute(await Promise.all(inputs.map(t => t.data<'float32'>())));
  }
}
