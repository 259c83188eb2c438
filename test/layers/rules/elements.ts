/** Layers that work on each element alone. */

import fc from 'fast-check';
import { sizeOf } from '../../../src/ir/index.js';
import { anyShape, type Case, dim, number, ownNumbers, positive, some } from './case.js';

/** Parameters, and what becomes of one number; `least` keeps the inputs above it. */
interface Neuron {
  readonly body: string;
  readonly rule: (x: number) => number;
  readonly least?: number;
}

const neuron = (type: string, of: fc.Arbitrary<Neuron>) =>
  fc.tuple(anyShape, of).map(
    ownNumbers(([shape, { body, rule, least }]): Case => {
      const x = some(sizeOf(shape), 3).map(v => (least === undefined ? v : Math.abs(v) + least));
      return { type, body, shapes: { x: shape }, feeds: { x }, phase: 'TEST', tops: [Array.from(x, rule)] };
    }),
  );

const NEURONS: Readonly<Record<string, fc.Arbitrary<Neuron>>> = {
  AbsVal: fc.constant({ body: '', rule: Math.abs }),
  BNLL: fc.constant({ body: '', rule: x => Math.log1p(Math.exp(x)) }),
  Sigmoid: fc.constant({ body: '', rule: x => 1 / (1 + Math.exp(-x)) }),
  Mish: fc.constant({ body: '', rule: x => x * Math.tanh(Math.log1p(Math.exp(x))) }),
  TanH: fc.constant({ body: '', rule: Math.tanh }),
  ReLU: number.map(s => ({ body: `relu_param { negative_slope: ${s} }`, rule: x => (x > 0 ? x : s * x) })),
  ELU: positive.map(a => ({ body: `elu_param { alpha: ${a} }`, rule: x => (x > 0 ? x : a * Math.expm1(x)) })),
  Swish: number.map(beta => ({ body: `swish_param { beta: ${beta} }`, rule: x => x / (1 + Math.exp(-beta * x)) })),
  Clip: fc.tuple(number, positive).map(([min, width]) => ({
    body: `clip_param { min: ${min} max: ${min + width} }`,
    rule: x => Math.min(Math.max(x, min), min + width),
  })),
  Threshold: number.map(t => ({ body: `threshold_param { threshold: ${t} }`, rule: x => Number(x > t) })),
  Dropout: fc.constant({ body: 'dropout_param { dropout_ratio: 0.3 }', rule: x => x }),
  Exp: fc.tuple(fc.constantFrom(-1, 0.5, 2), number, number).map(([base, scale, shift]) => ({
    body: `exp_param { base: ${base} scale: ${scale} shift: ${shift} }`,
    rule: x => (base === -1 ? Math.E : base) ** (shift + scale * x),
  })),
  Log: fc.tuple(fc.constantFrom(-1, 0.5, 10), positive, positive).map(([base, scale, shift]) => ({
    body: `log_param { base: ${base} scale: ${scale} shift: ${shift} }`,
    rule: x => Math.log(shift + scale * x) / (base === -1 ? 1 : Math.log(base)),
    least: 0.1,
  })),
  Power: fc.tuple(fc.constantFrom(-1, 0, 0.5, 1, 2, 3), positive, positive).map(([power, scale, shift]) => ({
    body: `power_param { power: ${power} scale: ${scale} shift: ${shift} }`,
    rule: x => (shift + scale * x) ** power,
    least: 0.1,
  })),
};

export const prelu = fc.tuple(anyShape, dim(3), fc.boolean()).map(
  ownNumbers(([lead, channels, shared]): Case => {
    const shape = [lead[0]!, channels, ...lead.slice(1)];
    const [x, slope] = [some(sizeOf(shape)), some(shared ? 1 : channels)];
    const inner = sizeOf(shape.slice(2));
    const top = Array.from(x, (v, i) => (v > 0 ? v : v * slope[shared ? 0 : Math.floor(i / inner) % channels]!));
    return {
      type: 'PReLU',
      body: `prelu_param { channel_shared: ${shared} }`,
      shapes: { x: shape },
      feeds: { x },
      params: [slope],
      tops: [top],
    };
  }),
);

/** A rule for each type. */
export const neurons: Readonly<Record<string, fc.Arbitrary<Case>>> = Object.fromEntries(
  Object.entries(NEURONS).map(([type, of]) => [type, neuron(type, of)]),
);
