/** Which layers take part: phase, level and stages against each layer's include and exclude rules (Caffe's FilterNet). */

import type { Diagnostic } from '../diagnostics/index.js';
import { defaultCatalogue, type LayerCatalogue } from '../layers/index.js';
import { isSet, type LayerParameter, type NetParameter, type NetStateRule, Phase } from '../schema/index.js';
import { dropUnreadData } from './inputs.js';
import { Report } from './report.js';
import type { NetOptions } from './types.js';

/** What a net is compiled for. */
export interface State {
  readonly phase: 'TRAIN' | 'TEST';
  readonly level: number;
  readonly stages: readonly string[];
}

/**
 * The net state: what the caller asks for, merged over the net's own `state { }`. Phase and level are the caller's
 * where given; stages add up (proto2's MergeFrom, as caffe's solver does it).
 */
export function netState(net: NetParameter, options: NetOptions): State {
  const own = net.state;
  const ownPhase = own && isSet(own, 'phase') && own.phase === Phase.TRAIN ? 'TRAIN' : 'TEST';
  return {
    phase: options.phase ?? ownPhase,
    level: options.level ?? own?.level ?? 0,
    stages: [...new Set([...(own?.stage ?? []), ...(options.stages ?? [])])],
  };
}

/** The layers that stay. A layer with both kinds of rule is an error; it is kept, so that nothing else follows from it. */
export function filterLayers(layers: readonly LayerParameter[], state: State, report: Report): LayerParameter[] {
  return layers.filter(layer => {
    if (layer.include.length > 0 && layer.exclude.length > 0) {
      report.error(
        'include-and-exclude',
        `Layer "${layer.name}" has both include and exclude rules.`,
        { message: layer, field: 'exclude', index: 0 },
        {
          layer: layer.name,
          hint: 'Caffe takes one kind or the other: say in the include rule what is left out (not_stage).',
        },
      );
      return true;
    }
    if (layer.include.length > 0) return layer.include.some(rule => meetsRule(state, rule));
    return !layer.exclude.some(rule => meetsRule(state, rule));
  });
}

/** A net in one state: what is compiled, and what opens the data that its layers read. */
export interface SelectedNet {
  readonly param: NetParameter;
  readonly state: State;
  /** The layers that it may have. */
  readonly catalogue: LayerCatalogue;
  /** The layers that take part, without the data layers that DIGITS takes away in stage "deploy". */
  readonly layers: readonly LayerParameter[];
  /** What is wrong with the rules. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Applies the rules of a net's layers to the state asked for. */
export function selectLayers(param: NetParameter, options: NetOptions): SelectedNet {
  const report = new Report();
  const state = netState(param, options);
  const { catalogue = defaultCatalogue() } = options;
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
  const layers = dropUnreadData(filtered, state, catalogue);
  return { param, state, catalogue, layers, diagnostics: report.diagnostics };
}

/** The layers of a net that take part in the state asked for; one with both kinds of rule among them. */
export function layersInState(net: NetParameter, options: NetOptions): LayerParameter[] {
  return filterLayers(net.layer, netState(net, options), new Report());
}

/** Whether the state meets every condition of the rule: all of its stages, none of its not_stages. */
export function meetsRule(state: State, rule: NetStateRule): boolean {
  if (isSet(rule, 'phase') && (rule.phase === Phase.TRAIN ? 'TRAIN' : 'TEST') !== state.phase) return false;
  if (isSet(rule, 'min_level') && state.level < rule.min_level) return false;
  if (isSet(rule, 'max_level') && state.level > rule.max_level) return false;
  return rule.stage.every(s => state.stages.includes(s)) && !rule.not_stage.some(s => state.stages.includes(s));
}

/** `phase TEST, stage "deploy"`: for messages. */
export function describeState(state: State): string {
  const stages = state.stages.map(s => `"${s}"`).join(', ');
  const level = state.level ? `, level ${state.level}` : '';
  return `phase ${state.phase}${stages ? `, stage ${stages}` : ', no stage'}${level}`;
}
