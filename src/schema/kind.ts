/** What a text is, by its fields. */

import { parseSyntax } from '../../grammar/index.js';

/** A solver is short, and of a long text the beginning says what it is. */
const ENOUGH = 2 ** 16;

/** Whether more of a text's top-level fields are a solver's than a network's. */
export function looksLikeSolver(text: string): boolean {
  const names = parseSyntax({ name: '', text: text.slice(0, ENOUGH) }).document.fields.map(f => f.name);
  const count = (known: ReadonlySet<string>) => names.filter(n => known.has(n)).length;
  return count(SOLVER_FIELDS) > count(NET_FIELDS);
}

const NET_FIELDS = new Set(['layer', 'layers', 'input', 'input_dim', 'input_shape', 'force_backward', 'state']);
const SOLVER_FIELDS = new Set([
  ...['net', 'net_param', 'train_net', 'test_net', 'train_net_param', 'test_net_param', 'train_state', 'test_state'],
  ...['base_lr', 'lr_policy', 'gamma', 'power', 'momentum', 'momentum2', 'weight_decay', 'stepsize', 'stepvalue'],
  ...['max_iter', 'iter_size', 'test_iter', 'test_interval', 'display', 'snapshot', 'snapshot_prefix', 'type'],
  ...['solver_mode', 'solver_type', 'regularization_type', 'random_seed', 'clip_gradients', 'test_initialization'],
]);
