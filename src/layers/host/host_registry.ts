/** Python layers by module and class name: those of a catalogue, else what ships with Mokapot. */

import type { LayerCatalogue } from '../layer_catalogue.js';
import { builtIn } from '../python/index.js';
import type { HostLayer } from './host_layer.js';

/** A new instance of the catalogue's class, else of the class that ships with Mokapot; undefined where there is neither. */
export function hostLayerFor(catalogue: LayerCatalogue, module: string, layer: string): HostLayer | undefined {
  const own = module === 'digits_python_layers' && Object.hasOwn(builtIn, layer) ? builtIn[layer] : undefined;
  return catalogue.pythonLayer(module, layer) ?? (own && new own());
}

/** What ships with Mokapot, as `module.layer`. */
export function builtInPythonLayers(): readonly string[] {
  return Object.keys(builtIn).map(name => `digits_python_layers.${name}`);
}
