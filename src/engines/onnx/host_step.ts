/** One node that the host does: user code, or what ONNX does not support. */

import { nth } from '../../diagnostics/index.js';
import type { Node } from '../../ir/types.js';
import { hostKernel, type Kernel } from '../../kernels/index.js';
import { checkHostResult } from '../executor.js';
import type { Observer } from '../types.js';
import type { Arrays, Step } from './steps.js';

export class HostStep implements Step {
  private readonly kernel: Kernel | undefined;

  constructor(private readonly node: Node) {
    this.kernel = node.op === 'hostCall' ? undefined : hostKernel(node);
  }

  async run(arrays: Arrays, observe?: Observer): Promise<void> {
    const { node } = this;
    const start = performance.now();
    const inputs = node.inputs.map(arrays.read);
    const outputs = node.outputs.map(arrays.write);
    if (node.op === 'hostCall') {
      // User code may keep or change what it is given.
      const given = inputs.map((data, i) => ({ shape: nth(node.inputs, i).shape, data: data.slice() }));
      const results = await node.attrs.run(given);
      outputs.forEach((to, i) => {
        to.set(checkHostResult(node, results, i));
      });
    } else this.kernel!(inputs, outputs);
    observe?.(node.label, performance.now() - start);
  }

  dispose(): void {}
}
