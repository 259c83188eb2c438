/** Learning-rate policies against their formulas, and what is said of a solver that lacks something. */

import { describe, expect, it } from 'vitest';
import { parseSolver } from '../../src/schema/index.js';
import { checkSolver, policyNames, rateAt } from '../../src/solver/index.js';

const solver = (text: string) => parseSolver(text, { name: 's' }).message;

/** The rates of iterations 0, 1, 2, … */
function rates(text: string, count: number): number[] {
  const param = solver(`base_lr: 1 ${text}`);
  let step = 0;
  return Array.from({ length: count }, (_, iter) => {
    const { rate, currentStep } = rateAt(param, iter, step);
    step = currentStep;
    return rate;
  });
}

const near = (found: number[], wanted: number[]) => {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((w, i) => {
    expect(found[i]).toBeCloseTo(w, 6);
  });
};

describe('rates', () => {
  it('follow each policy', () => {
    const still = solver('base_lr: 0 lr_policy: "cosine" max_iter: 2');
    const rising = solver('base_lr: 0 lr_policy: "cosine" max_iter: 2 mokapot_param { min_lr: 0.2 }');
    near(rates('lr_policy: "fixed"', 3), [1, 1, 1]);
    near(rates('lr_policy: "step" gamma: 0.5 stepsize: 2', 5), [1, 1, 0.5, 0.5, 0.25]);
    near(rates('lr_policy: "exp" gamma: 0.5', 4), [1, 0.5, 0.25, 0.125]);
    near(rates('lr_policy: "inv" gamma: 1 power: 2', 3), [1, 1 / 4, 1 / 9]);
    near(rates('lr_policy: "multistep" gamma: 0.5 stepvalue: 1 stepvalue: 3', 5), [1, 0.5, 0.5, 0.25, 0.25]);
    near(rates('lr_policy: "poly" power: 2 max_iter: 4', 5), [1, 9 / 16, 4 / 16, 1 / 16, 0]);
    near(rates('lr_policy: "sigmoid" gamma: -1 stepsize: 1', 3), [1 / (1 + Math.exp(-1)), 0.5, 1 / (1 + Math.E)]);
    near(rates('lr_policy: "cosine" max_iter: 4', 6), [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2, 0, 0]);
    near(rates('lr_policy: "cosine" max_iter: 2 mokapot_param { min_lr: 0.2 }', 3), [1, 0.6, 0.2]);
    near(
      [0, 1, 2].map(i => rateAt(still, i, 0).rate),
      [0, 0, 0],
    );
    near(
      [0, 1, 2].map(i => rateAt(rising, i, 0).rate),
      [0, 0.1, 0.2],
    );
    expect(policyNames).toHaveLength(8);
  });

  it('rise to the policy in the iterations of warm-up', () => {
    // torch.optim.lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=4)
    const warm = 'mokapot_param { warmup_iter: 4 warmup_start: 0.25 }';
    near(rates(`lr_policy: "fixed" ${warm}`, 6), [0.25, 0.4375, 0.625, 0.8125, 1, 1]);
    near(rates(`lr_policy: "step" gamma: 0.5 stepsize: 2 ${warm}`, 5), [0.25, 0.4375, 0.3125, 0.40625, 0.25]);
    near(rates('lr_policy: "fixed" mokapot_param { warmup_iter: 2 }', 3), [0.1, 0.55, 1]);
  });

  it('count a multistep from the step that a snapshot had', () => {
    const param = solver('base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 1 stepvalue: 3');
    expect(rateAt(param, 10, 1)).toEqual({ rate: 0.25, currentStep: 2 });
    expect(rateAt(param, 10, 2)).toEqual({ rate: 0.25, currentStep: 2 });
  });
});

describe('checks', () => {
  const check = (text: string) => checkSolver(solver(text)).map(d => `${d.severity} ${d.code}`);
  const BASE = 'base_lr: 0.1 lr_policy: "fixed"';

  it.each([
    [BASE, []],
    ['lr_policy: "fixed"', ['error no-base-lr']],
    ['base_lr: 0.1', ['error no-lr-policy']],
    ['base_lr: nan lr_policy: "fixed"', ['error bad-base-lr']],
    ['base_lr: 0.1 lr_policy: "Step"', ['error unknown-lr-policy']],
    ['base_lr: 0.1 lr_policy: "toString"', ['error unknown-lr-policy']],
    ['base_lr: 0.1 lr_policy: "step" gamma: 0.1', ['error lr-policy-field']],
    ['base_lr: 0.1 lr_policy: "step" stepsize: 5', ['warning lr-policy-field']],
    ['base_lr: 0.1 lr_policy: "poly" power: 1', ['error lr-policy-field']],
    ['base_lr: 0.1 lr_policy: "cosine"', ['error lr-policy-field']],
    ['base_lr: 0.1 lr_policy: "inv"', ['warning lr-policy-field', 'warning lr-policy-field']],
    [`${BASE} type: "Sgd"`, ['error unknown-solver-type']],
    [`${BASE} type: "AdaGrad" momentum: 0.9`, ['error solver-momentum']],
    [`${BASE} type: "RMSProp" rms_decay: 1`, ['error solver-rms-decay']],
    [`${BASE} regularization_type: "L3"`, ['error unknown-regularization']],
    [`${BASE} average_loss: 0 iter_size: -1`, ['error solver-number', 'error solver-number']],
    [`${BASE} snapshot_format: HDF5`, []],
    [`${BASE} snapshot_diff: true`, ['warning snapshot-diff']],
    [`${BASE} momentum: inf`, ['error solver-number']],
    [`${BASE} test_iter: 0 test_interval: 5`, ['error solver-number']],
    [`${BASE} momentum: 0.99`, []],
    ['base_lr: 0 lr_policy: "fixed"', ['warning solver-number']],
  ])('%s', (text, expected) => {
    expect(check(text)).toEqual(expected);
  });

  it('point at the field and propose the nearest name', () => {
    const [d] = checkSolver(solver('base_lr: 0.1\nlr_policy: "stp"'));
    expect(d!.hint).toContain('Did you mean "step"?');
    expect(d!.location!.range.start).toMatchObject({ line: 2, column: 12 });
  });

  it.each([
    [`${BASE} momentum: 2`, 'momentum is 2: each step takes the last one 2 times, so steps grow without bound.'],
    [`${BASE} momentum: 1`, 'momentum is 1: a gradient counts in every later step in full, and steps do not settle.'],
    [`${BASE} momentum: -0.5`, 'momentum is -0.5: each step takes back a part of the last one.'],
    [
      `${BASE} momentum: 2 type: "Adam"`,
      'momentum is 2: it is the decay of running means, which are means from 0 up to 1 only.',
    ],
    ['base_lr: -1 lr_policy: "fixed"', 'base_lr is -1: weights move up the gradient, and the loss grows.'],
    [`${BASE} test_iter: [3, 0]`, 'test_iter is 3, 0: a test of no batches has no results.'],
  ])('%s: what follows', (text, message) => {
    expect(checkSolver(solver(text)).map(d => d.message)).toEqual([message]);
  });
});
