/**
 * What RNN and LSTM share (recurrent_layer.cpp): time runs along the first axis of the input [T, N, …], `cont` [T, N] is
 * 0 where a sequence begins, and the net is unrolled over T.
 */

import { nth } from '../../diagnostics/index.js';
import { type Builder, dim, type Shape, sameShape, type Value } from '../../ir/index.js';
import { type RecurrentParameter, sub } from '../../schema/index.js';
import { countOf, showBottom } from '../geometry/axis.js';
import type { LayerContext, LayerShapes, LayerType, ParamDeclaration } from '../types.js';
import { readsElsewhere } from './families.js';

export interface Cell {
  readonly type: string;
  readonly doc: string;
  readonly formula: string;
  /** Outputs of the transforms of input and hidden state, as a multiple of num_output: 4 gates, say. */
  readonly gates: number;
  /** Whether a further matrix makes the output of the hidden state (RNN). */
  readonly hasOutput: boolean;
  /** How many states there are besides the output: h, or h and c. */
  readonly states: number;
  /**
   * One step. `input` [N, gates·D] is the transformed input, `states` [N, D] each those of the step before, the first of
   * them zeroed already where a sequence begins; `cont` is [N, 1].
   */
  step(
    b: Builder,
    given: { input: Value; states: readonly Value[]; cont: Value; hidden: Value; output: readonly Value[] },
  ): { output: Value; states: readonly Value[] };
}

interface Plan {
  readonly param: RecurrentParameter;
  readonly steps: number;
  readonly samples: number;
  readonly width: number;
  /** Length of one input vector, and of the static input's, if there is one. */
  readonly inputs: number;
  readonly staticInputs: number | undefined;
}

function plan(ctx: LayerContext<2>, cell: Cell): Plan {
  const param = sub(ctx.param, 'recurrent_param');
  const [x, cont] = ctx.bottomShapes as [Shape, Shape];
  if (!(param.num_output > 0))
    throw ctx.fail('num-output', 'num_output is missing or 0.', { field: 'recurrent_param.num_output' });
  if (x.length < 2)
    throw ctx.misfit('recurrent-axes', `${showBottom(ctx, 0)} needs two axes or more: time, samples, ….`);
  const [steps, samples] = x as readonly [number, number];
  if (!sameShape(cont, [steps, samples]))
    throw ctx.fail('recurrent-cont', `${showBottom(ctx, 1)} must be [${steps}, ${samples}]: time and samples.`);
  const given = ctx.bottomShapes.length - (param.expose_hidden ? cell.states : 0);
  if (given !== 2 && given !== 3) {
    throw ctx.fail('bottom-count', `it has ${ctx.bottomShapes.length} bottoms.`, {
      hint: `With expose_hidden: ${param.expose_hidden} it takes ${param.expose_hidden ? `2 or 3 and the ${cell.states} first states` : '2 or 3'}.`,
    });
  }
  const fixed = given === 3 ? nth(ctx.bottomShapes, 2) : undefined;
  if (fixed && fixed[0] !== samples)
    throw ctx.misfit('recurrent-static', `${showBottom(ctx, 2)} must hold one vector for each of ${samples} samples.`);
  return {
    param,
    steps,
    samples,
    width: param.num_output,
    inputs: countOf(x, 2),
    staticInputs: fixed && countOf(fixed, 1),
  };
}

function shapes(ctx: LayerContext<2>, cell: Cell): LayerShapes {
  const { param, steps, samples, width, inputs, staticInputs } = plan(ctx, cell);
  const state: Shape = [1, samples, width];
  const exposed = param.expose_hidden ? cell.states : 0;
  ctx.bottomShapes.slice(ctx.bottomShapes.length - exposed).forEach((shape, i) => {
    if (exposed && !sameShape(shape, state))
      throw ctx.fail('recurrent-state', `first state ${i} must be [${state.join(', ')}] and is [${shape.join(', ')}].`);
  });
  if (ctx.topCount !== 1 + exposed) {
    throw ctx.fail('top-count', `it has ${ctx.topCount} tops and makes ${1 + exposed}.`, {
      hint: 'With expose_hidden the last states are tops too.',
    });
  }
  const rows = cell.gates * width;
  const weight = (out: number, into: number): ParamDeclaration => ({ shape: [out, into], filler: param.weight_filler });
  const bias = (out: number): ParamDeclaration => ({ shape: [out], filler: param.bias_filler });
  return {
    tops: [[steps, samples, width], ...new Array<Shape>(exposed).fill(state)],
    params: [
      weight(rows, inputs),
      bias(rows),
      ...(staticInputs === undefined ? [] : [weight(rows, staticInputs)]),
      weight(rows, width),
      ...(cell.hasOutput ? [weight(width, width), bias(width)] : []),
    ],
  };
}

/** The inputs of all steps, transformed at once: [T, N, gates·D]. */
function transformed(b: Builder, p: Plan, x: Value, fixed: Value | undefined, params: readonly Value[]): Value {
  const [weight, bias, fixedWeight] = params as [Value, Value, Value];
  const rows = dim(weight.shape, 0);
  const flat = b.reshape(x, [p.steps * p.samples, p.inputs]);
  const all = b.reshape(b.add(b.matMul(flat, weight, { transposeB: true }), bias), [p.steps, p.samples, rows]);
  if (!fixed) return all;
  const once = b.matMul(b.reshape(fixed, [p.samples, p.staticInputs!]), fixedWeight, { transposeB: true });
  return b.add(all, b.reshape(once, [1, p.samples, rows]));
}

function stateName(ctx: LayerContext<2>, i: number): string {
  return `${ctx.name}/state ${i}`;
}

/**
 * A run starts from the states that the one before ended with, which cont = 0 at its first step makes 0, as they are at
 * first; with expose_hidden from the given ones. No gradient goes back into the run before, and none through the states
 * that are exposed, first or last: Caffe shares their data with the unrolled net, not their gradients.
 */
export function recurrent(cell: Cell): LayerType<2> {
  return {
    type: cell.type,
    doc: cell.doc,
    formula: cell.formula,
    unusedFields: { debug_info: 'it makes Caffe print what its unrolled net does' },
    shapeRule: '[T, N, num_output]; with expose_hidden the last states too, [1, N, num_output] each.',
    paramFields: ['recurrent_param'],
    category: 'product',
    ...readsElsewhere,
    bottoms: { min: 2, max: 3 + cell.states },
    tops: { min: 1, max: 1 + cell.states },
    canBackward: (_, bottom) => bottom !== 1,
    reshape: ctx => shapes(ctx, cell),
    lower(ctx, b, bottoms, params) {
      const p = plan(ctx, cell);
      const exposed = p.param.expose_hidden ? cell.states : 0;
      const fixed = p.staticInputs === undefined ? undefined : nth(bottoms, 2);
      const input = transformed(b, p, bottoms[0], fixed, params);
      const [hidden, ...output] = params.slice(fixed ? 3 : 2) as [Value, ...Value[]];
      const state = [p.samples, p.width];
      let states: readonly Value[] = Array.from({ length: cell.states }, (_, i) =>
        exposed
          ? b.stopGradient(b.reshape(nth(bottoms, bottoms.length - exposed + i), state))
          : b.state(stateName(ctx, i), state),
      );
      const outputs: Value[] = [];
      const at = (x: Value, t: number, size: number) =>
        b.reshape(b.slice(x, [t, ...x.shape.slice(1).map(() => 0)], [1, ...x.shape.slice(1)]), [p.samples, size]);
      for (let t = 0; t < p.steps; t++) {
        const cont = at(bottoms[1], t, 1);
        const [h, ...others] = states as [Value, ...Value[]];
        const carried = [b.mul(h, cont), ...others];
        const next = cell.step(b, { input: at(input, t, dim(input.shape, 2)), states: carried, cont, hidden, output });
        outputs.push(b.reshape(next.output, [1, p.samples, p.width]));
        states = next.states;
      }
      if (!exposed) states.forEach((s, i) => void b.carry(stateName(ctx, i), s));
      const last = exposed ? states.map(s => b.stopGradient(b.reshape(s, [1, p.samples, p.width]))) : [];
      return [b.concat(outputs, 0), ...last];
    },
    macs(ctx, { params }) {
      const { steps, samples } = plan(ctx, cell);
      return params.reduce(
        (sum, { shape }) => (shape.length === 2 ? sum + steps * samples * dim(shape, 0) * dim(shape, 1) : sum),
        0,
      );
    },
  };
}
