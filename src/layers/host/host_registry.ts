/** Python layers by module and class name: what ships with Mokapot and what a program registers. */

import { builtIn } from '../python/index.js';
import type { HostLayer, HostLayerClass } from './host_layer.js';

const registered = new Map<string, HostLayerClass>();

function key(module: string, layer: string): string {
  return `${module}.${layer}`;
}

/**
 * Makes `python_param { module: "…" layer: "…" }` mean this class, for every net compiled from now on. It comes before any
 * file and before what ships with Mokapot. Registering a name anew replaces it, as importing a module again would.
 */
export function registerPythonLayer(module: string, name: string, layer: HostLayerClass): void {
  registered.set(key(module, name), layer);
}

/** A new instance of the class that a program registered under these names; undefined where there is none. */
export function registeredLayer(module: string, layer: string): HostLayer | undefined {
  const found = registered.get(key(module, layer));
  return found && new found();
}

/** The same, else of the class that ships with Mokapot. */
export function hostLayerFor(module: string, layer: string): HostLayer | undefined {
  const own = module === 'digits_python_layers' && Object.hasOwn(builtIn, layer) ? builtIn[layer] : undefined;
  return registeredLayer(module, layer) ?? (own && new own());
}

/** What ships with Mokapot, as `module.layer`. */
export function builtInPythonLayers(): readonly string[] {
  return Object.keys(builtIn).map(name => key('digits_python_layers', name));
}
