/**
 * Every engine, PyTorch and Caffe, side by side: npm run bench [-- NETWORK,... [BACKEND,... [ROUNDS]]]
 *
 * A backend's name may end in `@` and a number of threads: onnx@1,onnx-wasm@1,wasm@1. `pytorch-cuda` is PyTorch on an NVIDIA GPU.
 *
 * Each measurement is a process of its own; a round runs all of them once, so that a machine whose speed drifts treats
 * all alike. What is printed, and of a run of everything (no arguments) written to docs/measured.md, are medians over the
 * rounds of each process's median; rounds are an odd number (3), so that a median is one. What became slower against PyTorch
 * than in the last table of docs/measured.md is told.
 *
 * PyTorch is taken from MOKAPOT_BENCH_PYTHON, else from bench/.venv, which is made with `python3 -m venv bench/.venv &&
 * bench/.venv/bin/pip install torch numpy`; Caffe is the `caffe` executable that MOKAPOT_BENCH_CAFFE names (docs/measured.md tells
 * how one is built). Without them their rows are left out with a word.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Measured, measureCaffe } from './caffe.js';
import { networks } from './networks.js';
import { type Roofline, roofline } from './roofline.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const list = (text: string | undefined, preset: readonly string[]) => text?.split(',') ?? preset;

const names = list(process.argv[2], Object.keys(networks));
const backends = list(process.argv[3], ['onnx', 'pytorch', 'caffe']);
const rounds = Number(process.argv[4] ?? 3);
const KINDS = ['forward', 'step'] as const;
const LIMIT_MS = 9 * 60_000;

const python = process.env['MOKAPOT_BENCH_PYTHON'] ?? here('.venv/bin/python');
const caffe = process.env['MOKAPOT_BENCH_CAFFE'] ?? '';
const jiti = here('../node_modules/.bin/jiti');

function run(command: string, args: readonly string[], input?: string, threads?: string): string | undefined {
  const env = { ...process.env, ...(threads !== undefined && { MOKAPOT_THREADS: threads }) };
  const done = spawnSync(command, [...args], { input, env, encoding: 'utf8', timeout: LIMIT_MS, maxBuffer: 2 ** 28 });
  if (done.status === 0) return done.stdout.trim().split('\n').at(-1);
  console.error(
    `  ${args.slice(1).join(' ')}: ${(done.stderr || String(done.error ?? done.signal)).trim().split('\n').at(-1)}`,
  );
  return undefined;
}

const isTwin = (backend: string) => backend === 'pytorch' || backend === 'pytorch-cuda';

type Kind = (typeof KINDS)[number];
type Found = Readonly<Record<string, readonly Measured[]>>;

async function measure(network: string, backend: string, kind: Kind): Promise<Measured | undefined> {
  if (backend === 'caffe')
    return existsSync(caffe) ? measureCaffe(caffe, networks[network]!, kind, LIMIT_MS) : undefined;
  const [engine, threads] = backend.split('@');
  const twin = isTwin(backend);
  if (twin && !existsSync(python)) return undefined;
  const text = twin
    ? run(
        python,
        [here('pytorch.py'), kind, backend === 'pytorch-cuda' ? 'cuda' : 'cpu'],
        run(jiti, [here('measure.ts'), network, 'host', 'describe']),
      )
    : run(jiti, [here('measure.ts'), network, engine!, kind], undefined, threads);
  return text === undefined ? undefined : (JSON.parse(text) as Measured);
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const ours = (backend: string) => !backend.startsWith('pytorch') && backend !== 'caffe';

/** The median over rounds of what each process's runs took, in seconds. */
function secondsOf(all: readonly Measured[]): number {
  return all.length === 0 ? Number.NaN : median(all.map(m => median(m.times)));
}

/** Of rounds, the least and the greatest. */
function spreadOf(all: readonly Measured[]): string {
  const times = all.map(m => median(m.times)).sort((a, b) => a - b);
  return all.length < 2 ? '' : ` (${milliseconds(times[0]!)} to ${milliseconds(times.at(-1)!)})`;
}

function row(network: string, backend: string, roof: Roofline, found: Found): string[] {
  const { title, inputs, shown = 'data' } = networks[network]!;
  const of = (other: string, kind: Kind) => found[`${network} ${other} ${kind}`] ?? [];
  const [forward, step] = [of(backend, 'forward'), of(backend, 'step')];
  const engine = [...step, ...forward][0]?.engine ?? backend;
  const [, threads] = backend.split('@');
  const against = (other: string) => {
    const ratios = KINDS.map(kind => secondsOf(of(backend, kind)) / secondsOf(of(other, kind)));
    return ours(backend) && ratios.some(Number.isFinite) ? ratios.map(r => r.toFixed(2)).join(', ') : '–';
  };
  const work = step[0]?.work;
  const time = secondsOf(step);
  const percent = (amount: number, most: number) => `${Math.round((100 * amount) / time / most)} %`;
  return [
    `${title}, ${inputs[shown]!.join('×')}`,
    threads === undefined ? engine : `${engine}, threads: ${threads}`,
    forward.length === 0 ? '–' : `${milliseconds(secondsOf(forward))}${spreadOf(forward)}`,
    step.length === 0 ? '–' : `${milliseconds(time)}${spreadOf(step)}`,
    against('pytorch'),
    against('caffe'),
    work ? `${percent(work.operations, roof.operations)}, ${percent(work.bytes, roof.bytes)}` : '–',
    step.length === 0 ? '–' : milliseconds(median(step.map(m => m.ready))),
    step.length === 0 ? '–' : `${(median(step.map(m => m.bytes)) / 1e9).toFixed(2)} GB`,
  ];
}

function milliseconds(seconds: number): string {
  if (Number.isNaN(seconds)) return '–';
  return seconds >= 1 ? `${seconds.toFixed(2)} s` : `${(1000 * seconds).toFixed(seconds < 0.1 ? 1 : 0)} ms`;
}

const HEADER = [
  ...[
    'network',
    'engine',
    'forward',
    'training step',
    'of PyTorch’s',
    'of Caffe’s',
    'of the machine’s products, copies',
  ],
  ...['ready', 'memory'],
];

function markdown(rows: readonly (readonly string[])[]): string {
  return [HEADER, HEADER.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

/** Steps' ratios to PyTorch's in a table as above, by network. */
function ratiosIn(section: string): ReadonlyMap<string, number> {
  const seconds = (cell = '') => {
    const [, number, unit] = /([\d.]+) (ms|s)\b/.exec(cell) ?? [];
    return number === undefined ? Number.NaN : Number(number) * (unit === 's' ? 1 : 1e-3);
  };
  const steps = new Map<string, number>();
  for (const line of section.split('\n').filter(l => l.startsWith('|'))) {
    const [, network, engine = '', , step] = line.split('|').map(cell => cell.trim());
    steps.set(`${network} ${engine.startsWith('PyTorch') ? 'PyTorch' : engine}`, seconds(step));
  }
  const ratios = [...steps].flatMap(([key, time]): [string, number][] => {
    const network = key.replace(/ onnx$/, '');
    return key === network ? [] : [[network, time / (steps.get(`${network} PyTorch`) ?? Number.NaN)]];
  });
  return new Map(ratios.filter(([, ratio]) => Number.isFinite(ratio)));
}

/** How much slower a step may be against PyTorch's than in the last table before it is told: the machine drifts. */
const SLOWER = 1.1;

function tellSlower(before: string, now: string): void {
  const [old, current] = [ratiosIn(before), ratiosIn(now)];
  const slower = [...current].filter(
    ([network, ratio]) => ratio > SLOWER * (old.get(network) ?? Number.POSITIVE_INFINITY),
  );
  console.log(
    slower.length === 0
      ? '\nNo step is slower against PyTorch’s than in docs/measured.md.'
      : '\nSlower against PyTorch’s than in docs/measured.md:',
  );
  for (const [network, ratio] of slower)
    console.log(`  ${network}: ${ratio.toFixed(2)} of PyTorch’s, was ${old.get(network)!.toFixed(2)}`);
}

if (backends.some(isTwin) && !existsSync(python)) console.error(`No PyTorch: ${python} is not there.`);
if (backends.includes('caffe') && !existsSync(caffe))
  console.error('No Caffe: MOKAPOT_BENCH_CAFFE names no executable.');
const roof = await roofline();
const found: Record<string, Measured[]> = {};
for (let round = 0; round < rounds; round++) {
  for (const network of names) {
    for (const kind of KINDS) {
      for (const backend of backends) {
        const measured = await measure(network, backend, kind);
        if (!measured) continue;
        (found[`${network} ${backend} ${kind}`] ??= []).push(measured);
        console.error(
          `round ${round + 1}: ${network} ${kind} ${measured.engine} ${milliseconds(median(measured.times))}`,
        );
      }
    }
  }
}
const table = markdown(names.flatMap(network => backends.map(backend => row(network, backend, roof, found))));
const cpu = os.cpus()[0]?.model.trim() ?? os.arch();
const text = `Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${os.availableParallelism()} cores (${cpu}), ${Math.round(os.totalmem() / 1e9)} GB, Node.js ${process.versions.node}.
Medians over ${rounds} rounds of the median of each process, with the least and the greatest round. A training step is forward, backward and update (SGD with momentum; the U-Net
with BatchNorm: Adam). "Of PyTorch's" and "of Caffe's" are the times of forward and step by theirs. A product of matrices runs at ${(roof.operations / 1e9).toFixed(0)} GFLOP/s here, a copy on one thread
moves ${(roof.bytes / 1e9).toFixed(1)} GB/s: the column says how near the step comes to either, its graph's operations and its arrays' bytes taken once each. Ready is the
time from the text to a solver that can start; memory is the most that the process of the training step held.

${table}`;
console.log(text);
const measured = here('../docs/measured.md');
tellSlower(sectionOf(measured)[1], text);
if (process.argv.length === 2) writeSection(measured, text);

/** A page before, between and after its two marks. */
function sectionOf(file: string): readonly [string, string, string] {
  const [before = '', rest] = readFileSync(file, 'utf8').split('<!-- bench -->');
  const [section, after] = rest?.split('<!-- /bench -->') ?? [];
  if (section === undefined || after === undefined)
    throw new Error(`${file} has no marks <!-- bench --> and <!-- /bench -->.`);
  return [before, section, after];
}

/** Puts the text between the page's two marks. */
function writeSection(file: string, section: string): void {
  const [before, , after] = sectionOf(file);
  writeFileSync(file, `${before}<!-- bench -->\n${section}\n<!-- /bench -->${after}`);
}
