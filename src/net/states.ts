/** The states that a network is used in, and its description in one of them where no data set is there: what people look at. */

import type { Diagnostic } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { defaultCatalogue, type LayerCatalogue } from '../layers/index.js';
import { type NetParameter, type NetStateRule, type ParseOptions, parseNet } from '../schema/index.js';
import { entriesFor } from './assumed.js';
import type { CheckOptions } from './checks/index.js';
import { type Description, describe } from './describe.js';
import { filterLayers, netState } from './filter.js';
import { isDataLayer } from './inputs.js';
import { Report } from './report.js';
import type { NetOptions } from './types.js';

/** Phase and stages, and the level where it is not the net's own. */
export interface UseState {
  /** The phase. */
  readonly phase: 'TRAIN' | 'TEST';
  /** Active names. */
  readonly stages: readonly string[];
  /** A number that rules compare with min_level and max_level. */
  readonly level?: number;
}

/** A state as the command line asks for it. */
export interface StateOptions {
  readonly phase?: 'TRAIN' | 'TEST';
  readonly stage?: readonly string[];
  readonly level?: number;
}

/** Whether any of it is asked for. */
export const asksForState = ({ phase, stage, level }: StateOptions): boolean =>
  phase !== undefined || stage !== undefined || level !== undefined;

export interface DescribeRequest extends Omit<CheckOptions, 'weightsLoaded'>, ParseOptions {
  readonly text: string;
  readonly name: string;
  readonly state: UseState;
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  readonly entryShapes?: Readonly<Record<string, Shape>>;
  readonly weightsLoaded?: boolean;
  readonly hostLayer?: NetOptions['hostLayer'];
  readonly catalogue?: NetOptions['catalogue'];
}

const ASSUMED: Shape = [3, 256, 256];

/** `describe`; where Data layers lack a data set and the net does not say what it is made for, 3x256x256 stands in. */
export function describeFile(
  request: DescribeRequest,
): Description & { readonly assumed?: Readonly<Record<string, Shape>> } {
  const { text, state, ...rest } = request;
  const options = { ...rest, ...state };
  const first = describe(text, options);
  if (!first.diagnostics.some(d => d.code === 'no-data-set')) return first;
  const assumed = entriesFor(parseNet(text, options).message, ASSUMED, rest.catalogue);
  return { ...describe(text, { ...options, entryShapes: { ...assumed, ...rest.entryShapes } }), assumed };
}

/**
 * The states a network is used in: training, validation, and, where its rules speak of it, DIGITS' stage "deploy". A net
 * without data layers, losses and rules is made for use only.
 */
export function statesOf(net: NetParameter, catalogue: LayerCatalogue = defaultCatalogue()): UseState[] {
  const rules = net.layer.flatMap(l => [...l.include, ...l.exclude]);
  const names = (rule: NetStateRule) => [...rule.stage, ...rule.not_stage];
  const deploy = rules.some(rule => names(rule).includes('deploy'));
  const learns = net.layer.some(l => catalogue.isLoss(l.type) || l.loss_weight.length > 0 || isDataLayer(l, catalogue));
  if (!learns && rules.length === 0) return [{ phase: 'TEST', stages: [] }];
  return [
    { phase: 'TRAIN', stages: ['train'] },
    { phase: 'TEST', stages: ['val'] },
    ...(deploy ? [{ phase: 'TEST', stages: ['deploy'] } as const] : []),
  ];
}

/** The states with those apart in which no layer without bottoms takes part, though the net has some for others. */
export function fedStates(net: NetParameter, states: readonly UseState[]): { states: UseState[]; without: UseState[] } {
  const isFed = (state: UseState) =>
    filterLayers(net.layer, netState(net, state), new Report()).some(l => l.bottom.length === 0 && l.top.length > 0);
  const fed = states.filter(isFed);
  if (fed.length === 0) return { states: [...states], without: [] };
  return { states: fed, without: states.filter(state => !fed.includes(state)) };
}

/** The state that options ask for. Without a phase, stage "train" means TRAIN and any other TEST; with nothing, training. */
export function stateFrom(options: StateOptions): UseState {
  const stages = options.stage ?? (options.phase ? [] : ['train']);
  const phase = options.phase ?? (stages.length === 0 || stages.includes('train') ? 'TRAIN' : 'TEST');
  return { phase, stages, ...(options.level !== undefined && { level: options.level }) };
}

/** The same mistake seen in several states is told once. */
export function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(d => {
    const { source, range } = d.location ?? {};
    // Batch sizes and phases in its words may differ.
    const about = source ? [d.layer, source.name, range?.start.offset] : [d.message];
    const key = [d.code, d.severity, ...about].join('\n');
    return !seen.has(key) && seen.add(key);
  });
}
