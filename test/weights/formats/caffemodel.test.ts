import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MokapotError } from '../../../src/diagnostics/index.js';
import { compileNet } from '../../../src/net/index.js';
import { create, isSet, parseNet } from '../../../src/schema/index.js';
import { bytesField, concatBytes, tagBytes, varintField } from '../../../src/weights/formats/wire.js';
import { readCaffemodel, readSafetensors, type WeightBlob, writeCaffemodel } from '../../../src/weights/index.js';

const goldens = new URL('../../goldens/solvers/', import.meta.url);
const golden = (name: string) => new Uint8Array(readFileSync(new URL(name, goldens)));
const f32 = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const f64 = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
const text = (s: string) => [new TextEncoder().encode(s)];

/** A V2 file with one layer "ip" whose only blob is made of `parts`. */
function fileOf(...parts: Uint8Array[][]): Uint8Array {
  const blob = bytesField(7, parts.flat());
  return concatBytes(bytesField(100, [...bytesField(1, text('ip')), ...bytesField(2, text('InnerProduct')), ...blob]));
}
const dims = (...d: number[]) => bytesField(7, bytesField(1, [Uint8Array.from(d)]));
const onlyBlob = (bytes: Uint8Array) => readCaffemodel(bytes).layers.get('ip')![0]!;
const failure = (bytes: Uint8Array) => {
  try {
    readCaffemodel(bytes, 'x.caffemodel');
  } catch (e) {
    expect(e).toBeInstanceOf(MokapotError);
    return (e as MokapotError).diagnostics[0]!;
  }
  throw new Error('it was read');
};

describe('files that Caffe wrote', () => {
  const files = readdirSync(goldens).filter(f => f.endsWith('.caffemodel'));

  it.each(files)('%s holds what its safetensors say', file => {
    const { net, layers, generation } = readCaffemodel(golden(file));
    expect(generation).toBe('V2');
    expect(net.name).toBe('solver_case');
    expect([...layers.keys()]).toEqual(['data', 'label', 'conv', 'relu', 'frozen', 'ip', 'loss']);
    const [, solver, moment] = /^(\w+?)_(init|iter_\d)\.caffemodel$/.exec(file)!;
    const prefix = moment === 'init' ? 'init' : `after${moment!.slice(5)}`;
    const { tensors } = readSafetensors(golden(`${solver}.safetensors`));
    for (const [name, blobs] of layers) {
      blobs.forEach((blob, i) => {
        const truth = tensors.get(`${prefix}/${name}/${i}`) ?? tensors.get(`init/${name}/${i}`)!;
        expect(blob.shape).toEqual(truth.shape);
        expect(blob.data).toEqual(truth.data);
      });
    }
    expect([...layers.values()].flat()).toHaveLength(5);
  });

  it.each(files)('%s comes back byte for byte', file => {
    const bytes = golden(file);
    const { net, layers } = readCaffemodel(bytes);
    expect(writeCaffemodel(net, layers)).toEqual(bytes);
  });
});

it('writes a compiled prototxt with its weights as Caffe wrote it', () => {
  const prototxt = readFileSync(new URL('net.prototxt', goldens), 'utf8');
  const graph = compileNet(parseNet(prototxt).message, { phase: 'TRAIN' });
  const bytes = golden('sgd_iter_8.caffemodel');
  const saved = { name: graph.name, layer: graph.layers.map(l => l.param) };
  expect(writeCaffemodel(saved, readCaffemodel(bytes).layers)).toEqual(bytes);
});

describe('writing', () => {
  const bare = create('caffe.NetParameter', {
    name: 'n',
    layer: [
      { name: 'bn', type: 'BatchNorm', bottom: ['x'], top: ['y'] },
      { name: 'loss', type: 'EuclideanLoss', bottom: ['y', 'z'], top: ['l'], include: [{ phase: 1 }] },
    ],
  });
  const one: WeightBlob = { shape: [1], data: Float32Array.of(1) };

  it("adds what Caffe's set-up adds, and leaves the given net alone", () => {
    const { net } = readCaffemodel(writeCaffemodel(bare, new Map([['bn', [one, one, one]]]), { phase: 'TEST' }));
    expect(net.layer.map(l => l.phase)).toEqual([1, 1]);
    expect(net.layer[1]!.loss_weight).toEqual([1]);
    expect(isSet(bare.layer[0]!, 'phase')).toBe(false);
    expect(isSet(bare.layer[1]!, 'loss_weight')).toBe(false);
  });

  it('refuses blobs that no layer takes, and data that do not make their shape', () => {
    expect(() => writeCaffemodel(bare, new Map([['nobody', [one]]]))).toThrow(/no layer "nobody"/);
    const wrong = { shape: [2, 3], data: new Float32Array(5) };
    expect(() => writeCaffemodel(bare, new Map([['bn', [wrong]]]))).toThrow(/has 5 numbers, but its shape 2×3 makes 6/);
  });

  it('keeps empty blobs, scalars and every bit of odd numbers', () => {
    const bits = new Float32Array(Uint32Array.of(0x7fc00001, 0xff800000, 0x80000000, 1).buffer);
    const blobs = [
      { shape: [4], data: bits },
      { shape: [], data: Float32Array.of(7) },
      { shape: [0, 3], data: new Float32Array(0) },
    ];
    const back = readCaffemodel(writeCaffemodel(bare, new Map([['bn', blobs]]))).layers.get('bn')!;
    expect(back.map(b => b.shape)).toEqual([[4], [], [0, 3]]);
    expect(new Uint32Array(back[0]!.data.buffer)).toEqual(new Uint32Array(bits.buffer));
    expect([...back[1]!.data]).toEqual([7]);
  });
});

describe('the forms numbers are stored in', () => {
  it('reads unpacked floats, also in pieces', () => {
    const piece = (v: number) => [tagBytes(5, 5), f32(v)];
    const bytes = fileOf(piece(1), piece(2), dims(2, 2), piece(3), bytesField(5, [f32(4)]));
    expect([...onlyBlob(bytes).data]).toEqual([1, 2, 3, 4]);
  });

  it('prefers double_data, packed and unpacked, as Caffe does', () => {
    expect([...onlyBlob(fileOf(bytesField(5, [f32(9, 9)]), bytesField(8, [f64(1.5, 2.5)]), dims(2))).data]).toEqual([
      1.5, 2.5,
    ]);
    expect([...onlyBlob(fileOf([tagBytes(8, 1), f64(3)], [tagBytes(8, 1), f64(4)], dims(2))).data]).toEqual([3, 4]);
  });

  it('reads num, channels, height, width and marks the shape as old', () => {
    const bytes = fileOf(
      varintField(1, 1),
      varintField(2, 1),
      varintField(3, 2),
      varintField(4, 1),
      bytesField(5, [f32(5, 6)]),
    );
    expect(onlyBlob(bytes)).toEqual({ shape: [1, 1, 2, 1], data: Float32Array.of(5, 6), legacy: true });
  });

  it.each([
    [0, f64(0.5, -2)],
    [1, f32(0.5, -2)],
    [2, Uint8Array.of(0x00, 0x38, 0x00, 0xc0)],
  ])("reads NVCaffe's raw data of type %i", (type, raw) => {
    const bytes = fileOf(dims(2), varintField(10, type), bytesField(12, [raw]));
    expect([...onlyBlob(bytes).data]).toEqual([0.5, -2]);
  });

  it("lets NVCaffe's raw data go before the lists, as NVCaffe does", () => {
    const bytes = fileOf(bytesField(5, [f32(9)]), dims(1), varintField(10, 1), bytesField(12, [f32(3)]));
    expect([...onlyBlob(bytes).data]).toEqual([3]);
  });

  it('merges messages that come in pieces, as protobuf says', () => {
    // A shape in two pieces is one list of axes; of a single field given twice the last one counts.
    const inPieces = fileOf(dims(2), bytesField(5, [f32(1, 2)]), dims(3), bytesField(5, [f32(3, 4, 5, 6)]));
    expect(onlyBlob(inPieces)).toEqual({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
    const twice = fileOf(
      dims(1),
      varintField(10, 0),
      bytesField(12, [f64(1)]),
      varintField(10, 1),
      bytesField(12, [f32(2)]),
    );
    expect([...onlyBlob(twice).data]).toEqual([2]);
    const named = bytesField(100, [
      ...bytesField(1, text('old')),
      ...bytesField(2, text('ReLU')),
      ...bytesField(1, text('new')),
    ]);
    expect([...readCaffemodel(concatBytes(named)).layers.keys()]).toEqual(['new']);
    const blob = (v: number) => bytesField(50, [...bytesField(5, [f32(v)]), ...dims(1)]);
    const v0 = [...bytesField(1, text('fc')), ...bytesField(2, text('innerproduct')), ...blob(1)];
    const file = bytesField(2, [
      ...bytesField(1, v0),
      ...bytesField(1, blob(2)),
      ...bytesField(2, text('x')),
      ...bytesField(3, text('y')),
    ]);
    expect(
      readCaffemodel(concatBytes(file))
        .layers.get('fc')!
        .map(b => b.data[0]),
    ).toEqual([1, 2]);
  });

  it('steps over diffs, unknown fields and groups', () => {
    const group = [tagBytes(900, 3), ...varintField(1, 300), tagBytes(901, 3), tagBytes(901, 4), tagBytes(900, 4)];
    const bytes = fileOf(bytesField(6, [f32(8)]), group, [tagBytes(77, 1), f64(1)], dims(1), bytesField(5, [f32(2)]));
    expect([...onlyBlob(bytes).data]).toEqual([2]);
  });
});

describe('the old generations', () => {
  it('reads a V1 file', () => {
    const blob = bytesField(6, [
      ...[3, 1, 1, 1].flatMap((d, i) => varintField(i + 1, d)),
      ...bytesField(5, [f32(1, 2, 3)]),
    ]);
    const layer = [
      ...bytesField(2, text('x')),
      ...bytesField(3, text('y')),
      ...bytesField(4, text('c')),
      ...varintField(5, 4),
    ];
    const { generation, layers, net, diagnostics } = readCaffemodel(concatBytes(bytesField(2, [...layer, ...blob])));
    expect(generation).toBe('V1');
    expect(layers.get('c')).toEqual([{ shape: [3, 1, 1, 1], data: Float32Array.of(1, 2, 3), legacy: true }]);
    expect(net.layer.map(l => [l.name, l.type])).toEqual([['c', 'Convolution']]);
    expect(diagnostics.map(d => [d.code, d.severity])).toEqual([['upgraded-v1', 'note']]);
  });

  it('reads a V0 file', () => {
    const blob = bytesField(50, [
      ...[1, 1, 1, 2].flatMap((d, i) => varintField(i + 1, d)),
      ...bytesField(5, [f32(1, 2)]),
    ]);
    const v0 = [...bytesField(1, text('fc')), ...bytesField(2, text('innerproduct')), ...varintField(3, 1), ...blob];
    const connection = [...bytesField(1, v0), ...bytesField(2, text('x')), ...bytesField(3, text('fc'))];
    const { generation, layers, net } = readCaffemodel(concatBytes(bytesField(2, connection)));
    expect(generation).toBe('V0');
    expect([...layers.get('fc')![0]!.data]).toEqual([1, 2]);
    expect(net.layer.map(l => [l.name, l.type])).toEqual([['fc', 'InnerProduct']]);
  });
});

describe('what is wrong with a file, and at which byte', () => {
  it('is nested deeper than any stack', () => {
    const deep = 200_000;
    const open = new Uint8Array(deep * 2).map((_, i) => tagBytes(900, 3)[i % 2]!);
    const close = new Uint8Array(deep * 2).map((_, i) => tagBytes(900, 4)[i % 2]!);
    const layer = fileOf(dims(1), bytesField(5, [f32(1)]));
    expect(failure(concatBytes([layer, open])).message).toMatch(/group 900 does not end/);
    const closed = concatBytes([layer, open, close]);
    try {
      expect([...onlyBlob(closed).data]).toEqual([1]);
    } catch (e) {
      expect(e).toBeInstanceOf(MokapotError);
    }
    const inBlob = fileOf(dims(1), [open, close], bytesField(5, [f32(1)]));
    expect([...onlyBlob(inBlob).data]).toEqual([1]);
  });

  it('is cut off', () => {
    const whole = golden('sgd_init.caffemodel');
    const d = failure(whole.slice(0, 1000));
    expect(d.code).toBe('weights-damaged');
    expect(d.message).toMatch(
      /x\.caffemodel is damaged at byte 517: a field says it is 670 bytes long, but 479 are left/,
    );
  });

  it('has more or fewer numbers than its shape makes', () => {
    const d = failure(fileOf(bytesField(5, [f32(1, 2, 3)]), dims(2, 2)));
    expect(d.code).toBe('weights-count');
    expect(d.layer).toBe('ip');
    expect(d.message).toMatch(/blob 0 of layer "ip" holds 3 numbers, but its shape 2×2 makes 4 \(at byte \d+\)/);
  });

  it('has numbers cut in the middle, an impossible shape, too many axes', () => {
    expect(failure(fileOf(bytesField(5, [f32(1).slice(0, 3)]))).message).toMatch(
      /3 bytes of numbers are no multiple of 4/,
    );
    expect(
      failure(fileOf(bytesField(7, bytesField(1, [new Uint8Array(10).fill(255, 0, 9).fill(1, 9)])))).message,
    ).toMatch(/impossible shape -1/);
    expect(failure(fileOf(dims(...new Array(33).fill(1)))).message).toMatch(/more than 32/);
  });

  it.each([
    ['nothing', new Uint8Array(0), /is empty/],
    ['a prototxt', text('name: "x"\nlayer { }')[0]!, /is a text/],
    ['HDF5', Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10), /HDF5.*loadWeights/],
    ['a solver state', golden('sgd_iter_4.solverstate'), /\.solverstate.*--snapshot/],
    ['safetensors', golden('sgd.safetensors'), /safetensors/],
    ['a net without layers', concatBytes(bytesField(1, text('\u0001'))), /holds no layers/],
  ])('is %s', (_, bytes, message) => {
    const d = failure(bytes);
    expect(d.code).toBe('weights-format');
    expect(`${d.message} ${d.hint}`).toMatch(message);
  });

  it('warns of fields that the schema lacks, once', () => {
    const strange = concatBytes([golden('sgd_init.caffemodel'), ...bytesField(99, text('abc')), ...varintField(98, 1)]);
    const { diagnostics } = readCaffemodel(strange, 'f');
    expect(diagnostics.map(d => [d.code, d.severity])).toEqual([['weights-unknown-field', 'warning']]);
    expect(diagnostics[0]!.message).toMatch(
      /f has 2 fields .*first is field 99 of caffe.NetParameter, 3 bytes at byte 1241/,
    );
  });

  it('warns of a layer that is there twice', () => {
    const once = fileOf(bytesField(5, [f32(1)]));
    const again = fileOf(bytesField(5, [f32(2)]));
    const { layers, diagnostics } = readCaffemodel(concatBytes([once, again]));
    expect([...layers.get('ip')![0]!.data]).toEqual([2]);
    expect(diagnostics.map(d => d.code)).toContain('weights-doubled-layer');
  });
});
