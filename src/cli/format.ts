/** Numbers and tables for people. */

import { visible } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';

/** `1x3x256x256`; a scalar is `scalar`. */
export function formatShape(shape: Shape): string {
  return shape.length === 0 ? 'scalar' : shape.join('x');
}

/** `61,100,840` */
export function formatCount(n: number): string {
  return n.toLocaleString('en-US');
}

/** `1.32 G`: three significant digits and the SI prefix. */
export function formatSi(n: number): string {
  const steps: readonly (readonly [number, string])[] = [
    [1e12, ' T'],
    [1e9, ' G'],
    [1e6, ' M'],
    [1e3, ' k'],
  ];
  const [size, prefix] = steps.find(([s]) => n >= s) ?? [1, ''];
  return `${n < 1000 ? n : (n / size).toPrecision(3)}${prefix}`;
}

/** `1.50 GiB` */
export function formatBytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  let value = n;
  for (; value >= 1024 && i < units.length - 1; i++) value /= 1024;
  return `${i === 0 ? value : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[i]}`;
}

/** `4.2 s`, `3 min 20 s`, `2 h 05 min` */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const [h, min, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h > 0 ? `${h} h ${String(min).padStart(2, '0')} min` : `${min} min ${String(s).padStart(2, '0')} s`;
}

/** A measured value: up to 5 significant digits, without trailing noise. */
export function formatNumber(x: number): string {
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x);
  return String(Number(x.toPrecision(5)));
}

/** `0.9850` → `98.50 %` */
export function formatPercent(x: number, digits = 2): string {
  return `${(100 * x).toFixed(digits)} %`;
}

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Rows under their titles, columns as wide as their widest cell. */
export function formatTable(columns: readonly Column[], cells: readonly (readonly string[])[]): string {
  const rows = cells.map(row => row.map(visible));
  const widths = columns.map((c, i) => Math.max(c.title.length, ...rows.map(row => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    columns
      .map((c, i) => (c.align === 'right' ? (row[i] ?? '').padStart(widths[i]!) : (row[i] ?? '').padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map(w => '─'.repeat(w)).join('  ');
  return [line(columns.map(c => c.title)), rule, ...rows.map(line)].join('\n');
}
