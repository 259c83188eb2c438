/** Weights of whatever format, told by their content and given in one form. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { concatBytes } from '../../src/weights/formats/wire.js';
import {
  caffeH5Parts,
  copyWeights,
  formatOf,
  layersOf,
  readCaffemodel,
  readWeights,
  scanNetWeights,
  tensorsOf,
  type WeightBlob,
  writeBinaryproto,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from '../../src/weights/index.js';
import { toSource } from '../../src/weights/source.js';

const golden = (name: string) => new Uint8Array(readFileSync(new URL(`../goldens/solvers/${name}`, import.meta.url)));
const caffemodel = golden('sgd_iter_4.caffemodel');
const { layers } = readCaffemodel(caffemodel);
const withBlobs = new Map([...layers].filter(([, blobs]) => blobs.length > 0));
const conv = layers.get('conv')![0]!;
const ascii = (s: string) => Uint8Array.from(s, c => c.charCodeAt(0));

const FILES: Record<string, Uint8Array> = {
  caffemodel,
  h5: concatBytes([...caffeH5Parts(layers)]),
  safetensors: writeSafetensors(tensorsOf(layers)),
  npz: writeNpz(tensorsOf(layers)),
  npy: writeNpy(conv),
  binaryproto: writeBinaryproto(conv),
  solverstate: golden('sgd_iter_4.solverstate'),
};

describe('the content tells', () => {
  it.each(Object.keys(FILES))('%s', format => {
    expect(formatOf(toSource(FILES[format]!))).toBe(format);
    expect(readWeights(FILES[format]!).format).toBe(format);
  });

  it.each(['h5', 'safetensors', 'npz'])('%s holds the same blobs as the .caffemodel', format => {
    const found = readWeights(FILES[format]!).layers;
    expect(new Map([...found].filter(([, blobs]) => blobs.length > 0).sort())).toEqual(new Map([...withBlobs].sort()));
  });

  it('a mean of five axes, an archive of nothing', () => {
    const five = writeBinaryproto({ shape: [1, 1, 1, 1, 2], data: Float32Array.of(1, 2) });
    expect(readWeights(five)).toMatchObject({ format: 'binaryproto' });
    expect(readWeights(writeNpz(new Map()))).toMatchObject({ format: 'npz', layers: new Map() });
    expect(readWeights(FILES['npy']!).layers.get('array')).toEqual([conv]);
    expect(readWeights(FILES['solverstate']!).layers.get('history')).toHaveLength(5);
  });

  it.each(['npy', 'binaryproto', 'solverstate'])('%s is not for a net', format => {
    const refused = (() => {
      try {
        scanNetWeights(FILES[format]!, 'x');
      } catch (e) {
        return e as MokapotError;
      }
      throw new Error('it was taken');
    })();
    expect(refused).toBeInstanceOf(MokapotError);
    expect(refused.diagnostics[0]).toMatchObject({
      code: 'weights-format',
      message: expect.stringMatching(/not weights by layer/),
    });
  });

  it.each([
    ['nothing', new Uint8Array(0), /is empty/],
    ['a text', ascii('version https://git-lfs.github.com/spec/v1'), /is a text.*no weights/],
    ['noise', Uint8Array.of(0xff, 0xfe, 3, 4), /damaged at byte 0/],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => readWeights(bytes, 'x')).toThrow(message);
  });
});

describe('names of arrays', () => {
  const blob = (v: number): WeightBlob => ({ shape: [1], data: Float32Array.of(v) });
  const found = (names: string[]) =>
    [...layersOf(new Map(names.map((n, i) => [n, blob(i)])))].map(([n, blobs]) => [
      n,
      blobs.map(b => (b.shared ? '-' : b.shape.join())),
    ]);

  it('are layer and position', () => {
    expect(found(['inception/1x1/0', 'inception/1x1/1', 'param/ip/0'])).toEqual([
      ['inception/1x1', ['1', '1']],
      ['ip', ['1']],
    ]);
  });

  it('may be in any order and have gaps', () => {
    expect(found(['a/2', 'a/0'])).toEqual([['a', ['1', '-', '1']]]);
  });

  it("may be PyTorch's, or anything", () => {
    expect(found(['features.0.weight', 'features.0.bias', 'epoch', 'x/-1', 'x/01', 'y/99999'])).toEqual([
      ['features.0', ['1', '1']],
      ['epoch', ['1']],
      ['x/-1', ['1']],
      ['x/01', ['1']],
      ['y/99999', ['1']],
    ]);
  });
});

it("an old file's four axes fit a net after any format", () => {
  const legacy = new Map([['ip', [{ shape: [1, 1, 2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6), legacy: true }]]]);
  const forms = [
    concatBytes([...caffeH5Parts(legacy)]),
    writeSafetensors(tensorsOf(legacy)),
    writeNpz(tensorsOf(legacy)),
  ];
  for (const bytes of forms) {
    const params = new Map([['ip', [{ shape: [2, 3], data: new Float32Array(6) }]]]);
    copyWeights(scanNetWeights(bytes).layers, params);
    expect([...params.get('ip')![0]!.data]).toEqual([1, 2, 3, 4, 5, 6]);
  }
});
