/** What onnxruntime can compute on here: the CPU, and GPUs through CUDA or WebGPU where there is one. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fail } from '../../diagnostics/index.js';
import type { Engine } from '../types.js';
import { OnnxEngine } from './engine.js';
import { loadRuntime, Session } from './runtime.js';
import { GraphWriter } from './writer.js';

/** By engine, what onnxruntime calls it. */
const providers = { onnx: 'cpu', 'onnx-cuda': 'cuda', 'onnx-webgpu': 'webgpu' } as const;

export type OnnxEngineName = keyof typeof providers;

export interface OnnxReport {
  readonly name: OnnxEngineName;
  readonly available: boolean;
  readonly detail: string;
}

/** @throws MokapotError `no-onnx`, `no-gpu` */
export async function createOnnxEngine(name: OnnxEngineName): Promise<Engine> {
  const problem = await problemOf(name);
  if (problem === undefined) return new OnnxEngine(name, providers[name]);
  if (name === 'onnx')
    throw fail('no-onnx', `onnxruntime-node does not load: ${problem}`, {
      hint: 'npm ci installs it; --backend wasm needs nothing native.',
    });
  throw fail('no-gpu', `There is nothing for ${name} to compute on: ${problem}`, {
    hint: 'Leave --backend out, or choose onnx.',
  });
}

/** The CPU's engine first. */
export async function onnxReports(): Promise<readonly OnnxReport[]> {
  const what: Record<OnnxEngineName, string> = {
    onnx: "onnxruntime's native kernels on the CPU, all cores",
    'onnx-cuda': "onnxruntime's kernels on an NVIDIA GPU; taken only by name",
    'onnx-webgpu': "onnxruntime's kernels on a GPU through WebGPU; taken only by name",
  };
  const reports: OnnxReport[] = [];
  for (const name of Object.keys(providers) as OnnxEngineName[]) {
    const problem = await problemOf(name);
    reports.push({ name, available: problem === undefined, detail: problem ?? what[name] });
  }
  return reports;
}

const problems = new Map<OnnxEngineName, Promise<string | undefined>>();

/** Why an engine cannot be used; asked of the device once a process. */
function problemOf(name: OnnxEngineName): Promise<string | undefined> {
  let problem = problems.get(name);
  if (!problem) problems.set(name, (problem = findProblem(name)));
  return problem;
}

async function findProblem(name: OnnxEngineName): Promise<string | undefined> {
  const runtime = loadRuntime();
  if (typeof runtime === 'string') return runtime;
  if (name === 'onnx') return undefined;
  return missingParts(name) ?? (await failureOf(providers[name]));
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

/** Has the device add two numbers. */
async function failureOf(provider: string): Promise<string | undefined> {
  try {
    const w = new GraphWriter();
    for (const name of ['x', 'y']) w.reserve(name);
    w.addInput('x', [2]);
    w.addOutput('y', w.op('Add', ['x', 'x']), [2]);
    const session = await Session.create(w, { provider });
    const y = new Float32Array(2);
    await session.run(
      new Map([['x', { data: Float32Array.of(1, 3), dims: [2] }]]),
      new Map([['y', { data: y, dims: [2] }]]),
    );
    await session.dispose();
    return y[0] === 2 && y[1] === 6 ? undefined : `it says that 1 + 1 is ${y[0]}`;
  } catch (e) {
    return String((e as Error).message)
      .split('\n')[0]!
      .replace(/^.*false\. /, '');
  }
}
