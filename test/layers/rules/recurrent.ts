/** RNN and LSTM, step by step. */

import fc from 'fast-check';
import { add, type Case, dim, type Numbers, ownNumbers, some, whole } from './case.js';

export const recurrent = (type: 'RNN' | 'LSTM') =>
  fc
    .record({
      steps: dim(3),
      samples: dim(2),
      width: dim(3),
      inputs: dim(3),
      fixed: fc.boolean(),
      exposed: fc.boolean(),
    })
    .map(
      ownNumbers((c): Case => {
        const [states, gates] = type === 'LSTM' ? [2, 4] : [1, 1];
        const rows = gates * c.width;
        const x = some(c.steps * c.samples * c.inputs);
        const cont = whole(c.steps * c.samples, 2);
        const still = some(c.samples * 2);
        const first = Array.from({ length: states }, () =>
          c.exposed ? some(c.samples * c.width) : new Float32Array(c.samples * c.width),
        );
        const weights = {
          x: some(rows * c.inputs),
          b: some(rows),
          fixed: some(rows * 2),
          h: some(rows * c.width),
          o: some(c.width ** 2),
          ob: some(c.width),
        };
        const dot = (w: Numbers, row: number, v: Numbers, from: number, n: number) =>
          add(Array.from({ length: n }, (_, i) => w[row * n + i]! * v[from + i]!));
        const state = first.map(s => Array.from(s));
        const top: number[] = [];
        const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
        for (let t = 0; t < c.steps; t++) {
          const before = state.map(s => [...s]);
          for (let n = 0; n < c.samples; n++) {
            const going = cont[t * c.samples + n]!;
            const h = before[0]!.slice(n * c.width, (n + 1) * c.width).map(v => v * going);
            const gate = (r: number) =>
              dot(weights.x, r, x, (t * c.samples + n) * c.inputs, c.inputs) +
              weights.b[r]! +
              (c.fixed ? dot(weights.fixed, r, still, n * 2, 2) : 0) +
              dot(weights.h, r, h, 0, c.width);
            for (let d = 0; d < c.width; d++) {
              const place = n * c.width + d;
              if (type === 'RNN') state[0]![place] = Math.tanh(gate(d));
              else {
                const [input, forget, output] = [0, 1, 2].map(k => sigmoid(gate(k * c.width + d))) as [
                  number,
                  number,
                  number,
                ];
                state[1]![place] = going * forget * before[1]![place]! + input * Math.tanh(gate(3 * c.width + d));
                state[0]![place] = output * Math.tanh(state[1]![place]!);
              }
            }
            const now = state[0]!.slice(n * c.width, (n + 1) * c.width);
            top.push(
              ...now.map((v, d) =>
                type === 'LSTM' ? v : Math.tanh(dot(weights.o, d, now, 0, c.width) + weights.ob[d]!),
              ),
            );
          }
        }
        const given = c.exposed ? Object.fromEntries(first.map((s, i) => [`first${i}`, s])) : {};
        const shapes = {
          x: [c.steps, c.samples, c.inputs],
          cont: [c.steps, c.samples],
          ...(c.fixed && { still: [c.samples, 2] }),
          ...Object.fromEntries(Object.keys(given).map(name => [name, [1, c.samples, c.width]])),
        };
        const params = [
          weights.x,
          weights.b,
          ...(c.fixed ? [weights.fixed] : []),
          weights.h,
          ...(type === 'RNN' ? [weights.o, weights.ob] : []),
        ];
        const body = `recurrent_param { num_output: ${c.width} expose_hidden: ${c.exposed} }`;
        return {
          type,
          body,
          shapes,
          feeds: { x, cont, ...(c.fixed && { still }), ...given },
          params,
          tops: [top, ...(c.exposed ? state : [])],
        };
      }),
    );
