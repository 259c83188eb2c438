/** GPUs, as far as can be tried without one, and a machine on which onnxruntime does not load. */

import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-node';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Builder } from '../../../src/ir/index.js';
import { chooseEngine, createEngine } from '../../../src/targets/index.js';
import { OnnxEngine } from '../../../src/targets/onnx/engine.js';

const problem = vi.hoisted(() => ({ text: undefined as string | undefined }));
vi.mock('../../../src/targets/onnx/runtime.js', async original => {
  const real = await original<typeof import('../../../src/targets/onnx/runtime.js')>();
  return { ...real, loadRuntime: () => problem.text ?? real.loadRuntime() };
});

const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
type Create = (model: Uint8Array, options: Ort.InferenceSession.SessionOptions) => Promise<Ort.InferenceSession>;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Sessions that are asked for on a GPU come from the CPU; `spoil` changes what those give. */
function pretendGpu(spoil: (results: Ort.InferenceSession.ReturnType) => void): void {
  const create = ort.InferenceSession.create.bind(ort.InferenceSession) as Create;
  const pretend: Create = async (model, options) => {
    const session = await create(model, { ...options, executionProviders: ['cpu'] });
    if (options.executionProviders![0] === 'cpu') return session;
    const run = session.run.bind(session) as (...args: unknown[]) => Promise<Ort.InferenceSession.ReturnType>;
    session.run = (async (...args: unknown[]) => {
      const results = await run(...args);
      spoil(results);
      return results;
    }) as typeof session.run;
    return session;
  };
  vi.spyOn(ort.InferenceSession, 'create').mockImplementation(pretend as typeof ort.InferenceSession.create);
}

async function runOnGpu() {
  const b = new Builder();
  const y = b.withLabel('double', () => b.mul(b.input('x', [3]), 2));
  const engine = new OnnxEngine('onnx-webgpu', 'webgpu');
  const program = await engine.compile(b.finish({ outputs: { y } }));
  return (await program.run({ x: Float32Array.of(1, 2, 3) }, ['y']))['y'];
}

describe('a GPU', () => {
  it('gives its results by what the library returns', async () => {
    pretendGpu(() => undefined);
    expect(await runOnGpu()).toEqual(Float32Array.of(2, 4, 6));
  });

  it('is refused where its numbers are not those of the CPU', async () => {
    pretendGpu(results => {
      for (const tensor of Object.values(results)) (tensor.data as Float32Array)[1] = Number.NaN;
    });
    await expect(runOnGpu()).rejects.toThrow('On onnx-webgpu layer "double" (mul) differs from the CPU');
  });
});

describe('without onnxruntime', () => {
  it('another engine is chosen, with the reason', async () => {
    const { engines, chosen, reason } = await chooseWithout('cannot open shared object file');
    expect(engines[0]).toMatchObject({ name: 'onnx', available: false, detail: 'cannot open shared object file' });
    expect(chosen).not.toMatch(/^onnx/);
    expect(reason).toMatch(/onnxruntime/);
    await expect(createEngine('onnx')).rejects.toThrow(
      'onnxruntime-node does not load: cannot open shared object file',
    );
  });

  async function chooseWithout(text: string) {
    problem.text = text;
    return chooseEngine();
  }
});
