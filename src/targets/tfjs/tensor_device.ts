/**
 * Engines on tfjs tensors: `tensorflow` (tfjs-node, tfjs-node-gpu) and `cpu`. Ops run as the backend's own kernels; what
 * it lacks or gets wrong (pooling's indices and gradient, dilation, on `cpu` filter gradients) runs on the host.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { sizeOf } from '../../ir/shape.js';
import type { Node, Shape } from '../../ir/types.js';
import type { Device } from '../executor.js';
import { hostKernel } from '../host/kernels.js';
import { tfjsKernel } from './ops.js';

/** The tfjs module, whichever package brought it. */
export type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;

export class TensorDevice implements Device<Tensor> {
  constructor(
    private readonly tf: Tf,
    /** Of the engine, and of tfjs's backend. */
    readonly name: string,
    readonly limit: number,
    /** Whether the backend has TensorFlow's kernels for gradients. */
    private readonly native: boolean,
  ) {}

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
    return Float32Array.from(await tensor.data());
  }

  downloadNow(tensor: Tensor): Float32Array {
    return Float32Array.from(tensor.dataSync());
  }

  alias(tensor: Tensor, shape: Shape): Tensor {
    return this.select().reshape(tensor, [...shape]);
  }

  release(tensor: Tensor): void {
    tensor.dispose();
  }

  dispose(): void {}

  kernel(node: Node): (inputs: readonly Tensor[]) => readonly Tensor[] {
    const native = tfjsKernel(this.tf, node, this.native);
    if (!native) return this.onHost(node);
    return inputs => {
      const tf = this.select();
      return tf.tidy(() => {
        const results = native(inputs);
        return results.map((r, i) => this.whole(r, inputs, node.outputs[i]!.shape));
      });
    };
  }

  /** A tensor of the declared shape that is not one of the inputs (which the executor frees on its own). */
  private whole(result: Tensor, inputs: readonly Tensor[], shape: Shape): Tensor {
    const same = result.shape.length === shape.length && result.shape.every((d, i) => d === shape[i]);
    const full = same ? result : this.tf.broadcastTo(result, [...shape]);
    return inputs.includes(full) ? this.tf.clone(full) : full;
  }

  private onHost(node: Node): (inputs: readonly Tensor[]) => readonly Tensor[] {
    const run = hostKernel(node);
    return inputs => {
      const tf = this.select();
      const outputs = node.outputs.map(v => new Float32Array(sizeOf(v.shape)));
      run(
        inputs.map(t => t.dataSync<'float32'>()),
        outputs,
      );
      return outputs.map((data, i) => tf.tensor(data, [...node.outputs[i]!.shape], 'float32'));
    };
  }
}
