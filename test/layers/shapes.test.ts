/** Shape rules, against Caffe's formulas written down anew, and what a wrong parameter is told. */

import { describe, expect, it } from 'vitest';
import { layerTypes, registerLayer } from '../../src/layers/index.js';
import { compiled, type Shapes, topShapes } from './net_of.js';

const RANGE = [1, 2, 3, 4, 5];

function one(type: string, body: string, shapes: Shapes): readonly number[] {
  const bottoms = Object.keys(shapes).map(name => `bottom: "${name}"`);
  return topShapes(`layer { name: "l" type: "${type}" ${bottoms.join(' ')} top: "y" ${body} }`, shapes)['y']!;
}

describe('every combination of kernel, stride, pad and dilation up to 5', () => {
  const grid = RANGE.flatMap(kernel =>
    RANGE.flatMap(stride => [0, ...RANGE].flatMap(pad => RANGE.map(dilation => ({ kernel, stride, pad, dilation })))),
  );

  it('Convolution: (in + 2·pad − extent) / stride + 1, divided towards zero', () => {
    for (const { kernel, stride, pad, dilation } of grid) {
      const room = 9 + 2 * pad - (dilation * (kernel - 1) + 1);
      const size = (room < 0 ? -Math.floor(-room / stride) : Math.floor(room / stride)) + 1;
      const body = `convolution_param { num_output: 3 kernel_size: ${kernel} stride: ${stride} pad: ${pad} dilation: ${dilation} }`;
      if (size < 1) expect(() => one('Convolution', body, { x: [1, 2, 9, 9] })).toThrow(/leaves/);
      else expect(one('Convolution', body, { x: [1, 2, 9, 9] })).toEqual([1, 3, size, size]);
    }
  });

  it('Im2col: the same places, every one of the kernel an output', () => {
    for (const { kernel, stride, pad, dilation } of grid) {
      const room = 9 + 2 * pad - (dilation * (kernel - 1) + 1);
      const size = Math.trunc(room / stride) + 1;
      const body = `convolution_param { kernel_size: ${kernel} stride: ${stride} pad: ${pad} dilation: ${dilation} }`;
      if (size < 1) expect(() => one('Im2col', body, { x: [1, 2, 9, 9] })).toThrow(/leaves/);
      else expect(one('Im2col', body, { x: [1, 2, 9, 9] })).toEqual([1, 2 * kernel ** 2, size, size]);
    }
  });

  it('Deconvolution: stride · (in − 1) + extent − 2·pad', () => {
    for (const { kernel, stride, pad, dilation } of grid) {
      const size = stride * 3 + dilation * (kernel - 1) + 1 - 2 * pad;
      const body = `convolution_param { num_output: 3 kernel_size: ${kernel} stride: ${stride} pad: ${pad} dilation: ${dilation} }`;
      if (size < 1) expect(() => one('Deconvolution', body, { x: [1, 2, 4, 4] })).toThrow(/leaves/);
      else expect(one('Deconvolution', body, { x: [1, 2, 4, 4] })).toEqual([1, 3, size, size]);
    }
  });

  it('Pooling: rounded up, the last window starting inside; rounded down with round_mode FLOOR', () => {
    for (const { kernel, stride, pad } of grid.filter(g => g.dilation === 1 && g.pad < g.kernel)) {
      for (let size = kernel; size <= 9; size++) {
        const steps = (size + 2 * pad - kernel) / stride;
        const clip = (n: number) => (pad > 0 && (n - 1) * stride >= size + pad ? n - 1 : n);
        const body = (more: string) => `pooling_param { kernel_size: ${kernel} stride: ${stride} pad: ${pad} ${more} }`;
        const shapes = { x: [1, 2, size, size] };
        expect(one('Pooling', body(''), shapes)[2]).toBe(clip(Math.ceil(steps) + 1));
        expect(one('Pooling', body('round_mode: FLOOR'), shapes)[2]).toBe(clip(Math.floor(steps) + 1));
      }
    }
  });
});

describe('Pooling with padding along one axis', () => {
  it('clips the last window along both, as Caffe does', () => {
    const body = (pad: number) => `pooling_param { kernel_size: 2 stride_h: 3 stride_w: 3 pad_h: ${pad} pad_w: 0 }`;
    expect(one('Pooling', body(0), { x: [1, 1, 7, 6] })).toEqual([1, 1, 3, 3]);
    expect(one('Pooling', body(1), { x: [1, 1, 7, 6] })).toEqual([1, 1, 4, 2].map((d, i) => (i === 2 ? 3 : d)));
  });
});

describe('shapes', () => {
  it.each<[string, string, Shapes, readonly number[]]>([
    ['Convolution', 'convolution_param { num_output: 4 kernel_size: 3 }', { x: [2, 3, 7] }, [2, 4, 5]],
    [
      'Convolution',
      'convolution_param { num_output: 4 kernel_size: 3 kernel_size: 2 kernel_size: 1 }',
      { x: [2, 3, 7, 7, 7] },
      [2, 4, 5, 6, 7],
    ],
    ['Convolution', 'convolution_param { num_output: 4 kernel_size: 3 axis: 2 }', { x: [2, 5, 3, 7] }, [2, 5, 4, 5]],
    [
      'Convolution',
      'convolution_param { num_output: 96 kernel_size: 11 stride: 4 pad: 100 }',
      { x: [1, 3, 256, 256] },
      [1, 96, 112, 112],
    ],
    [
      'Deconvolution',
      'convolution_param { num_output: 2 group: 2 kernel_size: 63 stride: 32 bias_term: false }',
      { x: [1, 2, 9, 9] },
      [1, 2, 319, 319],
    ],
    ['Pooling', 'pooling_param { kernel_size: 3 stride: 2 }', { x: [1, 96, 112, 112] }, [1, 96, 56, 56]],
    ['Pooling', 'pooling_param { pool: AVE global_pooling: true }', { x: [2, 4, 7, 9] }, [2, 4, 1, 1]],
    ['InnerProduct', 'inner_product_param { num_output: 5 axis: -1 }', { x: [2, 3, 4] }, [2, 3, 5]],
    ['Flatten', '', { x: [2, 3, 4, 5] }, [2, 60]],
    ['Flatten', 'flatten_param { axis: -3 end_axis: -2 }', { x: [2, 3, 4, 5] }, [2, 12, 5]],
    ['Reshape', 'reshape_param { shape { dim: 0 dim: 0 dim: -1 } }', { x: [2, 3, 4, 5] }, [2, 3, 20]],
    ['Reshape', 'reshape_param { axis: -1 shape { dim: 1 dim: 1 } }', { x: [2, 3] }, [2, 3, 1, 1]],
    ['Reshape', 'reshape_param { axis: 1 num_axes: 0 shape { dim: 1 } }', { x: [2, 3] }, [2, 1, 3]],
    ['Concat', 'concat_param { concat_dim: 0 }', { a: [2, 3], b: [4, 3] }, [6, 3]],
    ['Crop', 'crop_param { axis: 2 offset: 18 }', { x: [1, 2, 319, 319], data: [1, 3, 256, 256] }, [1, 2, 256, 256]],
    ['Crop', 'crop_param { axis: -1 }', { x: [1, 2, 5, 6], ref: [9, 9, 9, 4] }, [1, 2, 5, 4]],
    ['Reduction', 'reduction_param { axis: -1 }', { x: [2, 3, 4] }, [2, 3]],
    ['ArgMax', 'argmax_param { top_k: 2 }', { x: [2, 3, 4, 5] }, [2, 1, 2, 1]],
    ['Tile', 'tile_param { axis: -1 tiles: 3 }', { x: [2, 4] }, [2, 12]],
    ['MVN', '', { x: [2, 4] }, [2, 4, 1, 1]],
    ['Embed', 'embed_param { num_output: 5 input_dim: 9 }', { x: [2, 4] }, [2, 4, 5]],
    ['SoftmaxWithLoss', '', { x: [2, 3, 4, 5], label: [2, 1, 4, 5] }, []],
    ['Accuracy', 'accuracy_param { axis: -1 }', { x: [2, 4, 3], label: [8] }, []],
  ])('%s %s of %j', (type, body, shapes, top) => {
    expect(one(type, body, shapes)).toEqual(top);
  });

  it('Slice, evenly and at points; an optional second top of a loss and of MAX pooling', () => {
    const slice = (body: string) =>
      topShapes(`layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" top: "c" ${body} }`, { x: [2, 9, 3] });
    expect(slice('')).toEqual({ a: [2, 3, 3], b: [2, 3, 3], c: [2, 3, 3] });
    expect(slice('slice_param { slice_dim: 1 slice_point: 1 slice_point: 8 }')).toEqual({
      a: [2, 1, 3],
      b: [2, 7, 3],
      c: [2, 1, 3],
    });
    const both = 'bottom: "x" bottom: "label" top: "loss" top: "prob"';
    expect(topShapes(`layer { name: "l" type: "SoftmaxWithLoss" ${both} }`, { x: [2, 3], label: [2] })).toEqual({
      loss: [],
      prob: [2, 3],
    });
    const pool =
      'layer { name: "l" type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { kernel_size: 2 } }';
    expect(topShapes(pool, { x: [1, 1, 3, 3] })).toEqual({ y: [1, 1, 2, 2], mask: [1, 1, 2, 2] });
  });

  it('DummyData: shape once for all tops, or the older four fields', () => {
    const dummy = (body: string) =>
      topShapes(`layer { name: "d" type: "DummyData" top: "a" top: "b" dummy_data_param { ${body} } }`, {});
    expect(dummy('shape { dim: 2 dim: 3 }')).toEqual({ a: [2, 3], b: [2, 3] });
    expect(dummy('num: 1 num: 5 channels: 2 height: 3 width: 4')).toEqual({ a: [1, 2, 3, 4], b: [5, 2, 3, 4] });
  });

  it('parameters in Caffe’s layout', () => {
    const params = (text: string, shapes: Shapes) => compiled(text, shapes).params.map(p => p.shape);
    const layer = (type: string, body: string) => `layer { name: "l" type: "${type}" bottom: "x" top: "y" ${body} }`;
    const x = { x: [2, 4, 7, 9] };
    expect(
      params(layer('Convolution', 'convolution_param { num_output: 6 group: 2 kernel_h: 3 kernel_w: 5 }'), x),
    ).toEqual([[6, 2, 3, 5], [6]]);
    expect(
      params(layer('Deconvolution', 'convolution_param { num_output: 6 group: 2 kernel_size: 3 bias_term: false }'), x),
    ).toEqual([[4, 3, 3, 3]]);
    expect(params(layer('InnerProduct', 'inner_product_param { num_output: 5 transpose: true }'), x)).toEqual([
      [252, 5],
      [5],
    ]);
    expect(params(layer('Scale', 'scale_param { axis: 2 num_axes: -1 bias_term: true }'), x)).toEqual([
      [7, 9],
      [7, 9],
    ]);
    expect(params(layer('PReLU', 'prelu_param { channel_shared: true }'), x)).toEqual([[]]);
  });

  it('multiply-adds', () => {
    const macs = (type: string, body: string, x: readonly number[]) =>
      compiled(`layer { name: "l" type: "${type}" bottom: "x" top: "y" ${body} }`, { x }).layers.at(-1)!.macs;
    expect(
      macs('Convolution', 'convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 }', [2, 4, 7, 9]),
    ).toBe(2 * 6 * 2 * 9 * 63);
    expect(macs('Deconvolution', 'convolution_param { num_output: 6 kernel_size: 4 stride: 2 }', [1, 4, 7, 9])).toBe(
      4 * 6 * 16 * 63,
    );
    expect(macs('InnerProduct', 'inner_product_param { num_output: 5 }', [2, 4, 7])).toBe(2 * 28 * 5);
  });
});

describe('wrong parameters', () => {
  const plane = { x: [2, 4, 7, 9] };
  it.each<[string, string, Shapes, RegExp]>([
    ['Convolution', 'convolution_param { kernel_size: 3 }', plane, /num_output is missing or 0/],
    ['Convolution', 'convolution_param { num_output: 4 }', plane, /kernel_size is missing/],
    ['Convolution', 'convolution_param { num_output: 4 kernel_size: 0 }', plane, /kernel_size is 0×0/],
    ['Convolution', 'convolution_param { num_output: 4 kernel_size: 3 stride: 0 }', plane, /stride is 0×0/],
    [
      'Convolution',
      'convolution_param { num_output: 4 kernel_size: 3 kernel_size: 3 kernel_size: 3 }',
      plane,
      /given 3 times for 2/,
    ],
    [
      'Convolution',
      'convolution_param { num_output: 4 kernel_size: 3 kernel_h: 3 }',
      plane,
      /both kernel_size and kernel_h\/kernel_w/,
    ],
    [
      'Convolution',
      'convolution_param { num_output: 4 kernel_h: 3 kernel_w: 3 }',
      { x: [1, 2, 9] },
      /for 2 spatial axes, and there are 1/,
    ],
    [
      'Convolution',
      'convolution_param { num_output: 4 kernel_size: 3 group: 3 }',
      plane,
      /group 3 does not divide the 4 channels/,
    ],
    [
      'Convolution',
      'convolution_param { num_output: 5 kernel_size: 3 group: 2 }',
      plane,
      /group 2 does not divide num_output 5/,
    ],
    ['Convolution', 'convolution_param { num_output: 5 kernel_size: 3 group: 0 }', plane, /group 0 does not divide/],
    [
      'Convolution',
      'convolution_param { num_output: 5 kernel_size: 11 }',
      plane,
      /kernel of 11×11 on "x" \[2, 4, 7, 9\] leaves/,
    ],
    ['Pooling', '', plane, /kernel_size is missing or 0/],
    ['Pooling', 'pooling_param { kernel_h: 3 }', plane, /only one of the pair/],
    ['Pooling', 'pooling_param { kernel_size: 3 kernel_h: 3 kernel_w: 3 }', plane, /both forms are given/],
    ['Pooling', 'pooling_param { kernel_size: 2 pad: 2 }', plane, /pad 2×2 is not smaller than the kernel, 2×2/],
    ['Pooling', 'pooling_param { kernel_size: 2 stride: 0 }', plane, /stride is missing or 0/],
    [
      'Pooling',
      'pooling_param { global_pooling: true kernel_size: 2 }',
      plane,
      /global_pooling is on, and kernel_size/,
    ],
    ['Pooling', 'pooling_param { global_pooling: true pad: 1 }', plane, /global_pooling is on/],
    ['Pooling', 'pooling_param { kernel_size: 2 }', { x: [2, 4] }, /needs 4 axes/],
    ['LRN', 'lrn_param { local_size: 4 }', plane, /local_size is 4/],
    ['Dropout', 'dropout_param { dropout_ratio: 1 }', plane, /dropout_ratio is 1/],
    ['InnerProduct', 'inner_product_param { num_output: 5 axis: 4 }', plane, /axis 4 does not exist/],
    [
      'Crop',
      'crop_param { offset: 4 }',
      { x: [1, 2, 6, 9], ref: [1, 2, 3, 3] },
      /axis 2 of "x".*crop of 3.*offset 4 leaves it/,
    ],
    [
      'Crop',
      'crop_param { offset: 1 offset: 1 offset: 1 }',
      { x: [1, 2, 6, 9], ref: [1, 2, 3, 3] },
      /given 3 times for 2 cropped axes/,
    ],
    ['Crop', '', { x: [1, 2, 6, 9], ref: [1, 2, 3] }, /"ref" \[1, 2, 3\] has no axis 3/],
    ['Eltwise', '', { a: [2, 3], b: [2, 4] }, /"a" \[2, 3\] and "b" \[2, 4\] differ/],
    ['Eltwise', 'eltwise_param { coeff: 1 }', { a: [2], b: [2] }, /coeff is given 1 times for 2 bottoms/],
    ['Eltwise', 'eltwise_param { operation: PROD coeff: 1 coeff: 2 }', { a: [2], b: [2] }, /operation is PROD/],
    ['Concat', '', { a: [2, 3, 4], b: [2, 3, 5] }, /differ elsewhere than at axis 1/],
    ['Concat', 'concat_param { axis: 1 concat_dim: 1 }', { a: [2, 3], b: [2, 3] }, /both axis and concat_dim/],
    ['Reshape', 'reshape_param { shape { dim: -1 dim: -1 } }', plane, /dim: -1 is given 2 times/],
    ['Reshape', 'reshape_param { shape { dim: 5 dim: -1 } }', plane, /504 elements.*504 does not divide by 5/],
    ['Reshape', 'reshape_param { shape { dim: 5 dim: 5 } }', plane, /504 elements.*has 25 elements/],
    ['Reshape', 'reshape_param { axis: 3 shape { dim: 0 dim: 0 } }', plane, /does not have/],
    ['Reshape', 'reshape_param { axis: 6 }', plane, /axis 6 does not exist/],
    ['Reshape', 'reshape_param { axis: 1 num_axes: 4 }', plane, /num_axes 4 from axis 1 leaves/],
    ['Softmax', 'softmax_param { axis: 7 }', plane, /axis 7 does not exist/],
    ['SoftmaxWithLoss', '', { x: [2, 3, 4, 4], label: [2, 1, 4, 5] }, /needs 32 labels.*has 40/],
    ['SoftmaxWithLoss', '', { x: [2, 3], label: [3] }, /differ in their first axis/],
    ['Accuracy', 'accuracy_param { top_k: 4 }', { x: [2, 3], label: [2] }, /top_k is 4.*3 classes/],
    ['Scale', 'scale_param { axis: 2 }', { x: [2, 4, 7, 9], s: [4] }, /"s" \[4\] does not fit/],
    ['Scale', 'scale_param { axis: 2 num_axes: 3 }', plane, /num_axes 3 from axis 2 leaves/],
    ['EuclideanLoss', '', { a: [2, 3], b: [2, 4] }, /differ in size: 3 and 4/],
    ['Exp', 'exp_param { base: 0 }', plane, /base is 0/],
    ['Tile', 'tile_param { tiles: 0 }', plane, /tiles is 0/],
    ['Embed', 'embed_param { num_output: 2 }', plane, /input_dim is missing/],
  ])('%s %s of %j', (type, body, shapes, message) => {
    expect(() => one(type, body, shapes)).toThrow(message);
  });

  it('Slice', () => {
    const slice = (body: string) => () =>
      topShapes(`layer { name: "l" type: "Slice" bottom: "x" top: "a" top: "b" ${body} }`, { x: [2, 9] });
    expect(slice('')).toThrow(/axis 1 of "x" \[2, 9\] does not divide by 2 tops/);
    expect(slice('slice_param { slice_point: 1 slice_point: 2 }')).toThrow(/given 2 times for 2 tops/);
    expect(slice('slice_param { slice_point: 9 }')).toThrow(/does not rise between 0 and 9/);
  });

  it('point at the field', () => {
    const text =
      'layer { name: "l" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4\n kernel_size: 3 group: 3 } }';
    try {
      topShapes(text, plane);
      expect.unreachable();
    } catch (e) {
      const [d] = (e as { diagnostics: { layer?: string; location?: { range: { start: { column: number } } } }[] })
        .diagnostics;
      expect(d).toMatchObject({ code: 'conv-group', layer: 'l', location: { range: { start: { column: 24 } } } });
    }
  });
});

describe('the catalogue', () => {
  it('has unique names, each with a sentence about it', () => {
    for (const [name, type] of layerTypes) {
      expect(type.type).toBe(name);
      expect(type.doc).toMatch(/\.$/);
    }
  });

  it('takes a layer of one’s own, but no name twice', () => {
    registerLayer({
      type: 'Halved',
      doc: 'Half of x.',
      bottoms: { min: 1, max: 1 },
      tops: { min: 1, max: 1 },
      reshape: ctx => ({ tops: [ctx.bottomShapes[0]!], params: [] }),
      lower: (_, b, [x]) => [b.mul(x!, 0.5)],
    });
    expect(one('Halved', '', { x: [2, 3] })).toEqual([2, 3]);
    expect(() => registerLayer(layerTypes.get('ReLU')!)).toThrow(/registered already/);
  });
});
