/** GPUs, as far as can be tried without one, and a machine on which onnxruntime does not load. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Ort from 'onnxruntime-node';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { chooseEngine, createEngine, createHostEngine, type Engine } from '../../../src/engines/node/index.js';
import { OnnxEngine } from '../../../src/engines/onnx/engine.js';
import { loadNative } from '../../../src/engines/onnx/node/native.js';
import type { OnnxRuntime } from '../../../src/engines/onnx/runtime.js';
import { Builder, type Graph, gradients } from '../../../src/ir/index.js';

const native = loadNative() as OnnxRuntime;

const problem = vi.hoisted(() => ({ text: undefined as string | undefined }));
/** GFLOP/s of the pretended device, where the CPU does 100. */
const gpu = vi.hoisted(() => ({ speed: 0 }));
vi.mock('../../../src/engines/onnx/node/native.js', async original => {
  const real = await original<typeof import('../../../src/engines/onnx/node/native.js')>();
  return { ...real, loadNative: () => problem.text ?? real.loadNative() };
});
// The pretended device is the CPU, which would do it.
vi.mock('../../../src/engines/onnx/trials.js', async original => {
  const real = await original<typeof import('../../../src/engines/onnx/trials.js')>();
  return {
    ...real,
    largestOf: async () => 2 ** 30,
    speedOf: async (_: unknown, provider: string) => (provider === 'cpu' ? 100 : gpu.speed),
  };
});

const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
type Create = (model: Uint8Array, options: Ort.InferenceSession.SessionOptions) => Promise<Ort.InferenceSession>;

afterEach(() => {
  vi.restoreAllMocks();
});

type Results = Record<string, Ort.Tensor>;

/** What is in the pretended device's memory, by the tensors that stand for it; a freed one is not there. */
const onDevice = new Map<unknown, Ort.Tensor>();

/** Stands for an array of the device: its numbers cannot be looked at, and it must be freed. */
function moveToDevice(tensor: Ort.Tensor): Ort.Tensor {
  const handle = {
    location: 'gpu-buffer',
    dims: tensor.dims,
    type: tensor.type,
    dispose: () => void onDevice.delete(handle),
  };
  onDevice.set(handle, new ort.Tensor('float32', (tensor.data as Float32Array).slice(), tensor.dims));
  return handle as unknown as Ort.Tensor;
}

function fromDevice(tensor: Ort.Tensor): Ort.Tensor {
  if (tensor.location !== 'gpu-buffer') return tensor;
  const held = onDevice.get(tensor);
  if (!held) throw new Error('an array of the device was read after it was freed');
  return held;
}

const each = (tensors: Results, change: (tensor: Ort.Tensor, name: string) => Ort.Tensor): Results =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, change(t, name)]));

/** Sessions that are asked for on a GPU come from the CPU; `spoil` changes what those give. */
function pretendGpu(spoil: (results: Results) => void = () => undefined): void {
  const create = ort.InferenceSession.create.bind(ort.InferenceSession) as Create;
  const pretend: Create = async (model, { preferredOutputLocation, ...options }) => {
    const isGpu = options.executionProviders![0] !== 'cpu';
    const kept = (preferredOutputLocation ?? {}) as Record<string, string>;
    const session = await create(model, { ...options, executionProviders: ['cpu'] });
    const run = session.run.bind(session) as unknown as (feeds: Results, fetches: object) => Promise<Results>;
    session.run = (async (feeds: Results, fetches: object) => {
      const results = await run(each(feeds, fromDevice), fetches);
      if (isGpu) spoil(results);
      return each(results, (t, name) => (kept[name] ? moveToDevice(t) : t));
    }) as unknown as typeof session.run;
    return session;
  };
  vi.spyOn(ort.InferenceSession, 'create').mockImplementation(pretend as typeof ort.InferenceSession.create);
}

async function runOnGpu() {
  const b = new Builder();
  const y = b.withLabel('double', () => b.mul(b.input('x', [3]), 2));
  const engine = new OnnxEngine(native, 'onnx-webgpu', 'webgpu');
  const program = await engine.compile(b.finish({ outputs: { y } }));
  return (await program.run({ x: Float32Array.of(1, 2, 3) }, ['y']))['y'];
}

describe('a GPU', () => {
  it('gives its results by what the library returns', async () => {
    pretendGpu();
    expect(await runOnGpu()).toEqual(Float32Array.of(2, 4, 6));
  });

  it('is refused where its numbers are not those of the CPU', async () => {
    pretendGpu(results => {
      for (const tensor of Object.values(results)) (tensor.data as Float32Array)[1] = Number.NaN;
    });
    await expect(runOnGpu()).rejects.toThrow('On onnx-webgpu layer "double" (mul) differs from the CPU');
  });
});

describe('variables on a GPU', () => {
  /** v ← 0.5 v + x, w ← w − v, u ← 0, once with something that the host does between. */
  function steps(isSplit: boolean) {
    const b = new Builder();
    const [w, v, x] = [b.variable('w', [2, 2]), b.variable('v', [2, 2]), b.input('x', [2, 2])];
    const own = { name: 'own', outputs: [[2, 2]], run: ([a]: readonly { data: Float32Array }[]) => [a!.data] };
    const [seen] = isSplit ? b.hostCall([b.add(w, x)], own) : [b.add(w, x)];
    const velocity = b.add(b.mul(v, 0.5), b.sub(seen!, w));
    return b.finish({
      outputs: { loss: b.sum(b.mul(w, w)) },
      assignments: [
        { variable: 'v', value: velocity },
        { variable: 'w', value: b.sub(w, velocity) },
        { variable: 'u', value: v },
      ],
    });
  }

  const start = (engine: Engine) => {
    engine.write('w', Float32Array.of(1, 2, 3, 4), [2, 2]);
    for (const name of ['v', 'u']) engine.write(name, new Float32Array(4), [2, 2]);
  };

  it.each([false, true])('stay there from step to step and come home when read, split %s', async isSplit => {
    pretendGpu();
    const [engine, host] = [new OnnxEngine(native, 'onnx-webgpu', 'webgpu'), createHostEngine()];
    const all = [];
    for (const e of [engine, host]) {
      start(e);
      const program = await e.compile(steps(isSplit));
      const seen = [];
      for (let i = 1; i < 4; i++) {
        seen.push((await program.run({ x: new Float32Array(4).fill(i) }, ['loss']))['loss']);
        if (i === 2) e.write('w', Float32Array.of(5, 5, 5, i), [2, 2]);
        seen.push(await e.read('v'));
      }
      for (const name of ['u', 'v', 'w']) seen.push(await e.read(name));
      all.push(seen);
      program.dispose();
    }
    expect(all[0]).toEqual(all[1]);
    expect(engine.readNow).toBeUndefined();
    engine.dispose();
    expect(onDevice.size).toBe(0);
  });

  it('are as they were after a first step that differs from the CPU', async () => {
    pretendGpu(results => {
      // The new w: 0.05 % of itself, 2 % of what the step changes it by.
      for (const [name, t] of Object.entries(results)) if (name === 'output 2') (t.data as Float32Array)[3]! += 0.002;
    });
    const engine = new OnnxEngine(native, 'onnx-webgpu', 'webgpu');
    start(engine);
    const program = await engine.compile(steps(false));
    await expect(program.run({ x: new Float32Array(4).fill(0.1) }, ['loss'])).rejects.toThrow(
      "differs from the CPU's numbers by",
    );
    vi.restoreAllMocks();
    expect(engine.variables.get('w')).toEqual(Float32Array.of(1, 2, 3, 4));
    program.dispose();
    engine.dispose();
    expect(onDevice.size).toBe(0);
  });
});

describe("what WebGPU's kernels lack", () => {
  it.each([
    { kernel: [3, 2], stride: [2, 1], pad: [1, 0], outSize: [4, 5] },
    { kernel: [1, 1], stride: [2, 3], pad: [0, 0], outSize: [3, 2] },
    { kernel: [6, 6], stride: [1, 1], pad: [0, 0], outSize: [1, 1] },
  ] as const)('is said in other ops: maxima with their places %j', async geometry => {
    const b = new Builder();
    const x = b.input('x', [2, 3, 6, 6]);
    const [y, at] = b.maxPool(x, geometry);
    const [dx] = gradients(b, [{ value: y, seed: b.mul(y, 0.5) }], [x]);
    const places = b.sum(b.mul(at, 0.25), [0]);
    await compareWithHost(b.finish({ outputs: { y, at, dx: dx!, places } }), {
      // Many are equal: the first of them counts.
      x: Float32Array.from({ length: 216 }, (_, i) => (i * 7) % 5),
    });
  });

  it('is said in other ops: signs, sums across channels', async () => {
    const b = new Builder();
    const x = b.input('x', [2, 5, 1, 2]);
    await compareWithHost(b.finish({ outputs: { sign: b.sign(x), sum: b.windowSum(x, 1, 3) } }), {
      x: Float32Array.from({ length: 20 }, (_, i) => (i % 4) - 1),
    });
  });

  async function compareWithHost(graph: Graph, feeds: Record<string, Float32Array>) {
    pretendGpu();
    const names = [...graph.outputs.keys()];
    const program = await new OnnxEngine(native, 'onnx-webgpu', 'webgpu').compile(graph);
    const got = await program.run(feeds, names);
    expect(got).toEqual(await (await createHostEngine().compile(graph)).run(feeds, names));
    expect(program.fallbacks).toEqual([]);
  }
});

describe('what auto takes', () => {
  const choose = async (speed: number) => {
    pretendGpu();
    gpu.speed = speed;
    vi.stubEnv('VK_DRIVER_FILES', 'a_driver.json');
    vi.resetModules();
    const { chooseEngine: choice, createEngine: create } = await import('../../../src/engines/node/index.js');
    const [{ engines, chosen, reason }, engine] = [await choice(), await create('auto')];
    const { name } = engine;
    engine.dispose();
    vi.unstubAllEnvs();
    return { webgpu: engines.find(e => e.name === 'onnx-webgpu')!, chosen, reason, name };
  };

  // SwiftShader and llvmpipe are GPUs by their name, and the CPU by their speed.
  it('is the CPU where a GPU is not much faster than it', async () => {
    const { webgpu, chosen, name } = await choose(190);
    expect(webgpu.available).toBe(true);
    expect(webgpu.detail).toMatch(/190 GFLOP\/s where the CPU does 100 GFLOP\/s.* taken only by name/);
    expect([chosen, name]).toEqual(['onnx', 'onnx']);
  });

  it('is a GPU that beats the CPU by far', async () => {
    const { webgpu, chosen, name, reason } = await choose(300);
    expect(webgpu.detail).not.toMatch(/taken only by name/);
    expect([chosen, name]).toEqual(['onnx-webgpu', 'onnx-webgpu']);
    expect(reason).toMatch(/much faster than the CPU; what it refuses goes to the CPU/);
  });
});

describe('without onnxruntime', () => {
  it('another engine is chosen, with the reason', async () => {
    const { engines, chosen, reason } = await chooseWithout('cannot open shared object file');
    expect(engines[0]).toMatchObject({ name: 'onnx', available: false, detail: 'cannot open shared object file' });
    const { optionalDependencies } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    );
    expect(engines[0]!.command).toBe(
      `npm install onnxruntime-node@${optionalDependencies['onnxruntime-node']} --ignore-scripts`,
    );
    expect(engines.find(e => e.name === 'onnx-wasm')).toMatchObject({ available: true });
    expect(chosen).toMatch(/^(tensorflow|onnx-wasm)$/);
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
