/** Layers of Caffe's forks against their rules, written down anew, one number at a time. */

import { describe, expect, it } from 'vitest';
import { createHostEngine } from '../../src/engines/host/index.js';
import { lowerNet } from '../../src/net/index.js';
import { Random } from '../../src/random/index.js';
import { compiled, runLayer, type Shapes, topShapes } from './net_of.js';

const f = (...values: number[]) => Float32Array.from(values);
const random = new Random(7);
const some = (count: number) => Float32Array.from({ length: count }, () => random.uniform(-2, 2));

function layer(type: string, bottoms: readonly string[], body = ''): string {
  return `layer { name: "l" type: "${type}" ${bottoms.map(b => `bottom: "${b}"`).join(' ')} top: "y" ${body} }`;
}

/** The top of a layer at these feeds. */
async function top(type: string, shapes: Shapes, feeds: Record<string, Float32Array>, body = '', params = {}) {
  return (await runLayer(layer(type, Object.keys(shapes), body), shapes, feeds, { params }))['y']!;
}

function shape(type: string, shapes: Shapes, body = ''): readonly number[] {
  return topShapes(layer(type, Object.keys(shapes), body), shapes)['y']!;
}

function expectClose(ours: Float32Array, theirs: ArrayLike<number>): void {
  expect(ours.length).toBe(theirs.length);
  for (const [i, v] of ours.entries()) expect(v).toBeCloseTo(theirs[i]!, 5);
}

describe('L1Loss', () => {
  it('is the sum of the differences over the batch', async () => {
    const shapes = { x: [2, 3], t: [2, 3] };
    const out = await top('L1Loss', shapes, { x: f(1, 2, 3, 4, 5, 6), t: f(0, 4, 3, 4, 8, 5) });
    expect([...out]).toEqual([(1 + 2 + 0 + 0 + 3 + 1) / 2]);
    expect(() => shape('L1Loss', { x: [2, 3], t: [2, 4] })).toThrow(/differ/);
  });
});

describe('SmoothL1Loss', () => {
  const smooth = (d: number, square: number) =>
    Math.abs(d) < 1 / square ? (square * d * d) / 2 : Math.abs(d) - 0.5 / square;

  it.each([1, 3])('with sigma %d, without and with weights', async sigma => {
    const [x, t, w, v] = [some(6), some(6), some(6), some(6)];
    const body = `smooth_l1_loss_param { sigma: ${sigma} }`;
    const plain = x.reduce((sum, a, i) => sum + smooth(a - t[i]!, sigma ** 2), 0) / 2;
    expectClose(await top('SmoothL1Loss', { x: [2, 3], t: [2, 3] }, { x, t }, body), [plain]);
    const weighted = x.reduce((sum, a, i) => sum + v[i]! * smooth(w[i]! * (a - t[i]!), sigma ** 2), 0) / 2;
    const shapes = { x: [2, 3], t: [2, 3], w: [2, 3], v: [2, 3] };
    expectClose(await top('SmoothL1Loss', shapes, { x, t, w, v }, body), [weighted]);
  });

  it('takes weights of one kind as Fast R-CNN: they are not in the gradient', async () => {
    const shapes = { x: [1, 4], t: [1, 4], w: [1, 4] };
    const feeds = { x: f(3, 0.5, -2, 1), t: f(1, 0, 0, 1), w: f(1, 0.5, 0, 1) };
    const out = await runLayer(layer('SmoothL1Loss', ['x', 't', 'w']), shapes, feeds, {
      diffs: { y: f(1) },
      blobDiffs: ['x', 't'],
    });
    expectClose(out['y']!, [1.5 + 0.25 ** 2 / 2]);
    expectClose(out['grad/blob/x']!, [1, 0.25, 0, 0]);
    expectClose(out['grad/blob/t']!, [-1, -0.25, 0, 0]);
  });

  it('takes bottoms of one size', () => {
    expect(() => shape('SmoothL1Loss', { x: [2], t: [2], w: [2], v: [3] })).toThrow(/"v"/);
    expect(() => shape('SmoothL1Loss', { x: [2, 3], t: [3, 2] })).toThrow(/first axis/);
  });
});

describe('Permute', () => {
  it('puts axes in the order given, the others behind', async () => {
    expect(shape('Permute', { x: [2, 3, 4, 5] }, 'permute_param { order: 0 order: 2 order: 3 order: 1 }')).toEqual([
      2, 4, 5, 3,
    ]);
    expect(shape('Permute', { x: [2, 3, 4, 5] }, 'permute_param { order: 2 }')).toEqual([4, 2, 3, 5]);
    const out = await top('Permute', { x: [2, 3] }, { x: f(1, 2, 3, 4, 5, 6) }, 'permute_param { order: 1 }');
    expect([...out]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('refuses an axis that is not there or comes twice', () => {
    expect(() => shape('Permute', { x: [2, 3] }, 'permute_param { order: 2 }')).toThrow(/axis 2/);
    expect(() => shape('Permute', { x: [2, 3] }, 'permute_param { order: 1 order: 1 }')).toThrow(/twice/);
  });
});

describe('Normalize', () => {
  it.each([
    [true, true],
    [false, true],
    [false, false],
  ])('across_spatial %s, channel_shared %s', async (across, shared) => {
    const x = some(2 * 3 * 4);
    const scale = shared ? f(20) : f(1, 2, 3);
    const expected = x.map((v, i) => {
      const [n, c, place] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4];
      const others = x.filter((_, k) => Math.floor(k / 12) === n && (across || k % 4 === place));
      return (v * scale[shared ? 0 : c]!) / Math.hypot(...others);
    });
    const body = `norm_param { across_spatial: ${across} channel_shared: ${shared} scale_filler { type: "constant" value: 20 } }`;
    expectClose(await top('Normalize', { x: [2, 3, 2, 2] }, { x }, body, { 'l/0': scale }), expected);
    const net = compiled(layer('Normalize', ['x'], body), { x: [2, 3, 2, 2] });
    expect(net.params.map(p => p.shape)).toEqual([shared ? [] : [3]]);
    expect(net.params[0]!.declaration.filler?.value).toBe(20);
  });

  it('of a sample of one axis', async () => {
    const out = await top('Normalize', { x: [2, 2] }, { x: f(3, 4, 6, 8) }, 'norm_param { channel_shared: false }', {
      'l/0': f(1, 2),
    });
    expectClose(out, [0.6, 1.6, 0.6, 1.6]);
  });

  it('starts from a scale of 1, and of zeros stays finite', async () => {
    expect(compiled(layer('Normalize', ['x']), { x: [1, 1, 1, 1] }).params[0]!.declaration.filler?.value).toBe(1);
    expectClose(await top('Normalize', { x: [1, 2, 1, 1] }, { x: f(0, 0) }, '', { 'l/0': f(1) }), [0, 0]);
  });
});

describe('PriorBox', () => {
  const shapes = { x: [1, 8, 2, 3], image: [1, 3, 40, 60] };
  const boxes = (body: string) =>
    top('PriorBox', shapes, { x: new Float32Array(48), image: new Float32Array(7200) }, `prior_box_param { ${body} }`);

  it("has SSD's boxes at each place, row by row", async () => {
    const out = await boxes(
      'min_size: 10 max_size: 40 aspect_ratio: 4 aspect_ratio: 1 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2',
    );
    const sizes = [
      [10, 10],
      [20, 20],
      [20, 5],
      [5, 20],
    ] as const;
    const corners: number[] = [];
    for (const cy of [10, 30])
      for (const cx of [10, 30, 50])
        for (const [w, h] of sizes)
          corners.push((cx - w / 2) / 60, (cy - h / 2) / 40, (cx + w / 2) / 60, (cy + h / 2) / 40);
    expectClose(out.subarray(0, corners.length), corners);
    expectClose(
      out.subarray(corners.length),
      corners.map((_, i) => (i % 4 < 2 ? 0.1 : 0.2)),
    );
    expect(shape('PriorBox', shapes, 'prior_box_param { min_size: 10 aspect_ratio: 2 aspect_ratio: 3 }')).toEqual([
      1,
      2,
      6 * 5 * 4,
    ]);
    expect(shape('PriorBox', shapes, 'prior_box_param { min_size: 10 aspect_ratio: 2 flip: false }')).toEqual([
      1,
      2,
      6 * 2 * 4,
    ]);
  });

  it('steps, offset, image size and clipping as told; sizes are whole numbers', async () => {
    const out = await boxes('min_size: 30.9 step: 8 offset: 1 img_size: 100 clip: true');
    expectClose(out.subarray(0, 4), [0, 0, 0.23, 0.23]);
    expectClose(out.subarray(20, 24), [0.09, 0.01, 0.39, 0.31]);
    expectClose(out.subarray(24, 28), [0.1, 0.1, 0.1, 0.1]);
  });

  it('refuses sizes given twice or by half', () => {
    const made = (body: string) => () => shape('PriorBox', shapes, `prior_box_param { min_size: 10 ${body} }`);
    expect(made('img_size: 100 img_h: 100 img_w: 100')).toThrow(/both img_size and img_h, img_w/);
    expect(made('step_h: 8')).toThrow(/only step_h/);
    expect(made('step: 0')).toThrow(/step is not positive/);
  });

  it('refuses what makes no boxes', () => {
    expect(() => shape('PriorBox', shapes)).toThrow(/no min_size/);
    expect(() => shape('PriorBox', shapes, 'prior_box_param { min_size: 10 max_size: 5 }')).toThrow(/do not pair/);
    expect(() => shape('PriorBox', shapes, 'prior_box_param { min_size: 1 variance: 1 variance: 1 }')).toThrow(
      /2 times/,
    );
  });
});

describe('DetectionOutput', () => {
  // Three priors side by side and one that covers the second almost; variances 0.1 and 0.2.
  const priors = f(
    0,
    0,
    0.2,
    0.2,
    0.4,
    0,
    0.6,
    0.2,
    0.8,
    0,
    1,
    0.2,
    0.41,
    0,
    0.61,
    0.2,
    ...Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 0.1 : 0.2)),
  );
  const shapes = { loc: [1, 16], conf: [1, 12], priors: [1, 2, 16] };
  // Background, then two classes; the fourth prior beats the second in class 1.
  const conf = f(0, 0.9, 0.1, 0, 0.6, 0.7, 0, 0.05, 0.02, 0, 0.8, 0.1);
  const run = async (body: string, loc = new Float32Array(16)) => {
    const out = await top(
      'DetectionOutput',
      shapes,
      { loc, conf, priors },
      `detection_output_param { num_classes: 3 ${body} }`,
    );
    return Array.from({ length: out.length / 7 }, (_, i) =>
      [...out.subarray(7 * i, 7 * i + 7)].map(v => Math.round(v * 1000) / 1000),
    );
  };

  it('suppresses overlapping boxes of a class, the best first', async () => {
    const rows = await run('confidence_threshold: 0.3 nms_param { nms_threshold: 0.5 }');
    expect(rows).toEqual([
      [0, 1, 0.9, 0, 0, 0.2, 0.2],
      [0, 1, 0.8, 0.41, 0, 0.61, 0.2],
      [0, 2, 0.7, 0.4, 0, 0.6, 0.2],
    ]);
    const loose = await run('confidence_threshold: 0.3 nms_param { nms_threshold: 0.95 }');
    expect(loose.slice(0, 3).map(r => r[2])).toEqual([0.9, 0.8, 0.6]);
    expect(await run('confidence_threshold: 0.99')).toEqual([[0, -1, -1, -1, -1, -1, -1]]);
  });

  it('has room for all there can be, filled up with −1, where no run has found its shape', async () => {
    const body = 'detection_output_param { num_classes: 3 keep_top_k: 5 confidence_threshold: 0.3 }';
    const net = compiled(layer('DetectionOutput', Object.keys(shapes), body), shapes);
    const engine = createHostEngine();
    const program = await engine.compile(lowerNet(net).graph);
    const { y } = await program.run({ loc: new Float32Array(16), conf, priors }, ['y']);
    expect(Array.from({ length: 5 }, (_, i) => y![7 * i])).toEqual([0, 0, 0, -1, -1]);
    expect(y!.length).toBe(35);
  });

  it('keeps the best of all classes with keep_top_k, and of one with top_k', async () => {
    const kept = await run('keep_top_k: 2 nms_param { nms_threshold: 0.95 }');
    expect(kept.map(r => [r[1], r[2]])).toEqual([
      [1, 0.9],
      [1, 0.8],
    ]);
    const one = await run('confidence_threshold: 0.3 nms_param { top_k: 1 }');
    expect(one.map(r => r[2])).toEqual([0.9, 0.7]);
  });

  it('decodes offsets by each code type', async () => {
    const loc = new Float32Array(16);
    loc.set([1, 2, 3, -1]);
    const first = async (type: string) => (await run(`code_type: ${type} keep_top_k: 1`, loc))[0]!.slice(3);
    expect(await first('CORNER')).toEqual([0.1, 0.2, 0.8, 0]);
    expect(await first('CORNER_SIZE')).toEqual([0.02, 0.04, 0.32, 0.16]);
    const [w, h] = [Math.exp(0.6) * 0.2, Math.exp(-0.2) * 0.2];
    const [cx, cy] = [0.1 + 0.1 * 0.2, 0.1 + 0.2 * 0.2];
    const rounded = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2].map(v => Math.round(v * 1000) / 1000);
    expect(await first('CENTER_SIZE')).toEqual(rounded);
  });

  it('refuses bottoms that do not fit', () => {
    const body = (nms: string) => `detection_output_param { num_classes: 3 nms_param { ${nms} } }`;
    expect(() => shape('DetectionOutput', shapes, body('eta: 1.5'))).toThrow(/eta is 1.5/);
    expect(() => shape('DetectionOutput', shapes, body('nms_threshold: -1'))).toThrow(/negative/);
    expect(() => shape('DetectionOutput', shapes)).toThrow(/num_classes/);
    expect(() => shape('DetectionOutput', shapes, 'detection_output_param { num_classes: 4 }')).toThrow(/16 numbers/);
  });
});

describe('ROIPooling', () => {
  const body = 'roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.5 }';
  const plane = Float32Array.from({ length: 2 * 36 }, (_, i) => (i < 36 ? i : -i));
  const shapes = { x: [2, 1, 6, 6], rois: [3, 5] };
  // Corners by half: 0..3, 1..3 (0.5 and 2.5 away from 0), and one outside the plane.
  const rois = f(0, 0, 0, 6, 6, 1, 1, 1, 5, 5, 0, 20, 20, 24, 24);

  it('takes the maximum of each bin, and its gradient goes there', async () => {
    const diffs = { y: Float32Array.from({ length: 12 }, (_, i) => i + 1) };
    const out = await runLayer(
      layer('ROIPooling', ['x', 'rois'], body),
      shapes,
      { x: plane, rois },
      { diffs, blobDiffs: ['x'] },
    );
    const at = (h: number, w: number) => h * 6 + w;
    // Region 1 is 3 wide: bins 1..2 and 2..3, overlapping.
    expect([...out['y']!]).toEqual([
      at(1, 1),
      at(1, 3),
      at(3, 1),
      at(3, 3),
      ...[
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
      ].map(([h, w]) => -36 - at(h!, w!)),
      0,
      0,
      0,
      0,
    ]);
    const dx = new Float32Array(72);
    [at(1, 1), at(1, 3), at(3, 1), at(3, 3)].forEach((p, i) => {
      dx[p]! += i + 1;
    });
    [
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
    ].forEach(([h, w], i) => {
      dx[36 + at(h!, w!)]! += i + 5;
    });
    expect([...out['grad/blob/x']!]).toEqual([...dx]);
  });

  it('gives a region that ends before it begins one element and no gradient, as Caffe does', async () => {
    const rois = f(0, 8, 8, 2, 8);
    const given = { x: [1, 1, 6, 6], rois: [1, 5] };
    const feeds = { x: plane.subarray(0, 36), rois };
    const diffs = { y: f(1, 1, 1, 1) };
    const out = await runLayer(layer('ROIPooling', ['x', 'rois'], body), given, feeds, { diffs, blobDiffs: ['x'] });
    expect([...out['y']!]).toEqual([28, 28, 28, 28]);
    expect(out['grad/blob/x']!.every(v => v === 0)).toBe(true);
  });

  it('refuses a sample that is not there, and regions that are none', async () => {
    await expect(
      top('ROIPooling', { x: [1, 1, 6, 6], rois: [1, 5] }, { x: plane.subarray(0, 36), rois: f(1, 0, 0, 1, 1) }, body),
    ).rejects.toThrow(/of sample 1/);
    expect(() => shape('ROIPooling', { x: [1, 1, 6, 6], rois: [1, 4] }, body)).toThrow(/5 numbers/);
    expect(() => shape('ROIPooling', shapes, 'roi_pooling_param { pooled_h: 2 }')).toThrow(/pooled_w/);
  });
});

describe('Interp', () => {
  const size = (body: string, more: Shapes = {}) =>
    shape('Interp', { x: [1, 2, 5, 9], ...more }, `interp_param { ${body} }`).slice(2);

  it('sizes as DeepLab', () => {
    expect(size('height: 7 width: 11')).toEqual([7, 11]);
    expect(size('zoom_factor: 8')).toEqual([5 + 4 * 7, 9 + 8 * 7]);
    expect(size('shrink_factor: 2')).toEqual([3, 5]);
    expect(size('shrink_factor: 2 zoom_factor: 3')).toEqual([7, 13]);
    expect(size('zoom_factor: 2 pad_beg: -1 pad_end: -1')).toEqual([5, 13]);
    expect(size('', { ref: [1, 1, 4, 6] })).toEqual([4, 6]);
    expect(size('height: 7 width: 11', { ref: [1, 1, 4, 6] })).toEqual([7, 11]);
    expect(size('height: 7 width: 11 zoom_factor: 2')).toEqual([9, 17]);
    expect(size('height: 7 width: 11 zoom_factor: 2 shrink_factor: 2')).toEqual([7, 11]);
    expect(() => size('')).toThrow(/how big/);
    expect(() => size('zoom_factor: 2 pad_beg: 1')).toThrow(/only crop/);
  });

  it('is linear between corners that stay', async () => {
    const x = some(2 * 3 * 4);
    const out = await top('Interp', { x: [1, 2, 3, 4] }, { x }, 'interp_param { height: 5 width: 3 }');
    const expected: number[] = [];
    for (let c = 0; c < 2; c++)
      for (let i = 0; i < 5; i++)
        for (let j = 0; j < 3; j++) {
          const [h, w] = [(i * 2) / 4, (j * 3) / 2];
          const [h0, w0] = [Math.min(Math.floor(h), 1), Math.min(Math.floor(w), 2)];
          const v = (a: number, b: number) => x[c * 12 + a * 4 + b]!;
          const row = (a: number) => v(a, w0) * (1 - w + w0) + v(a, w0 + 1) * (w - w0);
          expected.push(row(h0) * (1 - h + h0) + row(h0 + 1) * (h - h0));
        }
    expectClose(out, expected);
    const cropped = await top(
      'Interp',
      { x: [1, 1, 3, 3] },
      { x: f(1, 2, 3, 4, 5, 6, 7, 8, 9) },
      'interp_param { zoom_factor: 1 pad_beg: -1 }',
    );
    expectClose(cropped, [5, 6, 8, 9]);
  });
});

describe('Upsample', () => {
  it('puts elements where the mask says', async () => {
    const shapes = { x: [1, 2, 1, 2], mask: [1, 2, 1, 2] };
    const out = await top('Upsample', shapes, { x: f(1, 2, 3, 4), mask: f(4, 2, 0, 7) });
    expect([...out]).toEqual([0, 0, 2, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 4]);
  });

  it('sizes as SegNet', async () => {
    const size = (body: string) =>
      shape('Upsample', { x: [1, 1, 4, 6], mask: [1, 1, 4, 6] }, `upsample_param { ${body} }`).slice(2);
    expect(size('')).toEqual([8, 12]);
    expect(size('scale: 3')).toEqual([12, 18]);
    expect(size('scale_h: 2 scale_w: 3')).toEqual([8, 18]);
    expect(size('scale: 2 pad_out_h: true')).toEqual([7, 12]);
    expect(size('scale: 2 upsample_h: 45 upsample_w: 60')).toEqual([45, 60]);
    expect(() => size('scale: 3 pad_out_h: true')).toThrow(/goes with a scale of 2/);
    expect(() => size('scale_h: 2')).toThrow(/scale_h is given/);
    expect(() => size('scale: 2 scale_h: 2 scale_w: 2')).toThrow(/scale and scale_h and scale_w/);
    expect(() => size('scale: 1')).toThrow(/2 or more/);
    expect(() => shape('Upsample', { x: [1, 1, 4, 6], mask: [1, 1, 4, 5] })).toThrow(/mask/);
    await expect(top('Upsample', { x: [1, 1, 1, 1], mask: [1, 1, 1, 1] }, { x: f(1), mask: f(4) })).rejects.toThrow(
      /outside/,
    );
  });
});

describe('BN', () => {
  it('learns with the statistics of the batch, in TEST too; INFERENCE applies scale and shift', async () => {
    const x = some(2 * 2 * 3);
    const params = { 'l/0': f(2, 3), 'l/1': f(-1, 1) };
    const channel = (i: number) => Math.floor(i / 3) % 2;
    const learnt = x.map((v, i) => {
      const own = [...x].filter((_, k) => channel(k) === channel(i));
      const mean = own.reduce((a, b) => a + b) / own.length;
      const variance = own.reduce((a, b) => a + (b - mean) ** 2, 0) / own.length;
      return (params['l/0'][channel(i)]! * (v - mean)) / Math.sqrt(variance + 1e-9) + params['l/1'][channel(i)]!;
    });
    const shapes = { x: [2, 2, 1, 3] };
    for (const phase of ['TRAIN', 'TEST'] as const)
      expectClose((await runLayer(layer('BN', ['x']), shapes, { x }, { params, phase }))['y']!, learnt);
    const applied = x.map((v, i) => v * params['l/0'][channel(i)]! + params['l/1'][channel(i)]!);
    expectClose(await top('BN', shapes, { x }, 'bn_param { bn_mode: INFERENCE }', params), applied);
    const net = compiled(
      layer('BN', ['x'], 'bn_param { scale_filler { value: 1 } shift_filler { value: 0.1 } }'),
      shapes,
    );
    expect(net.params.map(p => [p.shape, p.declaration.filler?.value])).toEqual([
      [[1, 2, 1, 1], 1],
      [[1, 2, 1, 1], Math.fround(0.1)],
    ]);
  });

  it("gives the batch's mean and variance as further tops", async () => {
    const text = layer('BN', ['x']).replace('top: "y"', 'top: "y" top: "mean" top: "variance"');
    const params = { 'l/0': f(1, 1), 'l/1': f(0, 0) };
    const out = await runLayer(text, { x: [2, 2, 1, 1] }, { x: f(1, 10, 3, 14) }, { params });
    expect([[...out['mean']!], [...out['variance']!]]).toEqual([
      [2, 12],
      [1, 4],
    ]);
  });
});

describe("PSPNet's BN", () => {
  const text = (body: string) => layer('BN', ['x'], `bn_param { slope_filler { value: 1 } ${body} }`);
  const shapes = { x: [2, 1, 1, 2] };
  const x = f(1, 2, 3, 6); // mean 3, variance 3.5

  it('keeps running averages while training and uses them in TEST', async () => {
    const engine = createHostEngine();
    [2, -1, 10, 20].forEach((v, i) => {
      engine.write(`l/${i}`, f(v), [1, 1, 1, 1]);
    });
    const run = async (phase: 'TRAIN' | 'TEST') => {
      const program = await engine.compile(lowerNet(compiled(text('momentum: 0.75 eps: 0.5'), shapes, phase)).graph);
      return (await program.run({ x }, ['y']))['y']!;
    };
    expectClose(
      await run('TRAIN'),
      [...x].map(v => (2 * (v - 3)) / 2 - 1),
    );
    const kept = await Promise.all([2, 3].map(i => engine.read(`l/${i}`)));
    const [mean, variance] = [0.75 * 10 + 0.25 * 3, 0.75 * 20 + 0.25 * 3.5] as const;
    expectClose(f(kept[0]![0]!, kept[1]![0]!), [mean, variance]);
    expectClose(
      await run('TEST'),
      [...x].map(v => (2 * (v - mean)) / Math.sqrt(variance + 0.5) - 1),
    );
    expect((await engine.read('l/2'))[0]).toBeCloseTo(mean, 5);
  });

  it('frozen uses what it keeps, learns nothing and starts from a variance of 1', async () => {
    const net = compiled(text('frozen: true'), shapes);
    expect(net.params.map(p => p.lrMult)).toEqual([0, 0, 0, 0]);
    expect(net.params.map(p => p.declaration.filler?.value)).toEqual([1, undefined, undefined, 1]);
    const params = { 'l/0': f(3), 'l/1': f(1), 'l/2': f(2), 'l/3': f(4) };
    const out = await runLayer(
      text('frozen: true eps: 0'),
      shapes,
      { x },
      {
        params,
        diffs: { y: f(1, 1, 1, 2) },
        blobDiffs: ['x'],
      },
    );
    expectClose(
      out['y']!,
      [...x].map(v => (3 * (v - 2)) / 2 + 1),
    );
    expectClose(out['grad/blob/x']!, [1.5, 1.5, 1.5, 3]);
    expectClose(out['grad/l/0']!, [0]);
  });

  it('is told apart by its fields, or its number of param blocks', () => {
    const blobs = (body: string) => compiled(layer('BN', ['x'], body), shapes).params.length;
    expect(blobs('')).toBe(2);
    expect(blobs('bn_param { scale_filler { value: 1 } }')).toBe(2);
    expect(blobs('bn_param { momentum: 0.95 }')).toBe(4);
    expect(blobs('param {} param {} param {} param {}')).toBe(4);
    expect(compiled(layer('BN', ['x'], 'bn_param { eps: 0.1 }'), shapes).params.map(p => p.lrMult)).toEqual([
      1, 1, 0, 0,
    ]);
    expect(() => blobs('bn_param { momentum: 0.95 bn_mode: INFERENCE }')).toThrow(/bn_mode is a field of SegNet/);
    const tops = layer('BN', ['x'], 'bn_param { eps: 0.1 }').replace('"y"', '"y" top: "mean"');
    expect(() => compiled(tops, shapes)).toThrow(/PSPNet's BN has one/);
  });
});

describe('small ones', () => {
  it('DepthwiseConvolution is Convolution', async () => {
    const body = 'convolution_param { num_output: 2 group: 2 kernel_size: 2 bias_term: false }';
    const params = { 'l/0': f(1, 2, 3, 4, 5, 6, 7, 8) };
    const x = some(2 * 9);
    const of = (type: string) => top(type, { x: [1, 2, 3, 3] }, { x }, body, params);
    expect(await of('DepthwiseConvolution')).toEqual(await of('Convolution'));
  });

  it('ShuffleChannel deals channels out', async () => {
    const out = await top(
      'ShuffleChannel',
      { x: [1, 6, 1, 1] },
      { x: f(0, 1, 2, 3, 4, 5) },
      'shuffle_channel_param { group: 2 }',
    );
    expect([...out]).toEqual([0, 3, 1, 4, 2, 5]);
    expect(() => shape('ShuffleChannel', { x: [1, 5, 1, 1] }, 'shuffle_channel_param { group: 2 }')).toThrow(
      /2 groups/,
    );
  });

  it('Axpy scales channels and adds', async () => {
    const shapes = { a: [1, 2, 1, 1], x: [1, 2, 1, 2], y1: [1, 2, 1, 2] };
    const out = await top('Axpy', shapes, { a: f(2, 3), x: f(1, 2, 3, 4), y1: f(10, 20, 30, 40) });
    expect([...out]).toEqual([12, 24, 39, 52]);
    expect(shape('Axpy', { a: [1, 2], x: [1, 2, 3, 3], y1: [1, 2, 3, 3] })).toEqual([1, 2, 3, 3]);
    expect(() => shape('Axpy', { a: [1, 3, 1, 1], x: [1, 2, 3, 3], y1: [1, 2, 3, 3] })).toThrow(/factor/);
  });

  it('ReLU6 holds x between 0 and 6', async () => {
    const run = (body: string) =>
      runLayer(
        layer('ReLU6', ['x'], body),
        { x: [5] },
        { x: f(-1, 0, 3, 6, 7) },
        { diffs: { y: f(1, 1, 1, 1, 1) }, blobDiffs: ['x'] },
      );
    const out = await run('');
    expect([...out['y']!]).toEqual([0, 0, 3, 6, 6]);
    expect([...out['grad/blob/x']!]).toEqual([0, 0, 1, 0, 0]);
    const leaky = await run('relu6_param { negative_slope: 0.5 }');
    expect([...leaky['y']!]).toEqual([-0.5, 0, 3, 6, 6]);
    expect([...leaky['grad/blob/x']!]).toEqual([0.5, 0.5, 1, 0, 0]);
  });
});

describe("SegNet's class weights in SoftmaxWithLoss", () => {
  const x = f(1, 2, 0.5, -1, 0, 3, 2, 2);
  const label = f(0, 1, 1, 1);
  const shapes = { x: [4, 2], label: [4] };
  const shares = (n: number) => {
    const powers = [0, 1].map(c => Math.exp(x[2 * n + c]!));
    return powers.map(p => p / (powers[0]! + powers[1]!));
  };

  it.each([
    ['class_weighting: 0.5 class_weighting: 3', [0.5, 3], 4, () => true],
    ['', [1, 1 / 3], 4, () => true],
    ['class_weighting: 0.5 class_weighting: 3 ignore_label: 0', [0, 3], 3, (n: number) => label[n] !== 0],
    ['class_weighting: 0.5 class_weighting: 3 normalize: false', [0.5, 3], 4, () => true],
  ] as const)('%s', async (body, weights, count, counts) => {
    const text = `layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "label" top: "y" loss_param { weight_by_label_freqs: true ${body} } }`;
    const out = await runLayer(text, shapes, { x, label }, { diffs: { y: f(1) }, blobDiffs: ['x'] });
    const used = [0, 1, 2, 3].filter(counts);
    const loss = used.reduce((sum, n) => sum - weights[label[n]!]! * Math.log(shares(n)[label[n]!]!), 0) / count;
    expectClose(out['y']!, [loss]);
    const slopes = [0, 1, 2, 3].flatMap(n =>
      shares(n).map((p, c) => (counts(n) ? (weights[label[n]!]! * (p - Number(c === label[n]))) / count : 0)),
    );
    expectClose(out['grad/blob/x']!, slopes);
  });

  it('fit the classes', () => {
    const made = (body: string) => () => shape('SoftmaxWithLoss', shapes, `loss_param { ${body} }`);
    expect(made('weight_by_label_freqs: true class_weighting: 1')).toThrow(/1 times for 2 classes/);
    expect(made('class_weighting: 1 class_weighting: 1')).toThrow(/weight_by_label_freqs is not on/);
  });
});

describe("forks' ways to drop out", () => {
  const text = (body: string) => layer('Dropout', ['x'], `dropout_param { dropout_ratio: 0.75 ${body} }`);
  const run = async (body: string, phase: 'TRAIN' | 'TEST') => {
    const randoms = { 'l/mask': f(1, 0) };
    return [...(await runLayer(text(body), { x: [2] }, { x: f(4, 8) }, { phase, randoms }))['y']!];
  };

  it('scale_train: false scales in TEST instead (caffe-fast-rcnn)', async () => {
    expect(await run('scale_train: false', 'TRAIN')).toEqual([4, 0]);
    expect(await run('scale_train: false', 'TEST')).toEqual([1, 2]);
  });

  it('sample_weights_test drops in TEST too (Bayesian SegNet)', async () => {
    expect(await run('sample_weights_test: true', 'TEST')).toEqual([16, 0]);
    expect(await run('', 'TEST')).toEqual([4, 8]);
  });
});
