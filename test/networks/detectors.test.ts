/** Detectors of the literature: blob shapes, numbers of priors and of parameters that they are known for; and one that learns. */

import { describe, expect, it } from 'vitest';
import type { Shape } from '../../src/ir/index.js';
import { overlap } from '../../src/layers/detection/boxes.js';
import { Random } from '../../src/random/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { Solver } from '../../src/train/node/solver.js';
import * as nets from './detectors.js';
import '../../src/vitest/index.js';

const shapes = (net: object, table: Readonly<Record<string, Shape>>) => {
  for (const [blob, shape] of Object.entries(table)) expect(net).toHaveBlobShape(blob, shape);
};

describe('SSD300 on VGG-16', () => {
  const train = { text: nets.ssd300, phase: 'TRAIN' as const };

  it('has 8732 priors on six maps', () => {
    shapes(train, {
      conv4_3_norm: [1, 512, 38, 38],
      fc7: [1, 1024, 19, 19],
      conv6_2: [1, 512, 10, 10],
      conv7_2: [1, 256, 5, 5],
      conv8_2: [1, 256, 3, 3],
      conv9_2: [1, 256, 1, 1],
      mbox_loc: [1, 8732 * 4],
      mbox_conf: [1, 8732 * 21],
      mbox_priors: [1, 2, 8732 * 4],
      mbox_loss: [],
    });
  });

  it('has its parameters, in training and in detection', () => {
    const test = { text: nets.ssd300, phase: 'TEST' as const };
    for (const net of [train, test]) expect(net).toHaveParamCount(26_285_486);
    shapes(test, { mbox_shares: [1, 8732, 21], detection_out: [1, 1, 200, 7] });
  });
});

describe('SSD on MobileNet', () => {
  const net = { text: nets.mobileNetSsd, phase: 'TRAIN' as const };

  it('has 1917 priors on six maps', () => {
    shapes(net, {
      conv11: [1, 512, 19, 19],
      conv13: [1, 1024, 10, 10],
      conv14_2: [1, 512, 5, 5],
      conv15_2: [1, 256, 3, 3],
      conv16_2: [1, 256, 2, 2],
      conv17_2: [1, 128, 1, 1],
      mbox_loc: [1, 1917 * 4],
      mbox_priors: [1, 2, 1917 * 4],
      mbox_loss: [],
    });
  });
});

describe('Faster R-CNN on VGG-16', () => {
  const net = { text: nets.fasterRcnn, phase: 'TRAIN' as const };

  it('has its shapes and parameters', () => {
    shapes(net, {
      conv5_3: [1, 512, 38, 50],
      rpn_cls_score: [1, 18, 38, 50],
      rpn_scores: [1, 2, 342, 50],
      rpn_prob: [1, 18, 38, 50],
      rpn_bbox_pred: [1, 36, 38, 50],
      pool5: [128, 512, 7, 7],
      cls_score: [128, 21],
      bbox_pred: [128, 84],
      loss_bbox: [],
      loss_cls: [],
    });
    // VGG-16 without its last layer, the proposal network, the two heads.
    const rpn = 512 * 512 * 9 + 512 + (18 + 36) * 513;
    expect(net).toHaveParamCount(138_357_544 - 4_097_000 + rpn + (21 + 84) * 4097);
  });
});

describe('a small SSD', () => {
  const BATCH = 8;
  const SIZE = 16;
  const conv = (name: string, bottom: string, out: number, stride: number) =>
    `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: ${out}
       kernel_size: 3 pad: 1 stride: ${stride} weight_filler { type: "msra" } } }`;
  const flat = (kind: string, out: number) =>
    `${conv(kind, 'c3', out, 1)}
     layer { name: "${kind}_perm" type: "Permute" bottom: "${kind}" top: "${kind}_perm" permute_param { order: 0 order: 2 order: 3 order: 1 } }
     layer { name: "${kind}_flat" type: "Flatten" bottom: "${kind}_perm" top: "${kind}_flat" }`;
  const coded = 'num_classes: 2 code_type: CENTER_SIZE';
  const text = `
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: ${BATCH} dim: 1 dim: ${SIZE} dim: ${SIZE} } } }
    layer { name: "gt" type: "Input" top: "gt" input_param { shape { dim: 1 dim: 1 dim: ${BATCH} dim: 8 } } include { phase: TRAIN } }
    ${conv('c1', 'data', 8, 1)} layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
    ${conv('c2', 'c1', 16, 2)} layer { name: "r2" type: "ReLU" bottom: "c2" top: "c2" }
    ${conv('c3', 'c2', 16, 2)} layer { name: "r3" type: "ReLU" bottom: "c3" top: "c3" }
    ${flat('loc', 8)} ${flat('conf', 4)}
    layer { name: "priors" type: "PriorBox" bottom: "c3" bottom: "data" top: "priors"
      prior_box_param { min_size: 5 max_size: 9 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }
    layer { name: "loss" type: "MultiBoxLoss" bottom: "loc_flat" bottom: "conf_flat" bottom: "priors" bottom: "gt" top: "loss"
      include { phase: TRAIN } multibox_loss_param { ${coded} } }
    layer { name: "scores" type: "Reshape" bottom: "conf_flat" top: "scores" include { phase: TEST } reshape_param { shape { dim: 0 dim: -1 dim: 2 } } }
    layer { name: "shares" type: "Softmax" bottom: "scores" top: "shares" include { phase: TEST } softmax_param { axis: 2 } }
    layer { name: "flat" type: "Flatten" bottom: "shares" top: "flat" include { phase: TEST } }
    layer { name: "out" type: "DetectionOutput" bottom: "loc_flat" bottom: "flat" bottom: "priors" top: "out" include { phase: TEST }
      detection_output_param { ${coded} keep_top_k: 1 } }`;

  /** Noise with one bright square each, and where it is. */
  function pictures(random: Random) {
    const data = Float32Array.from({ length: BATCH * SIZE * SIZE }, () => random.uniform(0, 0.2));
    const gt = new Float32Array(BATCH * 8);
    for (let n = 0; n < BATCH; n++) {
      const side = 5 + random.integer(4);
      const [x, y] = [random.integer(SIZE - side), random.integer(SIZE - side)];
      for (let i = 0; i < side; i++)
        for (let j = 0; j < side; j++) data[n * SIZE * SIZE + (y + i) * SIZE + x + j]! += 1;
      gt.set([n, 1, 0, ...[x, y, x + side, y + side].map(v => v / SIZE), 0], 8 * n);
    }
    return { data, gt };
  }

  it('learns to find squares', async () => {
    const solver = await Solver.fromText(
      `net_param { ${text} } base_lr: 0.01 momentum: 0.9 momentum2: 0.999 type: "Adam" lr_policy: "fixed" max_iter: 200 random_seed: 3`,
      { backend: 'host' },
    );
    const random = new Random(1);
    const first = await solver.step(1, pictures(random));
    const last = await solver.step(99, () => pictures(random));
    expect(last).toBeLessThan(first / 4);
    const net = await Net.fromText(text, { phase: 'TEST', backend: 'host' });
    for (const [name, blobs] of solver.net.params)
      for (const [i, blob] of blobs.entries()) net.params.get(name)![i]!.data.set(blob.data);
    const { data, gt } = pictures(new Random(99));
    const out = (await net.forward({ data }))['out']!.data;
    const box = (from: Float32Array, at: number) =>
      [...from.subarray(at, at + 4)] as unknown as readonly [number, number, number, number];
    const shared = Array.from({ length: BATCH }, (_, n) => overlap(box(out, 7 * n + 3), box(gt, 8 * n + 3)));
    expect(Math.min(...shared)).toBeGreaterThan(0.5);
    await Promise.all([solver.dispose(), net.dispose()]);
  });
});
