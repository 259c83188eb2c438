/** What an engine may hold, and what is done about a graph that would take more. */

import { type Diagnostic, fail, need, nth } from '../diagnostics/index.js';
import { type Planned, planWithin } from '../ir/passes/recompute.js';
import type { Schedule } from '../ir/passes/schedule.js';
import { sizeOf } from '../ir/shape.js';
import type { Graph, Node, Value } from '../ir/types.js';

/** Of an engine, what deciding about a graph takes. */
interface Holder {
  readonly name: string;
  readonly limit: number;
  memory(): { readonly bytes: number };
  /** Takes what a person should know. */
  note(diagnostic: Diagnostic): void;
}

/** The graph's plan, or that of one that does the same by computing once more what does not fit; then the engine is told a note. */
export function planWithinMemory<P extends Planned>(engine: Holder, graph: Graph, planOf: (graph: Graph) => P): P {
  const found = planWithin(graph, engine.limit - engine.memory().bytes, planOf);
  if (found.graph !== graph) engine.note(recomputes(engine));
  return found.plan;
}

function recomputes({ name, limit }: Holder): Diagnostic {
  const message = `To stay within the ${megabytes(limit)} that the ${name} engine may hold, the backward pass computes parts of the forward pass once more.`;
  const hint = 'A step takes up to a third longer so; a smaller batch or picture needs less.';
  return { code: 'recomputes', severity: 'note', message, hint };
}

/** Rounded up, for messages. */
export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}

/** Most bytes of temporaries at once; aliases cost nothing, and a variable's new value counts until it takes the old one's place. */
export function peakOf({ nodes, releases }: Schedule, scratch: (n: Node) => number): number {
  const storage = new Map<Value, { bytes: number; handles: number }>();
  let bytes = 0;
  let peak = 0;
  nodes.forEach((node, i) => {
    const isAlias = node.op === 'reshape' || node.op === 'stopGradient';
    for (const v of node.outputs) {
      const own = isAlias
        ? need(storage, node.inputs[0])
        : { bytes: node.op === 'variable' ? 0 : sizeOf(v.shape) * 4, handles: 0 };
      own.handles++;
      storage.set(v, own);
      if (!isAlias) bytes += own.bytes;
    }
    peak = Math.max(peak, bytes + scratch(node));
    for (const v of nth(releases, i)) {
      const own = need(storage, v);
      if (--own.handles === 0) bytes -= own.bytes;
    }
  });
  return peak;
}

export function tooLarge(device: { name: string; limit: number }, variables: number, temporaries: number) {
  return fail(
    'out-of-memory',
    `This graph needs ${megabytes(variables + temporaries)} on the ${device.name} engine, which can hold ${megabytes(device.limit)}: ${megabytes(variables)} of parameters and solver history, ${megabytes(temporaries)} of activations and gradients at the worst moment.`,
    { hint: 'A smaller batch or picture, a smaller network, or an engine without this limit (--backend) helps.' },
  );
}
