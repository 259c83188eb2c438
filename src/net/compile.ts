/**
 * NetParameter → layer graph, as Caffe's Net::Init goes about it: rules, splits, shapes, parameters, gradient paths.
 * Pure: nothing is read, run or allocated.
 */

import { type Diagnostic, hasErrors, MokapotError, nth } from '../diagnostics/index.js';
import { type NetParameter, withoutEffect } from '../schema/index.js';
import { type BackwardPlan, planBackward } from './backward.js';
import { checkConnections } from './connect.js';
import { type SelectedNet, selectLayers } from './filter.js';
import { impliedInputs } from './inputs.js';
import { foreignInLayers, unreadInLayers } from './no_effect.js';
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
  return compileSelected(selectLayers(param, options), options);
}

/** The same of layers that were selected before. */
export function compileSelected(net: SelectedNet, options: NetOptions): NetGraph {
  const { graph, diagnostics } = tryCompile(net, options);
  if (!graph) throw new MokapotError(diagnostics);
  return graph;
}

/** compileNet without throwing. */
export function tryCompileNet(param: NetParameter, options: NetOptions): CompileResult {
  return tryCompile(selectLayers(param, options), options);
}

function tryCompile(net: SelectedNet, options: NetOptions): CompileResult {
  const { param, state } = net;
  const report = new Report();
  checkShapes(options, report);
  report.diagnostics.push(...net.diagnostics);
  const layers = [...impliedInputs(net.layers, options), ...net.layers];
  report.diagnostics.push(...withoutEffect(param, 'The network'), ...foreignInLayers(net.layers, net.catalogue));
  const broken = checkConnections(layers, param.layer, state, report, net.catalogue);
  const setUp = setUpLayers(
    insertSplits(layers),
    broken,
    state.phase,
    { ...options, catalogue: net.catalogue },
    report,
  );
  // Where a layer has an error, what it passes over is the same mistake or none that matters yet.
  const wrong = new Set(report.diagnostics.filter(d => d.severity === 'error').map(d => d.layer));
  report.diagnostics.push(
    ...unreadInLayers(
      net.layers.filter(l => !wrong.has(l.name)),
      net.catalogue,
    ),
  );
  const plans = planBackward(backwardView(setUp), setUp.params, param.force_backward);
  const partial = assemble(net, setUp, plans, report);
  return { graph: hasErrors(report.diagnostics) ? undefined : partial, partial, diagnostics: report.diagnostics };
}

function checkShapes({ inputShapes = {} }: NetOptions, report: Report): void {
  for (const [blob, shape] of Object.entries(inputShapes)) {
    if (shape.every(d => Number.isSafeInteger(d) && d >= 0)) continue;
    report.error(
      'bad-shape',
      `The shape given for "${blob}" is [${shape.join(', ')}]: axes are whole numbers from 0 on.`,
    );
  }
}

function backwardView({ layers }: SetUp) {
  return layers.map(layer => ({
    ...layer,
    explicit: layer.param.propagate_down,
    canBackward: layer.bottoms.map((_, i) => layer.type.canBackward?.(layer.context, i) ?? true),
  }));
}

function assemble(
  { param, state, catalogue }: SelectedNet,
  setUp: SetUp,
  plans: readonly BackwardPlan[],
  report: Report,
): NetGraph {
  const written = new Set(param.layer);
  const layers: NetLayer[] = setUp.layers.map((layer, i) => ({
    ...layer,
    ...nth(plans, i),
    source: layer.source && written.has(layer.source) ? layer.source : undefined,
  }));
  const feeds = layers.flatMap(layer => {
    if (!layer.type.isSource) return [];
    return layer.tops.map(top => ({ blob: top.name, layer: layer.index }));
  });
  return {
    name: param.name,
    phase: state.phase,
    source: param,
    catalogue,
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
