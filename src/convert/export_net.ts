/** What exports have in common, whether to files or in memory: the network's form, its parameters, its open sizes. */

import { type Diagnostic, fail, nearest, need, nth } from '../diagnostics/index.js';
import type { Parameters } from '../emit/constants.js';
import type { ExportTarget, Shape } from '../ir/index.js';
import type { GeneralGraph } from '../ir/passes/generalise.js';
import { type DeployOptions, deployText, statesOf } from '../net/index.js';
import type { Net } from '../runtime/net.js';
import type { NetParameter } from '../schema/index.js';
import { type DynamicExport, exportDynamic, loweringFor } from './dynamic_sizes.js';
import type { PreparedInput } from './prepare.js';

/** What the model takes or gives under a blob's name. */
export interface ModelEndpoint {
  /** The blob. */
  readonly blob: string;
  /** What the model calls it, where that is not the blob's name: no results in JavaScript can have an ONNX output `__proto__`. */
  readonly name?: string;
  /** −1 is a size that each run may choose. */
  readonly shape: Shape;
}

/** How much of a network a model is of, and how general it is. */
export interface ExportOptions {
  /** One batch size, one height and width, even where the network lets them be open. */
  readonly fixed?: boolean;
  /** The blobs that the model gives. Default: the network's outputs. What only others need is left out. */
  readonly outputs?: readonly string[];
}

/** Calls `emit` on the most general form of the net, then on less general ones, until it succeeds. */
export function exportNet<T>(
  job: { readonly net: Net; readonly prepared: PreparedInput | undefined; readonly options: ExportOptions },
  target: ExportTarget,
  emit: (general: GeneralGraph) => T,
): DynamicExport<T> {
  const open = job.options.fixed !== true;
  const wanted = { batch: open, plane: open && !job.prepared?.fixesPlane };
  return exportDynamic(job.net, loweringFor(job, target), wanted, emit);
}

/** @throws MokapotError `unknown-blob` where an output that is asked for is no blob of the network */
export function checkOutputs(outputs: readonly string[], blobs: readonly string[]): void {
  const unknown = outputs.find(name => !blobs.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, blobs);
  throw fail('unknown-blob', `The network has no blob "${unknown}".`, near ? { hint: `Did you mean "${near}"?` } : {});
}

/** The numbers of a parameter by its key. */
export function parametersOf(net: Net): Parameters {
  const byKey = new Map<string, Float32Array>();
  for (const layer of net.graph.layers)
    layer.params.forEach((index, i) => {
      byKey.set(nth(net.graph.params, index).key, nth(need(net.params, layer.name), i).data);
    });
  return key => need(byKey, key);
}

/** The network's text; of one that is only for training, its form for deployment, with a note. */
export function inDeployForm(
  text: string,
  message: NetParameter,
  options: DeployOptions,
): { readonly text: string; readonly notes: readonly Diagnostic[] } {
  const states = statesOf(message, options.catalogue);
  const trains = states.length > 1 && !states.some(state => state.stages.includes('deploy'));
  if (!trains) return { text, notes: [] };
  const deployed = deployText(text, options);
  const told = 'The network is in its form for training; this is the model of what `mokapot deploy` makes of it.';
  return {
    text: deployed.text,
    notes: [{ code: 'deployed', severity: 'note', message: told }, ...deployed.diagnostics],
  };
}

/** What the weights that were copied into a net leave open, and what they have too many. */
export function weightsNotes({ params, copies }: Net): Diagnostic[] {
  if (params.size === 0) return [];
  if (copies.length === 0) {
    return [
      warning(
        'no-weights',
        'No weights are given: the parameters are what the fillers make of them.',
        'Name the trained ones: --weights x.caffemodel',
      ),
    ];
  }
  const copied = new Set(copies.flatMap(m => m.copied));
  const missing = [...params.keys()].filter(name => !copied.has(name));
  const unused = [...new Set(copies.flatMap(m => m.unused))];
  return [
    ...(missing.length > 0
      ? [warning('weights-missing', `The weights have nothing for ${listed(missing)}: filled by the fillers.`)]
      : []),
    ...(unused.length > 0
      ? [warning('weights-unused', `The network has no layer for the weights' ${listed(unused)}.`)]
      : []),
  ];
}

function warning(code: string, message: string, hint?: string): Diagnostic {
  return { code, severity: 'warning', message, ...(hint !== undefined && { hint }) };
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).map(name => `"${name}"`);
  return names.length > 8 ? `${shown.join(', ')} and ${names.length - 8} more` : shown.join(', ');
}
