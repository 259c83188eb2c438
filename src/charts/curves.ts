/**
 * A run's curves as SVG: training loss, smoothed, and validation loss on the left axis; what validation measures
 * (accuracy, Dice) on the right one; the learning rate below.
 */

import * as echarts from './echarts.js';
import { chartText, svgOf } from './texts.js';

/** What is drawn of a training's events. */
export type CurveEvent = { readonly iter: number; readonly epoch: number | undefined } & (
  | { readonly type: 'start'; readonly iterationsPerEpoch: number | undefined }
  | { readonly type: 'iteration'; readonly loss: number; readonly smoothedLoss: number; readonly rate: number }
  | { readonly type: 'test'; readonly net: number; readonly outputs: Readonly<Record<string, readonly number[]>> }
  | { readonly type: 'display' | 'epoch' | 'snapshot' | 'warning' | 'end' }
);

type Point = readonly [x: number, y: number];

/** More points than this in a line say no more; then every second one goes. */
const MAX_POINTS = 2000;

/** A line that stays short however long the run is. */
class Line {
  private points: Point[] = [];
  private every = 1;
  private seen = 0;

  add(x: number, y: number): void {
    if (!Number.isFinite(y) || this.seen++ % this.every !== 0) return;
    this.points.push([x, y]);
    if (this.points.length <= MAX_POINTS) return;
    this.points = this.points.filter((_, i) => i % 2 === 0);
    this.every *= 2;
  }

  get all(): readonly Point[] {
    return this.points;
  }
}

/** Names of outputs that are losses and belong on the left axis. */
const isLoss = (name: string) => /loss/i.test(name);

const LEFT = 76;
const RIGHT = 64;
const COLOURS = ['#1f6fb4', '#d9622b', '#2a8f5b', '#8a4fa3', '#b8860b', '#6b7280'] as const;

/** The curves of one run: give it the run's events, take the drawing whenever it is wanted. */
export class Curves {
  private readonly loss = new Line();
  private readonly smoothed = new Line();
  private readonly rate = new Line();
  private readonly tests = new Map<string, Line>();
  private perEpoch: number | undefined;
  private first = Number.POSITIVE_INFINITY;
  private last = Number.NEGATIVE_INFINITY;

  constructor(private readonly title: string) {}

  /** Takes note of an event; those without numbers change nothing. */
  add(event: CurveEvent): void {
    const x = event.epoch ?? event.iter;
    this.first = Math.min(this.first, x);
    this.last = Math.max(this.last, x);
    if (event.type === 'start') this.perEpoch = event.iterationsPerEpoch;
    if (event.type === 'iteration') {
      this.loss.add(x, event.loss);
      this.smoothed.add(x, event.smoothedLoss);
      this.rate.add(x, event.rate);
    }
    if (event.type !== 'test') return;
    const prefix = event.net === 0 ? 'val' : `val ${event.net}`;
    for (const [name, values] of Object.entries(event.outputs)) {
      values.forEach((value, i) => {
        this.test(`${prefix} ${name}${values.length > 1 ? ` ${i}` : ''}`).add(x, value);
      });
    }
  }

  private test(name: string): Line {
    let line = this.tests.get(name);
    if (!line) this.tests.set(name, (line = new Line()));
    return line;
  }

  /** An SVG document of this size in pixels. */
  svg(width = 960, height = 600): string {
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
    try {
      chart.setOption(this.option(height));
      return svgOf(chart);
    } finally {
      chart.dispose();
    }
  }

  private option(height: number): echarts.EChartsOption {
    const main = Math.round(height * 0.58);
    const name = this.perEpoch ? 'epoch' : 'iteration';
    const metrics = [...this.tests].filter(([label]) => !isLoss(label));
    const inShares = metrics.every(([, line]) => line.all.every(([, y]) => y >= 0 && y <= 1));
    const range = Number.isFinite(this.first) ? { min: this.first, max: this.last } : {};
    const axis = {
      nameLocation: 'middle',
      nameTextStyle: { fontSize: 13 },
      axisLabel: { fontSize: 12, formatter: short },
    } as const;
    return {
      animation: false,
      backgroundColor: '#ffffff',
      color: [...COLOURS],
      title: {
        text: chartText(this.title || 'training'),
        left: LEFT - 4,
        top: 10,
        textStyle: { fontSize: 16, fontWeight: 600 },
      },
      legend: {
        top: 38,
        left: LEFT - 8,
        itemGap: 18,
        itemWidth: 18,
        itemHeight: 4,
        icon: 'rect',
        textStyle: { fontSize: 13 },
      },
      grid: [
        { left: LEFT, right: RIGHT, top: 84, height: main - 84, outerBoundsMode: 'none' },
        { left: LEFT, right: RIGHT, top: main + 40, bottom: 52, outerBoundsMode: 'none' },
      ],
      xAxis: [
        { ...range, type: 'value', gridIndex: 0, axisLabel: { show: false }, splitLine: { show: false } },
        { ...axis, ...range, type: 'value', gridIndex: 1, name, nameGap: 30, splitLine: { show: false } },
      ],
      yAxis: [
        { ...axis, type: 'value', gridIndex: 0, name: 'loss', nameGap: 46, min: 0 },
        {
          ...axis,
          type: 'value',
          gridIndex: 0,
          show: metrics.length > 0,
          name: chartText(metrics.map(([label]) => label.replace(/^val /, '')).join(', ')),
          nameGap: 46,
          splitLine: { show: false },
          ...(inShares && { min: 0, max: 1 }),
        },
        {
          ...axis,
          type: 'value',
          gridIndex: 1,
          name: 'rate',
          nameGap: 46,
          min: 0,
          axisLabel: { fontSize: 12, formatter: shortRate },
        },
      ],
      series: this.series(metrics.map(([label]) => label)),
    };
  }

  private series(metrics: readonly string[]): echarts.SeriesOption[] {
    const line = (
      name: string,
      data: Line,
      more: Partial<echarts.LineSeriesOption> = {},
    ): echarts.LineSeriesOption => ({
      type: 'line',
      name,
      data: data.all.map(p => [...p]),
      showSymbol: data.all.length === 1,
      lineStyle: { width: 2 },
      ...more,
    });
    const marked = (data: Line) => ({ showSymbol: data.all.length <= 60, symbol: 'circle', symbolSize: 6 });
    return [
      line('loss', this.loss, { lineStyle: { width: 1 }, z: 1, itemStyle: { color: '#a9c4de' } }),
      line('loss, smoothed', this.smoothed, { itemStyle: { color: COLOURS[0] } }),
      ...[...this.tests].map(([name, data], i) =>
        line(chartText(name), data, {
          ...marked(data),
          yAxisIndex: metrics.includes(name) ? 1 : 0,
          itemStyle: { color: COLOURS[(i + 1) % (COLOURS.length - 1)]! },
        }),
      ),
      line('learning rate', this.rate, { xAxisIndex: 1, yAxisIndex: 2, step: 'end', itemStyle: { color: COLOURS[5] } }),
    ];
  }
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function shortRate(value: number): string {
  return value === 0 ? '0' : value.toExponential(1).replace('.0e', 'e').replace('e+0', '').replace('e-', 'e−');
}
