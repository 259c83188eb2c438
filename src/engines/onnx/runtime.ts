/**
 * onnxruntime-node as a compute library: sessions that write their results where they are told to.
 *
 * Facts this rests on (onnxruntime-node 1.30, measured): a tensor that is fed is read in place, and a preallocated result
 * is written in place; but the binding then makes a new array of every result all the same, which for the 228 MB of
 * FCN-AlexNet's gradients costs more than computing them. It makes none once it meets a result that is no tensor, which
 * it refuses with an error after the run. So every model here has an empty sequence as its first output, that error
 * is the sign of a run that went well, and no result is copied. Should another version do otherwise (copy what is fed,
 * give results without an error), the numbers are still right: results are then taken from where they are.
 * An array over a SharedArrayBuffer is refused.
 */

import { createRequire } from 'node:module';
import os from 'node:os';
import type * as Ort from 'onnxruntime-node';
import { fail } from '../../diagnostics/index.js';
import { writeModel } from '../../emit/onnx/emit.js';
import type { GraphWriter } from '../../emit/onnx/writer.js';
import type { Shape } from '../../ir/types.js';

type Runtime = typeof Ort;

let loaded: Runtime | string | undefined;

/** The library, or why it does not load. */
export function loadRuntime(): Runtime | string {
  loaded ??= tryLoading();
  return loaded;
}

function tryLoading(): Runtime | string {
  try {
    const ort = createRequire(import.meta.url)('onnxruntime-node') as Runtime;
    // What goes wrong is told in diagnostics, not by lines of the library's own.
    ort.env.logLevel = 'fatal';
    return ort;
  } catch (e) {
    return String((e as Error).message).split('\n')[0]!;
  }
}

/** How many threads to use: MOKAPOT_THREADS, else the cores. */
export function threadCount(): number {
  const asked = Number(process.env['MOKAPOT_THREADS']);
  return Number.isInteger(asked) && asked > 0 ? asked : os.availableParallelism();
}

/** How many bytes an engine in this process's memory may take: MOKAPOT_MEMORY (in MB), else nine tenths of what this process may have. */
export function hostMemory(): number {
  const asked = Number(process.env['MOKAPOT_MEMORY']);
  if (asked > 0) return asked * 2 ** 20;
  const allowed = process.constrainedMemory?.() || os.totalmem();
  return 0.9 * Math.min(allowed, os.totalmem());
}

/** An array with the dimensions under which a session knows it. */
export interface Bound {
  readonly data: Float32Array;
  readonly dims: Shape;
}

/**
 * An array in a GPU's own memory, which is free again only after `dispose`. The session that made it must outlive it (to
 * free it later ends the process by a signal), so sessions wait for theirs.
 */
export class DeviceArray {
  constructor(
    readonly tensor: Ort.Tensor,
    private readonly freed: () => void,
  ) {}

  dispose(): void {
    this.tensor.dispose();
    this.freed();
  }
}

export interface SessionOptions {
  /** onnxruntime's name of what computes: `cpu`, `webgpu`, `cuda`. */
  readonly provider: string;
  /** Names of domains beside ONNX's own. */
  readonly domains?: readonly string[];
  /** Starts of the path of the file with the times of every node, which `dispose` writes. */
  readonly profile?: string;
  readonly optimize?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Outputs that stay on the device. */
  readonly kept?: readonly string[];
}

/**
 * The first output of a session on the CPU. A GPU's results come from its own memory: the library may then put another
 * tensor in the place of the one that it was to fill, so they are taken from what it returns.
 */
const STOP = '@stop';
const NO_TENSOR = 'Non tensor type is temporarily not supported';

export class Session {
  /** Arrays on the device that it made and that are in use. */
  private alive = 0;
  private isOver = false;

  private constructor(
    private readonly ort: Runtime,
    private readonly session: Ort.InferenceSession,
    private readonly isHost: boolean,
    private readonly profiled: boolean,
    private readonly kept: readonly string[],
    /** onnxruntime may read constants from where they are: they must live as long as the session. */
    readonly constants: GraphWriter['files'],
  ) {}

  /** A session for what was written to `w`, whose outputs are all given memory at each run. */
  static async create(
    w: GraphWriter,
    { provider, domains = [], profile, optimize = 'all', kept = [] }: SessionOptions,
  ): Promise<Session> {
    const ort = loadRuntime() as Runtime;
    const isHost = provider === 'cpu';
    const bytes = writeModel(w.finish('mokapot', isHost ? { stop: STOP } : {}), { domains });
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: isHost ? ['cpu'] : [withOptions(provider), 'cpu'],
      intraOpNumThreads: threadCount(),
      interOpNumThreads: 1,
      graphOptimizationLevel: optimize,
      // The pattern is one block for all, found at the first run and taken at the second beside what the first run took:
      // FCN-8s held 5.7 GB with it, 4.2 GB without, at the same speed.
      enableMemPattern: false,
      // Each session has threads of its own, which go on looking for work when a run is over, and so take a core from the
      // next session's: LeNet's step took 24 ms so, 12 without.
      extra: { session: { force_spinning_stop: '1' } },
      logSeverityLevel: 4,
      ...(w.files.length > 0 && { externalData: w.files }),
      ...(kept.length > 0 && { preferredOutputLocation: Object.fromEntries(kept.map(name => [name, 'gpu-buffer'])) }),
      ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
    });
    return new Session(ort, session, isHost, profile !== undefined, kept, w.files);
  }

  /** Runs once: reads `feeds`, fills `results`, returns what stays on the device. Blocks the thread. */
  async run(
    feeds: ReadonlyMap<string, Bound | DeviceArray>,
    results: ReadonlyMap<string, Bound>,
  ): Promise<ReadonlyMap<string, DeviceArray>> {
    const tensor = ({ data, dims }: Bound) => new this.ort.Tensor('float32', data, dims);
    const fed: Record<string, Ort.Tensor> = {};
    for (const [name, from] of feeds) fed[name] = from instanceof DeviceArray ? from.tensor : tensor(from);
    const fetches: Record<string, Ort.Tensor | null> = this.isHost ? { [STOP]: null } : {};
    for (const [name, bound] of results) fetches[name] = this.isHost ? tensor(bound) : null;
    for (const name of this.kept) fetches[name] = null;
    let returned: Ort.InferenceSession.OnnxValueMapType;
    try {
      returned = await this.session.run(fed, fetches);
    } catch (e) {
      const message = String((e as Error).message);
      if (message.includes(NO_TENSOR)) return new Map();
      throw runFailed(message);
    }
    for (const [name, { data }] of results) {
      const result = returned[name] as Ort.Tensor | undefined;
      if (result && result.data !== data) data.set(result.data as Float32Array);
    }
    return new Map(this.kept.map(name => [name, this.keep(returned[name] as Ort.Tensor)]));
  }

  private keep(tensor: Ort.Tensor): DeviceArray {
    this.alive++;
    return new DeviceArray(tensor, () => {
      this.alive--;
      if (this.isOver && this.alive === 0) void this.session.release();
    });
  }

  async dispose(): Promise<void> {
    if (this.profiled) this.session.endProfiling();
    this.isOver = true;
    if (this.alive === 0) await this.session.release();
  }
}

/** WebGPU's kernels for N×H×W×C, its default, give wrong numbers (6 channels to 4, two groups of 10 filters, …). */
function withOptions(provider: string): Ort.InferenceSession.ExecutionProviderConfig {
  return provider === 'webgpu' ? { name: 'webgpu', preferredLayout: 'NCHW' } : provider;
}

function runFailed(message: string) {
  const text = `onnxruntime could not run the graph: ${message}`;
  const hint = 'A smaller batch or picture, or a smaller network helps.';
  if (/max buffer size|buffer binding size/i.test(message)) return fail('array-too-large', text, { hint });
  if (/alloc|Invalid Buffer/i.test(message)) return fail('out-of-memory', text, { hint });
  return fail('onnx-run', text, {
    hint: 'This is a bug of Mokapot or onnxruntime; --backend wasm goes another way.',
  });
}
