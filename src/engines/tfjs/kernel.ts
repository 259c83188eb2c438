/** A node in tfjs operations. */

import type { Tensor } from '@tensorflow/tfjs-core';
import type { InputsOf, NodeOf, OpName } from '../../ir/types.js';

/** Outputs' tensors from inputs'. */
export type Kernel = (inputs: readonly Tensor[]) => Tensor[];

/** The same for the inputs of one op. */
export type KernelOf<K extends OpName> = (inputs: InputsOf<K, Tensor>) => Tensor[];

/** A kernel written for the inputs of its op, as the executor calls it: with one tensor for each of the node's inputs. */
export function kernelOf<K extends OpName>(_node: NodeOf<K>, run: KernelOf<K>): Kernel {
  return inputs => run(inputs as InputsOf<K, Tensor>);
}
