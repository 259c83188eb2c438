/** Histograms of a file's parameters as one picture, SVG: a small chart for each blob. */

import { type BlobReport, formatShape } from '../weights/index.js';
import * as echarts from './echarts.js';
import { chartText, svgOf } from './texts.js';

const COLUMNS = 4;
const CELL = { width: 240, height: 150 };
const TOP = 56;
/** Blobs beyond these are left out, the smallest first. */
const MAX_BLOBS = 200;

/**
 * Histograms of blobs as one SVG, the 200 largest in the order given.
 *
 * @param title what stands above it
 */
export function weightsChart(blobs: readonly BlobReport[], title: string): string {
  const shown = largest(blobs);
  const height = TOP + Math.ceil(Math.max(1, shown.length) / COLUMNS) * CELL.height;
  const width = COLUMNS * CELL.width;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  const place = (i: number) => ({ left: (i % COLUMNS) * CELL.width, top: TOP + Math.floor(i / COLUMNS) * CELL.height });
  const left = blobs.length - shown.length;
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      title: [
        {
          text: chartText(left ? `${title} (${left} small blobs left out)` : title),
          left: 12,
          top: 12,
          textStyle: { fontSize: 16 },
        },
        ...shown.map((b, i) => ({
          text: chartText(`${b.layer} ${b.blob}`),
          subtext: `${formatShape(b.shape)}${b.nans + b.infinities ? `, ${b.nans + b.infinities} not finite` : ''}`,
          left: place(i).left + 12,
          top: place(i).top,
          itemGap: 2,
          textStyle: { fontSize: 12, width: CELL.width - 24, overflow: 'truncate' },
          subtextStyle: { fontSize: 10 },
        })),
      ],
      grid: shown.map((_, i) => ({
        left: place(i).left + 12,
        top: place(i).top + 38,
        width: CELL.width - 30,
        height: CELL.height - 66,
      })),
      xAxis: shown.map((b, i) => ({
        type: 'category',
        gridIndex: i,
        data: b.histogram.map((_, bin) => edge(b, bin)),
        axisTick: { show: false },
        axisLabel: { fontSize: 9, interval: (bin: number) => bin === 0 || bin === b.histogram.length - 1 },
      })),
      yAxis: shown.map((_, i) => ({ type: 'value', gridIndex: i, show: false })),
      series: shown.map((b, i) => ({
        type: 'bar',
        xAxisIndex: i,
        yAxisIndex: i,
        barCategoryGap: '0%',
        itemStyle: { color: b.nans + b.infinities ? '#d9622b' : '#1f6fb4' },
        data: [...b.histogram],
      })),
    });
    return svgOf(chart);
  } finally {
    chart.dispose();
  }
}

/** The lower edge of a bin, of the last one its upper. */
function edge({ min, max, histogram }: BlobReport, bin: number): string {
  const share = bin === histogram.length - 1 ? 1 : bin / histogram.length;
  return Number.isFinite(min) ? String(Number((min + share * (max - min)).toPrecision(3))) : '';
}

function largest(blobs: readonly BlobReport[]): readonly BlobReport[] {
  if (blobs.length <= MAX_BLOBS) return blobs;
  const kept = new Set([...blobs].sort((a, b) => b.count - a.count).slice(0, MAX_BLOBS));
  return blobs.filter(b => kept.has(b));
}
