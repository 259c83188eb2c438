/** A parameter's update, done in place: one product over the rows of its block, a formula piece by piece, or a loop. */

import { nth } from '../../diagnostics/index.js';
import { sizeOf } from '../../ir/shape.js';
import type { Value } from '../../ir/types.js';
import { hostKernel } from '../../kernels/index.js';
import type { Observer } from '../types.js';
import type { Operand } from './formula.js';
import { rootOf } from './partition.js';
import type { Arrays, EngineContext } from './steps.js';
import { fillOf, linearForm, type Update } from './updates.js';
import type { Block } from './variables.js';

/** Numbers of a parameter up to which a loop is done before a session has started: that takes 0.1 ms. */
const SMALL = 2 ** 15;

export class UpdateStep {
  /** Positions of the node's arrays in the order of a block's rows: gradients, what is only read, what is changed. */
  private readonly rows: readonly number[] | undefined;
  private readonly length: number;

  constructor(
    private readonly engine: EngineContext,
    private readonly update: Update,
  ) {
    const { node } = update;
    this.length = sizeOf(node.outputs[0].shape);
    this.rows = this.length > SMALL && engine.runtime.isInPlace ? this.rowsOfProduct() : undefined;
  }

  private rowsOfProduct(): readonly number[] | undefined {
    const { inputs } = this.update.node;
    const arrays = inputs.flatMap((v, i) => (fillOf(v) === undefined && sizeOf(v.shape) > 1 ? [i] : []));
    const changed = this.update.targets.map(name => arrays.find(i => variableOf(nth(inputs, i)) === name));
    const others = arrays.filter(i => !changed.includes(i));
    const made = others.filter(i => variableOf(nth(inputs, i)) === undefined);
    const isSame = arrays.every(i => sizeOf(nth(inputs, i).shape) === this.length);
    const isFed = made.some(i => ['input', 'variable', 'constant'].includes(rootOf(nth(inputs, i)).node.op));
    if (!isSame || isFed || changed.includes(undefined)) return undefined;
    const rows = [...made, ...others.filter(i => !made.includes(i)), ...(changed as number[])];
    // Any numbers do: whether it is linear is a matter of the formula.
    return linearForm(
      this.update.node,
      rows,
      this.numbers(rows, (_, i) => 0.5 + i),
    )
      ? rows
      : undefined;
  }

  /** The inputs that are no rows, as numbers. */
  private numbers(rows: readonly number[], read: (v: Value, i: number) => number): Map<number, number> {
    const { inputs } = this.update.node;
    return new Map(inputs.flatMap((v, i) => (rows.includes(i) ? [] : [[i, fillOf(v) ?? read(v, i)] as const])));
  }

  /** The values that are to be made in rows of the block, and where those are. Brings the variables into the block. */
  arrange(): { readonly block: Block; readonly first: number; readonly gradients: readonly Value[] } | undefined {
    if (!this.rows) return undefined;
    const { inputs } = this.update.node;
    const names = this.rows.map(i => variableOf(nth(inputs, i)));
    const place = this.engine.variables.arrange(names, this.length);
    const gradients = this.rows.flatMap((i, row) => (names[row] === undefined ? [rootOf(nth(inputs, i))] : []));
    return place && { ...place, gradients };
  }

  async run(arrays: Arrays, inBlock: boolean, observe?: Observer): Promise<void> {
    const { node, targets } = this.update;
    const start = performance.now();
    const place = inBlock ? this.arrange() : undefined;
    if (place) {
      const rows = this.rows!;
      const factors = linearForm(
        node,
        rows,
        this.numbers(rows, v => arrays.read(v)[0]!),
      )!;
      await this.engine.combineRows(place.block, place.first, rows.length, factors);
    } else {
      const changed = targets.map(name => this.engine.variables.change(name));
      if (this.isLong) await (await this.engine.formula(node)).run(this.operands(arrays), changed);
      else hostKernel(node)(node.inputs.map(arrays.read), changed);
    }
    observe?.(node.label, performance.now() - start);
  }

  /** Whether the formula is worth a session (not where arrays are copied into it and out of it), and its inputs are arrays of one length or single numbers. */
  private get isLong(): boolean {
    const sizes = this.update.node.inputs.map(v => (fillOf(v) === undefined ? sizeOf(v.shape) : 1));
    return this.length > SMALL && this.engine.runtime.isInPlace && sizes.every(n => n === this.length || n === 1);
  }

  private operands(arrays: Arrays): readonly Operand[] {
    return this.update.node.inputs.map(v => {
      const fill = fillOf(v);
      if (fill !== undefined) return fill;
      const array = arrays.read(v);
      return array.length === 1 ? array[0]! : array;
    });
  }
}

function variableOf({ node }: Value): string | undefined {
  return node.op === 'variable' ? node.attrs.name : undefined;
}
