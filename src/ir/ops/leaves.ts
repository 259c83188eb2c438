/** Values that come from outside: inputs, variables, constants. */

import type { OpTable } from './definition.js';

export const leaves: OpTable<'input' | 'variable' | 'constant'> = {
  input: { shapes: (_, { shape }) => [shape] },
  variable: { shapes: (_, { shape }) => [shape] },
  constant: { shapes: (_, { shape }) => [shape] },
};
