/** A network's file for the commands that only look at it: which states it has, and shapes where no data set is named. */

import { dirname } from 'node:path';
import { fail } from '../diagnostics/index.js';
import { settled } from '../layers/index.js';
import { type DescribeRequest, isDataLayer, type NetOptions } from '../net/index.js';
import type { UserCodeOptions } from '../runtime/python_modules.js';
import { type LayerParameter, locate, type NetParameter, parseNet } from '../schema/index.js';
import { type Io, tellingOf } from './io.js';

/** What of user code `check` and `summary` may do. */
export interface LookingOptions extends UserCodeOptions {
  /** Run it, for the shapes behind Python layers. */
  readonly runPython?: boolean;
}

let latest: { readonly text: string; readonly net: NetParameter } | undefined;

/** The net of a text that is looked at in several states, read once. */
export function netOf(text: string): NetParameter {
  if (latest?.text !== text) latest = { text, net: parseNet(text).message };
  return latest.net;
}

/** What a request's data layers read, where their files are there: shapes of entries, and what is wrong with the files. */
export async function sourcesOf({ text, name, state }: Pick<DescribeRequest, 'text' | 'name' | 'state'>) {
  const message = netOf(text);
  if (!message.layer.some(namesSource)) return { diagnostics: [] };
  const { shapesThere } = await import('../feeds/data_feeds.js');
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
  const message = netOf(request.text);
  if (!message.layer.some(l => l.type === 'Python')) return describe(undefined);
  const places = { given: options.pythonLayers, protoDir: folderOf(request.name) };
  const { findPythonModules, loadPythonModules, onePerLayer, pythonProcess } = await import(
    '../runtime/python_modules.js'
  );
  if (!options.runPython) return describe(findPythonModules(message, places));
  const python = pythonProcess({ ...options, onPythonOutput: tellingOf(io) });
  try {
    const make = onePerLayer((await loadPythonModules(message, places, python)).make);
    return await settled(() => describe(make));
  } finally {
    python.close();
  }
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
