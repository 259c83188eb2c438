/** A network as boxes and lines: layers that work in place stand in the box of what they change, splits are not shown. */

import type { DescribedLayer, Description } from '../net/index.js';

/** A colour of the picture, and its word in the legend. */
export type Kind = DescribedLayer['category'];

/** A layer in a box. */
export interface BoxRow {
  /** The layer's name. */
  readonly name: string;
  /** Its type. */
  readonly type: string;
  /** What colours it. */
  readonly kind: Kind;
  /** `3×3, 64, stride 2`; or empty. */
  readonly detail: string;
  /** Numbers in its parameters. */
  readonly paramCount: number;
}

export interface Box {
  readonly id: string;
  /** The layer, then those that work in place on its top. */
  readonly rows: readonly BoxRow[];
  readonly tops: readonly { readonly blob: string; readonly shape: readonly number[] }[];
}

/** A blob on its way from one box to another. */
export interface Line {
  /** The box that it leaves. */
  readonly from: string;
  /** Which top of the box it leaves. */
  readonly top: number;
  /** The box that it enters. */
  readonly to: string;
}

/** A network as boxes and lines, before it is laid out. */
export interface NetPicture {
  /** The network's name. */
  readonly title: string;
  /** Its phase and size, in words. */
  readonly subtitle: string;
  /** In the order of running. */
  readonly boxes: readonly Box[];
  /** By the box that they leave. */
  readonly lines: readonly Line[];
}

/** The picture of a described net. */
export function netPicture(net: Description): NetPicture {
  const boxes: { id: string; rows: BoxRow[]; tops: { blob: string; shape: readonly number[] }[] }[] = [];
  const lines: Line[] = [];
  /** Which box and top a blob's newest version comes from. */
  const source = new Map<string, { readonly box: (typeof boxes)[number]; readonly top: number }>();
  for (const layer of net.layers) {
    const from = layer.bottoms.map(b => source.get(b));
    if (layer.isSplit) {
      for (const top of layer.tops) if (from[0]) source.set(top, from[0]);
      continue;
    }
    const row = rowOf(layer);
    const inPlace = layer.bottoms.length === 1 && layer.tops.length === 1 && layer.tops[0] === layer.bottoms[0];
    const host = from[0];
    const size = (shape: readonly number[]) => shape.join();
    if (inPlace && host && size(host.box.tops[host.top]!.shape) === size(layer.topShapes[0]!)) {
      host.box.rows.push(row);
      continue;
    }
    const tops = layer.tops.map((blob, i) => ({ blob, shape: layer.topShapes[i]! }));
    const box = { id: `box${boxes.length}`, rows: [row], tops };
    boxes.push(box);
    for (const place of from) if (place) lines.push({ from: place.box.id, top: place.top, to: box.id });
    layer.tops.forEach((top, i) => {
      source.set(top, { box, top: i });
    });
  }
  const count = net.layers.filter(l => !l.inserted).length;
  const numbers = [`${count} layers`, `${grouped(net.paramCount)} parameters`, `${short(net.macs)} multiply-adds`];
  return { title: net.name || 'Network', subtitle: `${net.phase} · ${numbers.join(' · ')}`, boxes, lines };
}

function rowOf({ name, type, category, detail, paramCount }: DescribedLayer): BoxRow {
  return { name, type, kind: category, detail, paramCount };
}

/** `61,100,840` */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1.58 G` */
export function short(n: number): string {
  const step = (
    [
      [1e12, ' T'],
      [1e9, ' G'],
      [1e6, ' M'],
      [1e3, ' k'],
    ] as const
  ).find(([size]) => n >= size);
  return step ? `${(n / step[0]).toPrecision(3)}${step[1]}` : String(n);
}
