import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeAtomically } from '../../../src/files/index.js';
import { create } from '../../../src/schema/index.js';
import {
  caffeH5Parts,
  copyWeights,
  readCaffemodel,
  type WeightBlob,
  writeCaffemodel,
} from '../../../src/weights/index.js';
import {
  loadBinaryproto,
  loadCaffemodel,
  loadNpz,
  loadSafetensors,
  loadSolverstate,
  loadWeights,
  saveBinaryproto,
  saveCaffemodel,
  saveNpz,
  saveSafetensors,
  saveSolverstate,
  useCaffemodel,
  useWeights,
} from '../../../src/weights/node/files.js';

const dir = mkdtempSync(join(tmpdir(), 'mokapot-weights-'));
afterAll(() => rmSync(dir, { recursive: true }));
const goldens = new URL('../../goldens/solvers/', import.meta.url).pathname;

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
    const bytes = (b: WeightBlob) => Buffer.from(b.data.buffer, b.data.byteOffset, b.data.byteLength);
    const inMemory = readCaffemodel(new Uint8Array(readFileSync(join(dir, 'big')))).layers;
    for (const found of [layers, inMemory]) {
      for (const one of [found.get('a')![0]!, ...found.get('c')!]) {
        expect(one.shape).toEqual(blob.shape);
        expect(bytes(one).equals(bytes(blob))).toBe(true);
      }
    }
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
    expect(() => loadCaffemodel(join(dir, 'folder'))).toThrow(/is a folder, and a regular file is wanted/);
    await expect(saveNpz(join(dir, 'no', 'x.npz'), new Map())).rejects.toThrow(/no such file or folder/);
  });
});

describe('files over 2 GiB', () => {
  const BIG = 330_000_000;
  /** Sparse: the parts between are zeros that take no place on the disk. */
  function sparse(name: string, parts: readonly (Uint8Array | number)[]): string {
    const path = join(dir, name);
    const fd = openSync(path, 'w');
    let at = 0;
    for (const part of parts) {
      if (typeof part !== 'number') writeSync(fd, part, 0, part.length, at);
      at += typeof part === 'number' ? part : part.length;
    }
    ftruncateSync(fd, at);
    closeSync(fd);
    return path;
  }
  const small = { shape: [3], data: Float32Array.of(1, 2, 3) };
  const numbers = new Uint8Array(small.data.buffer);

  it('a .caffemodel is read behind them', () => {
    const blobOf = [0x2a, ...varint(4 * BIG)];
    const shape = [0x3a, ...prefixed([0x0a, ...prefixed(varint(BIG))])];
    const blobSize = blobOf.length + 4 * BIG + shape.length;
    const layer = (name: string): (Uint8Array | number)[] => {
      const head = [0x0a, 1, name.charCodeAt(0), 0x3a, ...varint(blobSize)];
      return [
        Uint8Array.from([0xa2, 6, ...varint(head.length + blobSize), ...head, ...blobOf]),
        4 * BIG,
        Uint8Array.from(shape),
      ];
    };
    const tail = writeCaffemodel(create('caffe.NetParameter', { layer: [{ name: 'c' }] }), new Map([['c', [small]]]));
    const path = sparse('big.caffemodel', [...layer('a'), ...layer('b'), tail]);
    expect(statSync(path).size).toBeGreaterThan(2.5e9);
    expectLast(path);
  });

  it('a .safetensors is', () => {
    const header = JSON.stringify({
      a: { dtype: 'F32', shape: [BIG], data_offsets: [0, 4 * BIG] },
      b: { dtype: 'F32', shape: [BIG], data_offsets: [4 * BIG, 8 * BIG] },
      'c/0': { dtype: 'F32', shape: [3], data_offsets: [8 * BIG, 8 * BIG + 12] },
    });
    const length = new Uint8Array(8);
    new DataView(length.buffer).setUint32(0, header.length, true);
    expectLast(sparse('big.safetensors', [length, new TextEncoder().encode(header), 8 * BIG, numbers]));
  });

  it('a .h5 is: the numbers moved far behind', () => {
    const bytes = Buffer.concat([...caffeH5Parts(new Map([['c', [small]]]))]);
    const far = 3e9;
    const addressAt = bytes.indexOf(u64(bytes.length - 16));
    expect(bytes.lastIndexOf(u64(bytes.length - 16))).toBe(addressAt);
    bytes.set(u64(far), addressAt);
    bytes.set(u64(far + 12), 40);
    const path = sparse('big.h5', [bytes, far - bytes.length, numbers]);
    expect(loadWeights(path).layers.get('c')).toEqual([small]);
    rmSync(path);
  });

  function expectLast(path: string): void {
    useWeights(path, ({ layers }) => {
      expect([...layers].map(([name, [blob]]) => [name, blob!.shape])).toEqual([
        ['a', [BIG]],
        ['b', [BIG]],
        ['c', [3]],
      ]);
      expect(layers.get('c')![0]!.read()).toEqual(small.data);
    });
    rmSync(path);
  }
});

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

function prefixed(bytes: number[]): number[] {
  return [...varint(bytes.length), ...bytes];
}

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
