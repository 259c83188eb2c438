/** The table of ops. */

import type { OpName } from '../types.js';
import { control } from './control.js';
import type { OpTable } from './definition.js';
import { elementwise } from './elementwise.js';
import { gathering } from './gather.js';
import { leaves } from './leaves.js';
import { linear } from './linear.js';
import { pooling } from './pool.js';
import { reductions } from './reduce.js';
import { shapes } from './shape.js';

export const ops: OpTable<OpName> = {
  ...leaves,
  ...elementwise,
  ...reductions,
  ...shapes,
  ...gathering,
  ...linear,
  ...pooling,
  ...control,
};

export type { OpDefinition } from './definition.js';
