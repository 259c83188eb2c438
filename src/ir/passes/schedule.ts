/**
 * Schedule: when each value may go. Nodes that only lead to assignments (a solver's update) run as soon as what they
 * read is there, not at the end, so that a gradient is used up the moment it is made and its memory is free again.
 */

import { need, nth } from '../../diagnostics/index.js';
import type { Graph, Node, Value } from '../types.js';
import { elementwiseTail } from './tail.js';

export interface Schedule {
  readonly nodes: readonly Node[];
  /** For each node, the values nobody reads after it. */
  readonly releases: readonly (readonly Value[])[];
  /**
   * For each node, the assignments that may be done right after it: their value is there and no node still to come
   * reads the variable.
   */
  readonly commits: readonly (readonly Graph['assignments'][number][])[];
}

/** The schedule of `nodes`, keeping `kept` to the end. */
export function schedule(
  nodes: readonly Node[],
  assignments: Graph['assignments'],
  kept: ReadonlySet<Value>,
): Schedule {
  const ordered = hoistUpdates(nodes, assignments, kept);
  const position = new Map(ordered.map((n, i) => [n, i]));
  const lastUse = new Map<Value, number>();
  const lastRead = new Map<string, number>();
  ordered.forEach((node, i) => {
    for (const v of node.outputs) lastUse.set(v, i);
    for (const v of node.inputs) {
      lastUse.set(v, i);
      // An alias of a variable reads it as long as the alias lives.
      for (const name of variablesBehind(v)) lastRead.set(name, i);
    }
  });
  const commits: Graph['assignments'][number][][] = ordered.map(() => []);
  for (const assignment of assignments) {
    const computed = position.get(assignment.value.node);
    if (computed === undefined) throw new Error(`IR: the value of ${assignment.variable} is not in the graph`);
    const at = Math.max(computed, lastRead.get(assignment.variable) ?? 0);
    nth(commits, at).push(assignment);
    lastUse.set(assignment.value, Math.max(need(lastUse, assignment.value), at));
  }
  const releases: Value[][] = ordered.map(() => []);
  for (const [value, at] of lastUse) if (!kept.has(value)) nth(releases, at).push(value);
  return { nodes: ordered, releases, commits };
}

function variablesBehind(v: Value): readonly string[] {
  let value = v;
  while (value.node.op === 'reshape' || value.node.op === 'stopGradient') value = value.node.inputs[0];
  return value.node.op === 'variable' ? [value.node.attrs.name] : [];
}

/** Moves updates, which lead to nothing but assignments, up behind the last of their inputs. */
function hoistUpdates(
  nodes: readonly Node[],
  assignments: Graph['assignments'],
  kept: ReadonlySet<Value>,
): readonly Node[] {
  const updates = elementwiseTail(nodes, kept, new Set(assignments.map(a => a.value)));
  const rank = new Map<Node, number>();
  nodes.forEach((node, i) => {
    const isUpdate = updates.has(node) && node.inputs.length > 0;
    rank.set(node, isUpdate ? Math.max(...node.inputs.map(v => need(rank, v.node))) + 1e-6 : i);
  });
  return [...nodes].sort((a, b) => need(rank, a) - need(rank, b) || a.id - b.id);
}
