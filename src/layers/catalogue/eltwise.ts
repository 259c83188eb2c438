/** Eltwise: sum (with coefficients), product or maximum of bottoms of one shape. */

import { sameShape } from '../../ir/index.js';
import { EltwiseParameter, enumName, sub } from '../../schema/index.js';
import { showBottom } from '../geometry/axis.js';
import { elementwise } from '../rules/families.js';
import type { LayerContext, LayerType } from '../types.js';

const { PROD, MAX } = EltwiseParameter.EltwiseOp;

function checkCoefficients(ctx: LayerContext<2>): void {
  const { operation, coeff } = sub(ctx.param, 'eltwise_param');
  const field = 'eltwise_param.coeff';
  if (coeff.length > 0 && coeff.length !== ctx.bottomShapes.length) {
    throw ctx.fail('eltwise-coeff', `coeff is given ${coeff.length} times for ${ctx.bottomShapes.length} bottoms.`, {
      field,
      hint: 'Give one coefficient per bottom, or none.',
    });
  }
  if (coeff.length > 0 && operation === PROD) {
    throw ctx.fail('eltwise-coeff', 'coeff is for SUM, and the operation is PROD.', {
      field,
      hint: 'Leave coeff out, or scale the product with a Power layer.',
    });
  }
}

/**
 * Ties of MAX: between the first two bottoms the gradient goes to the second, later bottoms only win where they are
 * greater (eltwise_layer.cpp). The gradient of PROD is the product of the others, which is what stable_prod_grad asks
 * for; without it Caffe divides, with the same result but for NaN where a factor is 0.
 */
export const eltwise: LayerType<2> = {
  type: 'Eltwise',
  doc: 'Elementwise sum (with coefficients), product or maximum of its bottoms.',
  formula: 'SUM: y = Σ coeff_i · x_i; PROD: y = Π x_i; MAX: y = max x_i',
  shapeRule: 'That of all bottoms.',
  differences: 'Without stable_prod_grad Caffe divides the product by each factor, which gives NaN where one is 0.',
  unusedFields: {
    stable_prod_grad: 'the gradient of PROD is always the product of the others, which is what true asks for',
  },
  category: 'arrangement',
  ...elementwise,
  zeroTops: (ctx, zero) =>
    sub(ctx.param, 'eltwise_param').operation === PROD ? zero.includes(true) : !zero.includes(false),
  detail: param => enumName(sub(param, 'eltwise_param'), 'operation').toLowerCase(),
  bottoms: { min: 2, max: Infinity },
  tops: { min: 1, max: 1 },
  reshape(ctx) {
    checkCoefficients(ctx);
    const [first] = ctx.bottomShapes;
    ctx.bottomShapes.forEach((shape, i) => {
      if (sameShape(shape, first)) return;
      throw ctx.misfit('eltwise-shapes', `bottoms ${showBottom(ctx, 0)} and ${showBottom(ctx, i)} differ in shape.`, {
        hint: 'All bottoms of an Eltwise must have one shape: crop, pad or convolve one of them to fit.',
      });
    });
    return { tops: [first], params: [] };
  },
  lower(ctx, b, bottoms) {
    const { operation, coeff } = sub(ctx.param, 'eltwise_param');
    if (operation === PROD) return [bottoms.reduce((product, x) => b.mul(product, x))];
    if (operation === MAX) {
      const [first, second, ...others] = bottoms;
      return [others.reduce((greatest, x) => b.max(greatest, x), b.max(second, first))];
    }
    return [bottoms.map((x, i) => b.mul(x, coeff[i] ?? 1)).reduce((sum, x) => b.add(sum, x))];
  },
};
