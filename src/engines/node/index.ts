/** The engines under Node.js: which there are, which one serves, and why. */

import { fail, MokapotError, nearest, own } from '../../diagnostics/index.js';
import { AutoEngine } from '../auto.js';
import { createHostEngine } from '../host/index.js';
import { createOnnxEngine, fastGpu, onnxReports } from '../onnx/node/devices.js';
import {
  createCpuEngine,
  createTensorflowEngine,
  createWasmEngine,
  createWebgpuEngine,
  loadTensorflow,
  loadWebgpu,
} from '../tfjs/node/index.js';
import type { Engine } from '../types.js';
import { checkEnvironment } from './environment.js';

export { createHostEngine } from '../host/index.js';
export type { Engine, Observer, Program } from '../types.js';

const makers: Readonly<Record<string, () => Promise<Engine>>> = {
  onnx: () => createOnnxEngine('onnx'),
  tensorflow: createTensorflowEngine,
  'onnx-wasm': () => createOnnxEngine('onnx-wasm'),
  wasm: createWasmEngine,
  cpu: createCpuEngine,
  host: async () => createHostEngine(),
  'onnx-cuda': () => createOnnxEngine('onnx-cuda'),
  'onnx-webgpu': () => createOnnxEngine('onnx-webgpu'),
  webgpu: createWebgpuEngine,
};

/** Engine names. `auto` takes `onnx-cuda` or `onnx-webgpu` where such a GPU beats the CPU by far, else the first that is there. */
export const engineNames: readonly string[] = Object.keys(makers);

/** An engine, and whether this machine has it. */
export interface EngineReport {
  /** As `--backend` takes it. */
  readonly name: string;
  /** Whether it can be made here. */
  readonly available: boolean;
  /** What it is, or why it is not there. */
  readonly detail: string;
  /** The command that brings it, where there is one. */
  readonly command?: string;
}

/** The engines, and the one that serves. */
export interface EngineChoice {
  /** Every engine, in the order in which `auto` would take them. */
  readonly engines: readonly EngineReport[];
  /** The engine that serves unless another is chosen. */
  readonly chosen: string;
  /** Why, in a sentence. */
  readonly reason: string;
}

/**
 * Makes an engine. `name` (or MOKAPOT_BACKEND) is one of `engineNames` (`tfjs-node` and `tfjs-node-gpu` mean `tensorflow`)
 * or `auto`: onnxruntime's native kernels where they load, on a GPU that is fast (and on the CPU where that refuses), else
 * TensorFlow's, else onnxruntime's in WebAssembly, else tfjs's.
 */
export async function createEngine(name = process.env['MOKAPOT_BACKEND'] || 'auto'): Promise<Engine> {
  checkEnvironment();
  const make = makerOf(name);
  if (make) return make();
  const gpu = await fastGpu();
  if (gpu) return new AutoEngine(await createOnnxEngine(gpu), await createOnnxEngine('onnx'));
  // One after the other: to ask what else there is would load libraries for nothing.
  for (const candidate of ['onnx', 'tensorflow', 'onnx-wasm']) {
    try {
      return await own(makers, candidate)!();
    } catch (thrown) {
      if (!(thrown instanceof MokapotError)) throw thrown;
    }
  }
  return createWasmEngine();
}

/** How to make the named engine; undefined for `auto`. Throws where there is none of that name. */
function makerOf(name: string): (() => Promise<Engine>) | undefined {
  const asked = name.startsWith('tfjs-node') ? 'tensorflow' : name;
  if (asked === 'auto') return undefined;
  const make = own(makers, asked);
  if (make) return make;
  const near = nearest(asked, [...engineNames, 'auto']);
  throw fail('unknown-backend', `There is no backend ${JSON.stringify(name)}.`, {
    hint: `${near ? `Did you mean ${near}? ` : ''}There are: auto, ${engineNames.join(', ')}.`,
  });
}

const reasons: Readonly<Record<string, string>> = {
  'onnx-cuda': 'There is an NVIDIA GPU, much faster than the CPU; what it refuses goes to the CPU.',
  'onnx-webgpu': 'There is a GPU, much faster than the CPU; what it refuses goes to the CPU.',
  onnx: 'onnxruntime loads; its kernels are the fastest on a CPU.',
  tensorflow: "onnxruntime-node does not load; TensorFlow's native library does.",
  'onnx-wasm':
    'Neither onnxruntime-node nor TensorFlow loads; onnxruntime in WebAssembly is the fastest of what is left.',
  wasm: 'Neither onnxruntime nor TensorFlow loads, so wasm is the fastest there is.',
};

/** What there is on this machine, which engine `auto` takes and why: what `mokapot doctor` prints. */
export async function chooseEngine(): Promise<EngineChoice> {
  const native = loadTensorflow();
  const gpu = await loadWebgpu();
  const [onnx, onnxWasm, ...gpus] = await onnxReports();
  const engines: EngineReport[] = [
    onnx!,
    {
      name: 'tensorflow',
      available: typeof native !== 'string',
      detail: typeof native === 'string' ? native : native.detail,
    },
    onnxWasm!,
    {
      name: 'wasm',
      available: 'WebAssembly' in globalThis,
      detail: 'XNNPACK in WebAssembly (tfjs-backend-wasm), all cores',
    },
    { name: 'cpu', available: true, detail: "tfjs's plain JavaScript backend; slow, for comparison" },
    { name: 'host', available: true, detail: "Mokapot's reference kernels in plain TypeScript; slow, exact" },
    ...gpus,
    {
      name: 'webgpu',
      available: typeof gpu !== 'string',
      detail: typeof gpu === 'string' ? gpu : gpu.detail,
    },
  ];
  const gpuTaken = gpus.find(e => e.isFaster);
  const chosen = gpuTaken ?? engines.find(e => e.available)!;
  const asked = process.env['MOKAPOT_BACKEND'];
  if (asked) makerOf(asked);
  const reason =
    asked && asked !== 'auto' ? `MOKAPOT_BACKEND=${asked} overrides the choice.` : own(reasons, chosen.name)!;
  return { engines, chosen: asked && asked !== 'auto' && own(makers, asked) ? asked : chosen.name, reason };
}
