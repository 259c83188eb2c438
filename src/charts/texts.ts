/**
 * Texts in ECharts. It keeps widths of texts in plain objects: a text that is the name of what every object has (`constructor`,
 * `__proto__`) would be taken for an entry there, and what the whole process has under that name would be changed.
 */

import { isInherited, visible } from '../diagnostics/index.js';
import type * as echarts from './echarts.js';

/** Takes no place, and is taken out of the picture again. */
const MARK = '\u2060';

const MARKED = Object.getOwnPropertyNames(Object.prototype).map(name => [`${name}${MARK}`, name] as const);

/** A text that people gave, for an option of a chart that `svgOf` draws. */
export function chartText(text: string): string {
  const lines = text.split('\n');
  return lines.map(line => (isInherited(line) ? `${line}${MARK}` : line)).join('\n');
}

/** The chart as an SVG document. */
export function svgOf(chart: echarts.ECharts): string {
  return visible(MARKED.reduce((svg, [marked, name]) => svg.replaceAll(marked, name), chart.renderToSVGString()));
}
