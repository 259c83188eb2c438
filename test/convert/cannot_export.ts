/** Layers with code of their own: what each target makes of them, as docs/convert.md tells it, and a net that shows it. */

import type { Shapes } from '../layers/net_of.js';

/** `no`: refused. `boxes`: something else than the layer's top, which the document tells. */
export type Outcome = 'yes' | 'no' | 'boxes';

export interface OwnCode {
  readonly type: string;
  /** As the document's table names it. */
  readonly title: string;
  readonly tfjs: Outcome;
  readonly onnx: Outcome;
  readonly layer: string;
  readonly shapes: Shapes;
}

const detection = (
  nms: string,
) => `layer { name: "l" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior"
  top: "y" detection_output_param { num_classes: 2 ${nms} } }`;
const predictions = { loc: [1, 8], conf: [1, 4], prior: [1, 2, 8] };
const pool = (kernel: number) => `layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "mask"
  pooling_param { kernel_size: ${kernel} stride: 2 } }`;
const upsample = 'layer { name: "l" type: "Upsample" bottom: "p" bottom: "mask" top: "y" }';

export const OWN_CODE: readonly OwnCode[] = [
  {
    type: 'DetectionOutput',
    title: 'DetectionOutput',
    tfjs: 'boxes',
    onnx: 'yes',
    layer: detection(''),
    shapes: predictions,
  },
  {
    type: 'DetectionOutput',
    title: 'DetectionOutput, `eta` below 1',
    tfjs: 'boxes',
    onnx: 'no',
    layer: detection('nms_param { eta: 0.9 }'),
    shapes: predictions,
  },
  {
    type: 'MultiBoxLoss',
    title: 'MultiBoxLoss',
    tfjs: 'no',
    onnx: 'no',
    layer: `layer { name: "l" type: "MultiBoxLoss" bottom: "loc" bottom: "conf" bottom: "prior" bottom: "gt" top: "y"
      multibox_loss_param { num_classes: 2 } }`,
    shapes: { ...predictions, gt: [1, 1, 2, 8] },
  },
  {
    type: 'ROIPooling',
    title: 'ROIPooling',
    tfjs: 'no',
    onnx: 'yes',
    layer: `layer { name: "l" type: "ROIPooling" bottom: "x" bottom: "rois" top: "y"
      roi_pooling_param { pooled_h: 2 pooled_w: 2 } }`,
    shapes: { x: [1, 2, 6, 6], rois: [3, 5] },
  },
  {
    type: 'Upsample',
    title: 'Upsample',
    tfjs: 'yes',
    onnx: 'yes',
    layer: `${pool(2)} ${upsample}`,
    shapes: { x: [1, 2, 6, 6] },
  },
  {
    type: 'Upsample',
    title: 'Upsample, windows of the pooling overlap or the mask is fed',
    tfjs: 'no',
    onnx: 'yes',
    layer: upsample,
    shapes: { p: [1, 2, 3, 3], mask: [1, 2, 3, 3] },
  },
];
