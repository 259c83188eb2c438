/** `mokapot doctor`: what this machine offers, what Mokapot will use of it, and why. */

import { spawnSync } from 'node:child_process';
import os from 'node:os';
import { chooseEngine, createEngine, type EngineChoice } from '../../engines/node/index.js';
import { Builder } from '../../ir/index.js';
import { interpreters } from '../../python/index.js';
import type { Declare } from '../declare.js';
import { exitCodes } from '../errors.js';
import { formatBytes, formatDuration } from '../format.js';
import { colors, type Io, say } from '../io.js';
import { jsonOption } from '../shared_options.js';
import { version } from '../version.js';

export interface Doctor {
  readonly mokapot: string;
  readonly node: string;
  readonly platform: string;
  readonly cores: number;
  readonly memory: { readonly total: number; readonly free: number };
  readonly python: string | undefined;
  readonly engines: EngineChoice;
  /** Seconds the chosen engine takes to start and to run a small graph, or why it does not. */
  readonly trial: { readonly seconds: number } | { readonly problem: string };
}

export const declare: Declare = (command, io, act) =>
  command.addOption(jsonOption()).action(act(async (options: { readonly json?: boolean }) => doctor(io, options)));

/** @returns 1 where the engine that would be used does not work. */
export async function doctor(io: Io, options: { readonly json?: boolean }): Promise<number> {
  const report = await examine();
  if (options.json) say(io, JSON.stringify(report, null, 2));
  else print(io, report);
  return 'problem' in report.trial ? exitCodes.failed : exitCodes.ok;
}

export async function examine(): Promise<Doctor> {
  const engines = await chooseEngine();
  return {
    mokapot: version(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cores: os.availableParallelism(),
    memory: { total: os.totalmem(), free: os.freemem() },
    python: pythonVersion(),
    engines,
    trial: await tryEngine(engines.chosen),
  };
}

/** Of the interpreter that would run layers which are Python files. */
const PROBE = `import sys
try:
    import numpy
    numpy = "numpy " + numpy.__version__
except ImportError:
    numpy = "without numpy, which layers in Python need"
print("Python %d.%d.%d, %s" % (sys.version_info[:3] + (numpy,)))`;

function pythonVersion(): string | undefined {
  for (const name of interpreters()) {
    const result = spawnSync(name, ['-c', PROBE], { encoding: 'utf8', timeout: 20_000 });
    const text = (result.stdout ?? '').trim();
    if (!result.error && result.status === 0 && text) return `${text} (${name})`;
  }
  return undefined;
}

/** Starts the engine and lets it compute 2 x 3. */
async function tryEngine(name: string): Promise<Doctor['trial']> {
  const started = performance.now();
  try {
    const engine = await createEngine(name);
    const b = new Builder();
    const product = b.mul(b.input('a', [1]), b.input('b', [1]));
    const program = await engine.compile(b.finish({ outputs: { product }, assignments: [] }));
    const out = await program.run({ a: Float32Array.of(2), b: Float32Array.of(3) }, ['product']);
    engine.dispose();
    if (out['product']?.[0] !== 6) return { problem: `it says that 2 x 3 is ${out['product']?.[0]}` };
    return { seconds: (performance.now() - started) / 1000 };
  } catch (cause) {
    return { problem: cause instanceof Error ? cause.message : String(cause) };
  }
}

function print(io: Io, d: Doctor): void {
  const c = colors(io);
  const row = (name: string, value: string) => say(io, `${c.dim(name.padEnd(10))} ${value}`);
  row('mokapot', d.mokapot);
  row('node', `${d.node} on ${d.platform}`);
  row('cores', String(d.cores));
  row('memory', `${formatBytes(d.memory.total)}, ${formatBytes(d.memory.free)} free`);
  row('python', d.python ?? 'none found (only layers that are Python files need it)');
  say(io);
  say(io, c.bold('Backends'));
  for (const engine of d.engines.engines) {
    const mark = engine.available ? c.green('✓') : c.dim('–');
    say(io, `  ${mark} ${engine.name.padEnd(11)} ${engine.detail}`);
    if (engine.command) say(io, `    ${' '.repeat(11)} ${engine.command}`);
  }
  say(io);
  say(io, `Used: ${c.bold(d.engines.chosen)}. ${d.engines.reason}`);
  if ('problem' in d.trial) say(io, c.red(`It does not work: ${d.trial.problem}`));
  else say(io, `It works: started and computed in ${formatDuration(d.trial.seconds)}.`);
  say(io, c.dim('MOKAPOT_BACKEND=NAME or --backend NAME choose another.'));
}
