/** A network's file for the commands that only look at it: which states it has, and shapes where no data set is named. */

import { dirname } from 'node:path';
import { type Diagnostic, fail } from '../diagnostics/index.js';
import {
  findPythonModules,
  loadPythonModules,
  onePerLayer,
  pythonProcess,
  type UserCodeOptions,
} from '../infer/python_modules.js';
import type { Shape } from '../ir/index.js';
import { settled } from '../layers/index.js';
import { entriesFor } from '../net/assumed.js';
import { type Description, describe, isDataLayer, type NetOptions } from '../net/index.js';
import { locate, type NetParameter, type NetStateRule, parseNet } from '../schema/index.js';
import { shapesThere } from '../train/data_feeds.js';
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

export interface DescribeRequest {
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
  const { entryShapes, diagnostics } = await shapesThere(parseNet(text).message, state, folderOf(name));
  return { ...(Object.keys(entryShapes).length > 0 && { entryShapes }), diagnostics };
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
  if (!options.runPython) return describe(findPythonModules(message, places));
  const python = pythonProcess({ ...options, onPythonOutput: tellingOf(io) });
  try {
    const make = onePerLayer(await loadPythonModules(message, places, python));
    return await settled(() => describe(make));
  } finally {
    python.close();
  }
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
