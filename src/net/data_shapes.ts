/** Shapes that come from outside: of Input layers where the caller overrides them, of data layers from the data set. */

import type { Shape } from '../ir/index.js';
import { defaultCatalogue, type LayerType } from '../layers/index.js';
import type { LayerParameter } from '../schema/index.js';
import { entryOf } from './inputs.js';
import type { Report } from './report.js';
import type { NetOptions } from './types.js';

export class DataShapes {
  private readonly lacking: LayerParameter[] = [];

  constructor(private readonly options: NetOptions) {}

  /** Whole shapes of all tops by `inputShapes`; a datum's label without one has the batch as its only axis. */
  whole(layer: LayerParameter): Shape[] | undefined {
    const given = this.options.inputShapes ?? {};
    const first = layer.top[0] === undefined ? undefined : given[layer.top[0]];
    const shapes = layer.top.map((top, i) => {
      if (given[top]) return given[top];
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
    const entries = layer.top.map((top, i) => this.options.inputShapes?.[top]?.slice(1) ?? this.entry(top, i));
    if (entries.length === 2 && entries[0]) entries[1] ??= [];
    return entries.every(e => e !== undefined) ? entries : type.entries?.(layer);
  }

  private typeOf(layer: LayerParameter): LayerType | undefined {
    return (this.options.catalogue ?? defaultCatalogue()).get(layer.type);
  }

  private entry(top: string, position: number): Shape | undefined {
    return this.options.entryShapes?.[entryOf(top, position, this.options.entryShapes)];
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
    const example = tops.map(t => `${t}: ${t === 'label' ? '[1, 1, 256, 256]' : '[1, 3, 256, 256]'}`).join(', ');
    report.error(
      'no-data-set',
      `Data layer${one ? '' : 's'} ${names} take${one ? 's' : ''} the shape${tops.length === 1 ? '' : 's'} of ${tops.map(t => `"${t}"`).join(' and ')} from the data set in use, and there is none.`,
      { message: first },
      { layer: first.name, hint: `Name a data set (--dataset DIR), or give the shapes: inputShapes: { ${example} }.` },
    );
  }
}
