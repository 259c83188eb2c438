/** Elementwise ops: in whichever layout an operand has, the others brought to it. */

import { nth } from '../../diagnostics/index.js';
import type { ElementwiseOp, Node, Value } from '../../ir/types.js';
import type { Emitter, Layout } from './emitter.js';
import { attr } from './graph_def.js';

const OPS: Readonly<Partial<Record<ElementwiseOp, string>>> = {
  neg: 'Neg',
  abs: 'Abs',
  sign: 'Sign',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  floor: 'Floor',
  add: 'AddV2',
  sub: 'Sub',
  mul: 'Mul',
  div: 'RealDiv',
  max: 'Maximum',
  min: 'Minimum',
};

const COMPARISONS: Readonly<Partial<Record<ElementwiseOp, string>>> = {
  greater: 'Greater',
  greaterEqual: 'GreaterEqual',
  equal: 'Equal',
};

type ElementwiseNode = Node & { readonly op: ElementwiseOp };

export function isElementwiseOp(node: Node): node is ElementwiseNode {
  return node.op in OPS || node.op in COMPARISONS || ['relu', 'power', 'select'].includes(node.op);
}

/** `image` where an operand is there in it, and all others can be: constants, scalars and values of four axes. */
export function commonLayout(e: Emitter, node: Node): Layout {
  if (node.outputs[0].shape.length !== 4) return 'caffe';
  const given = node.inputs.filter(x => !e.known.has(x));
  const fits = given.every(x => x.shape.length === 4 || x.shape.length === 0);
  return fits && given.some(x => x.shape.length === 4 && e.has(x, 'image')) ? 'image' : 'caffe';
}

export function emitElementwise(e: Emitter, node: ElementwiseNode): void {
  const layout = commonLayout(e, node);
  const operands = node.inputs.map(x => e.operand(x, x.shape.length === 0 ? 'caffe' : layout));
  e.hold(node.outputs[0], emit(e, node, operands), layout);
}

function emit(e: Emitter, node: ElementwiseNode, operands: readonly string[]): string {
  const { def } = e;
  switch (node.op) {
    case 'relu':
      if (node.attrs.slope === 0) return def.add('Relu', operands);
      return def.add('LeakyRelu', operands, { alpha: attr.float(node.attrs.slope) });
    case 'power':
      return def.add('Pow', [nth(operands, 0), def.scalar(node.attrs.exponent)]);
    case 'select': {
      const [mask, x, y] = operands as readonly [string, string, string];
      const condition = e.masks.get(mask) ?? def.add('NotEqual', [mask, def.scalar(0)]);
      return def.add('SelectV2', [condition, x, y]);
    }
  }
  const comparison = COMPARISONS[node.op];
  if (!comparison) return def.add(OPS[node.op]!, operands);
  const mask = def.add(comparison, operands);
  const floats = def.add('Cast', [mask], { SrcT: attr.type('DT_BOOL'), DstT: attr.type('DT_FLOAT') });
  e.masks.set(floats, mask);
  return floats;
}

/** Whether the value is a bias of `channels` channels on N×C×H×W: [1, C, 1, 1], [C, 1, 1]. */
export function isChannelBias(value: Value, channels: number): boolean {
  const { shape } = value;
  const four = [...new Array<number>(Math.max(0, 4 - shape.length)).fill(1), ...shape];
  return four.length === 4 && four.every((d, i) => d === (i === 1 ? channels : 1));
}
