/** `mokapot weights`: what is in a file of weights, and how far it is from another. */

import { writeAtomically } from '../../files/index.js';
import { type SchemaOptions, schemaFrom } from '../../runtime/node/schemas.js';
import {
  type BlobDifference,
  type BlobReport,
  type ScannedWeights,
  weightDifferences,
  weightStatistics,
} from '../../weights/index.js';
import { useWeights } from '../../weights/node/files.js';
import { type Declare, describeArguments } from '../declare.js';
import { exitCodes, printDiagnostics } from '../errors.js';
import { formatBytes, formatCount, formatNumber, formatPercent, formatShape, formatTable } from '../format.js';
import { colors, type Io, say, tell } from '../io.js';
import { jsonOption, schemaOptions } from '../shared_options.js';

export interface WeightsOptions extends SchemaOptions {
  readonly diff?: string;
  /** A file for the histograms. */
  readonly svg?: string;
  readonly json?: boolean;
}

export const declare: Declare = (command, io, act) =>
  schemaOptions(describeArguments(command, 'its content says what it is'))
    .option('--diff <other>', 'compare with this file; exit code 1 where they differ')
    .option('--svg <file>', 'draw the histograms')
    .addOption(jsonOption())
    .action(act(async (file: string, options: WeightsOptions) => weights(io, file, options)));

/** @returns 1 where --diff finds a difference */
export async function weights(io: Io, file: string, options: WeightsOptions): Promise<number> {
  if (options.diff !== undefined) return difference(io, file, options.diff, options);
  const { blobs, scanned } = useWeights(file, scanned => ({ scanned, blobs: [...weightStatistics(scanned.layers)] }), {
    schema: schemaFrom(options),
  });
  if (options.json) say(io, JSON.stringify({ file, ...headOf(scanned), blobs }, null, 2));
  else printTable(io, file, scanned, blobs);
  printDiagnostics(
    io,
    scanned.diagnostics.filter(d => d.severity !== 'note'),
  );
  if (options.svg) {
    const { weightsChart } = await import('../../charts/weights_chart.js');
    await writeAtomically(options.svg, [new TextEncoder().encode(weightsChart(blobs, file))]);
    tell(io, `The histograms are in ${options.svg}.`);
  }
  return exitCodes.ok;
}

function headOf({ format, generation, net }: ScannedWeights) {
  return { format, ...(generation && { generation }), ...(net && { net: net.name }) };
}

function printTable(io: Io, file: string, scanned: ScannedWeights, blobs: readonly BlobReport[]): void {
  const c = colors(io);
  const types = new Map(scanned.net?.layer.map(l => [l.name, l.type]));
  const { format, generation, net } = headOf(scanned);
  say(io, c.bold(`${file}: ${format}${generation ? ` of generation ${generation}` : ''}${net ? `, ${net}` : ''}`));
  const typed = types.size > 0;
  const right = { align: 'right' } as const;
  const columns = [
    { title: 'layer' },
    { title: '#' },
    ...(typed ? [{ title: 'type' }] : []),
    { title: 'shape' },
    ...['mean', 'std', 'min', 'max', 'zeros', 'NaN'].map(title => ({ title, ...right })),
    { title: 'histogram' },
  ];
  const rows = blobs.map((b, i) => [
    blobs[i - 1]?.layer === b.layer ? '' : b.layer,
    String(b.blob),
    ...(typed ? [blobs[i - 1]?.layer === b.layer ? '' : (types.get(b.layer) ?? '')] : []),
    formatShape(b.shape),
    ...[b.mean, b.std, b.min, b.max].map(show),
    share(b.zeros, b.count),
    share(b.nans + b.infinities, b.count),
    sparkline(b.histogram),
  ]);
  if (blobs.length > 0) say(io, formatTable(columns, rows));
  const count = blobs.reduce((n, b) => n + b.count, 0);
  const layers = new Set(blobs.map(b => b.layer)).size;
  say(
    io,
    `${layers} ${layers === 1 ? 'layer' : 'layers'} with ${blobs.length} ${blobs.length === 1 ? 'blob' : 'blobs'}, ${formatCount(count)} numbers (${formatBytes(4 * count)} as floats)`,
  );
  const bad = blobs.filter(b => b.nans + b.infinities > 0);
  if (bad.length > 0) {
    const names = [...new Set(bad.map(b => b.layer))].slice(0, 5).join(', ');
    tell(
      io,
      c.red(`Not finite: ${formatCount(bad.reduce((n, b) => n + b.nans + b.infinities, 0))} numbers, in ${names}.`),
    );
  }
}

function show(x: number): string {
  return Number.isNaN(x) ? '–' : formatNumber(Number(x.toPrecision(4)));
}

/** Empty for none, so that what is there stands out. */
function share(part: number, whole: number): string {
  return part === 0 ? '' : formatPercent(part / whole, part / whole < 0.01 ? 3 : 1);
}

const LEVELS = '▁▂▃▄▅▆▇█';
const WIDTH = 16;

/** Eight heights; a part in which anything lies is never blank. */
function sparkline(histogram: readonly number[]): string {
  const step = histogram.length / WIDTH;
  const bars = Array.from({ length: WIDTH }, (_, i) =>
    histogram.slice(i * step, (i + 1) * step).reduce((a, b) => a + b, 0),
  );
  const top = Math.max(...bars);
  if (top === 0) return '';
  return bars.map(n => (n === 0 ? ' ' : LEVELS[Math.ceil((n / top) * LEVELS.length) - 1])).join('');
}

function difference(io: Io, file: string, other: string, { json }: WeightsOptions): number {
  const found = useWeights(file, a => useWeights(other, b => [...weightDifferences(a.layers, b.layers)]));
  const same = found.filter(d => d.state === 'equal').length;
  if (json) say(io, JSON.stringify({ files: [file, other], equal: same === found.length, blobs: found }, null, 2));
  else printDifference(io, file, other, found);
  return same === found.length ? exitCodes.ok : exitCodes.failed;
}

function printDifference(io: Io, file: string, other: string, found: readonly BlobDifference[]): void {
  const c = colors(io);
  const right = { align: 'right' } as const;
  const columns = [
    { title: 'layer' },
    { title: '#' },
    { title: 'shape' },
    { title: '' },
    ...['max |a-b|', 'relative', 'rms', 'numbers'].map(title => ({ title, ...right })),
  ];
  const rows = found.map(d => [
    d.layer,
    String(d.blob),
    d.state === 'shape' ? d.shapes.map(formatShape).join(' and ') : formatShape(d.shapes[0]!),
    d.state === 'shape' ? `other shape${d.different === 0 ? ', equal numbers' : ''}` : d.state,
    ...(d.different ? [show(d.maxAbs!), show(d.relative!), show(d.rms!), formatCount(d.different!)] : ['', '', '', '']),
  ]);
  say(io, c.bold(`${file} and ${other}`));
  if (found.length > 0) say(io, formatTable(columns, rows));
  const count = (state: BlobDifference['state']) => found.filter(d => d.state === state).length;
  const parts = [
    `${count('equal')} equal`,
    `${count('differs')} differ`,
    `${count('shape')} of other shapes`,
    `${count('only in the first')} only in the first`,
    `${count('only in the second')} only in the second`,
  ];
  say(io, `${found.length} blobs: ${parts.filter((p, i) => i === 0 || !p.startsWith('0 ')).join(', ')}`);
}
