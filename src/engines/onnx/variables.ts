/**
 * What lives on the engine from run to run. A variable is an array of its own, or a row of a block: the matrix whose rows
 * are a parameter's gradient, history and value, so that an update is one product (see updates.ts).
 */

import { need } from '../../diagnostics/index.js';
import { sizeOf } from '../../ir/shape.js';
import type { Shape } from '../../ir/types.js';

interface Variable {
  readonly data: Float32Array;
  readonly shape: Shape;
  readonly block?: Block;
  /** All 0 since `zero`: its pages have never been touched, and take no memory yet. */
  isZero: boolean;
}

/** Rows of equal length in one array. A row without a variable is for a gradient. */
export interface Block {
  readonly data: Float32Array;
  readonly length: number;
  readonly rows: readonly (string | undefined)[];
}

export class Variables {
  private readonly variables = new Map<string, Variable>();
  /** Counts the changes of any variable. */
  version = 0;

  has(name: string): boolean {
    return this.variables.has(name);
  }

  write(name: string, data: Float32Array, shape: Shape): void {
    this.version++;
    const known = this.variables.get(name);
    if (known?.data.length === data.length) {
      known.data.set(data);
      this.variables.set(name, { ...known, shape, isZero: false });
      return;
    }
    this.variables.set(name, { data: data.slice(), shape, isZero: false });
  }

  zero(name: string, shape: Shape): void {
    this.version++;
    const known = this.variables.get(name);
    const fits = known?.data.length === sizeOf(shape);
    if (fits) known.data.fill(0);
    else this.variables.set(name, { data: new Float32Array(sizeOf(shape)), shape, isZero: true });
  }

  /** Exchanges the arrays of two variables. No update may come before they are exchanged back: blocks know rows by name. */
  swap(a: string, b: string): void {
    this.version++;
    const [first, second] = [need(this.variables, a), need(this.variables, b)];
    this.variables.set(a, second).set(b, first);
  }

  /** The array itself, good until the next `write` or `arrange`. */
  get(name: string): Float32Array {
    const variable = this.variables.get(name);
    if (!variable) throw new Error(`engine onnx: variable ${name} was never written`);
    return variable.data;
  }

  /** The array itself, to be changed. */
  change(name: string): Float32Array {
    this.version++;
    const data = this.get(name);
    need(this.variables, name).isZero = false;
    return data;
  }

  /**
   * A block with these rows, one after the other: the one that the variables are in already, or a new one, if they are in
   * none. Undefined where they are rows of other blocks.
   */
  arrange(rows: readonly (string | undefined)[], length: number): { block: Block; first: number } | undefined {
    const names = rows.filter(name => name !== undefined);
    const blocks = new Set(names.map(name => need(this.variables, name).block));
    if (blocks.size > 1) return undefined;
    const [known] = blocks;
    if (known) {
      const first = known.rows.findIndex((_, at) =>
        rows.every((name, i) => known.rows[at + i] === name && at + i < known.rows.length),
      );
      return first < 0 ? undefined : { block: known, first };
    }
    const block: Block = { data: new Float32Array(rows.length * length), length, rows };
    rows.forEach((name, i) => {
      if (name === undefined) return;
      const variable = need(this.variables, name);
      const row = rowOf(block, i);
      if (!variable.isZero) row.set(variable.data);
      this.variables.set(name, { data: row, shape: variable.shape, block, isZero: false });
    });
    return { block, first: 0 };
  }

  bytes(): number {
    let bytes = 0;
    for (const { shape } of this.variables.values()) bytes += 4 * sizeOf(shape);
    return bytes;
  }
}

/** `count` rows of a block from one on. */
export function rowOf({ data, length }: Block, row: number, count = 1): Float32Array {
  return data.subarray(row * length, (row + count) * length);
}
