/** Python layers by module and class name: those of a catalogue, else what ships with Mokapot. */

import { own } from '../../diagnostics/index.js';
import type { LayerCatalogue } from '../layer_catalogue.js';
import { builtIn } from '../python/index.js';
import type { HostLayer } from './host_layer.js';

/** A new instance of the catalogue's class, else of the class that ships with Mokapot; undefined where there is neither. */
export function hostLayerFor(catalogue: LayerCatalogue, module: string, layer: string): HostLayer | undefined {
  const shipped = module === 'digits_python_layers' ? own(builtIn, layer) : undefined;
  return catalogue.pythonLayer(module, layer) ?? (shipped && new shipped());
}

/** What ships with Mokapot, as `module.layer`. */
export function builtInPythonLayers(): readonly string[] {
  return Object.keys(builtIn).map(name => `digits_python_layers.${name}`);
}
