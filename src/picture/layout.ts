/** Where boxes and lines go: elk's layered layout, from top to bottom. */

import type { ElkNode } from 'elkjs/lib/elk-api.js';
import { fail } from '../diagnostics/index.js';
import { type Box, grouped, type NetPicture, short } from './graph.js';
import { textWidth } from './text_width.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedBox {
  readonly box: Box;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly boxes: readonly PlacedBox[];
  readonly lines: readonly (readonly Point[])[];
  /** Where each top leaves its box, with its shape. */
  readonly shapes: readonly { readonly at: Point; readonly text: string }[];
  readonly width: number;
  readonly height: number;
}

export const SIZES = { name: 13, type: 11, row: 11, shape: 10.5, head: 40, rowHeight: 22, pad: 12 } as const;

/** More boxes than people can look at, and more than the layout does in a minute. */
const MAX_BOXES = 2000;

export const shapeText = (shape: readonly number[]): string => (shape.length === 0 ? 'scalar' : shape.join('×'));

export const typeText = (row: Box['rows'][number]): string => (row.detail ? `${row.type} · ${row.detail}` : row.type);

export const countText = (n: number): string => (n === 0 ? '' : n < 100_000 ? grouped(n) : short(n));

/** Between two tops of a box, so that their shapes have room. */
const PORT_GAP = 92;

/** How large a box must be for what stands in it. */
export function boxSize({ rows, tops }: Box): { width: number; height: number } {
  const [head, ...others] = rows;
  const gap = (count: number) => (count ? 14 + textWidth(countText(count), SIZES.type) : 0);
  const widths = [
    textWidth(head!.name, SIZES.name, 'bold') + gap(head!.paramCount),
    textWidth(typeText(head!), SIZES.type),
    ...others.map(r => textWidth(`${r.name}  ${typeText(r)}`, SIZES.row) + 14 + gap(r.paramCount)),
  ];
  return {
    width: Math.ceil(Math.max(96, tops.length > 1 ? PORT_GAP * tops.length : 0, ...widths) + 2 * SIZES.pad),
    height: SIZES.head + SIZES.rowHeight * others.length,
  };
}

type ElkClass = new () => { layout(graph: ElkNode): Promise<ElkNode> };

/** @throws MokapotError `picture-size` for a net that is no picture any more */
export async function layOut({ boxes, lines }: NetPicture): Promise<Layout> {
  if (boxes.length > MAX_BOXES) {
    throw fail('picture-size', `${grouped(boxes.length)} boxes are no picture any more.`, {
      hint: 'Write a .dot and let Graphviz lay it out, or draw a part of the network.',
    });
  }
  // A large module, and few who load this one draw. Under some loaders a CommonJS default is wrapped twice.
  const { default: module } = (await import('elkjs/lib/elk.bundled.js')) as unknown as {
    default: ElkClass & { default?: ElkClass };
  };
  const Elk = module.default ?? module;
  const placed = await new Elk().layout({
    id: 'net',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'DOWN',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.layered.spacing.nodeNodeBetweenLayers': '44',
      'elk.layered.spacing.edgeNodeBetweenLayers': '22',
      'elk.layered.spacing.edgeEdgeBetweenLayers': '9',
      'elk.spacing.nodeNode': '26',
      'elk.spacing.edgeNode': '20',
      'elk.spacing.edgeEdge': '12',
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.layered.thoroughness': '12',
      'elk.padding': '[top=16,left=24,bottom=40,right=64]',
    },
    children: boxes.map(nodeOf),
    edges: lines.map((line, i) => ({
      id: `line${i}`,
      sources: [`${line.from}.${line.top}`],
      targets: [`${line.to}.in`],
    })),
  });
  return read(placed, boxes);
}

/** A box with a port for what comes in, and one for each top. */
function nodeOf(box: Box): ElkNode {
  const { width, height } = boxSize(box);
  const share = width / Math.max(1, box.tops.length);
  const port = (id: string, x: number, y: number) => ({ id: `${box.id}.${id}`, x, y, width: 0, height: 0 });
  return {
    id: box.id,
    width,
    height,
    layoutOptions: { 'elk.portConstraints': 'FIXED_POS' },
    ports: [port('in', width / 2, 0), ...box.tops.map((_, i) => port(String(i), (i + 0.5) * share, height))],
  };
}

function read(placed: ElkNode, boxes: readonly Box[]): Layout {
  const nodes = new Map((placed.children ?? []).map(n => [n.id, n]));
  const all = boxes.map(box => {
    const node = nodes.get(box.id)!;
    return {
      box,
      x: node.x ?? 0,
      y: node.y ?? 0,
      width: node.width ?? 0,
      height: node.height ?? 0,
      ports: node.ports ?? [],
    };
  });
  const lines = (placed.edges ?? []).flatMap(edge =>
    (edge.sections ?? []).map(s => [s.startPoint, ...(s.bendPoints ?? []), s.endPoint]),
  );
  const shapes = all.flatMap(({ box, x, y, ports }) =>
    box.tops.map((top, i) => {
      const port = ports.find(p => p.id === `${box.id}.${i}`);
      return { at: { x: x + (port?.x ?? 0), y: y + (port?.y ?? 0) }, text: shapeText(top.shape) };
    }),
  );
  return { boxes: all, lines, shapes, width: placed.width ?? 0, height: placed.height ?? 0 };
}
