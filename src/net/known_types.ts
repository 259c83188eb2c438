/** Layer types that other Caffes have, for the message when one is met: which fork it comes from. */

import { own } from '../diagnostics/index.js';
import { isSet, type TransformationParameter } from '../schema/index.js';

const FORKS: Readonly<Record<string, readonly string[]>> = {
  "NVIDIA's NVCaffe": ['DetectNetTransformation', 'AxpyFusion', 'ParameterizedReLU'],
  "SegNet's caffe-segnet": ['DenseImageData'],
  'DeepLab and PSPNet': ['ImageSegData', 'DenseCRF', 'DomainTransform', 'MatRead', 'MatWrite', 'SegAccuracy'],
  SSD: ['DetectionEvaluate', 'AnnotatedData', 'VideoData'],
  FlowNet: ['Correlation', 'FlowWarp', 'Resample', 'ChannelNorm', 'L1LossLayer'],
  SphereFace: ['MarginInnerProduct'],
  'C3D, for video': ['Convolution3D', 'Pooling3D', 'VideoSegmentData'],
  'OpenPose and CPM': ['CPMData', 'CPMDataTransform', 'ImResize', 'Nms'],
};

/** What to do instead, for types that a net of such a fork cannot do without. */
const INSTEAD: Readonly<Record<string, string>> = {
  AnnotatedData:
    'It reads pictures and their true boxes from a database: feed both by an Input layer, the boxes as [1, 1, boxes, 8], rows of picture, label, instance, xmin, ymin, xmax, ymax, difficult.',
  DetectionEvaluate: 'It counts how good detections are: take the rows of DetectionOutput and count outside the net.',
  VideoData: 'It reads a camera or a video: feed its pictures by an Input layer.',
  DenseImageData:
    'It reads pictures and label pictures by a list: write two ImageData layers, or make a data set of them.',
  ImageSegData:
    'It reads pictures and label pictures by a list: write two ImageData layers, or make a data set of them.',
};

/** One or two sentences that tell what to write in a type's place; undefined where there is nothing to say. */
export function insteadOf(type: string): string | undefined {
  return own(INSTEAD, type);
}

const SSD_TRANSFORMS = ['resize_param', 'noise_param', 'emit_constraint', 'distort_param', 'expand_param'] as const;

/** The fields of transform_param that only SSD's own data layers read; the schema has them so that SSD's nets parse. */
export function foreignTransforms(transform: TransformationParameter): readonly string[] {
  return SSD_TRANSFORMS.filter(field => isSet(transform, field));
}

/** The fork that has the type, as words that follow "it is known from"; undefined where Mokapot knows none. */
export function forkOf(type: string): string | undefined {
  return Object.entries(FORKS).find(([, types]) => types.includes(type))?.[0];
}
