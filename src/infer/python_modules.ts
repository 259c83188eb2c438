/**
 * Finds the modules that Python layers name: `<module>.ts`, `.mjs` or `.js` beside the prototxt or in the folders of
 * --python-layers.
 */

import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import { fail, type MokapotError, nearest } from '../diagnostics/index.js';
import { type HostLayer, type HostLayerClass, hostLayerFor } from '../layers/index.js';
import type { NetOptions } from '../net/index.js';
import { type NetParameter, sub } from '../schema/index.js';

const EXTENSIONS = ['.ts', '.mjs', '.js'] as const;

export interface ModulePlaces {
  /** The folder of the prototxt, looked in first. */
  readonly protoDir?: string;
  /** The folders of --python-layers, in order. */
  readonly dirs?: readonly string[];
}

/** Makes the object behind a Python layer; what NetOptions.hostLayer takes. Throws where nobody knows the class. */
export type HostLayerMaker = (module: string, layer: string) => HostLayer;

/** One object per layer for as long as the net lives, however often it is compiled for other shapes. */
export function onePerLayer(make: NonNullable<NetOptions['hostLayer']>): NonNullable<NetOptions['hostLayer']> {
  const made = new Map<string, HostLayer>();
  return (module, layer, name) => {
    const host = made.get(name) ?? make(module, layer, name) ?? hostLayerFor(module, layer);
    if (host) made.set(name, host);
    return host;
  };
}

interface Found {
  readonly file: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

/**
 * Loads every module that a Python layer of the net names. A class of a file found comes before one that is registered
 * (Mokapot's own `digits_python_layers.Dice` is).
 *
 * @throws MokapotError `python-module` where a file cannot be loaded. A module or class that nobody has is only an error
 *   when the maker is asked for it: a layer that takes no part in a phase is never asked for.
 */
export async function loadPythonModules(net: NetParameter, places: ModulePlaces = {}): Promise<HostLayerMaker> {
  const dirs = [
    ...new Set([places.protoDir, ...(places.dirs ?? [])].filter(d => d !== undefined).map(d => resolve(d))),
  ];
  const names = new Set(net.layer.filter(l => l.type === 'Python').map(l => sub(l, 'python_param').module));
  const modules = new Map<string, Found>();
  for (const name of names) {
    const found = await findModule(name, dirs);
    if (found) modules.set(name, found);
  }
  return (module, layer) => {
    const found = modules.get(module);
    const made = (found && classOf(found, layer)) ?? hostLayerFor(module, layer);
    if (!made) throw found ? lacksClass(found, layer) : unknownModule(module, layer, dirs);
    return typeof made === 'function' ? new made() : made;
  };
}

async function findModule(name: string, dirs: readonly string[]): Promise<Found | undefined> {
  // A module's name is no path: it cannot lead out of its folder.
  if (!/^[\w.-]+$/.test(name)) return undefined;
  for (const dir of dirs) {
    for (const extension of EXTENSIONS) {
      const file = join(dir, name + extension);
      if (await exists(file)) return { file, exports: await load(file) };
    }
  }
  return undefined;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    const loaded: unknown = file.endsWith('.ts')
      ? await createJiti(import.meta.url).import(file)
      : await import(pathToFileURL(file).href);
    return { ...(loaded as object) };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw fail('python-module', `The module of a Python layer, ${file}, cannot be loaded: ${reason}`);
  }
}

/** A named export, or a property of the default one. */
function classOf({ exports }: Found, name: string): HostLayerClass | undefined {
  const standard = exports['default'];
  for (const place of [exports, standard]) {
    if ((typeof place !== 'object' && typeof place !== 'function') || place === null) continue;
    const value = (place as Record<string, unknown>)[name];
    if (Object.hasOwn(place, name) && typeof value === 'function') return value as HostLayerClass;
  }
  return undefined;
}

function lacksClass({ file, exports }: Found, name: string): MokapotError {
  const names = Object.keys(exports).filter(key => typeof exports[key] === 'function');
  const near = nearest(name, names);
  const there = names.length > 0 ? `It exports ${names.join(', ')}.` : 'It exports no class.';
  return fail('python-module', `${file} exports no class ${name}.`, { hint: near ? `Did you mean ${near}?` : there });
}

function unknownModule(module: string, layer: string, dirs: readonly string[]): MokapotError {
  const looked = dirs.map(dir => join(dir, `${module}{${EXTENSIONS.join(',')}}`));
  const where = looked.length > 0 ? ` Looked at ${looked.join(', ')}.` : '';
  return fail('python-module', `There is no Python layer ${module}.${layer}: it is not registered.${where}`, {
    hint: `Put ${module}.ts, which exports a class ${layer} with setup, reshape, forward and backward, beside the prototxt or into a folder given by --python-layers; or call registerPythonLayer('${module}', '${layer}', …).`,
  });
}
