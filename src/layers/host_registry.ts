/** Python layers by module and class name: what ships with Mokapot and what a program registers. */

import type { HostLayer, HostLayerClass } from './host_layer.js';
import { Dice } from './python/dice.js';

const registry = new Map<string, HostLayerClass>();

function key(module: string, layer: string): string {
  return `${module}.${layer}`;
}

/**
 * Makes `python_param { module: "…" layer: "…" }` mean this class, for every net compiled from now on. Registering a name
 * anew replaces it, as importing a module again would.
 */
export function registerPythonLayer(module: string, name: string, layer: HostLayerClass): void {
  registry.set(key(module, name), layer);
}

/** A new instance of the class registered under these names; undefined where there is none. */
export function hostLayerFor(module: string, layer: string): HostLayer | undefined {
  const found = registry.get(key(module, layer));
  return found && new found();
}

/** The names that are registered, as `module.layer`. */
export function registeredPythonLayers(): readonly string[] {
  return [...registry.keys()];
}

registerPythonLayer('digits_python_layers', 'Dice', Dice);
