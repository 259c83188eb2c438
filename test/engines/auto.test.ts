/** The engine that `auto` takes on a machine with a GPU: what the GPU refuses the CPU does, with the same variables, and says so. */

import { describe, expect, it } from 'vitest';
import { fail } from '../../src/diagnostics/index.js';
import { AutoEngine } from '../../src/engines/auto.js';
import { createEngine, createHostEngine, type Engine } from '../../src/engines/node/index.js';
import { OnnxEngine } from '../../src/engines/onnx/engine.js';
import { loadNative } from '../../src/engines/onnx/node/native.js';
import type { OnnxRuntime } from '../../src/engines/onnx/runtime.js';
import { Builder } from '../../src/ir/index.js';

const native = loadNative() as OnnxRuntime;

/** w ← w + x, giving 2w. */
function adding(size: number) {
  const b = new Builder();
  const [w, x] = [b.variable('w', [size]), b.input('x', [size])];
  return b.finish({ outputs: { y: b.mul(w, 2) }, assignments: [{ variable: 'w', value: b.add(w, x) }] });
}

/** An engine that from a run on refuses every one, having changed nothing. */
function failingFrom(first: number, code: string): Engine {
  const engine = createHostEngine();
  const compile = engine.compile.bind(engine);
  let runs = 0;
  engine.compile = async graph => {
    const program = await compile(graph);
    const run = program.run.bind(program);
    program.run = async (...given) => {
      if (++runs >= first) throw fail(code, 'The device does not want to.');
      return run(...given);
    };
    return program;
  };
  return engine;
}

const ones = (n: number) => new Float32Array(n).fill(1);

describe('a GPU that nobody asked for', () => {
  it.each(['gpu-disagrees', 'out-of-memory', 'onnx-run'])('is left for the CPU on %s, between two runs', async code => {
    const engine = new AutoEngine(failingFrom(3, code), await createEngine('onnx'));
    engine.write('w', ones(4), [4]);
    const program = await engine.compile(adding(4));
    const got = [];
    for (let i = 0; i < 4; i++) {
      got.push((await program.run({ x: ones(4) }, ['y']))['y']![0]);
      expect(engine.name).toBe(i < 2 ? 'host' : 'onnx');
    }
    expect(got).toEqual([2, 4, 6, 8]);
    expect(await engine.read('w')).toEqual(new Float32Array(4).fill(5));
    expect(engine.notes).toHaveLength(1);
    expect(engine.notes[0]).toMatchObject({ severity: 'note', code });
    expect(engine.notes[0]!.message).toBe(
      'host is left, the CPU computes instead (onnx). The device does not want to.',
    );
    engine.dispose();
  });

  it('is left before anything runs where an array is too large for it', async () => {
    const gpu = new OnnxEngine(native, 'onnx-webgpu', 'webgpu', { largest: 64 });
    const engine = new AutoEngine(gpu, await createEngine('onnx'));
    engine.write('w', ones(17), [17]);
    const program = await engine.compile(adding(17));
    program.prepare(['y']);
    expect(engine.notes[0]!.message).toMatch(/An array of shape \[17\] takes 1 MB/);
    expect((await program.run({ x: ones(17) }, ['y']))['y']![16]).toBe(2);
    expect(engine.readNow!('w')[3]).toBe(2);
    engine.dispose();
  });

  it('keeps what is written after the refusal', async () => {
    const engine = new AutoEngine(failingFrom(1, 'onnx-run'), await createEngine('onnx'));
    engine.write('w', ones(2), [2]);
    const program = await engine.compile(adding(2));
    engine.leave(fail('array-too-large', 'Too large.'));
    engine.write('w', new Float32Array(2).fill(10), [2]);
    expect((await program.run({ x: ones(2) }, ['y']))['y']![0]).toBe(20);
    engine.dispose();
  });

  it('does not hide what is wrong on any engine', async () => {
    const engine = new AutoEngine(createHostEngine(), await createEngine('onnx'));
    engine.write('w', ones(2), [2]);
    const program = await engine.compile(adding(2));
    await expect(program.run({}, ['y'])).rejects.toThrow('Nothing was fed for "x"');
    expect(engine.notes).toEqual([]);
    engine.dispose();
  });
});

describe('a device with a limit for one array', () => {
  it('refuses a graph beyond it before a session is made', async () => {
    const engine = new OnnxEngine(native, 'onnx-webgpu', 'webgpu', { largest: 64 });
    const program = await engine.compile(adding(17));
    await expect(program.run({ x: ones(17) }, ['y'])).rejects.toThrow(
      "An array of shape [17] takes 1 MB, and the onnx-webgpu engine's device binds 1 MB at most.",
    );
  });
});
