/** A learning-rate range test as SVG: the loss, as it was and smoothed, over the rate; where it fell fastest and exploded. */

import * as echarts from './echarts.js';
import { chartText, svgOf } from './texts.js';

/** What is drawn of a range test. */
export interface RateCurve {
  readonly points: readonly { readonly rate: number; readonly loss: number; readonly smoothed: number }[];
  readonly steepest: number | undefined;
  readonly diverged: number | undefined;
  readonly suggestion: number | undefined;
}

const BLUE = '#1f6fb4';
const LINES = { suggested: '#2a8f5b', 'falls fastest': '#8a4fa3', explodes: '#d9622b' } as const;

/**
 * An SVG document.
 *
 * @param title what stands above it
 */
export function rateChart({ points, steepest, diverged, suggestion }: RateCurve, title: string): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 960, height: 480 });
  const smoothed = points.map(p => p.smoothed);
  const first = smoothed[0] ?? 1;
  const top = Math.max(first, ...smoothed.slice(0, -1)) * 1.3;
  const marks = [
    ['falls fastest', steepest],
    ['explodes', diverged],
    ['suggested', suggestion],
  ] as const;
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      title: { text: chartText(title), left: 72, top: 10, textStyle: { fontSize: 16, fontWeight: 600 } },
      legend: {
        top: 38,
        left: 68,
        itemGap: 18,
        itemWidth: 18,
        itemHeight: 4,
        icon: 'rect',
        textStyle: { fontSize: 13 },
      },
      grid: { left: 76, right: 40, top: 84, bottom: 56, outerBoundsMode: 'none' },
      xAxis: {
        type: 'log',
        name: 'learning rate',
        nameLocation: 'middle',
        nameGap: 32,
        nameTextStyle: { fontSize: 13 },
        axisLabel: { fontSize: 12, formatter: power },
        ...(points.length > 0 && { min: points[0]!.rate, max: diverged ?? points.at(-1)!.rate }),
        splitLine: { show: false },
      },
      yAxis: {
        type: 'value',
        name: 'loss',
        nameLocation: 'middle',
        nameGap: 46,
        nameTextStyle: { fontSize: 13 },
        min: 0,
        max: Number(top.toPrecision(2)),
        axisLabel: { fontSize: 12 },
      },
      series: [
        line(
          'loss',
          points.map(p => [p.rate, p.loss]),
          { color: '#a9c4de', width: 1 },
        ),
        line(
          'loss, smoothed',
          points.map(p => [p.rate, p.smoothed]),
          { color: BLUE, width: 2 },
        ),
        ...marks.flatMap(([name, rate]) =>
          rate === undefined
            ? []
            : [
                line(
                  `${name}: ${power(rate)}`,
                  [
                    [rate, 0],
                    [rate, top],
                  ],
                  { color: LINES[name], width: 1.5, type: 'dashed' as const },
                ),
              ],
        ),
      ],
    });
    return svgOf(chart);
  } finally {
    chart.dispose();
  }
}

function line(
  name: string,
  data: [number, number][],
  { color, ...style }: { readonly color: string; readonly width: number; readonly type?: 'dashed' },
): echarts.LineSeriesOption {
  return { type: 'line', name, data, showSymbol: false, clip: true, itemStyle: { color }, lineStyle: style };
}

/** `1e−7`, `3.2e−4` */
function power(value: number): string {
  return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e').replace('e-', 'e−');
}
