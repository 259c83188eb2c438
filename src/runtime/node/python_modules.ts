/**
 * Finds the modules that Python layers name: a class that the program registered, else a file, along --python-layers, the
 * prototxt's folder, the working folder and PYTHONPATH, else a class that ships with Mokapot.
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, extname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { error, fail, MokapotError, messageOf, nearest, own } from '../../diagnostics/index.js';
import {
  builtInPythonLayers,
  defaultCatalogue,
  type HostLayer,
  type HostLayerClass,
  hostLayerFor,
  type LayerCatalogue,
} from '../../layers/index.js';
import { PythonLayer, PythonProcess } from '../../python/index.js';
import { type NetParameter, sub } from '../../schema/index.js';

const EXTENSIONS = ['.ts', '.js', '.mjs', '.py'] as const;

/** Where DIGITS puts the file that a user uploads, whatever its name was. */
const UPLOADED = 'digits_python_layers';

/** Where user code lies, and how that in Python is run. */
export interface UserCodeOptions {
  /** Files and folders to look for the modules of Python layers in, before the prototxt's own folder. */
  readonly pythonLayers?: readonly string[] | undefined;
  /** The interpreter of layers that are Python files. Default: MOKAPOT_PYTHON, else `python3`. */
  readonly python?: string | undefined;
  /** Seconds that one call of such a layer's method may take; 0: as long as it likes. Default 60. */
  readonly pythonTimeout?: number | undefined;
  /** Told what such layers print. Default: it goes to stderr. */
  readonly onPythonOutput?: ((text: string) => void) | undefined;
  /** The layers that nets may have, classes of Python layers among them. Default: those of `defaultCatalogue()`. */
  readonly catalogue?: LayerCatalogue | undefined;
}

/** These options of all that a caller has. */
export function userCode(options: UserCodeOptions): UserCodeOptions {
  const { pythonLayers, python, pythonTimeout, onPythonOutput, catalogue } = options;
  return { pythonLayers, python, pythonTimeout, onPythonOutput, catalogue };
}

/** What runs Python files; it starts when the first is needed. */
export function pythonProcess(
  { python, pythonTimeout, onPythonOutput }: UserCodeOptions,
  seed?: number,
): PythonProcess {
  return new PythonProcess({ interpreter: python, timeout: pythonTimeout, onOutput: onPythonOutput, seed });
}

export interface ModulePlaces {
  /** The files and folders of --python-layers, in order. */
  readonly given?: readonly string[];
  /** The folder of the prototxt, looked in after them. */
  readonly protoDir?: string;
  readonly catalogue?: LayerCatalogue | undefined;
}

/** Makes the object behind a Python layer; what NetOptions.hostLayer takes. Throws where nobody knows the class. */
export type HostLayerMaker = (module: string, layer: string, name: string) => HostLayer;

/** A file of user code, and the name by which it is found beside a prototxt. */
export interface UserFile {
  readonly path: string;
  readonly name: string;
}

/** The same, with the files that were found. */
export interface LoadedModules {
  readonly make: HostLayerMaker;
  readonly files: readonly UserFile[];
}

/** What a module's name led to. */
interface Found {
  readonly file: string;
  /** Of a module in TypeScript or JavaScript. */
  readonly exports?: Readonly<Record<string, unknown>>;
}

/**
 * Loads every module in TypeScript or JavaScript that a Python layer of the net names; those in Python run in `python`, from
 * the time when a net that has them is compiled.
 *
 * @throws MokapotError `python-module` where a file cannot be loaded. A module or class that nobody has is only an error
 *   when the maker is asked for it: a layer that takes no part in a phase is never asked for.
 */
export async function loadPythonModules(
  net: NetParameter,
  places: ModulePlaces,
  python: PythonProcess,
): Promise<LoadedModules> {
  const { catalogue = defaultCatalogue() } = places;
  const search = new Search(places);
  const modules = new Map<string, Found>();
  const files = new Map<string, UserFile>();
  for (const { module, layer } of classesOf(net, catalogue)) {
    const file = search.find(module, layer);
    const exports = file === undefined || isPython(file) ? undefined : await load(file);
    if (file === undefined) continue;
    modules.set(`${module}.${layer}`, { file, ...(exports && { exports }) });
    files.set(module, { path: file, name: nameOf(file, module) });
  }
  const make: HostLayerMaker = (module, layer, name) => {
    const registered = catalogue.pythonLayer(module, layer);
    if (registered) return registered;
    const found = modules.get(`${module}.${layer}`);
    if (!found) return hostLayerFor(catalogue, module, layer) ?? thrown(search.unknown(module, layer));
    if (!found.exports) {
      const { file } = found;
      const shipped = speaksOf(file, layer) ? undefined : hostLayerFor(catalogue, module, layer);
      return shipped ?? new PythonLayer(python, { file, module, layer, places: search.foldersFor(file, module) }, name);
    }
    const cls = classOf(found.exports, layer);
    return cls
      ? new cls()
      : (hostLayerFor(catalogue, module, layer) ?? thrown(lacksClass(found.file, found.exports, layer)));
  };
  return { make, files: [...files.values()] };
}

function nameOf(file: string, module: string): string {
  const path = module.replaceAll('.', sep);
  return basename(file) === '__init__.py' ? join(path, '__init__.py') : path + extname(file);
}

/**
 * The same for those who only look: user code is searched for and not run, so that a layer of it is left out with a warning
 * (`python-not-run`).
 */
export function findPythonModules(net: NetParameter, places: ModulePlaces): HostLayerMaker {
  const { catalogue = defaultCatalogue() } = places;
  const search = new Search(places);
  const files = new Map(
    classesOf(net, catalogue).map(({ module, layer }) => [`${module}.${layer}`, search.find(module, layer)]),
  );
  return (module, layer, name) => {
    const file = files.get(`${module}.${layer}`);
    const registered =
      catalogue.pythonLayer(module, layer) ?? (file ? undefined : hostLayerFor(catalogue, module, layer));
    if (registered) return registered;
    if (file === undefined) throw search.unknown(module, layer);
    throw new MokapotError(
      error('python-not-run', `The shapes behind layer "${name}" are known to ${file} only, which was not run.`, {
        severity: 'warning',
        hint: 'Run its setup and reshape by --run-python, if you trust it.',
      }),
    );
  };
}

function thrown(reason: MokapotError): never {
  throw reason;
}

function classesOf(
  net: NetParameter,
  catalogue: LayerCatalogue,
): readonly { readonly module: string; readonly layer: string }[] {
  return net.layer.filter(l => catalogue.get(l.type)?.userCode).map(l => sub(l, 'python_param'));
}

const isPython = (file: string) => extname(file) === '.py';

/** The places where modules are looked for, in order. */
class Search {
  private readonly places: readonly string[];

  constructor({ given = [], protoDir }: ModulePlaces) {
    const path = (process.env['PYTHONPATH'] ?? '').split(delimiter).filter(dir => dir !== '');
    const all = [...given, ...(protoDir === undefined ? [] : [protoDir]), '.', ...path];
    this.places = [...new Set(all.map(place => resolve(place)))];
  }

  find(module: string, layer: string): string | undefined {
    // A module's name is no path: it cannot lead out of its folder.
    if (!/^\w[\w-]*(\.\w[\w-]*)*$/.test(module)) return undefined;
    for (const place of this.places) {
      const found = candidates(place, module, layer).find(isFile);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Where Python looks for what the file imports: its own folder first. */
  foldersFor(file: string, module: string): string[] {
    const depth = module.split('.').length - 1;
    let root = dirname(file);
    if (basename(file) === '__init__.py') root = dirname(root);
    for (let i = 0; i < depth; i++) root = dirname(root);
    const folders = this.places.map(place => (isFile(place) ? dirname(place) : place));
    return [...new Set([root, ...folders])];
  }

  unknown(module: string, layer: string): MokapotError {
    const looked = this.places.flatMap(place => {
      if (isFile(place)) return [place];
      return [
        `${join(place, ...module.split('.'))}{${EXTENSIONS.join(',')}}${existsSync(place) ? '' : ' (there is no such folder)'}`,
      ];
    });
    const text = `There is no Python layer ${module}.${layer}: it is not registered, and there is no file of it. Looked at ${looked.join(', ')}.`;
    if (/[\\/]|\.py$/.test(module)) {
      const hint = `module is a name and no path: module: "${basename(module, extname(module))}", and --python-layers for its file or folder.`;
      return fail('python-module', text, { hint });
    }
    // As Python imports it: the module a.b stands in a/b.py.
    const path = module.split('.').join('/');
    const other = nearest(`${module}.${layer}`, builtInPythonLayers());
    return fail('python-module', text, {
      hint: other
        ? `Did you mean ${other}, which ships with Mokapot?`
        : `Put ${path}.py with class ${layer}(caffe.Layer), or ${path}.ts that exports a class ${layer}, beside the prototxt, or name its file or folder by --python-layers; or call registerPythonLayer('${module}', '${layer}', …).`,
    });
  }
}

/** The files that a place may have a module in. A file that is given is the module of its name, or DIGITS' upload. */
function candidates(place: string, module: string, layer: string): string[] {
  if (isFile(place)) {
    if (!(EXTENSIONS as readonly string[]).includes(extname(place))) return [];
    const isIt = basename(place, extname(place)) === module || (module === UPLOADED && speaksOf(place, layer));
    return isIt ? [place] : [];
  }
  const path = join(place, module.replaceAll('.', sep));
  return [...EXTENSIONS.map(extension => path + extension), join(path, '__init__.py')];
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Whether a file can have a class at all: it defines, imports or exports its name, or takes names from elsewhere. */
function speaksOf(file: string, layer: string): boolean {
  if (!/^\w+$/.test(layer)) return true;
  const text = readFileSync(file, 'utf8');
  const names = `\\b(class|import|exports?)\\b.*\\b${layer}\\b|^\\s*${layer}\\s*[=:,]`;
  return new RegExp(`${names}|(im|ex)port\\s+\\*|__getattr__|globals\\(\\)`, 'm').test(text);
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    const loaded = file.endsWith('.ts') ? await loadTypeScript(file) : await import(pathToFileURL(file).href);
    return { ...(loaded as object) };
  } catch (cause) {
    const reason = messageOf(cause);
    throw fail('python-module', `The module of a Python layer, ${file}, cannot be loaded: ${reason}`);
  }
}

/** The translator is loaded where there is something to translate: it is a tenth of what starting takes. */
async function loadTypeScript(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  return createJiti(import.meta.url).import(file);
}

/** A named export, or a property of the default one. */
function classOf(exports: Readonly<Record<string, unknown>>, name: string): HostLayerClass | undefined {
  const standard = exports['default'];
  for (const place of [exports, standard]) {
    if ((typeof place !== 'object' && typeof place !== 'function') || place === null) continue;
    const value = own(place as Record<string, unknown>, name);
    if (typeof value === 'function') return value as HostLayerClass;
  }
  return undefined;
}

function lacksClass(file: string, exports: Readonly<Record<string, unknown>>, name: string): MokapotError {
  const names = Object.keys(exports).filter(key => typeof own(exports, key) === 'function');
  const near = nearest(name, names);
  const there = names.length > 0 ? `It exports ${names.join(', ')}.` : 'It exports no class.';
  return fail('python-module', `${file} exports no class ${name}.`, { hint: near ? `Did you mean ${near}?` : there });
}
