/** R-FCN's, YOLO's and CTC's layers: what is special about them, and what a wrong net is told. */

import { describe, expect, it } from 'vitest';
import { runLayer, type Shapes, topShapes } from './net_of.js';

const f = (...values: readonly number[]) => Float32Array.from(values);

function layer(type: string, shapes: Shapes, body = '', tops: readonly string[] = ['y']): string {
  const names = (kind: string, of: readonly string[]) => of.map(name => `${kind}: "${name}"`).join(' ');
  return `layer { name: "l" type: "${type}" ${names('bottom', Object.keys(shapes))} ${names('top', tops)} ${body} }`;
}

const made =
  (type: string, shapes: Shapes, body = '', tops?: readonly string[]) =>
  () =>
    topShapes(layer(type, shapes, body, tops), shapes);

describe('regions', () => {
  const shapes = { x: [2, 8, 6, 6], rois: [3, 5] };

  it('PSROIPooling reads a channel for each bin and says what does not fit', () => {
    const body = (more: string) => `psroi_pooling_param { spatial_scale: 0.5 ${more} }`;
    expect(made('PSROIPooling', shapes, body('output_dim: 2 group_size: 2'))()['y']).toEqual([3, 2, 2, 2]);
    expect(made('PSROIPooling', shapes, body('group_size: 2'))).toThrow(/output_dim is missing/);
    expect(made('PSROIPooling', shapes, body('output_dim: 3 group_size: 2'))).toThrow(/must have 12 channels/);
    expect(made('PSROIPooling', shapes, 'psroi_pooling_param { output_dim: 2 group_size: 2 }')).toThrow(
      /spatial_scale/,
    );
  });

  it('ROIAlign has no value in a bin without a whole place, nor of a region without extent', async () => {
    const given = { x: [1, 1, 4, 4], rois: [2, 5] };
    const x = Float32Array.from({ length: 16 }, (_, i) => i + 1);
    const rois = f(0, 0.3, 0.3, 0.6, 0.6, 0, 2, 2, 2, 2);
    const body = 'roi_align_param { pooled_h: 2 pooled_w: 2 }';
    const out = await runLayer(layer('ROIAlign', given, body), given, { x, rois });
    expect([...out['y']!.slice(0, 2)]).toEqual([0, 0]);
    expect(out['y']!.every(Number.isFinite)).toBe(true);
    expect(made('ROIAlign', given, 'roi_align_param { pooled_h: 2 }')).toThrow(/pooled_w/);
    await expect(
      runLayer(layer('ROIAlign', given, body), given, { x, rois: f(1, 0, 0, 1, 1, 0, 0, 0, 1, 1) }),
    ).rejects.toThrow(/of sample 1/);
  });

  it('BoxAnnotatorOHEM says what does not fit', () => {
    const given = { rois: [3, 5], loss: [3], label: [3], w: [3, 8] };
    const tops = ['labels', 'weights'];
    const body = 'box_annotator_ohem_param { roi_per_img: 2 }';
    expect(made('BoxAnnotatorOHEM', given, body, tops)()).toEqual({ labels: [3], weights: [3, 8] });
    expect(made('BoxAnnotatorOHEM', given, '', tops)).toThrow(/roi_per_img is missing/);
    expect(made('BoxAnnotatorOHEM', { ...given, loss: [4] }, body, tops)).toThrow(/one number for each of 3 regions/);
    expect(made('BoxAnnotatorOHEM', { ...given, rois: [3, 4] }, body, tops)).toThrow(/5 numbers/);
    expect(made('BoxAnnotatorOHEM', { ...given, w: [2, 8] }, body, tops)).toThrow(/weights of 3 regions/);
  });

  it('Proposal says what does not fit', () => {
    const given = { scores: [1, 6, 4, 4], boxes: [1, 12, 4, 4], info: [1, 3] };
    const body = 'proposal_param { ratio: 0.5 ratio: 1 ratio: 2 scale: 8 }';
    expect(made('Proposal', given, body)()['y']).toEqual([48, 5]);
    expect(made('Proposal', given, 'proposal_param { scale: 8 }')).toThrow(/ratio is missing/);
    expect(made('Proposal', { ...given, scores: [1, 3, 4, 4] }, body)).toThrow(/\[N, 6, H, W\]/);
    expect(made('Proposal', { ...given, boxes: [1, 12, 4, 3] }, body)).toThrow(/same places/);
    expect(made('Proposal', { ...given, info: [1, 2] }, body)).toThrow(/height, width and scale/);
  });

  it('Yolov3DetectionOutput says what does not fit', () => {
    const given = { a: [1, 21, 2, 2] };
    const body = (more: string) => `yolov3_detection_output_param { num_classes: 2 ${more} }`;
    const anchors = 'mask: 0 mask: 1 mask: 2 biases: 1 biases: 1 biases: 2 biases: 2 biases: 3 biases: 3';
    expect(made('Yolov3DetectionOutput', given, body(`mask_group_num: 1 ${anchors} anchors_scale: 32`))()['y']).toEqual(
      [1, 1, 24, 7],
    );
    expect(made('Yolov3DetectionOutput', given, body(''))).toThrow(/1 bottoms, and mask_group_num is 2/);
    expect(made('Yolov3DetectionOutput', given, body('mask_group_num: 1'))).toThrow(/0 masks are given/);
    expect(made('Yolov3DetectionOutput', given, body(`mask_group_num: 1 ${anchors}`))).toThrow(
      /0 are given for 1 bottoms/,
    );
    expect(
      made('Yolov3DetectionOutput', given, body('mask_group_num: 1 mask: 0 mask: 1 mask: 2 biases: 1 biases: 1')),
    ).toThrow(/names none of 1 anchors/);
    expect(
      made('Yolov3DetectionOutput', { a: [1, 20, 2, 2] }, body(`mask_group_num: 1 ${anchors} anchors_scale: 32`)),
    ).toThrow(/\[N, 21, H, W\]/);
  });
});

describe('CTC', () => {
  const shapes = { x: [3, 2, 3], cont: [3, 2], label: [3, 2] };
  const x = f(1, 0, -1, 0.5, 0.2, 0, 0, 1, 0, 0.3, -0.3, 1, 2, 0, 0, 0, 1, 1);
  const cont = f(0, 0, 1, 1, 1, 0);
  const run = (label: Float32Array, more: object = {}) =>
    runLayer(layer('CTCLoss', shapes, 'loss_weight: 1'), shapes, { x, cont, label }, more);

  it('has the mean of the losses and the gradient of their sum, as the port', async () => {
    const label = f(0, 1, 1, -1, -1, -1);
    const one = async (n: number) => {
      const own = (all: Float32Array, width: number) =>
        Float32Array.from({ length: 3 * width }, (_, i) => all[(Math.floor(i / width) * 2 + n) * width + (i % width)]!);
      const alone = { x: [3, 1, 3], cont: [3, 1], label: [3, 1] };
      const feeds = { x: own(x, 3), cont: own(cont, 1), label: own(label, 1) };
      return runLayer(layer('CTCLoss', alone), alone, feeds, { diffs: { y: f(1) }, blobDiffs: ['x'] });
    };
    const both = await run(label, { diffs: { y: f(1) }, blobDiffs: ['x'] });
    const [a, b] = [await one(0), await one(1)];
    expect(both['y']![0]).toBeCloseTo((a['y']![0]! + b['y']![0]!) / 2, 5);
    const [da, db] = [a['grad/blob/x']!, b['grad/blob/x']!];
    const joined = [0, 1, 2].flatMap(t => [...da.subarray(3 * t, 3 * t + 3), ...db.subarray(3 * t, 3 * t + 3)]);
    both['grad/blob/x']!.forEach((d, i) => {
      expect(d).toBeCloseTo(joined[i]!, 6);
    });
    expect([...db.subarray(6)]).toEqual([0, 0, 0]);
  });

  it('begins with its delay, and takes repeated labels once where told', async () => {
    const alone = { x: [3, 1, 3], cont: [3, 1], label: [3, 1] };
    const scores = f(9, -9, 0, 0, 1, 2, 1, 0, 1);
    const loss = async (label: Float32Array, body: string, given = alone, data = scores) =>
      (
        await runLayer(layer('CTCLoss', given, `ctc_loss_param { ${body} }`), given, {
          x: data,
          cont: f(0, 1, 1),
          label,
        })
      )['y']![0]!;
    const shorter = { x: [2, 1, 3], cont: [2, 1], label: [2, 1] };
    const late = (
      await runLayer(layer('CTCLoss', shorter), shorter, { x: scores.subarray(3), cont: f(0, 1), label: f(1, -1) })
    )['y']![0]!;
    expect(await loss(f(1, -1, -1), 'output_delay: 1')).toBeCloseTo(late, 5);
    expect(await loss(f(1, 1, -1), 'preprocess_collapse_repeated: true')).toBeCloseTo(await loss(f(1, -1, -1), ''), 5);
  });

  it('is infinite, with the shares as gradient, where no way leads to the labels', async () => {
    const alone = { x: [2, 1, 3], cont: [2, 1], label: [2, 1] };
    const feeds = { x: new Float32Array(6), cont: f(0, 1), label: f(1, 1) };
    const out = await runLayer(layer('CTCLoss', alone), alone, feeds, { diffs: { y: f(1) }, blobDiffs: ['x'] });
    expect(out['y']![0]).toBe(Infinity);
    for (const d of out['grad/blob/x']!) expect(d).toBeCloseTo(1 / 3, 6);
  });

  it('says which labels do not fit', async () => {
    await expect(run(f(0, 1, 1, 1, 0, 1))).rejects.toThrow(/sequence 1: 3 labels do not fit into 2 steps/);
    await expect(run(f(-1, 1, 1, -1, -1, -1))).rejects.toThrow(/sequence 0: it has 3 steps and no label/);
    await expect(run(f(2, 1, 1, -1, -1, -1))).rejects.toThrow(/label 2 is none of the classes/);
    expect(made('CTCLoss', { ...shapes, label: [2, 2] })).toThrow(/must be \[3, 2\]/);
    expect(made('CTCLoss', { ...shapes, x: [3, 2] })).toThrow(/\[T, N, classes\]/);
    expect(made('CTCLoss', shapes, 'ctc_loss_param { blank_index: 3 }')).toThrow(/blank_index is 3/);
    expect(made('CTCLoss', shapes, 'ctc_loss_param { output_delay: 3 }')).toThrow(/output_delay is 3/);
    expect(made('CTCGreedyDecoder', { x: [3, 2, 3], cont: [3, 2] }, '', ['a', 'b', 'c'])).toThrow(
      /3 tops for 2 bottoms/,
    );
  });
});

describe('small ones', () => {
  it('ConvolutionDepthwise has an output for each channel, whatever num_output and group say', () => {
    const body = 'convolution_param { num_output: 7 group: 3 kernel_size: 3 }';
    expect(made('ConvolutionDepthwise', { x: [1, 4, 5, 5] }, body)()['y']).toEqual([1, 4, 3, 3]);
  });

  it('Upsample with one bottom takes a scale and nothing else', () => {
    const shapes = { x: [1, 4, 13, 13] };
    expect(made('Upsample', shapes, 'upsample_param { scale: 2 }')()['y']).toEqual([1, 4, 26, 26]);
    expect(made('Upsample', shapes)()['y']).toEqual([1, 4, 13, 13]);
    expect(made('Upsample', shapes, 'upsample_param { scale: 2 pad_out_h: true }')).toThrow(
      /pad_out_h goes with a mask/,
    );
    expect(made('Upsample', shapes, 'upsample_param { scale: 0 }')).toThrow(/the scale is 0/);
  });

  it('Reorg, Transpose, Reverse and TripletLoss say what does not fit', () => {
    expect(made('Reorg', { x: [1, 4, 6, 6] })).toThrow(/stride is missing/);
    expect(made('Reorg', { x: [1, 3, 6, 6] }, 'reorg_param { stride: 2 }')).toThrow(/the channels of/);
    expect(made('Reorg', { x: [1, 4, 5, 6] }, 'reorg_param { stride: 2 }')).toThrow(/height and width of/);
    expect(made('Reorg', { x: [4, 6] }, 'reorg_param { stride: 2 }')).toThrow(/4 axes/);
    expect(made('Transpose', { x: [1, 2, 3] }, 'transpose_param { dim: 0 dim: 2 }')).toThrow(/dim is 0, 2/);
    expect(made('Reverse', { x: [1, 2, 3] }, 'reverse_param { axis: 3 }')).toThrow(/axis 3/);
    expect(made('TripletLoss', { a: [2, 3], p: [2, 3], u: [2, 4] })).toThrow(/different lengths/);
    expect(made('TripletLoss', { x: [2, 3], labels: [2] })).toThrow(/bottoms/);
  });
});
