/**
 * NetParameter → layer graph, as Caffe's Net::Init goes about it: rules, splits, shapes, parameters, gradient paths.
 * Pure: nothing is read, run or allocated.
 */

import { type Diagnostic, hasErrors, MokapotError } from '../diagnostics/index.js';
import type { NetParameter } from '../schema/index.js';
import { type BackwardPlan, planBackward } from './backward.js';
import { checkConnections } from './connect.js';
import { describeState, filterLayers, netState, type State } from './filter.js';
import { dropUnreadData, entryOf, impliedInputs } from './inputs.js';
import { Report } from './report.js';
import { type SetUp, setUpLayers } from './setup.js';
import { insertSplits } from './splits.js';
import type { NetGraph, NetLayer, NetOptions } from './types.js';

export interface CompileResult {
  /** The graph; undefined where there are errors. */
  readonly graph: NetGraph | undefined;
  /** What stands all the same: every layer that could be set up. Not fit to run where there are errors. */
  readonly partial: NetGraph;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The graph of the net for one phase, stage and set of input shapes.
 *
 * @throws MokapotError with every error found (and the warnings beside them)
 */
export function compileNet(param: NetParameter, options: NetOptions): NetGraph {
  const { graph, diagnostics } = tryCompileNet(param, options);
  if (!graph) throw new MokapotError(diagnostics);
  return graph;
}

/** The same without throwing. */
export function tryCompileNet(param: NetParameter, options: NetOptions): CompileResult {
  const report = new Report();
  const state = netState(param, options);
  const layers = partsOf(param, state, options, report);
  const broken = checkConnections(layers, param.layer, state, report);
  const setUp = setUpLayers(insertSplits(layers), broken, state.phase, options, report);
  const plans = planBackward(backwardView(setUp), setUp.params, param.force_backward);
  const partial = assemble(param, state, options, setUp, plans, report);
  return { graph: hasErrors(report.diagnostics) ? undefined : partial, partial, diagnostics: report.diagnostics };
}

/** The layers that take part, inputs that the caller implies in front. */
function partsOf(param: NetParameter, state: State, options: NetOptions, report: Report) {
  for (const [blob, shape] of Object.entries(options.inputShapes ?? {})) {
    if (shape.every(d => Number.isSafeInteger(d) && d >= 0)) continue;
    report.error(
      'bad-shape',
      `The shape given for "${blob}" is [${shape.join(', ')}]: axes are whole numbers from 0 on.`,
    );
  }
  const filtered = filterLayers(param.layer, state, report);
  if (filtered.length === 0) {
    const empty = param.layer.length === 0;
    report.error(
      'empty-net',
      empty ? 'The net has no layers.' : `No layer of the net takes part in ${describeState(state)}.`,
      {},
      {
        hint: empty
          ? 'A network is a list of layer { name: … type: … } blocks.'
          : 'The include and exclude rules leave every layer out: choose another phase or stage.',
      },
    );
  }
  const kept = dropUnreadData(filtered, state);
  return [...impliedInputs(kept, options), ...kept];
}

function backwardView({ layers }: SetUp) {
  return layers.map(layer => ({
    ...layer,
    explicit: layer.param.propagate_down,
    canBackward: layer.bottoms.map((_, i) => layer.type.canBackward?.(layer.context, i) ?? true),
  }));
}

function assemble(
  param: NetParameter,
  state: State,
  options: NetOptions,
  setUp: SetUp,
  plans: readonly BackwardPlan[],
  report: Report,
): NetGraph {
  const written = new Set(param.layer);
  const layers: NetLayer[] = setUp.layers.map((layer, i) => ({
    ...layer,
    ...plans[i]!,
    source: layer.source && written.has(layer.source) ? layer.source : undefined,
  }));
  const feeds = layers.flatMap(layer => {
    if (!layer.type.isSource) return [];
    return layer.tops.map((top, k) => ({
      blob: top.name,
      entry: entryOf(top.name, k, options.entryShapes),
      layer: layer.index,
    }));
  });
  return {
    name: param.name,
    phase: state.phase,
    source: param,
    layers,
    blobs: setUp.blobs,
    inputs: feeds.map(f => f.blob),
    feeds,
    outputs: [...setUp.unread].sort(),
    params: setUp.params,
    forceBackward: param.force_backward,
    diagnostics: report.diagnostics,
  };
}
