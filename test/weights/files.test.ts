import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { create } from '../../src/schema/index.js';
import {
  loadBinaryproto,
  loadCaffemodel,
  loadNpz,
  loadSafetensors,
  loadSolverstate,
  saveBinaryproto,
  saveCaffemodel,
  saveNpz,
  saveSafetensors,
  saveSolverstate,
  useCaffemodel,
  writeAtomically,
} from '../../src/weights/files.js';
import { copyWeights, readCaffemodel } from '../../src/weights/index.js';

const dir = mkdtempSync(join(tmpdir(), 'mokapot-weights-'));
afterAll(() => rmSync(dir, { recursive: true }));
const goldens = new URL('../goldens/solvers/', import.meta.url).pathname;

describe('files', () => {
  it('loads and saves the bytes that Caffe wrote', async () => {
    for (const name of ['sgd_iter_4.caffemodel', 'adam_iter_8.solverstate']) {
      const path = join(dir, name);
      if (name.endsWith('caffemodel')) {
        const { net, layers } = loadCaffemodel(join(goldens, name));
        await saveCaffemodel(path, net, layers);
      } else await saveSolverstate(path, loadSolverstate(join(goldens, name)));
      expect(readFileSync(path)).toEqual(readFileSync(join(goldens, name)));
    }
  });

  it('reads in ranges what is larger than a range', async () => {
    const net = create('caffe.NetParameter', { name: 'big', layer: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] });
    const data = Float32Array.from({ length: 300_000 }, (_, i) => Math.sin(i));
    const blob = { shape: [300, 1000], data };
    await saveCaffemodel(
      join(dir, 'big'),
      net,
      new Map([
        ['a', [blob]],
        ['c', [blob, blob]],
      ]),
    );
    const { layers } = loadCaffemodel(join(dir, 'big'));
    expect([...layers].map(([name, blobs]) => [name, blobs.length])).toEqual([
      ['a', 1],
      ['b', 0],
      ['c', 2],
    ]);
    expect(layers.get('c')![1]).toEqual(blob);
    expect(readCaffemodel(new Uint8Array(readFileSync(join(dir, 'big')))).layers).toEqual(layers);
  });

  it('reads into arrays that are there already, or touches none of them', () => {
    const path = join(goldens, 'sgd_iter_4.caffemodel');
    const truth = loadCaffemodel(path).layers;
    const blob = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
    const params = new Map([
      ['conv', [blob(3, 2, 3, 3), blob(3)]],
      ['other', [blob(2)]],
    ]);
    const match = useCaffemodel(path, model => copyWeights(model.layers, params));
    expect(match).toEqual({ copied: ['conv'], missing: ['other'], unused: ['frozen', 'ip'], diagnostics: [] });
    expect(params.get('conv')).toEqual(truth.get('conv'));

    const wrong = new Map([
      ['conv', [blob(3, 2, 3, 3), blob(3)]],
      ['ip', [blob(3, 4), blob(3)]],
    ]);
    expect(() => useCaffemodel(path, model => copyWeights(model.layers, wrong))).toThrow(/3×48 in the weights file/);
    expect([...wrong.values()].flat().every(b => b.data.every(v => v === 0))).toBe(true);
  });

  it('loads and saves the other formats', async () => {
    const tensors = new Map([['x/0', { shape: [1, 1, 1, 2], data: Float32Array.of(1, 2) }]]);
    const blob = tensors.get('x/0')!;
    await saveSafetensors(join(dir, 'x.safetensors'), tensors);
    await saveNpz(join(dir, 'x.npz'), tensors);
    await saveBinaryproto(join(dir, 'x.binaryproto'), blob);
    expect(loadSafetensors(join(dir, 'x.safetensors')).tensors).toEqual(tensors);
    expect(loadNpz(join(dir, 'x.npz'))).toEqual(tensors);
    expect(loadBinaryproto(join(dir, 'x.binaryproto'))).toEqual({ ...blob, legacy: true });
  });

  it('leaves the old file and no rest behind where writing fails', async () => {
    const path = join(dir, 'kept');
    writeFileSync(path, 'old');
    const failing = function* () {
      yield new Uint8Array(100_000);
      throw new Error('the writer broke');
    };
    await expect(writeAtomically(path, failing())).rejects.toThrow(/Cannot write .*kept: the writer broke/);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(dir).filter(f => f.endsWith('.tmp'))).toEqual([]);
  });

  it('says why a file cannot be had', async () => {
    expect(() => loadCaffemodel(join(dir, 'none'))).toThrow(/Cannot open .*none: there is no such file/);
    mkdirSync(join(dir, 'folder'));
    expect(() => loadCaffemodel(join(dir, 'folder'))).toThrow(/is not a file/);
    await expect(saveNpz(join(dir, 'no', 'x.npz'), new Map())).rejects.toThrow(/no such file or folder/);
  });
});

const lenet = new URL('../../../shared/data/lenet/', import.meta.url).pathname;

describe.skipIf(!existsSync(lenet))('LeNet as Caffe trained it (skipped where ../shared is absent)', () => {
  const sums = (): Record<string, [number[], number, number]> =>
    JSON.parse(readFileSync(join(lenet, 'lenet.params.json'), 'utf8'));

  it.each([
    ['lenet_iter_10000.caffemodel', 'V2'],
    ['lenet_v1.caffemodel', 'V1'],
  ])('%s has the recorded sums', (file, generation) => {
    const model = loadCaffemodel(join(lenet, file));
    expect(model.generation).toBe(generation);
    for (const [key, [shape, sum, absolute]] of Object.entries(sums())) {
      const [layer, i] = key.split('/') as [string, string];
      const blob = model.layers.get(layer)![Number(i)]!;
      expect(blob.legacy ? blob.shape.slice(4 - shape.length) : blob.shape).toEqual(shape);
      expect(blob.data.reduce((a, b) => a + b, 0)).toBeCloseTo(sum, 6);
      expect(blob.data.reduce((a, b) => a + Math.abs(b), 0)).toBeCloseTo(absolute, 6);
    }
    expect(model.net.layer.find(l => l.name === 'ip1')?.type).toBe('InnerProduct');
  });

  it("comes back byte for byte from today's format", async () => {
    const { net, layers } = loadCaffemodel(join(lenet, 'lenet_iter_10000.caffemodel'));
    await saveCaffemodel(join(dir, 'lenet'), net, layers);
    expect(readFileSync(join(dir, 'lenet')).equals(readFileSync(join(lenet, 'lenet_iter_10000.caffemodel')))).toBe(
      true,
    );
  });
});
