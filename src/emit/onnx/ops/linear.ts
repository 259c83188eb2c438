/** Matrix products. */

import type { EmitterTable, Scope } from './emitter.js';

export const linear: EmitterTable<'matMul'> = {
  matMul(s, { inputs: [a, c], attrs: { transposeA, transposeB } }) {
    const [x, y] = [s.float(a), s.float(c)];
    const rank = a.shape.length;
    if (!transposeA && !transposeB) return [s.w.op('MatMul', [x, y])];
    if (rank === 2) return [gemm(s, [x, y], transposeA, transposeB)];
    const turned = (name: string, flag: boolean) => (flag ? turn(s, name, rank) : name);
    return [s.w.op('MatMul', [turned(x, transposeA), turned(y, transposeB)])];
  },
};

export function gemm(s: Scope, inputs: readonly string[], transA: boolean, transB: boolean): string {
  return s.w.op('Gemm', inputs, { attrs: { transA: Number(transA), transB: Number(transB) } });
}

/** The last two axes swapped. */
function turn(s: Scope, name: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  return s.w.op('Transpose', [name], { attrs: { perm } });
}
