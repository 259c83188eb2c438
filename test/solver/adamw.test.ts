/** AdamW with cosine annealing and averaged weights against PyTorch, on the reference engine and on onnxruntime. */

import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engines/index.js';
import { createEngine } from '../../src/engines/node/index.js';
import { parseSolver } from '../../src/schema/index.js';
import { averageDecay, checkSolver } from '../../src/solver/index.js';
import { Solver } from '../../src/train/solver.js';
import { readWeights } from '../../src/weights/index.js';

/**
 * Of torch 2 in double precision, by /opt/bench/bin/python:
 *
 *     x, t = torch.tensor([[1, 2, -1], [.5, -1, 2]]), torch.tensor([[1], [-1]])
 *     net = torch.nn.Linear(3, 1, bias=False); net.weight.data = torch.tensor([[.5, -.25, .125]])
 *     opt = torch.optim.AdamW(net.parameters(), lr=.1, betas=(.9, .99), eps=1e-3, weight_decay=.1)
 *     sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=8, eta_min=.01)
 *     ema = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(.8))
 *     for i in range(6): loss = ((net(x) - t) ** 2).sum() / 4; …; opt.step(); sched.step(); ema.update_parameters(net)
 */
const TORCH = {
  weights: [
    [0.5942063, -0.14755, 0.0237932],
    [0.6462773, -0.0514029, -0.0718846],
    [0.6330039, 0.0309269, -0.1551374],
    [0.59548, 0.094829, -0.2213332],
    [0.5570636, 0.1393496, -0.2689644],
    [0.5268547, 0.1668793, -0.2996248],
  ],
  averages: [
    [0.5942063, -0.14755, 0.0237932],
    [0.6046205, -0.1283206, 0.0046577],
    [0.6102972, -0.0964711, -0.0273014],
    [0.6073338, -0.0582111, -0.0661077],
    [0.5972797, -0.0186989, -0.106679],
    [0.5831947, 0.0184167, -0.1452682],
  ],
  rates: [0.1, 0.0965745789630079, 0.08681980515339463, 0.07222075445642905, 0.055, 0.03777924554357096],
};

const NET = `input: "x" input_shape { dim: 2 dim: 3 } input: "t" input_shape { dim: 2 dim: 1 }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 bias_term: false } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }`;
const ADAMW = `type: "AdamW" base_lr: 0.1 momentum: 0.9 momentum2: 0.99 delta: 1e-3 weight_decay: 0.1 lr_policy: "cosine"
  max_iter: 8 random_seed: 1 mokapot_param { min_lr: 0.01 ema_decay: 0.8 ema_ramp: false }`;
const feeds = { x: [1, 2, -1, 0.5, -1, 2], t: [1, -1] };

async function solverOn(engine: Engine, text = ADAMW): Promise<Solver> {
  const solver = await Solver.fromText(`${text} net_param { ${NET} }`, { engine });
  solver.net.params.get('ip')![0]!.data = [0.5, -0.25, 0.125];
  return solver;
}

async function savedWeights(solver: Solver): Promise<readonly number[]> {
  const { weights } = await solver.snapshotBytes();
  return [...readWeights(weights).layers.get('ip')![0]!.data];
}

function near(found: ArrayLike<number>, wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((w, i) => {
    expect(found[i]).toBeCloseTo(w, 6);
  });
}

describe.each(['host', 'onnx', 'wasm'])('on %s', name => {
  it('weights, averages and rates are those of torch', async () => {
    const engine = await createEngine(name);
    const solver = await solverOn(engine);
    for (const [i, wanted] of TORCH.weights.entries()) {
      expect(solver.rate).toBeCloseTo(TORCH.rates[i]!, 7);
      await solver.step(1, feeds);
      near(solver.net.params.get('ip')![0]!.data, wanted);
      near(await savedWeights(solver), TORCH.averages[i]!);
      near(solver.net.params.get('ip')![0]!.data, wanted);
    }
    await solver.dispose();
    engine.dispose();
  });
});

it('decay_mult 0 and lr_mult 0 leave the decay out', async () => {
  const engine = await createEngine('host');
  const spec = (text: string) => NET.replace('type: "InnerProduct"', `type: "InnerProduct" param { ${text} }`);
  const still = await Solver.fromText(`${ADAMW} net_param { ${spec('lr_mult: 0')} force_backward: true }`, { engine });
  still.net.params.get('ip')![0]!.data = [0.5, -0.25, 0.125];
  await still.step(2, feeds);
  near(still.net.params.get('ip')![0]!.data, [0.5, -0.25, 0.125]);
  const [free, none] = [ADAMW, ADAMW.replace('weight_decay: 0.1', '')];
  const plain = await solverOn(engine, none);
  const spared = await Solver.fromText(`${free} net_param { ${spec('decay_mult: 0')} }`, { engine });
  spared.net.params.get('ip')![0]!.data = [0.5, -0.25, 0.125];
  for (const solver of [plain, spared]) await solver.step(3, feeds);
  expect(spared.net.params.get('ip')![0]!.data).toEqual(plain.net.params.get('ip')![0]!.data);
  await Promise.all([still, plain, spared].map(s => s.dispose()));
  engine.dispose();
});

describe('the average', () => {
  const decays = (text: string, iters: readonly number[]) => {
    const { message } = parseSolver(`mokapot_param { ${text} }`);
    return iters.map(iter => averageDecay(message, iter));
  };

  it('begins with the weights of ema_start, and forgets its beginning', () => {
    near(decays('ema_decay: 0.9', [0, 1, 2, 71, 80, 1000]), [0, 2 / 11, 3 / 12, 72 / 81, 0.9, 0.9]);
    near(decays('ema_decay: 0.9 ema_start: 10', [0, 9, 10, 11]), [0, 0, 0, 2 / 11]);
    near(decays('ema_decay: 0.9 ema_start: 10 ema_ramp: false', [10, 11]), [0, 0.9]);
  });
});

describe('checks', () => {
  const check = (text: string) =>
    checkSolver(parseSolver(`base_lr: 0.1 lr_policy: "fixed" max_iter: 10 ${text}`, { name: 's' }).message).map(
      d => `${d.severity} ${d.code}`,
    );
  const own = (text: string) => check(`mokapot_param { ${text} }`);

  it.each([
    ['warmup_iter: 5 ema_decay: 0.999', []],
    ['warmup_iter: -1', ['error solver-number']],
    ['warmup_iter: 3 warmup_start: 2', ['error solver-number']],
    ['warmup_iter: 10', ['warning solver-own']],
    ['warmup_start: 0.5', ['warning solver-own']],
    ['min_lr: 0.01', ['warning solver-own']],
    ['ema_decay: 1', ['error solver-number']],
    ['ema_decay: nan', ['error solver-number']],
    ['ema_start: 5', ['warning solver-own']],
    ['ema_decay: 0.9 ema_start: 10', ['warning solver-own']],
    ['early_stopping { output: "dice" }', ['warning solver-own']],
    ['keep_best: "dice"', ['warning solver-own']],
    ['oversample { class: "1" factor: 0.5 }', ['error solver-number']],
    ['oversample { class: "1" factor: 1e10 }', ['error solver-number']],
    ['oversample { factor: 3 }', ['error oversample']],
    ['class_weights: "auto"', []],
    ['class_weights: "1, 2.5e-1"', []],
    ['class_weights: "median"', ['error class-weights']],
    ['class_weights: "1,"', ['error class-weights']],
  ])('%s', (text, expected) => {
    expect(own(text)).toEqual(expected);
  });

  it('early stopping wants an output, a patience and a finite step', () => {
    const tests = 'test_iter: 1 test_interval: 5';
    const stopping = (text: string) => check(`${tests} mokapot_param { early_stopping { ${text} } }`);
    expect(stopping('output: "dice:max" patience: 3 min_delta: 0.001')).toEqual([]);
    expect(stopping('patience: 3')).toEqual(['error early-stopping']);
    expect(stopping('output: "dice" patience: 0 min_delta: -1')).toEqual([
      'error solver-number',
      'error solver-number',
    ]);
  });

  it('a floor above base_lr, and L1 beside AdamW', () => {
    const cosine = (text: string) =>
      checkSolver(parseSolver(`base_lr: 0.1 lr_policy: "cosine" max_iter: 10 ${text}`).message).map(d => d.code);
    expect(cosine('mokapot_param { min_lr: 0.2 }')).toEqual(['solver-own']);
    expect(cosine('type: "AdamW" weight_decay: 0.1 regularization_type: "L1"')).toEqual(['solver-decay']);
    expect(cosine('')).toEqual([]);
  });
});
