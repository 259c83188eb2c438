/** A laid-out network as SVG. */

import { visible } from '../diagnostics/index.js';
import type { BoxRow, Kind, NetPicture } from './graph.js';
import { boxSize, countText, type Layout, layOut, type PlacedBox, type Point, SIZES, typeText } from './layout.js';
import { textWidth, truncated } from './text_width.js';

interface Colours {
  readonly fill: string;
  readonly line: string;
  readonly text: string;
}

const COLOURS: Readonly<Record<Kind, Colours>> = {
  data: { fill: '#e6f6ec', line: '#3a9d5d', text: '#1d5c34' },
  convolution: { fill: '#e5f0fd', line: '#3b82d6', text: '#174a85' },
  deconvolution: { fill: '#e0f5f7', line: '#1f9aa8', text: '#0f5963' },
  product: { fill: '#ebe9fd', line: '#6a5ae0', text: '#382d93' },
  pooling: { fill: '#fdf0dc', line: '#d98e1f', text: '#7c4d07' },
  activation: { fill: '#fdf9d8', line: '#c2a815', text: '#67590a' },
  normalisation: { fill: '#f6e9fa', line: '#a855c4', text: '#66297c' },
  arrangement: { fill: '#eef1f4', line: '#7b8794', text: '#3b4652' },
  loss: { fill: '#fde8e8', line: '#d64545', text: '#851f1f' },
  measure: { fill: '#fdeaf3', line: '#d0518d', text: '#7f2150' },
  other: { fill: '#f3f1ec', line: '#8f8674', text: '#4e4839' },
};

const WORDS: Readonly<Record<Kind, string>> = {
  data: 'data',
  convolution: 'convolution',
  deconvolution: 'upsampling',
  product: 'inner product',
  pooling: 'pooling',
  activation: 'activation',
  normalisation: 'normalisation',
  arrangement: 'shape, join',
  loss: 'loss',
  measure: 'measure',
  other: 'other',
};

const FONT = "Lato, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";
const INK = '#1f2933';
const EDGE = '#8a97a6';
const HEADER = 74;

/** The picture as a whole SVG document. */
export async function toSvg(picture: NetPicture): Promise<string> {
  return drawn(picture, await layOut(picture));
}

function drawn(picture: NetPicture, layout: Layout): string {
  const legend = legendOf(picture, Math.max(LEGEND_WIDTH, layout.width - 48));
  const title = textWidth(picture.title, 20, 'bold');
  const width = Math.ceil(Math.max(layout.width, legend.width + 48, title + 48, textWidth(picture.subtitle, 12) + 48));
  const height = Math.ceil(layout.height + HEADER + legend.rows * 20);
  const shift = (width - layout.width) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}">`,
    `<title>${escaped(picture.title)}</title>`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.6 L7.4 4 L0 7.4 z" fill="${EDGE}"/></marker></defs>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(24, 36, picture.title, { size: 20, weight: 700, fill: INK }),
    text(24, 56, picture.subtitle, { size: 12, fill: '#616e7c' }),
    ...legend.parts,
    `<g transform="translate(${round(shift)} ${HEADER + legend.rows * 20})">`,
    `<g fill="none" stroke="${EDGE}" stroke-width="1.4">`,
    ...layout.lines.map(points => `<path d="${pathOf(points)}" marker-end="url(#tip)"/>`),
    '</g>',
    ...layout.boxes.flatMap(boxOf),
    ...layout.shapes.map(s => shapeLabel(s.at, s.text)),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** The colours that the picture has, in rows of at least this width. */
const LEGEND_WIDTH = 620;

function legendOf(picture: NetPicture, room: number): { parts: string[]; width: number; rows: number } {
  const used = new Set(picture.boxes.flatMap(b => b.rows.map(r => r.kind)));
  const kinds = (Object.keys(COLOURS) as Kind[]).filter(k => used.has(k));
  const parts: string[] = [];
  let [x, row, width] = [24, 0, 0];
  for (const kind of kinds) {
    const step = 34 + textWidth(WORDS[kind], 11);
    if (x + step > room) [x, row] = [24, row + 1];
    const y = 72 + 20 * row;
    const { fill, line } = COLOURS[kind];
    parts.push(
      `<rect x="${round(x)}" y="${y}" width="13" height="13" rx="3.5" fill="${fill}" stroke="${line}"/>`,
      text(x + 18, y + 10.5, WORDS[kind], { size: 11, fill: '#52606d' }),
    );
    x += step;
    width = Math.max(width, x);
  }
  return { parts, width, rows: row + 1 };
}

function boxOf({ box, x, y, width }: PlacedBox): string[] {
  const [head, ...rows] = box.rows;
  const { fill, line, text: ink } = COLOURS[head!.kind];
  const { height } = boxSize(box);
  const clip = `clip-${box.id}`;
  const inner = width - 2 * SIZES.pad;
  const count = countText(head!.paramCount);
  const room = inner - (count ? 14 + textWidth(count, SIZES.type) : 0);
  return [
    `<g transform="translate(${round(x)} ${round(y)})">`,
    `<title>${escaped(box.rows.map(r => `${r.name}: ${typeText(r)}${r.paramCount ? `, ${r.paramCount} parameters` : ''}`).join('\n'))}</title>`,
    `<clipPath id="${clip}"><rect width="${width}" height="${height}" rx="8"/></clipPath>`,
    `<g clip-path="url(#${clip})">`,
    `<rect width="${width}" height="${height}" fill="${fill}"/>`,
    ...rows.map((row, i) => rowBand(row, i, width)),
    '</g>',
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="7.5" fill="none" stroke="${line}" stroke-width="1.3"/>`,
    text(SIZES.pad, 17, truncated(head!.name, SIZES.name, room, 'bold'), { size: SIZES.name, weight: 700, fill: ink }),
    ...(count ? [text(width - SIZES.pad, 17, count, { size: SIZES.type, fill: ink, anchor: 'end' })] : []),
    text(SIZES.pad, 32, truncated(typeText(head!), SIZES.type, inner), { size: SIZES.type, fill: '#52606d' }),
    ...rows.flatMap((row, i) => rowTexts(row, i, width)),
    '</g>',
  ];
}

const rowTop = (i: number): number => SIZES.head + i * SIZES.rowHeight;

function rowBand(row: BoxRow, i: number, width: number): string {
  const { fill, line } = COLOURS[row.kind];
  return `<rect x="0" y="${rowTop(i)}" width="${width}" height="${SIZES.rowHeight}" fill="${fill}"/><path d="M0 ${rowTop(i)}H${width}" stroke="${line}" stroke-opacity="0.45"/>`;
}

function rowTexts(row: BoxRow, i: number, width: number): string[] {
  const y = rowTop(i) + 15;
  const ink = COLOURS[row.kind].text;
  const count = countText(row.paramCount);
  const nameWidth = textWidth(`${row.name}  `, SIZES.row);
  return [
    text(SIZES.pad, y, row.name, { size: SIZES.row, fill: ink }),
    text(SIZES.pad + nameWidth + 4, y, typeText(row), { size: SIZES.row, fill: '#7b8794' }),
    ...(count ? [text(width - SIZES.pad, y, count, { size: SIZES.row, fill: ink, anchor: 'end' })] : []),
  ];
}

/** Beside the line, right below the box that it leaves. */
function shapeLabel({ x, y }: Point, shape: string): string {
  return text(x + 6, y + 14, shape, { size: SIZES.shape, fill: '#52606d', halo: true });
}

interface TextStyle {
  readonly size: number;
  readonly fill: string;
  readonly weight?: number;
  readonly anchor?: 'end';
  readonly halo?: boolean;
}

function text(x: number, y: number, content: string, style: TextStyle): string {
  const weight = style.weight ? ` font-weight="${style.weight}"` : '';
  const anchor = style.anchor ? ` text-anchor="${style.anchor}"` : '';
  const halo = style.halo ? ' stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"' : '';
  return `<text x="${round(x)}" y="${round(y)}" font-size="${style.size}"${weight}${anchor} fill="${style.fill}"${halo}>${escaped(content)}</text>`;
}

const RADIUS = 7;

/** Straight pieces with rounded corners. */
function pathOf(points: readonly Point[]): string {
  const out = [`M${round(points[0]!.x)} ${round(points[0]!.y)}`];
  for (let i = 1; i < points.length; i++) {
    const [before, at, after] = [points[i - 1]!, points[i]!, points[i + 1]];
    if (!after) {
      out.push(`L${round(at.x)} ${round(at.y)}`);
      continue;
    }
    const r = Math.min(RADIUS, distance(before, at) / 2, distance(at, after) / 2);
    const [a, b] = [towards(at, before, r), towards(at, after, r)];
    out.push(`L${round(a.x)} ${round(a.y)}Q${round(at.x)} ${round(at.y)} ${round(b.x)} ${round(b.y)}`);
  }
  return out.join('');
}

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

function towards(from: Point, to: Point, length: number): Point {
  const d = distance(from, to) || 1;
  return { x: from.x + ((to.x - from.x) * length) / d, y: from.y + ((to.y - from.y) * length) / d };
}

const round = (x: number): number => Math.round(x * 10) / 10;

/** Text as XML has it; control characters are shown as escapes, and what else XML cannot hold is left out. */
function escaped(content: string): string {
  const legal = visible(content).replace(/[\ufffe\uffff]|[\ud800-\udfff](?![\udc00-\udfff])/gu, '');
  return legal.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
