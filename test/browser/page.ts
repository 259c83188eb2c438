/** The page that core.browser.ts opens: what it offers there is called from the tests. Bundled by vite and by esbuild. */

import {
  createEngine,
  describe,
  Net,
  netPicture,
  readCaffemodel,
  readSafetensors,
  registerLayer,
  Solver,
  toSvg,
  verifyCase,
  writeCaffemodel,
} from 'mokapot/core';
import { pictures, SHAPES, SOLVER } from './training.js';

const text = async (path: string) => (await fetch(path)).text();
const bytes = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer());

export const page = {
  /** Shapes of all blobs, and the milliseconds that took. */
  shapes(prototxt: string, stages: readonly string[]) {
    const start = performance.now();
    const { ok, blobs } = describe(prototxt, { stages });
    const shapes = Object.fromEntries([...blobs].map(([name, { shape }]) => [name, shape]));
    return { ok, shapes, milliseconds: performance.now() - start };
  },

  async svg(prototxt: string): Promise<string> {
    return toSvg(netPicture(describe(prototxt, { stages: ['deploy'] })));
  },

  /** Shapes of a net with a layer of the page's own. */
  ownLayer(prototxt: string): readonly (readonly number[])[] {
    registerLayer({
      type: 'Double',
      doc: 'Twice its bottom.',
      bottoms: { min: 1, max: 1 },
      tops: { min: 1, max: 1 },
      reshape: ({ bottomShapes }) => ({ tops: [bottomShapes[0]!], params: [] }),
      lower: (_, b, [x]) => [b.mul(x!, 2)],
    });
    return [...describe(prototxt).blobs.values()].map(b => b.shape);
  },

  /** Cases of Caffe's goldens that do not come out on an engine, with what is wrong. */
  async goldens(backend: string, names: readonly string[]): Promise<readonly string[]> {
    const engine = await createEngine(backend);
    const wrong: string[] = [];
    for (const name of names) {
      const [prototxt, values] = await Promise.all([
        text(`/goldens/${name}.prototxt`),
        bytes(`/goldens/${name}.safetensors`),
      ]);
      const { passed, comparisons, failure } = await verifyCase(
        { name, prototxt, values: readSafetensors(values, name) },
        engine,
      );
      const failed = comparisons.filter(c => !c.passed).map(c => `${c.key} ${c.error}`);
      if (!passed) wrong.push(`${name}: ${failure?.message ?? failed.join(', ')}`);
    }
    engine.dispose();
    return wrong;
  },

  /** The losses of a training of FCN-small. */
  async losses(backend: string, prototxt: string, iterations: number): Promise<readonly number[]> {
    const solver = await Solver.fromText(`${SOLVER} net_param { ${prototxt} }`, {
      engine: () => createEngine(backend),
      stages: ['train'],
      inputShapes: SHAPES,
    });
    for (let i = 0; i < iterations; i++) await solver.step(1, pictures());
    const { losses } = solver;
    await solver.dispose();
    return losses;
  },

  /** What a net makes of ones, on an engine. */
  async forward(backend: string, prototxt: string): Promise<readonly number[]> {
    const net = await Net.fromText(prototxt, { engine: () => createEngine(backend), seed: 1 });
    const [output] = Object.values(await net.forward({ data: new Float32Array(12).fill(1) }));
    net.dispose();
    return [...output!.data];
  },

  /** Reads the `.caffemodel` that was chosen in the page's field, writes it again, and compares. */
  async rewrite(): Promise<{ readonly layers: number; readonly size: number; readonly isSame: boolean }> {
    const file = document.querySelector('input')!.files![0]!;
    const before = new Uint8Array(await file.arrayBuffer());
    const { net, layers } = readCaffemodel(before, file.name);
    const after = writeCaffemodel(net, layers);
    const isSame = after.length === before.length && after.every((byte, i) => byte === before[i]);
    return { layers: layers.size, size: before.length, isSame };
  },

  /** The error that a page gets whose WebAssembly is not where it says. */
  async unserved(): Promise<string> {
    const options = { wasm: { onnx: '/nowhere/ort-wasm-simd-threaded.wasm' } };
    return createEngine('onnx', options).then(
      () => '',
      (error: Error) => error.message,
    );
  },

  isIsolated: () => crossOriginIsolated,
};

const field = document.createElement('input');
field.type = 'file';
document.body.append(field);
Object.assign(globalThis, { page });
