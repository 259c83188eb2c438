/** Layer types that other Caffes have, for the message when one is met: which fork it comes from. */

const FORKS: Readonly<Record<string, readonly string[]>> = {
  'BVLC Caffe, but not yet Mokapot': ['HDF5Data', 'HDF5Output', 'ImageData', 'MemoryData', 'WindowData'],
  "NVIDIA's NVCaffe": ['DetectNetTransformation', 'AxpyFusion', 'ParameterizedReLU'],
  "SegNet's caffe-segnet": ['DenseImageData'],
  'DeepLab and PSPNet': ['ImageSegData', 'DenseCRF', 'DomainTransform', 'MatRead', 'MatWrite', 'SegAccuracy'],
  'Fast and Faster R-CNN': ['Proposal'],
  'R-FCN': ['PSROIPooling', 'BoxAnnotatorOHEM'],
  SSD: ['DetectionEvaluate', 'AnnotatedData', 'VideoData'],
  MobileNet: ['ConvolutionDepthwise'],
  FlowNet: ['Correlation', 'FlowWarp', 'Resample', 'ChannelNorm', 'L1LossLayer'],
  'OpenPose and CPM': ['CPMData', 'CPMDataTransform', 'ImResize', 'Nms'],
};

/** The fork that has the type, as words that follow "it is known from"; undefined where Mokapot knows none. */
export function forkOf(type: string): string | undefined {
  return Object.entries(FORKS).find(([, types]) => types.includes(type))?.[0];
}
