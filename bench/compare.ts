/**
 * Every engine, PyTorch and Caffe, side by side: npm run bench [-- NETWORK,... [BACKEND,... [ROUNDS]]]
 *
 * A backend's name may end in `@` and a number of threads: onnx@1,onnx-wasm@1,wasm@1.
 *
 * Each measurement is a process of its own; a round runs all of them once, so that a machine whose speed drifts treats
 * all alike. What is printed, and of a run of everything (no arguments) written to docs/measured.md, are medians over the
 * rounds of each process's median.
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

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const list = (text: string | undefined, preset: readonly string[]) => text?.split(',') ?? preset;

const names = list(process.argv[2], Object.keys(networks));
const backends = list(process.argv[3], ['onnx', 'wasm', 'pytorch', 'caffe']);
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

type Kind = (typeof KINDS)[number];

async function measure(network: string, backend: string, kind: Kind): Promise<Measured | undefined> {
  if (backend === 'caffe')
    return existsSync(caffe) ? measureCaffe(caffe, networks[network]!, kind, LIMIT_MS) : undefined;
  const [engine, threads] = backend.split('@');
  const twin = backend === 'pytorch';
  if (twin && !existsSync(python)) return undefined;
  const text = twin
    ? run(python, [here('pytorch.py'), kind], run(jiti, [here('measure.ts'), network, 'host', 'describe']))
    : run(jiti, [here('measure.ts'), network, engine!, kind], undefined, threads);
  return text === undefined ? undefined : (JSON.parse(text) as Measured);
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

function row(network: string, backend: string, found: Readonly<Record<string, readonly Measured[]>>): string[] {
  const { title, inputs, shown = 'data' } = networks[network]!;
  const [forward, step] = KINDS.map(kind => found[`${network} ${backend} ${kind}`] ?? []) as [Measured[], Measured[]];
  const seconds = (all: readonly Measured[], of: (m: Measured) => number) =>
    all.length === 0 ? '–' : milliseconds(median(all.map(of)));
  const engine = [...step, ...forward][0]?.engine ?? backend;
  const [, threads] = backend.split('@');
  return [
    `${title}, ${inputs[shown]!.join('×')}`,
    threads === undefined ? engine : `${engine}, threads: ${threads}`,
    seconds(forward, m => median(m.times)),
    seconds(step, m => median(m.times)),
    step.some(m => m.cpu) ? seconds(step, m => median(m.cpu ?? [])) : '–',
    seconds(step, m => m.ready),
    step.length === 0 ? '–' : `${(median(step.map(m => m.bytes)) / 1e9).toFixed(2)} GB`,
  ];
}

function milliseconds(seconds: number): string {
  return seconds >= 1 ? `${seconds.toFixed(2)} s` : `${(1000 * seconds).toFixed(seconds < 0.1 ? 1 : 0)} ms`;
}

function markdown(rows: readonly (readonly string[])[]): string {
  const header = ['network', 'engine', 'forward', 'training step', "the step's CPU time", 'ready', 'memory'];
  return [header, header.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

if (backends.includes('pytorch') && !existsSync(python)) console.error(`No PyTorch: ${python} is not there.`);
if (backends.includes('caffe') && !existsSync(caffe))
  console.error('No Caffe: MOKAPOT_BENCH_CAFFE names no executable.');
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
const table = markdown(names.flatMap(network => backends.map(backend => row(network, backend, found))));
const cpu = os.cpus()[0]?.model.trim() ?? os.arch();
const text = `Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${os.availableParallelism()} cores (${cpu}), ${Math.round(os.totalmem() / 1e9)} GB, Node.js ${process.versions.node}.
Medians over ${rounds} rounds of the median of each process. A training step is forward, backward and SGD's update; ready is the
time from the text to a solver that can start; memory is the most that the process of the training step held.

${table}`;
console.log(text);
if (process.argv.length === 2) writeSection(here('../docs/measured.md'), text);

/** Puts the text between the page's two marks. */
function writeSection(file: string, section: string): void {
  const page = readFileSync(file, 'utf8');
  const [before, rest] = page.split('<!-- bench -->');
  const after = rest?.split('<!-- /bench -->')[1];
  if (after === undefined) throw new Error(`${file} has no marks <!-- bench --> and <!-- /bench -->.`);
  writeFileSync(file, `${before}<!-- bench -->\n${section}\n<!-- /bench -->${after}`);
}
