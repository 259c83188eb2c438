/** Generated loops against the same expression interpreted (what runs where a page forbids generated code). */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sizeOf } from '../../src/ir/index.js';
import type { ElementwiseOp, FusedAttrs } from '../../src/ir/types.js';
import { compileLoop, interpretLoop } from '../../src/kernels/loops.js';

const unary: ElementwiseOp[] = ['neg', 'abs', 'sign', 'exp', 'sqrt', 'tanh', 'sigmoid', 'floor', 'relu', 'power'];
const binary: ElementwiseOp[] = ['add', 'sub', 'mul', 'div', 'max', 'min', 'greater', 'greaterEqual', 'equal'];

it('generated and interpreted loops agree on random expressions and broadcasts', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }).chain(shape =>
    fc.record({
      shape: fc.constant(shape),
      inputs: fc.array(
        fc.tuple(fc.integer({ min: 0, max: shape.length }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })),
        { minLength: 1, maxLength: 3 },
      ),
      steps: fc.array(
        fc.tuple(fc.constantFrom(...unary, ...binary), fc.nat(), fc.nat(), fc.constantFrom(0, 0.25, -0.75, 2, 3)),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
    }),
  );
  fc.assert(
    fc.property(shapes, ({ shape, inputs, steps }) => {
      const inputShapes = inputs.map(([drop, ones]) => shape.slice(drop).map((d, i) => (ones[i] ? 1 : d)));
      const expression: FusedAttrs = {
        shape,
        steps: steps.map(([op, x, y, parameter], n) => ({
          op,
          parameter,
          args: (unary.includes(op) ? [x] : [x, y]).map(a => a % (inputs.length + n)),
        })),
        results: [inputs.length + steps.length - 1],
      };
      const data = inputShapes.map((s, k) =>
        Float32Array.from({ length: sizeOf(s) }, (_, i) => 0.3 + ((i * 7 + k) % 5)),
      );
      const [compiled, interpreted] = [new Float32Array(sizeOf(shape)), new Float32Array(sizeOf(shape))];
      compileLoop(expression, inputShapes)(data, [compiled]);
      interpretLoop(expression, inputShapes)(data, [interpreted]);
      for (let i = 0; i < compiled.length; i++) {
        const [a, b] = [compiled[i]!, interpreted[i]!];
        expect(Object.is(a, b) || Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b)), `${a} against ${b}`).toBe(true);
      }
    }),
    { numRuns: 300, seed: 3 },
  );
});
