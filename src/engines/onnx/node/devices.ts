/** What onnxruntime can compute on under Node.js: the CPU by its native kernels or in WebAssembly, and GPUs through CUDA or WebGPU where there is one. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fail } from '../../../diagnostics/index.js';
import type { Engine } from '../../types.js';
import { OnnxEngine } from '../engine.js';
import type { OnnxRuntime } from '../runtime.js';
import { failureOf, largestOf, speedOf } from '../trials.js';
import { loadNative } from './native.js';
import { loadWeb } from './web.js';

/** By engine, what onnxruntime calls it. */
const providers = { onnx: 'cpu', 'onnx-wasm': 'cpu', 'onnx-cuda': 'cuda', 'onnx-webgpu': 'webgpu' } as const;

export type OnnxEngineName = keyof typeof providers;

export interface OnnxReport {
  readonly name: OnnxEngineName;
  readonly available: boolean;
  readonly detail: string;
  /** The command that brings it, where there is one. */
  readonly command?: string;
  /** Whether it is a GPU that `auto` takes before the CPU. */
  readonly isFaster: boolean;
}

type GpuName = Exclude<OnnxEngineName, 'onnx' | 'onnx-wasm'>;

/** The fastest first. */
const GPUS: readonly GpuName[] = ['onnx-cuda', 'onnx-webgpu'];

/** @throws MokapotError `no-onnx`, `no-gpu` */
export async function createOnnxEngine(name: OnnxEngineName): Promise<Engine> {
  const problem = await problemOf(name);
  if (problem === undefined) {
    const runtime = (await runtimeOf(name)) as OnnxRuntime;
    const options = name === 'onnx-webgpu' ? { largest: await largestOf(runtime, 'webgpu') } : {};
    return new OnnxEngine(runtime, name, providers[name], options);
  }
  if (name === 'onnx') throw fail('no-onnx', `onnxruntime-node does not load: ${problem}`, { hint: NATIVE_HINT });
  if (name === 'onnx-wasm')
    throw fail('no-onnx', `onnxruntime-web does not load: ${problem}`, { hint: '--backend wasm may do.' });
  throw fail('no-gpu', `There is nothing for ${name} to compute on: ${problem}`, {
    hint: 'Leave --backend out, or choose onnx.',
  });
}

/** Brings the native kernels where the installation went without them. Its install script is needed for CUDA alone. */
export const NATIVE_COMMAND = 'npm install onnxruntime-node@1.30.0 --ignore-scripts';

const NATIVE_HINT = `\`${NATIVE_COMMAND}\` brings it; --backend onnx-wasm needs nothing native.`;

async function runtimeOf(name: OnnxEngineName): Promise<OnnxRuntime | string> {
  return name === 'onnx-wasm' ? loadWeb() : loadNative();
}

/** The CPU's engines first. */
export async function onnxReports(): Promise<readonly OnnxReport[]> {
  const gpus = [];
  for (const name of GPUS) gpus.push(await reportOf(name));
  return [
    await cpuReport('onnx', "onnxruntime's native kernels on the CPU, all cores"),
    await cpuReport('onnx-wasm', "onnxruntime's kernels in WebAssembly (onnxruntime-web), all cores"),
    ...gpus,
  ];
}

async function cpuReport(name: OnnxEngineName, detail: string): Promise<OnnxReport> {
  const problem = await problemOf(name);
  const command = name === 'onnx' && problem !== undefined && { command: NATIVE_COMMAND };
  return { name, available: problem === undefined, detail: problem ?? detail, isFaster: false, ...command };
}

const WHAT: Record<GpuName, string> = {
  'onnx-cuda': "onnxruntime's kernels on an NVIDIA GPU",
  'onnx-webgpu': "onnxruntime's kernels on a GPU through WebGPU",
};

async function reportOf(name: GpuName): Promise<OnnxReport> {
  const problem = await problemOf(name);
  if (problem !== undefined) return { name, available: false, detail: problem, isFaster: false };
  const { gpu, cpu } = await speedsOf(name);
  const isFaster = gpu > ADVANTAGE * cpu;
  const verdict = isFaster ? '' : '; a driver in software, or too slow to be worth it: taken only by name';
  const detail = `${WHAT[name]}: ${speedText(gpu)} where the CPU does ${speedText(cpu)}${verdict}`;
  return { name, available: true, detail, isFaster };
}

/** How many times the CPU's speed in products makes a GPU worth its bus and the start of each kernel. */
const ADVANTAGE = 2;

function speedText(speed: number): string {
  return `${speed.toFixed(speed < 10 ? 1 : 0)} GFLOP/s`;
}

/**
 * The GPU that `auto` takes, the fastest kind first; undefined where there is none, or none that beats the CPU by far.
 * onnxruntime does not tell what its adapter is, so a driver in software (SwiftShader, llvmpipe) is known by its speed.
 */
export async function fastGpu(): Promise<GpuName | undefined> {
  for (const name of GPUS) if ((await reportOf(name)).isFaster) return name;
  return undefined;
}

const speeds = new Map<OnnxEngineName, Promise<number>>();

/** Measured once a process, one after the other. */
async function speedsOf(name: GpuName): Promise<{ readonly gpu: number; readonly cpu: number }> {
  const measured = (engine: OnnxEngineName) => {
    let speed = speeds.get(engine);
    if (!speed) speeds.set(engine, (speed = speedOf(loadNative() as OnnxRuntime, providers[engine])));
    return speed;
  };
  const cpu = await measured('onnx');
  return { gpu: await measured(name), cpu };
}

const problems = new Map<OnnxEngineName, Promise<string | undefined>>();

/** Why an engine cannot be used; asked of the device once a process. */
function problemOf(name: OnnxEngineName): Promise<string | undefined> {
  let problem = problems.get(name);
  if (!problem) problems.set(name, (problem = findProblem(name)));
  return problem;
}

async function findProblem(name: OnnxEngineName): Promise<string | undefined> {
  const runtime = await runtimeOf(name);
  if (typeof runtime === 'string') return runtime;
  if (name === 'onnx' || name === 'onnx-wasm') return undefined;
  return missingParts(name) ?? (await failureOf(runtime, providers[name]));
}

/** What is not installed, found without asking the library, which prints its troubles. */
function missingParts(name: OnnxEngineName): string | undefined {
  if (process.platform !== 'linux') return undefined;
  if (name === 'onnx-cuda') {
    const root = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
    const library = path.join(root, 'bin', 'napi-v6', 'linux', process.arch, 'libonnxruntime_providers_cuda.so');
    if (!existsSync(library)) return 'onnxruntime-node was installed without its CUDA part';
    return existsSync('/dev/nvidia0') ? undefined : 'there is no NVIDIA GPU';
  }
  // The Vulkan loader's own settings name a driver, which may compute in software: that needs no device.
  const isNamed = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].some(name => process.env[name]);
  return isNamed || existsSync('/dev/dri') || existsSync('/dev/nvidia0') ? undefined : 'there is no GPU';
}
