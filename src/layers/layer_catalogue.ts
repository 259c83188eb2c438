/**
 * The layers that a net may have, as a value: Caffe's names with what stands behind them, and the classes of Python layers.
 * A catalogue never changes; `with` makes another one. A program without one of its own uses the default catalogue.
 */

import { fail } from '../diagnostics/index.js';
import { input } from './catalogue/input.js';
import { split } from './catalogue/split.js';
import type { HostLayer, HostLayerClass } from './host/host_layer.js';
import type { LayerType } from './types.js';

/** `module.layer` */
type ClassName = string;

/** The layer types and Python layers that a net may have. It never changes: `with` gives another one. */
export class LayerCatalogue {
  /** Every layer type by Caffe's name. Input and Split, which the compiler puts in, are always there. */
  readonly types: ReadonlyMap<string, LayerType>;

  /**
   * @param types the later of two with one name counts
   * @param pythonLayers classes by `module.layer`
   */
  constructor(
    types: Iterable<LayerType>,
    private readonly pythonLayers: ReadonlyMap<ClassName, HostLayerClass> = new Map(),
  ) {
    this.types = new Map([input, split, ...types].map(type => [type.type, type]));
  }

  /** The type of this name; undefined where there is none. */
  get(type: string): LayerType | undefined {
    return this.types.get(type);
  }

  /**
   * A catalogue with these types besides.
   *
   * @throws MokapotError `layer-type-taken` where a name is taken
   */
  with(...types: readonly LayerType[]): LayerCatalogue {
    const all = new Map(this.types);
    for (const type of types) {
      if (all.has(type.type)) {
        throw fail('layer-type-taken', `A layer type "${type.type}" is registered already.`, {
          hint: 'Give yours another name: the nets that use the existing one rely on it.',
        });
      }
      all.set(type.type, type);
    }
    return new LayerCatalogue(all.values(), this.pythonLayers);
  }

  /**
   * A catalogue in which `python_param { module: "…" layer: "…" }` means this class. It comes before any file and before what
   * ships with Mokapot; a class of the same name is replaced, as importing a module again would.
   */
  withPythonLayer(module: string, layer: string, layerClass: HostLayerClass): LayerCatalogue {
    return new LayerCatalogue(this.types.values(), new Map(this.pythonLayers).set(`${module}.${layer}`, layerClass));
  }

  /** A new instance of the Python layer's class; undefined where the catalogue has none of these names. */
  pythonLayer(module: string, layer: string): HostLayer | undefined {
    const found = this.pythonLayers.get(`${module}.${layer}`);
    return found && new found();
  }

  /** Whether a layer of this type is a loss; of a type that it does not have, Caffe's way of naming losses tells. */
  isLoss(type: string): boolean {
    return this.get(type)?.isLoss ?? (!this.types.has(type) && type.endsWith('Loss'));
  }

  /** Whether a layer of this type reads entries of data; of a type that it does not have, Caffe's way of naming tells. */
  readsData(type: string): boolean {
    const known = this.get(type);
    return known ? known.reads !== undefined : type.endsWith('Data');
  }
}
