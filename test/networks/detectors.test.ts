/** Detectors of the literature: blob shapes, numbers of priors and of parameters that they are known for; and one that learns. */

import { describe, expect, it } from 'vitest';
import type { Shape } from '../../src/ir/index.js';
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
