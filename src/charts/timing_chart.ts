/** Timings as a picture: a bar for each layer and backend, its forward and its backward part, as SVG. */

import type { LayerTime, Timing } from '../tools/timing.js';
import * as echarts from './echarts.js';
import { chartText, svgOf } from './texts.js';

/** Forward and backward of one backend: a full and a lighter tone of one colour. */
const TONES = [
  ['#1f6fb4', '#9cc4e6'],
  ['#d9622b', '#f2bd9f'],
  ['#2a8f5b', '#a5d8bd'],
  ['#8a4fa3', '#d3b5de'],
  ['#b8860b', '#e6d09a'],
] as const;

/** Layers beyond this many are summed into one bar, the fastest first. */
const MAX_LAYERS = 60;

/**
 * An SVG document. The timings must be of one network, on several backends.
 *
 * @param title what stands above it
 */
export function timingChart(timings: readonly Timing[], title: string, width = 960): string {
  const names = slowest(timings);
  const height = 150 + names.length * (6 + 12 * timings.length);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      title: { text: chartText(title), subtext: totals(timings), left: 12, top: 8, textStyle: { fontSize: 16 } },
      legend: { top: 64, left: 12, itemGap: 28, itemWidth: 14, itemHeight: 10, textStyle: { fontSize: 12 } },
      grid: { left: 12, right: 28, top: 96, bottom: 36, containLabel: true },
      xAxis: { type: 'value', name: 'ms', nameLocation: 'middle', nameGap: 24 },
      yAxis: {
        type: 'category',
        data: names.map(chartText),
        inverse: true,
        axisTick: { show: false },
        axisLabel: { interval: 0 },
      },
      series: timings.flatMap((timing, i) => seriesOf(timing, names, TONES[i % TONES.length]!)),
    });
    return svgOf(chart);
  } finally {
    chart.dispose();
  }
}

const OTHERS = 'all others';

/** The layers that have a bar, in the network's order. */
function slowest(timings: readonly Timing[]): string[] {
  const total = new Map<string, number>();
  for (const { layers } of timings)
    for (const l of layers) total.set(l.layer, (total.get(l.layer) ?? 0) + l.forward + l.backward);
  if (total.size <= MAX_LAYERS) return [...total.keys()];
  const kept = new Set(
    [...total]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MAX_LAYERS)
      .map(([name]) => name),
  );
  return [...[...total.keys()].filter(name => kept.has(name)), OTHERS];
}

function totals(timings: readonly Timing[]): string {
  return timings
    .map(t => `${t.backend}: forward ${t.forward.toFixed(1)} ms, with backward ${t.forwardBackward.toFixed(1)} ms`)
    .join('   ');
}

function seriesOf(
  timing: Timing,
  names: readonly string[],
  tones: readonly [string, string],
): echarts.BarSeriesOption[] {
  const shown = new Set(names);
  const sum = (name: string, part: (l: LayerTime) => number) =>
    timing.layers
      .filter(l => l.layer === name || (name === OTHERS && !shown.has(l.layer)))
      .reduce((n, l) => n + part(l), 0);
  const bars = (part: 'forward' | 'backward', color: string): echarts.BarSeriesOption => ({
    type: 'bar',
    name: `${timing.backend} ${part}`,
    stack: timing.backend,
    barMaxWidth: 11,
    itemStyle: { color },
    data: names.map(name => sum(name, l => l[part])),
  });
  return [bars('forward', tones[0]), bars('backward', tones[1])];
}
