/**
 * The solver's part of a training graph: from the gradients to the parameters' new values, in the order of Caffe's
 * SGDSolver::ApplyUpdate: ClipGradients, Normalize, Regularize, ComputeUpdateValue, Net::Update. Everything but the
 * norm for clipping is elementwise, so that an engine makes one loop of it per parameter and runs it as soon as that
 * parameter's gradient is there.
 */

import type { Builder, Graph, Shape, Value } from '../ir/index.js';
import type { SolverParameter } from '../schema/index.js';
import { averageDecay, averagesWeights } from './average.js';
import { updateRules } from './rules/index.js';

/** The graph input that carries the learning rate, a scalar. */
export const RATE = '@rate';

/** What the rules need to know of a parameter. */
export interface TrainableParam {
  readonly key: string;
  readonly shape: Shape;
  readonly lrMult: number;
  readonly decayMult: number;
}

/** Variable of a parameter's history. */
export function historyKey(key: string, slot: number): string {
  return `history${slot}/${key}`;
}

/** Variable in which gradients add up over iter_size passes. */
export function accumulatorKey(key: string): string {
  return `accumulated/${key}`;
}

/** Variable of the average of a parameter's values. */
export function averageKey(key: string): string {
  return `average/${key}`;
}

/** The graph input that carries how much of the averages stays, a scalar. */
const KEPT = '@kept';

/** Graph input of a scalar that a rule asks for. */
export function scalarKey(name: string): string {
  return `@${name}`;
}

/** What must be fed at iteration `iter`, by graph input. */
export function solverFeeds(param: SolverParameter, iter: number, rate: number): Map<string, Float32Array> {
  const scalars = updateRules.get(param.type)!.scalars?.(param, iter) ?? {};
  const feeds = new Map([[RATE, Float32Array.of(rate)]]);
  for (const [name, value] of Object.entries(scalars)) feeds.set(scalarKey(name), Float32Array.of(value));
  if (averagesWeights(param)) feeds.set(KEPT, Float32Array.of(averageDecay(param, iter)));
  return feeds;
}

interface Parts {
  readonly gradients: ReadonlyMap<string, Value>;
  readonly params: ReadonlyMap<string, Value>;
  /** New values of parameters that layers change themselves: BatchNorm's statistics. */
  readonly updates: ReadonlyMap<string, Value>;
}

/** Adds this pass's gradients to the accumulators. */
export function accumulate(
  b: Builder,
  { gradients }: Pick<Parts, 'gradients'>,
  trainable: readonly TrainableParam[],
): Graph['assignments'] {
  return trainable.flatMap(({ key, shape }) => {
    const gradient = gradients.get(key);
    const variable = accumulatorKey(key);
    return gradient ? [{ variable, value: b.add(b.variable(variable, shape), gradient) }] : [];
  });
}

/**
 * One iteration's update of the parameters `trainable` and their history. With iter_size above 1 this pass's gradients
 * are added to the accumulators' and those start anew. Where weights are averaged, `kept` are the other parameters that
 * change, by layers of their own.
 */
export function applyUpdate(
  b: Builder,
  parts: Parts,
  trainable: readonly TrainableParam[],
  param: SolverParameter,
  kept: readonly Pick<TrainableParam, 'key' | 'shape'>[] = [],
): Graph['assignments'] {
  const average = averaging(b, param);
  const rule = updateRules.get(param.type)!;
  const rates = new Map<number, Value>();
  const raw = new Map(trainable.map(p => [p.key, totalGradient(b, parts, p, param)]));
  const clip = clipFactor(b, [...raw.values()], param);
  return b.withLabel('@solver', () => [
    ...kept.flatMap(p => average(p, parts.updates.get(p.key) ?? parts.params.get(p.key)!)),
    ...trainable.flatMap(p => {
      const weight = parts.params.get(p.key)!;
      const history = Array.from({ length: rule.slots }, (_, slot) => b.variable(historyKey(p.key, slot), p.shape));
      const plain = normalize(b, raw.get(p.key), clip, param);
      const decay = param.weight_decay * p.decayMult;
      const gradient = rule.decouplesDecay ? plain : regularize(b, decay, weight, plain, param);
      if (!rates.has(p.lrMult)) rates.set(p.lrMult, b.mul(b.input(RATE, []), p.lrMult));
      const update = rule.update(b, {
        param,
        weight,
        gradient: gradient ?? b.zeros(p.shape),
        decay,
        history,
        rate: rates.get(p.lrMult)!,
        scalar: name => b.input(scalarKey(name), []),
      });
      const moved = b.sub(weight, update.step);
      return [
        ...update.history.map((value, slot) => ({ variable: historyKey(p.key, slot), value })),
        { variable: p.key, value: moved },
        ...average(p, moved),
        ...(param.iter_size > 1 && parts.gradients.has(p.key)
          ? [{ variable: accumulatorKey(p.key), value: b.zeros(p.shape) }]
          : []),
      ];
    }),
  ]);
}

/** What takes a parameter's new value into its average: nothing where weights are not averaged. */
function averaging(b: Builder, param: SolverParameter) {
  if (!averagesWeights(param)) return () => [];
  const share = b.input(KEPT, []);
  return ({ key, shape }: Pick<TrainableParam, 'key' | 'shape'>, value: Value): Graph['assignments'] => {
    const variable = averageKey(key);
    const before = b.variable(variable, shape);
    return [{ variable, value: b.add(value, b.mul(b.sub(before, value), share)) }];
  };
}

function totalGradient(b: Builder, { gradients }: Parts, p: TrainableParam, param: SolverParameter): Value | undefined {
  const gradient = gradients.get(p.key);
  if (!gradient || param.iter_size <= 1) return gradient;
  return b.add(b.variable(accumulatorKey(p.key), p.shape), gradient);
}

/** clip_gradients over the L2 norm of all gradients together, where that is greater; undefined without clipping. */
function clipFactor(
  b: Builder,
  gradients: readonly (Value | undefined)[],
  { clip_gradients: limit }: SolverParameter,
): Value | undefined {
  if (limit < 0) return undefined;
  return b.withLabel('@clip', () => {
    const squares = gradients.flatMap(g => (g ? [b.sum(b.mul(g, g))] : []));
    const norm = b.sqrt(squares.reduce((sum, s) => b.add(sum, s), b.scalar(0)));
    return b.select(b.greater(norm, limit), b.div(limit, norm), 1);
  });
}

function normalize(b: Builder, gradient: Value | undefined, clip: Value | undefined, { iter_size }: SolverParameter) {
  const clipped = gradient && clip ? b.mul(gradient, clip) : gradient;
  return clipped && b.mul(clipped, 1 / iter_size);
}

function regularize(
  b: Builder,
  decay: number,
  weight: Value,
  gradient: Value | undefined,
  param: SolverParameter,
): Value | undefined {
  if (decay === 0) return gradient;
  const term = b.mul(param.regularization_type === 'L1' ? b.sign(weight) : weight, decay);
  return gradient ? b.add(gradient, term) : term;
}
