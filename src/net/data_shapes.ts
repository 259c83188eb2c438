/** Shapes that come from outside: of Input layers where the caller overrides them, of data layers from the data set. */

import { literalKey, own } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { defaultCatalogue, type LayerType } from '../layers/index.js';
import type { LayerParameter } from '../schema/index.js';
import { entryOf, picturesOf } from './inputs.js';
import type { Report } from './report.js';
import type { NetOptions } from './types.js';

export class DataShapes {
  private readonly lacking: LayerParameter[] = [];

  /** @param layers of the net, in the state at hand */
  constructor(
    private readonly options: NetOptions,
    private readonly layers: readonly LayerParameter[] = [],
  ) {}

  /** Whole shapes of all tops by `inputShapes`; a datum's label without one has the batch as its only axis. */
  whole(layer: LayerParameter): Shape[] | undefined {
    const first = layer.top[0] === undefined ? undefined : this.given(layer.top[0]);
    const shapes = layer.top.map((top, i) => {
      const given = this.given(top);
      if (given) return given;
      // The second top of a layer that reads entries is one number each, unless the data set has it otherwise.
      if (this.typeOf(layer)?.reads && i === 1 && first && !this.entry(top, i)) return first.slice(0, 1);
      return undefined;
    });
    return shapes.length > 0 && shapes.every(s => s !== undefined) ? shapes : undefined;
  }

  /** What the layer's rule is told: entries of the data for a data layer, nothing for any other source. */
  of(layer: LayerParameter): readonly Shape[] | undefined {
    const type = this.typeOf(layer);
    if (!type?.reads) return undefined;
    const entries = layer.top.map((top, i) => this.given(top)?.slice(1) ?? this.cut(layer, this.entry(top, i)));
    if (entries.length === 2 && entries[0]) entries[1] ??= [];
    return entries.every(e => e !== undefined) ? entries : type.entries?.(layer);
  }

  /** A label picture is cut as the pictures are that it belongs to, where its own layer does not say so. */
  private cut(layer: LayerParameter, entry: Shape | undefined): Shape | undefined {
    const pictures = picturesOf(layer, this.layers, l => this.typeOf(l)?.reads?.readsDataset === true);
    const [height, width = height] = pictures?.augment_param?.crop_size ?? [];
    if (layer.augment_param?.crop_size.length || !height || !width || entry?.length !== 3) return entry;
    return [entry[0]!, Math.min(entry[1]!, height), Math.min(entry[2]!, width)];
  }

  private typeOf(layer: LayerParameter): LayerType | undefined {
    return (this.options.catalogue ?? defaultCatalogue()).get(layer.type);
  }

  private given(top: string): Shape | undefined {
    return own(this.options.inputShapes, top);
  }

  private entry(top: string, position: number): Shape | undefined {
    const { entryShapes } = this.options;
    return own(entryShapes, entryOf(top, position, entryShapes));
  }

  missing(layer: LayerParameter): void {
    this.lacking.push(layer);
  }

  /** One error for all layers that wait for a data set. */
  reportMissing(report: Report): void {
    const [first] = this.lacking;
    if (!first) return;
    const tops = [...new Set(this.lacking.flatMap(l => l.top))];
    const names = [...new Set(this.lacking.map(l => `"${l.name}"`))].join(' and ');
    const one = this.lacking.length === 1;
    const example = tops
      .map(t => `${literalKey(t)}: ${t === 'label' ? '[1, 1, 256, 256]' : '[1, 3, 256, 256]'}`)
      .join(', ');
    report.error(
      'no-data-set',
      `Data layer${one ? '' : 's'} ${names} take${one ? 's' : ''} the shape${tops.length === 1 ? '' : 's'} of ${tops.map(t => `"${t}"`).join(' and ')} from the data set in use, and there is none.`,
      { message: first },
      { layer: first.name, hint: `Name a data set (--dataset DIR), or give the shapes: inputShapes: { ${example} }.` },
    );
  }
}
