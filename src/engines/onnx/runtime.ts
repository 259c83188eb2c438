/**
 * onnxruntime as a compute library. There are two of it, and `OnnxRuntime` is what they have in common: onnxruntime-node
 * (node/native.ts), which can write results where they are wanted, and onnxruntime-web (web.ts, node/web.ts), its
 * WebAssembly, which copies what it is fed and gives its results in arrays of its own.
 */

import type * as Ort from 'onnxruntime-web';
import { fail, own, recordOf } from '../../diagnostics/index.js';
import { writeModel } from '../../emit/onnx/emit.js';
import type { GraphWriter } from '../../emit/onnx/writer.js';
import type { Shape } from '../../ir/types.js';
import type { Observer } from '../types.js';

/** A session of the library's own. */
export interface NativeSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(
    feeds: Ort.InferenceSession.FeedsType,
    fetches: Ort.InferenceSession.FetchesType,
  ): Promise<Ort.InferenceSession.ReturnType>;
  endProfiling(): void;
  release(): Promise<void>;
}

export interface OnnxRuntime {
  /** The package's name. */
  readonly name: 'onnxruntime-node' | 'onnxruntime-web';
  /**
   * Whether sessions on the CPU read what they are fed where it is and write their results where they are told to, with an
   * empty sequence as first output (node/native.ts); so that passing an array to a session costs nothing.
   */
  readonly isInPlace: boolean;
  /** How many bytes an engine on it may hold. */
  readonly memory: number;
  tensor(data: Float32Array, dims: Shape): Ort.Tensor;
  createSession(model: Uint8Array, options: Ort.InferenceSession.SessionOptions): Promise<NativeSession>;
  /**
   * Has `run` make a session with the profile path that it is given, run it and dispose of it; then tells `observe` of every
   * node of the last run. Absent where there is no profiler.
   */
  observeProfile?(labels: Iterable<string>, observe: Observer, run: (prefix: string) => Promise<void>): Promise<void>;
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
 * The first output of a session that works in place. Of others (a GPU's results come from its own memory, WebAssembly's from
 * its heap) the results are taken from what the library returns.
 */
const STOP = '@stop';
const NO_TENSOR = 'Non tensor type is temporarily not supported';

export class Session {
  /** Arrays on the device that it made and that are in use. */
  private alive = 0;
  private isOver = false;

  private constructor(
    private readonly runtime: OnnxRuntime,
    private readonly session: NativeSession,
    /** Results go where they are wanted, by the first output that is no tensor. */
    private readonly isInPlace: boolean,
    private readonly profiled: boolean,
    private readonly kept: readonly string[],
    /** onnxruntime may read constants from where they are: they must live as long as the session. */
    readonly constants: GraphWriter['files'],
  ) {}

  /** A session for what was written to `w`, whose outputs are all given memory at each run. */
  static async create(
    runtime: OnnxRuntime,
    w: GraphWriter,
    { provider, domains = [], profile, optimize = 'all', kept = [] }: SessionOptions,
  ): Promise<Session> {
    const isHost = provider === 'cpu';
    const isInPlace = isHost && runtime.isInPlace;
    const bytes = writeModel(w.finish('mokapot', isInPlace ? { stop: STOP } : {}), { domains });
    const session = await runtime.createSession(bytes, {
      executionProviders: isHost ? ['cpu'] : [withOptions(provider), 'cpu'],
      graphOptimizationLevel: optimize,
      // The pattern is one block for all, found at the first run and taken at the second beside what the first run took:
      // FCN-8s held 5.7 GB with it, 4.2 GB without, at the same speed.
      enableMemPattern: false,
      logSeverityLevel: 4,
      ...(w.files.length > 0 && { externalData: w.files }),
      ...(kept.length > 0 && { preferredOutputLocation: recordOf(kept.map(name => [name, 'gpu-buffer'] as const)) }),
      ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
    });
    return new Session(runtime, session, isInPlace, profile !== undefined, kept, w.files);
  }

  /** Runs once: reads `feeds`, fills `results`, returns what stays on the device. On the CPU it blocks the thread. */
  async run(
    feeds: ReadonlyMap<string, Bound | DeviceArray>,
    results: ReadonlyMap<string, Bound>,
  ): Promise<ReadonlyMap<string, DeviceArray>> {
    const tensor = ({ data, dims }: Bound) => this.runtime.tensor(data, dims);
    const tensorOf = (from: Bound | DeviceArray) => (from instanceof DeviceArray ? from.tensor : tensor(from));
    const fed = recordOf([...feeds].map(([name, from]) => [name, tensorOf(from)] as const));
    const fetches = new Map<string, Ort.Tensor | null>(this.isInPlace ? [[STOP, null]] : []);
    for (const [name, bound] of results) fetches.set(name, this.isInPlace ? tensor(bound) : null);
    for (const name of this.kept) fetches.set(name, null);
    let returned: Ort.InferenceSession.OnnxValueMapType;
    try {
      returned = await this.session.run(fed, recordOf(fetches));
    } catch (e) {
      const message = String((e as Error).message);
      if (message.includes(NO_TENSOR)) return new Map();
      throw runFailed(message);
    }
    for (const [name, { data }] of results) {
      const result = own(returned, name) as Ort.Tensor | undefined;
      if (result && result.data !== data) data.set(result.data as Float32Array);
    }
    return new Map(this.kept.map(name => [name, this.keep(own(returned, name) as Ort.Tensor)]));
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
