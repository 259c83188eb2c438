/**
 * An elementwise formula over long arrays, on all threads: the arrays go through one session piece by piece, so that what
 * lies between two of its ops stays in the cache. ONNX has no fused formula: over whole arrays each op would
 * pass over memory anew.
 */

import { nth } from '../../diagnostics/index.js';
import { emitGraph } from '../../emit/onnx/emit.js';
import { GraphWriter } from '../../emit/onnx/writer.js';
import type { Node, Value } from '../../ir/types.js';
import { type OnnxRuntime, Session } from './runtime.js';

/** Numbers of a piece. */
export const PIECE = 2 ** 17;

/** What a formula's input is: an array, cut into pieces, or one number. */
export type Operand = Float32Array | number;

export class Formula {
  private readonly scratch: readonly Float32Array[];

  private constructor(
    private readonly session: Session,
    results: number,
  ) {
    this.scratch = Array.from({ length: results }, () => new Float32Array(PIECE));
  }

  /** Of a node whose inputs are arrays of one length, or single numbers. */
  static async create(runtime: OnnxRuntime, node: Node): Promise<Formula> {
    const w = new GraphWriter();
    const known = new Map<Value, string>(node.inputs.map((v, i) => [v, `in ${i}`]));
    for (const name of known.values()) w.reserve(name);
    for (const name of known.values()) w.addInput(name, ['length']);
    const nameOf = emitGraph(w, [node], { known, wanted: node.outputs });
    node.outputs.forEach((v, i) => {
      w.reserve(`out ${i}`);
      w.addOutput(`out ${i}`, nameOf(v), ['length']);
    });
    return new Formula(await Session.create(runtime, w, { provider: 'cpu' }), node.outputs.length);
  }

  /** `outputs` may be arrays of `inputs`: each piece is computed before it is written. */
  async run(inputs: readonly Operand[], outputs: readonly Float32Array[]): Promise<void> {
    const length = nth(outputs, 0).length;
    for (let from = 0; from < length; from += PIECE) {
      const to = Math.min(length, from + PIECE);
      const piece = (x: Operand) => (typeof x === 'number' ? Float32Array.of(x) : x.subarray(from, to));
      const feeds = inputs.map((x, i) => [`in ${i}`, bound(piece(x))] as const);
      const results = this.scratch.map((array, i) => [`out ${i}`, bound(array.subarray(0, to - from))] as const);
      await this.session.run(new Map(feeds), new Map(results));
      results.forEach(([, { data }], i) => {
        nth(outputs, i).set(data, from);
      });
    }
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}

function bound(data: Float32Array) {
  return { data, dims: [data.length] };
}
