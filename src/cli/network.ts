/** A network's file for the commands that only look at it: which states it has, and shapes where no data set is named. */

import type { Diagnostic } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { type Description, describe } from '../net/index.js';
import { isDataLayer } from '../net/inputs.js';
import { type NetParameter, type NetStateRule, parseNet, sub } from '../schema/index.js';

export interface State {
  readonly phase: 'TRAIN' | 'TEST';
  readonly stages: readonly string[];
}

export interface DescribeRequest {
  readonly text: string;
  readonly name: string;
  readonly state: State;
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  readonly entryShapes?: Readonly<Record<string, Shape>>;
  readonly weightsLoaded?: boolean;
}

const ASSUMED: Shape = [3, 256, 256];

/** `describe`; where Data layers lack a data set, entries of the shape that stage "deploy" has (else 3x256x256) stand in. */
export function describeFile(
  request: DescribeRequest,
): Description & { readonly assumed?: Readonly<Record<string, Shape>> } {
  const { text, state, ...rest } = request;
  const options = { ...rest, ...state };
  const first = describe(text, options);
  if (!first.diagnostics.some(d => d.code === 'no-data-set')) return first;
  const assumed = assumedEntries(parseNet(text).message);
  return { ...describe(text, { ...options, entryShapes: assumed }), assumed };
}

/** Entries for Data layers: `data` as the Input layer of that name has it; `label` of the same size, one channel. */
export function assumedEntries(net: NetParameter): Record<string, Shape> {
  const input = net.layer.find(l => l.type === 'Input' && l.top.includes('data'));
  const dims = input && sub(input, 'input_param').shape[0]?.dim.map(Number);
  const data = dims && dims.length === 4 ? dims.slice(1) : ASSUMED;
  const scalarLabel = net.layer.some(l => isDataLayer(l) && l.top.length > 1);
  return scalarLabel ? { data } : { data, label: [1, ...data.slice(1)] };
}

/** The states a network is used in: training, validation, and, where its rules speak of it, DIGITS' stage "deploy". */
export function statesOf(net: NetParameter): State[] {
  const rules = net.layer.flatMap(l => [...l.include, ...l.exclude]);
  const names = (rule: NetStateRule) => [...rule.stage, ...rule.not_stage];
  const deploy = rules.some(rule => names(rule).includes('deploy'));
  return [
    { phase: 'TRAIN', stages: ['train'] },
    { phase: 'TEST', stages: ['val'] },
    ...(deploy ? [{ phase: 'TEST', stages: ['deploy'] } as const] : []),
  ];
}

/** The state that options ask for. Without a phase, stage "train" means TRAIN and any other TEST; with nothing, training. */
export function stateFrom(options: { phase?: 'TRAIN' | 'TEST'; stage?: readonly string[] }): State {
  const stages = options.stage ?? (options.phase ? [] : ['train']);
  const phase = options.phase ?? (stages.length === 0 || stages.includes('train') ? 'TRAIN' : 'TEST');
  return { phase, stages };
}

/** The same mistake seen in several states is told once. */
export function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(d => {
    const key = [d.code, d.message, d.location?.source.name, d.location?.range.start.offset].join('\n');
    return !seen.has(key) && seen.add(key);
  });
}
