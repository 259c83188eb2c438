/** A network's file for the commands that only look at it: which states it has, and shapes where no data set is named. */

import { dirname } from 'node:path';
import { type Diagnostic, fail } from '../diagnostics/index.js';
import type { UserCodeOptions } from '../infer/python_modules.js';
import type { Shape } from '../ir/index.js';
import { settled } from '../layers/index.js';
import { entriesFor } from '../net/assumed.js';
import {
  type CheckOptions,
  type Description,
  describe,
  filterLayers,
  isDataLayer,
  type NetOptions,
  netState,
} from '../net/index.js';
import { Report } from '../net/report.js';
import { type LayerParameter, locate, type NetParameter, type NetStateRule, parseNet } from '../schema/index.js';
import { type Io, tellingOf } from './io.js';

export interface State {
  readonly phase: 'TRAIN' | 'TEST';
  readonly stages: readonly string[];
}

/** What of user code `check` and `summary` may do. */
export interface LookingOptions extends UserCodeOptions {
  /** Run it, for the shapes behind Python layers. */
  readonly runPython?: boolean;
}

export interface DescribeRequest extends Omit<CheckOptions, 'weightsLoaded'> {
  readonly text: string;
  readonly name: string;
  readonly state: State;
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  readonly entryShapes?: Readonly<Record<string, Shape>>;
  readonly weightsLoaded?: boolean;
  readonly hostLayer?: NetOptions['hostLayer'];
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
  const assumed = entriesFor(parseNet(text).message, ASSUMED);
  return { ...describe(text, { ...options, entryShapes: { ...assumed, ...rest.entryShapes } }), assumed };
}

/** What a request's data layers read, where their files are there: shapes of entries, and what is wrong with the files. */
export async function sourcesOf({ text, name, state }: Pick<DescribeRequest, 'text' | 'name' | 'state'>) {
  const { message } = parseNet(text);
  if (!message.layer.some(namesSource)) return { diagnostics: [] };
  const { shapesThere } = await import('../train/data_feeds.js');
  const { entryShapes, diagnostics } = await shapesThere(message, state, folderOf(name));
  return { ...(Object.keys(entryShapes).length > 0 && { entryShapes }), diagnostics };
}

/** Whether a layer names the file it reads: readers of such files are loaded only then. */
function namesSource(layer: LayerParameter): boolean {
  const params = [layer.data_param, layer.image_data_param, layer.hdf5_data_param, layer.window_data_param];
  return params.some(param => param?.source);
}

function folderOf(name: string): string {
  return name === '<stdin>' ? '.' : dirname(name);
}

/**
 * The same with the user code of Python layers: searched for, and run only where the options say so; `describe` is told
 * what to make of it.
 */
export async function withUserCode<T>(
  io: Io,
  request: Pick<DescribeRequest, 'text' | 'name'>,
  options: LookingOptions,
  describe: (hostLayer: NetOptions['hostLayer']) => T,
): Promise<T> {
  const { message } = parseNet(request.text);
  if (!message.layer.some(l => l.type === 'Python')) return describe(undefined);
  const places = { given: options.pythonLayers, protoDir: folderOf(request.name) };
  const { findPythonModules, loadPythonModules, onePerLayer, pythonProcess } = await import(
    '../infer/python_modules.js'
  );
  if (!options.runPython) return describe(findPythonModules(message, places));
  const python = pythonProcess({ ...options, onPythonOutput: tellingOf(io) });
  try {
    const make = onePerLayer(await loadPythonModules(message, places, python));
    return await settled(() => describe(make));
  } finally {
    python.close();
  }
}

/**
 * The states a network is used in: training, validation, and, where its rules speak of it, DIGITS' stage "deploy". A net
 * without data layers, losses and rules is made for use only.
 */
export function statesOf(net: NetParameter): State[] {
  const rules = net.layer.flatMap(l => [...l.include, ...l.exclude]);
  const names = (rule: NetStateRule) => [...rule.stage, ...rule.not_stage];
  const deploy = rules.some(rule => names(rule).includes('deploy'));
  const learns = net.layer.some(l => l.type.endsWith('Loss') || l.loss_weight.length > 0 || isDataLayer(l));
  if (!learns && rules.length === 0) return [{ phase: 'TEST', stages: [] }];
  return [
    { phase: 'TRAIN', stages: ['train'] },
    { phase: 'TEST', stages: ['val'] },
    ...(deploy ? [{ phase: 'TEST', stages: ['deploy'] } as const] : []),
  ];
}

/** The states with those apart in which no layer without bottoms takes part, though the net has some for others. */
export function fedStates(net: NetParameter, states: readonly State[]): { states: State[]; without: State[] } {
  const isFed = (state: State) =>
    filterLayers(net.layer, netState(net, state), new Report()).some(l => l.bottom.length === 0 && l.top.length > 0);
  const fed = states.filter(isFed);
  if (fed.length === 0) return { states: [...states], without: [] };
  return { states: fed, without: states.filter(state => !fed.includes(state)) };
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

/**
 * The network's text with another batch size in all Data layers; nothing else changes.
 * @throws MokapotError `no-batch-size` where no Data layer has one
 */
export function withBatchSize(text: string, size: number): string {
  const params = parseNet(text)
    .message.layer.filter(isDataLayer)
    .flatMap((l): object[] =>
      [l.data_param, l.image_data_param, l.hdf5_data_param, l.window_data_param].filter(p => !!p),
    );
  const places = params.flatMap(p => locate(p, 'batch_size')?.range ?? []);
  if (places.length === 0) {
    throw fail('no-batch-size', 'The network has no Data layer with a batch_size to change.', {
      hint: 'Leave out --batch-size, or give the Data layers data_param { batch_size: 4 }.',
    });
  }
  const last = [...places].sort((a, b) => b.start.offset - a.start.offset);
  return last.reduce((t, { start, end }) => `${t.slice(0, start.offset)}${size}${t.slice(end.offset)}`, text);
}
