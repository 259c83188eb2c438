/** A network's file for the commands that only look at it: which states it has, and shapes where no data set is named. */

import { type Diagnostic, fail } from '../diagnostics/index.js';
import { type FileAccess, lookingAccess } from '../files/index.js';
import type { Shape } from '../ir/index.js';
import { defaultCatalogue, settled } from '../layers/index.js';
import { isDataLayer, type NetOptions, selectLayers, type UseState } from '../net/index.js';
import type { UserCodeOptions } from '../runtime/node/python_modules.js';
import type { SchemaOptions } from '../runtime/node/schemas.js';
import { type LayerParameter, locate, type NetParameter, parseNet, type Schema } from '../schema/index.js';
import { type Io, tellingOf } from './io.js';
import { folderOf } from './text_file.js';

/** By which schema the networks are read, and what of user code may run for them. */
export interface LookingOptions extends UserCodeOptions, SchemaOptions {
  /** Run it, for the shapes behind Python layers. */
  readonly runPython?: boolean;
  /** Read what data layers and solvers name wherever it lies. */
  readonly readData?: boolean;
}

/** What a command that looks at the network may open: by default what lies beside it or where we are. */
export function accessFor(name: string, { readData = false }: LookingOptions): FileAccess {
  return lookingAccess([folderOf(name), '.'], readData);
}

/** A network that is looked at: its message, and what its file is called. */
export interface LookedAt {
  readonly message: NetParameter;
  readonly name: string;
}

/** What is known of a network's data layers. */
export interface Sources {
  readonly entryShapes?: Readonly<Record<string, Shape>>;
  readonly diagnostics: readonly Diagnostic[];
}

/** What a network's data layers read, where their files are there: shapes of entries, and what is wrong with the files. */
export async function sourcesOf({ message, name }: LookedAt, state: UseState, access?: FileAccess): Promise<Sources> {
  if (!message.layer.some(namesSource)) return { diagnostics: [] };
  const { shapesThere } = await import('../feeds/node/data_feeds.js');
  const { entryShapes, diagnostics } = await shapesThere(selectLayers(message, state), folderOf(name), access);
  return { ...(Object.keys(entryShapes).length > 0 && { entryShapes }), diagnostics };
}

/** Whether a layer names the file it reads: readers of such files are loaded only then. */
function namesSource(layer: LayerParameter): boolean {
  const params = [layer.data_param, layer.image_data_param, layer.hdf5_data_param, layer.window_data_param];
  return params.some(param => param?.source);
}

/**
 * The same with the user code of Python layers: searched for, and run only where the options say so; `describe` is told
 * what to make of it.
 */
export async function withUserCode<T>(
  io: Io,
  { message, name }: LookedAt,
  options: LookingOptions,
  describe: (hostLayer: NetOptions['hostLayer']) => T,
): Promise<T> {
  if (!message.layer.some(l => defaultCatalogue().get(l.type)?.userCode)) return describe(undefined);
  const places = { given: options.pythonLayers, protoDir: folderOf(name) };
  const { onePerLayer } = await import('../runtime/host_layers.js');
  const { findPythonModules, loadPythonModules, pythonProcess } = await import('../runtime/node/python_modules.js');
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
export function withBatchSize(text: string, size: number, schema: Schema): string {
  const params = parseNet(text, { schema })
    .message.layer.filter(l => isDataLayer(l))
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
