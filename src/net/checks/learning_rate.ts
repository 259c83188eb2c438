/**
 * The learning rate goes with how the loss is normalised. A loss that adds up over P pixels has gradients P times those of
 * the mean: rates differ by that factor.
 */

import { type Diagnostic, error } from '../../diagnostics/index.js';
import { create, formatFloat, type SolverParameter } from '../../schema/index.js';
import { placeOf } from '../report.js';
import type { NetGraph, NetLayer } from '../types.js';
import type { CheckDoc, CheckRule } from './check.js';
import { SCORES } from './examples.js';
import { isLoss, trains } from './walk.js';

const loss = (param: string) => `layer {
  name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss"${param}
}
`;

/** Rates beyond which no one has trained a net with success, once the number of pixels and the momentum are counted in. */
const HIGHEST = 5;
const LOWEST = 1e-8;

/** Their step does not depend on how large gradients are. */
const SCALE_FREE: ReadonlySet<string> = new Set(['Adam', 'AdamW', 'AdaGrad', 'RMSProp', 'AdaDelta']);

export const learningRateDoc = (): CheckDoc => ({
  doc: "The solver's base_lr goes with the normalisation of the loss.",
  cure: 'A loss that adds up over all pixels (normalize: false) has gradients as many times greater as there are pixels: with base_lr 1e-4 it explodes, where one that is averaged stands still with 1e-14. Change base_lr, or the normalization.',
  example: {
    head: SCORES,
    wrong: loss('\n  loss_param { normalization: NONE }'),
    right: loss(''),
    phase: 'TRAIN',
    solver: create('caffe.SolverParameter', { base_lr: 0.001, momentum: 0.9, lr_policy: 'fixed' }),
    given: 'a solver with base_lr: 0.001',
  },
});

export const learningRate: CheckRule = {
  code: 'learning-rate',
  run(graph, options) {
    const solver = options.solver?.param;
    if (!solver || !trains(graph) || SCALE_FREE.has(solver.type) || !(solver.base_lr > 0)) return [];
    const losses = graph.layers.filter(isLoss);
    if (!losses.every(l => l.type.addedUp)) return [];
    const steps = losses.map(summed);
    const strongest = steps.reduce((a, b) => (b.times > a.times ? b : a));
    const greatest = Math.max(...graph.params.map(p => p.lrMult), 0);
    const momentum = solver.momentum < 1 ? 1 / (1 - solver.momentum) : 1;
    const effective = solver.base_lr * strongest.times * greatest * momentum;
    if (effective > HIGHEST) return [tooHigh(graph, solver, strongest)];
    return effective > 0 && effective < LOWEST ? [tooLow(solver, strongest)] : [];
  },
};

interface Summed {
  readonly layer: NetLayer;
  /** Sums over this many places instead of taking their mean. */
  readonly positions: number;
  /** By how much its gradient is greater than that of a mean with loss_weight 1. */
  readonly times: number;
}

function summed(layer: NetLayer): Summed {
  const positions = layer.type.addedUp!(layer.context);
  return { layer, positions, times: positions * Math.abs(layer.lossWeights[0] ?? 1) };
}

function place(solver: SolverParameter): Pick<Diagnostic, 'location'> {
  const location = placeOf({ message: solver, field: 'base_lr' });
  return location ? { location } : {};
}

function tooHigh(graph: NetGraph, solver: SolverParameter, { layer, positions }: Summed): Diagnostic {
  const rate = formatFloat(solver.base_lr);
  const sums =
    positions > 1
      ? `The loss "${layer.name}" adds up over ${positions} numbers instead of taking their mean, and `
      : '';
  const mean = `1e${Math.round(Math.log10(1e-4 / positions))}`;
  return error('learning-rate', `${sums}base_lr is ${rate}: training will most likely explode.`, {
    severity: 'warning',
    layer: layer.name,
    ...place(solver),
    hint:
      positions > 1
        ? `Take the mean, loss_param { normalization: VALID }, or a base_lr of about ${mean}.`
        : `Rates of ${graph.layers.length > 20 ? '0.0001 to 0.01' : '0.001 to 0.1'} are usual.`,
  });
}

function tooLow(solver: SolverParameter, { layer, positions }: Summed): Diagnostic {
  const how = positions > 1 ? `adds up over ${positions} numbers` : 'is a mean';
  return error(
    'learning-rate',
    `The loss "${layer.name}" ${how}, and base_lr is ${formatFloat(solver.base_lr)}: training will stand still.`,
    {
      severity: 'warning',
      layer: layer.name,
      ...place(solver),
      hint:
        positions > 1
          ? 'Raise base_lr.'
          : 'Such rates are made for a loss that adds up over all pixels (normalize: false). For a mean 1e-4 to 0.01 is usual.',
    },
  );
}
