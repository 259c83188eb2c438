/** The same picture for Graphviz. */

import { visible } from '../diagnostics/index.js';
import type { NetPicture } from './graph.js';
import { countText, shapeText, typeText } from './layout.js';

/** A digraph in the dot language. */
export function toDot({ title, boxes, lines }: NetPicture): string {
  const shapes = new Map(boxes.flatMap(b => b.tops.map((top, i) => [`${b.id}.${i}`, shapeText(top.shape)] as const)));
  return [
    `digraph ${quoted(title)} {`,
    '  node [shape=box style="rounded,filled" fillcolor="#eef1f4" fontname="Helvetica" fontsize=11];',
    '  edge [fontname="Helvetica" fontsize=9 color="#8a97a6"];',
    ...boxes.map(({ id, rows }) => {
      const label = rows.map(r => [r.name, typeText(r), countText(r.paramCount)].filter(t => t !== '').join('\n'));
      return `  ${id} [label=${quoted(label.join('\n'))}];`;
    }),
    ...lines.map(l => `  ${l.from} -> ${l.to} [label=${quoted(shapes.get(`${l.from}.${l.top}`) ?? '')}];`),
    '}',
    '',
  ].join('\n');
}

const quoted = (text: string): string =>
  `"${visible(text).replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
