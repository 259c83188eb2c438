/** The table of emitters: every IR op that ONNX supports. */

import { nth } from '../../../diagnostics/index.js';
import type { Node, OpName } from '../../../ir/types.js';
import { convolutions, leftovers } from './conv.js';
import { elementwise } from './elementwise.js';
import type { Emitter, EmitterTable } from './emitter.js';
import { gathering } from './gather.js';
import { linear } from './linear.js';
import { keepsWidth, pooling, windowsMeet } from './pool.js';
import { reductions } from './reduce.js';
import { shapes } from './shape.js';

const emitters: EmitterTable<Exclude<OpName, 'input' | 'variable' | 'constant'>> = {
  ...elementwise,
  ...reductions,
  ...shapes,
  ...gathering,
  ...linear,
  ...convolutions,
  ...pooling,
  hostCall: (s, { inputs, attrs }) => attrs.onnx!(s.w, inputs.map(s.float)),
};

export function emitterOf(node: Node): Emitter<OpName> {
  return emitters[node.op as keyof typeof emitters] as Emitter<OpName>;
}

/** Whether ONNX supports the node's geometry. */
export function fitsOnnx(node: Node): boolean {
  switch (node.op) {
    case 'maxPool':
      return windowsMeet(node) && (node.outputs.length < 2 || keepsWidth(node));
    case 'avePool':
      return windowsMeet(node);
    case 'convInputGrad':
      return leftovers(node).every(
        (r, i) => r >= 0 && r < Math.max(nth(node.attrs.stride, i), nth(node.attrs.dilation, i)),
      );
    default:
      return true;
  }
}

export type { Emitter, EmitterTable, Scope } from './emitter.js';
