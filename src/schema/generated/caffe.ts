/**
 * Caffe's messages as TypeScript sees them in memory. Generated from grammar/caffe.proto and grammar/forks.proto by
 * scripts/embed-schema.mjs: edit those and run `npm run schema`. Enum fields hold numbers: compare with `PoolingParameter.PoolMethod.MAX`.
 */

type Values<T> = T[keyof T];

export const Phase = {
  TRAIN: 0,
  TEST: 1,
} as const;

export interface BlobShape {
  dim: number[];
}

export interface BlobProto {
  shape: BlobShape | null;
  data: number[];
  diff: number[];
  double_data: number[];
  double_diff: number[];
  num: number;
  channels: number;
  height: number;
  width: number;
}

export interface BlobProtoVector {
  blobs: BlobProto[];
}

export interface Datum {
  channels: number;
  height: number;
  width: number;
  data: Uint8Array;
  label: number;
  float_data: number[];
  encoded: boolean;
}

export const FillerParameter = {
  VarianceNorm: {
    FAN_IN: 0,
    FAN_OUT: 1,
    AVERAGE: 2,
  },
} as const;

export interface FillerParameter {
  type: string;
  value: number;
  min: number;
  max: number;
  mean: number;
  std: number;
  sparse: number;
  variance_norm: FillerParameter_VarianceNorm;
}

export interface NetParameter {
  name: string;
  input: string[];
  input_shape: BlobShape[];
  input_dim: number[];
  force_backward: boolean;
  state: NetState | null;
  debug_info: boolean;
  layer: LayerParameter[];
  layers: V1LayerParameter[];
}

export interface NetState {
  phase: Phase;
  level: number;
  stage: string[];
}

export interface NetStateRule {
  phase: Phase;
  min_level: number;
  max_level: number;
  stage: string[];
  not_stage: string[];
}

export const SolverParameter = {
  SnapshotFormat: {
    HDF5: 0,
    BINARYPROTO: 1,
  },
  SolverMode: {
    CPU: 0,
    GPU: 1,
  },
  SolverType: {
    SGD: 0,
    NESTEROV: 1,
    ADAGRAD: 2,
    RMSPROP: 3,
    ADADELTA: 4,
    ADAM: 5,
  },
} as const;

export interface SolverParameter {
  net: string;
  net_param: NetParameter | null;
  train_net: string;
  test_net: string[];
  train_net_param: NetParameter | null;
  test_net_param: NetParameter[];
  train_state: NetState | null;
  test_state: NetState[];
  test_iter: number[];
  test_interval: number;
  test_compute_loss: boolean;
  test_initialization: boolean;
  base_lr: number;
  display: number;
  average_loss: number;
  max_iter: number;
  iter_size: number;
  lr_policy: string;
  gamma: number;
  power: number;
  momentum: number;
  weight_decay: number;
  regularization_type: string;
  stepsize: number;
  stepvalue: number[];
  clip_gradients: number;
  snapshot: number;
  snapshot_prefix: string;
  snapshot_diff: boolean;
  snapshot_format: SolverParameter_SnapshotFormat;
  solver_mode: SolverParameter_SolverMode;
  device_id: number;
  random_seed: number;
  type: string;
  delta: number;
  momentum2: number;
  rms_decay: number;
  debug_info: boolean;
  snapshot_after_train: boolean;
  solver_type: SolverParameter_SolverType;
  layer_wise_reduce: boolean;
  weights: string[];
  epoch_size: number;
  test_epoch_size: number[];
  test_interval_epoch: number;
}

export interface SolverState {
  iter: number;
  learned_net: string;
  history: BlobProto[];
  current_step: number;
}

export const ParamSpec = {
  DimCheckMode: {
    STRICT: 0,
    PERMISSIVE: 1,
  },
} as const;

export interface ParamSpec {
  name: string;
  share_mode: ParamSpec_DimCheckMode;
  lr_mult: number;
  decay_mult: number;
}

export interface LayerParameter {
  name: string;
  type: string;
  bottom: string[];
  top: string[];
  phase: Phase;
  loss_weight: number[];
  param: ParamSpec[];
  blobs: BlobProto[];
  propagate_down: boolean[];
  include: NetStateRule[];
  exclude: NetStateRule[];
  transform_param: TransformationParameter | null;
  loss_param: LossParameter | null;
  accuracy_param: AccuracyParameter | null;
  argmax_param: ArgMaxParameter | null;
  batch_norm_param: BatchNormParameter | null;
  bias_param: BiasParameter | null;
  clip_param: ClipParameter | null;
  concat_param: ConcatParameter | null;
  contrastive_loss_param: ContrastiveLossParameter | null;
  convolution_param: ConvolutionParameter | null;
  crop_param: CropParameter | null;
  data_param: DataParameter | null;
  dropout_param: DropoutParameter | null;
  dummy_data_param: DummyDataParameter | null;
  eltwise_param: EltwiseParameter | null;
  elu_param: ELUParameter | null;
  embed_param: EmbedParameter | null;
  exp_param: ExpParameter | null;
  flatten_param: FlattenParameter | null;
  hdf5_data_param: HDF5DataParameter | null;
  hdf5_output_param: HDF5OutputParameter | null;
  hinge_loss_param: HingeLossParameter | null;
  image_data_param: ImageDataParameter | null;
  infogain_loss_param: InfogainLossParameter | null;
  inner_product_param: InnerProductParameter | null;
  input_param: InputParameter | null;
  log_param: LogParameter | null;
  lrn_param: LRNParameter | null;
  memory_data_param: MemoryDataParameter | null;
  mvn_param: MVNParameter | null;
  parameter_param: ParameterParameter | null;
  pooling_param: PoolingParameter | null;
  power_param: PowerParameter | null;
  prelu_param: PReLUParameter | null;
  python_param: PythonParameter | null;
  recurrent_param: RecurrentParameter | null;
  reduction_param: ReductionParameter | null;
  relu_param: ReLUParameter | null;
  reshape_param: ReshapeParameter | null;
  scale_param: ScaleParameter | null;
  sigmoid_param: SigmoidParameter | null;
  softmax_param: SoftmaxParameter | null;
  spp_param: SPPParameter | null;
  slice_param: SliceParameter | null;
  swish_param: SwishParameter | null;
  tanh_param: TanHParameter | null;
  threshold_param: ThresholdParameter | null;
  tile_param: TileParameter | null;
  window_data_param: WindowDataParameter | null;
  detectnet_groundtruth_param: DetectNetGroundTruthParameter | null;
  detectnet_augmentation_param: DetectNetAugmentationParameter | null;
  annotated_data_param: AnnotatedDataParameter | null;
  multibox_loss_param: MultiBoxLossParameter | null;
  permute_param: PermuteParameter | null;
  prior_box_param: PriorBoxParameter | null;
  detection_output_param: DetectionOutputParameter | null;
  detection_evaluate_param: DetectionEvaluateParameter | null;
  norm_param: NormalizeParameter | null;
  video_data_param: VideoDataParameter | null;
  roi_pooling_param: ROIPoolingParameter | null;
  smooth_l1_loss_param: SmoothL1LossParameter | null;
  shuffle_channel_param: ShuffleChannelParameter | null;
  relu6_param: ReLU6Parameter | null;
  interp_param: InterpParameter | null;
  upsample_param: UpsampleParameter | null;
  bn_param: BNParameter | null;
  box_annotator_ohem_param: BoxAnnotatorOHEMParameter | null;
  psroi_pooling_param: PSROIPoolingParameter | null;
  roi_align_param: ROIAlignParameter | null;
  reorg_param: ReorgParameter | null;
  yolov3_detection_output_param: Yolov3DetectionOutputParameter | null;
  transpose_param: TransposeParameter | null;
  proposal_param: ProposalParameter | null;
  reverse_param: ReverseParameter | null;
  ctc_loss_param: CTCLossParameter | null;
  ctc_decoder_param: CTCDecoderParameter | null;
  triplet_loss_param: TripletLossParameter | null;
}

export interface TransformationParameter {
  scale: number;
  mirror: boolean;
  crop_size: number;
  mean_file: string;
  mean_value: number[];
  force_color: boolean;
  force_gray: boolean;
  use_gpu_transform: boolean;
  resize_param: ResizeParameter | null;
  noise_param: NoiseParameter | null;
  emit_constraint: EmitConstraint | null;
  distort_param: DistortionParameter | null;
  expand_param: ExpansionParameter | null;
}

export const LossParameter = {
  NormalizationMode: {
    FULL: 0,
    VALID: 1,
    BATCH_SIZE: 2,
    NONE: 3,
    PRE_FIXED: 8703,
  },
} as const;

export interface LossParameter {
  ignore_label: number;
  normalization: LossParameter_NormalizationMode;
  normalize: boolean;
  pre_fixed_normalizer: number;
  weight_by_label_freqs: boolean;
  class_weighting: number[];
}

export interface AccuracyParameter {
  top_k: number;
  axis: number;
  ignore_label: number;
}

export interface ArgMaxParameter {
  out_max_val: boolean;
  top_k: number;
  axis: number;
}

export const BatchNormParameter = {
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface BatchNormParameter {
  use_global_stats: boolean;
  moving_average_fraction: number;
  eps: number;
  scale_filler: FillerParameter | null;
  bias_filler: FillerParameter | null;
  engine: BatchNormParameter_Engine;
}

export interface BiasParameter {
  axis: number;
  num_axes: number;
  filler: FillerParameter | null;
}

export interface ClipParameter {
  min: number;
  max: number;
}

export interface ConcatParameter {
  axis: number;
  concat_dim: number;
}

export interface ContrastiveLossParameter {
  margin: number;
  legacy_version: boolean;
}

export const ConvolutionParameter = {
  CuDNNConvolutionAlgorithmSeeker: {
    GET: 0,
    FINDEX: 1,
  },
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface ConvolutionParameter {
  num_output: number;
  bias_term: boolean;
  pad: number[];
  kernel_size: number[];
  stride: number[];
  dilation: number[];
  pad_h: number;
  pad_w: number;
  kernel_h: number;
  kernel_w: number;
  stride_h: number;
  stride_w: number;
  group: number;
  weight_filler: FillerParameter | null;
  bias_filler: FillerParameter | null;
  engine: ConvolutionParameter_Engine;
  axis: number;
  force_nd_im2col: boolean;
  cudnn_convolution_algo_seeker: ConvolutionParameter_CuDNNConvolutionAlgorithmSeeker;
}

export interface CropParameter {
  axis: number;
  offset: number[];
}

export const DataParameter = {
  DB: {
    LEVELDB: 0,
    LMDB: 1,
  },
} as const;

export interface DataParameter {
  source: string;
  batch_size: number;
  rand_skip: number;
  backend: DataParameter_DB;
  scale: number;
  mean_file: string;
  crop_size: number;
  mirror: boolean;
  force_encoded_color: boolean;
  prefetch: number;
  threads: number;
}

export interface DropoutParameter {
  dropout_ratio: number;
  scale_train: boolean;
  sample_weights_test: boolean;
}

export interface DummyDataParameter {
  data_filler: FillerParameter[];
  shape: BlobShape[];
  num: number[];
  channels: number[];
  height: number[];
  width: number[];
}

export const EltwiseParameter = {
  EltwiseOp: {
    PROD: 0,
    SUM: 1,
    MAX: 2,
  },
} as const;

export interface EltwiseParameter {
  operation: EltwiseParameter_EltwiseOp;
  coeff: number[];
  stable_prod_grad: boolean;
}

export interface ELUParameter {
  alpha: number;
}

export interface EmbedParameter {
  num_output: number;
  input_dim: number;
  bias_term: boolean;
  weight_filler: FillerParameter | null;
  bias_filler: FillerParameter | null;
}

export interface ExpParameter {
  base: number;
  scale: number;
  shift: number;
}

export interface FlattenParameter {
  axis: number;
  end_axis: number;
}

export interface HDF5DataParameter {
  source: string;
  batch_size: number;
  shuffle: boolean;
}

export interface HDF5OutputParameter {
  file_name: string;
}

export const HingeLossParameter = {
  Norm: {
    L1: 1,
    L2: 2,
  },
} as const;

export interface HingeLossParameter {
  norm: HingeLossParameter_Norm;
}

export interface ImageDataParameter {
  source: string;
  batch_size: number;
  rand_skip: number;
  shuffle: boolean;
  new_height: number;
  new_width: number;
  is_color: boolean;
  scale: number;
  mean_file: string;
  crop_size: number;
  mirror: boolean;
  root_folder: string;
}

export interface InfogainLossParameter {
  source: string;
  axis: number;
}

export interface InnerProductParameter {
  num_output: number;
  bias_term: boolean;
  weight_filler: FillerParameter | null;
  bias_filler: FillerParameter | null;
  axis: number;
  transpose: boolean;
}

export interface InputParameter {
  shape: BlobShape[];
}

export interface LogParameter {
  base: number;
  scale: number;
  shift: number;
}

export const LRNParameter = {
  NormRegion: {
    ACROSS_CHANNELS: 0,
    WITHIN_CHANNEL: 1,
  },
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface LRNParameter {
  local_size: number;
  alpha: number;
  beta: number;
  norm_region: LRNParameter_NormRegion;
  k: number;
  engine: LRNParameter_Engine;
}

export interface MemoryDataParameter {
  batch_size: number;
  channels: number;
  height: number;
  width: number;
}

export interface MVNParameter {
  normalize_variance: boolean;
  across_channels: boolean;
  eps: number;
}

export interface ParameterParameter {
  shape: BlobShape | null;
}

export const PoolingParameter = {
  PoolMethod: {
    MAX: 0,
    AVE: 1,
    STOCHASTIC: 2,
  },
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
  RoundMode: {
    CEIL: 0,
    FLOOR: 1,
  },
} as const;

export interface PoolingParameter {
  pool: PoolingParameter_PoolMethod;
  pad: number;
  pad_h: number;
  pad_w: number;
  kernel_size: number;
  kernel_h: number;
  kernel_w: number;
  stride: number;
  stride_h: number;
  stride_w: number;
  engine: PoolingParameter_Engine;
  global_pooling: boolean;
  round_mode: PoolingParameter_RoundMode;
}

export interface PowerParameter {
  power: number;
  scale: number;
  shift: number;
}

export interface PReLUParameter {
  filler: FillerParameter | null;
  channel_shared: boolean;
}

export interface PythonParameter {
  module: string;
  layer: string;
  param_str: string;
  share_in_parallel: boolean;
}

export interface RecurrentParameter {
  num_output: number;
  weight_filler: FillerParameter | null;
  bias_filler: FillerParameter | null;
  debug_info: boolean;
  expose_hidden: boolean;
}

export const ReductionParameter = {
  ReductionOp: {
    SUM: 1,
    ASUM: 2,
    SUMSQ: 3,
    MEAN: 4,
  },
} as const;

export interface ReductionParameter {
  operation: ReductionParameter_ReductionOp;
  axis: number;
  coeff: number;
}

export const ReLUParameter = {
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface ReLUParameter {
  negative_slope: number;
  engine: ReLUParameter_Engine;
}

export interface ReshapeParameter {
  shape: BlobShape | null;
  axis: number;
  num_axes: number;
}

export interface ScaleParameter {
  axis: number;
  num_axes: number;
  filler: FillerParameter | null;
  bias_term: boolean;
  bias_filler: FillerParameter | null;
}

export const SigmoidParameter = {
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface SigmoidParameter {
  engine: SigmoidParameter_Engine;
}

export interface SliceParameter {
  axis: number;
  slice_point: number[];
  slice_dim: number;
}

export const SoftmaxParameter = {
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface SoftmaxParameter {
  engine: SoftmaxParameter_Engine;
  axis: number;
}

export const SPPParameter = {
  PoolMethod: {
    MAX: 0,
    AVE: 1,
    STOCHASTIC: 2,
  },
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface SPPParameter {
  pyramid_height: number;
  pool: SPPParameter_PoolMethod;
  engine: SPPParameter_Engine;
}

export interface SwishParameter {
  beta: number;
}

export const TanHParameter = {
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface TanHParameter {
  engine: TanHParameter_Engine;
}

export interface ThresholdParameter {
  threshold: number;
}

export interface TileParameter {
  axis: number;
  tiles: number;
}

export interface WindowDataParameter {
  source: string;
  scale: number;
  mean_file: string;
  batch_size: number;
  crop_size: number;
  mirror: boolean;
  fg_threshold: number;
  bg_threshold: number;
  fg_fraction: number;
  context_pad: number;
  crop_mode: string;
  cache_images: boolean;
  root_folder: string;
}

export const DetectNetGroundTruthParameter = {
  GridboxType: {
    GRIDBOX_MAX: 0,
    GRIDBOX_MIN: 1,
  },
  CoverageType: {
    RECTANGULAR: 0,
  },
} as const;

export interface DetectNetGroundTruthParameter {
  stride: number;
  scale_cvg: number;
  gridbox_type: DetectNetGroundTruthParameter_GridboxType;
  max_cvg_len: number;
  min_cvg_len: number;
  coverage_type: DetectNetGroundTruthParameter_CoverageType;
  image_size_x: number;
  image_size_y: number;
  obj_norm: boolean;
  crop_bboxes: boolean;
  object_class: DetectNetGroundTruthParameter_ClassMapping[];
}

export interface DetectNetGroundTruthParameter_ClassMapping {
  src: number;
  dst: number;
}

export interface DetectNetAugmentationParameter {
  crop_prob: number;
  shift_x: number;
  shift_y: number;
  scale_prob: number;
  scale_min: number;
  scale_max: number;
  flip_prob: number;
  rotation_prob: number;
  max_rotate_degree: number;
  hue_rotation_prob: number;
  hue_rotation: number;
  desaturation_prob: number;
  desaturation_max: number;
}

export const V1LayerParameter = {
  LayerType: {
    NONE: 0,
    ABSVAL: 35,
    ACCURACY: 1,
    ARGMAX: 30,
    BNLL: 2,
    CONCAT: 3,
    CONTRASTIVE_LOSS: 37,
    CONVOLUTION: 4,
    DATA: 5,
    DECONVOLUTION: 39,
    DROPOUT: 6,
    DUMMY_DATA: 32,
    EUCLIDEAN_LOSS: 7,
    ELTWISE: 25,
    EXP: 38,
    FLATTEN: 8,
    HDF5_DATA: 9,
    HDF5_OUTPUT: 10,
    HINGE_LOSS: 28,
    IM2COL: 11,
    IMAGE_DATA: 12,
    INFOGAIN_LOSS: 13,
    INNER_PRODUCT: 14,
    LRN: 15,
    MEMORY_DATA: 29,
    MULTINOMIAL_LOGISTIC_LOSS: 16,
    MVN: 34,
    POOLING: 17,
    POWER: 26,
    RELU: 18,
    SIGMOID: 19,
    SIGMOID_CROSS_ENTROPY_LOSS: 27,
    SILENCE: 36,
    SOFTMAX: 20,
    SOFTMAX_LOSS: 21,
    SPLIT: 22,
    SLICE: 33,
    TANH: 23,
    WINDOW_DATA: 24,
    THRESHOLD: 31,
  },
  DimCheckMode: {
    STRICT: 0,
    PERMISSIVE: 1,
  },
} as const;

export interface V1LayerParameter {
  bottom: string[];
  top: string[];
  name: string;
  include: NetStateRule[];
  exclude: NetStateRule[];
  type: V1LayerParameter_LayerType;
  blobs: BlobProto[];
  param: string[];
  blob_share_mode: V1LayerParameter_DimCheckMode[];
  blobs_lr: number[];
  weight_decay: number[];
  loss_weight: number[];
  accuracy_param: AccuracyParameter | null;
  argmax_param: ArgMaxParameter | null;
  concat_param: ConcatParameter | null;
  contrastive_loss_param: ContrastiveLossParameter | null;
  convolution_param: ConvolutionParameter | null;
  data_param: DataParameter | null;
  dropout_param: DropoutParameter | null;
  dummy_data_param: DummyDataParameter | null;
  eltwise_param: EltwiseParameter | null;
  exp_param: ExpParameter | null;
  hdf5_data_param: HDF5DataParameter | null;
  hdf5_output_param: HDF5OutputParameter | null;
  hinge_loss_param: HingeLossParameter | null;
  image_data_param: ImageDataParameter | null;
  infogain_loss_param: InfogainLossParameter | null;
  inner_product_param: InnerProductParameter | null;
  lrn_param: LRNParameter | null;
  memory_data_param: MemoryDataParameter | null;
  mvn_param: MVNParameter | null;
  pooling_param: PoolingParameter | null;
  power_param: PowerParameter | null;
  relu_param: ReLUParameter | null;
  sigmoid_param: SigmoidParameter | null;
  softmax_param: SoftmaxParameter | null;
  slice_param: SliceParameter | null;
  tanh_param: TanHParameter | null;
  threshold_param: ThresholdParameter | null;
  window_data_param: WindowDataParameter | null;
  transform_param: TransformationParameter | null;
  loss_param: LossParameter | null;
  layer: V0LayerParameter | null;
}

export const V0LayerParameter = {
  PoolMethod: {
    MAX: 0,
    AVE: 1,
    STOCHASTIC: 2,
  },
} as const;

export interface V0LayerParameter {
  name: string;
  type: string;
  num_output: number;
  biasterm: boolean;
  weight_filler: FillerParameter | null;
  bias_filler: FillerParameter | null;
  pad: number;
  kernelsize: number;
  group: number;
  stride: number;
  pool: V0LayerParameter_PoolMethod;
  dropout_ratio: number;
  local_size: number;
  alpha: number;
  beta: number;
  k: number;
  source: string;
  scale: number;
  meanfile: string;
  batchsize: number;
  cropsize: number;
  mirror: boolean;
  blobs: BlobProto[];
  blobs_lr: number[];
  weight_decay: number[];
  rand_skip: number;
  det_fg_threshold: number;
  det_bg_threshold: number;
  det_fg_fraction: number;
  det_context_pad: number;
  det_crop_mode: string;
  new_num: number;
  new_channels: number;
  new_height: number;
  new_width: number;
  shuffle_images: boolean;
  concat_dim: number;
  hdf5_output_param: HDF5OutputParameter | null;
}

export const ResizeParameter = {
  Resize_mode: {
    WARP: 1,
    FIT_SMALL_SIZE: 2,
    FIT_LARGE_SIZE_AND_PAD: 3,
  },
  Pad_mode: {
    CONSTANT: 1,
    MIRRORED: 2,
    REPEAT_NEAREST: 3,
  },
  Interp_mode: {
    LINEAR: 1,
    AREA: 2,
    NEAREST: 3,
    CUBIC: 4,
    LANCZOS4: 5,
  },
} as const;

export interface ResizeParameter {
  prob: number;
  resize_mode: ResizeParameter_Resize_mode;
  height: number;
  width: number;
  pad_mode: ResizeParameter_Pad_mode;
  pad_value: number[];
  interp_mode: ResizeParameter_Interp_mode[];
  height_scale: number;
  width_scale: number;
}

export interface SaltPepperParameter {
  fraction: number;
  value: number[];
}

export interface NoiseParameter {
  prob: number;
  hist_eq: boolean;
  inverse: boolean;
  decolorize: boolean;
  gauss_blur: boolean;
  jpeg: number;
  posterize: boolean;
  erode: boolean;
  saltpepper: boolean;
  saltpepper_param: SaltPepperParameter | null;
  clahe: boolean;
  convert_to_hsv: boolean;
  convert_to_lab: boolean;
}

export const EmitConstraint = {
  EmitType: {
    CENTER: 0,
    MIN_OVERLAP: 1,
  },
} as const;

export interface EmitConstraint {
  emit_type: EmitConstraint_EmitType;
  emit_overlap: number;
}

export interface DistortionParameter {
  brightness_prob: number;
  brightness_delta: number;
  contrast_prob: number;
  contrast_lower: number;
  contrast_upper: number;
  hue_prob: number;
  hue_delta: number;
  saturation_prob: number;
  saturation_lower: number;
  saturation_upper: number;
  random_order_prob: number;
}

export interface ExpansionParameter {
  prob: number;
  max_expand_ratio: number;
}

export interface Sampler {
  min_scale: number;
  max_scale: number;
  min_aspect_ratio: number;
  max_aspect_ratio: number;
}

export interface SampleConstraint {
  min_jaccard_overlap: number;
  max_jaccard_overlap: number;
  min_sample_coverage: number;
  max_sample_coverage: number;
  min_object_coverage: number;
  max_object_coverage: number;
}

export interface BatchSampler {
  use_original_image: boolean;
  sampler: Sampler | null;
  sample_constraint: SampleConstraint | null;
  max_sample: number;
  max_trials: number;
}

export const AnnotatedDataParameter = {
  AnnotationType: {
    BBOX: 0,
  },
} as const;

export interface AnnotatedDataParameter {
  batch_sampler: BatchSampler[];
  label_map_file: string;
  anno_type: AnnotatedDataParameter_AnnotationType;
}

export const VideoDataParameter = {
  VideoType: {
    WEBCAM: 0,
    VIDEO: 1,
  },
} as const;

export interface VideoDataParameter {
  video_type: VideoDataParameter_VideoType;
  device_id: number;
  video_file: string;
  skip_frames: number;
}

export interface DetectionEvaluateParameter {
  num_classes: number;
  background_label_id: number;
  overlap_threshold: number;
  evaluate_difficult_gt: boolean;
  name_size_file: string;
  resize_param: ResizeParameter | null;
}

export interface PermuteParameter {
  order: number[];
}

export interface NormalizeParameter {
  across_spatial: boolean;
  scale_filler: FillerParameter | null;
  channel_shared: boolean;
  eps: number;
}

export const PriorBoxParameter = {
  CodeType: {
    CORNER: 1,
    CENTER_SIZE: 2,
    CORNER_SIZE: 3,
  },
} as const;

export interface PriorBoxParameter {
  min_size: number[];
  max_size: number[];
  aspect_ratio: number[];
  flip: boolean;
  clip: boolean;
  variance: number[];
  img_size: number;
  img_h: number;
  img_w: number;
  step: number;
  step_h: number;
  step_w: number;
  offset: number;
}

export interface NonMaximumSuppressionParameter {
  nms_threshold: number;
  top_k: number;
  eta: number;
}

export interface SaveOutputParameter {
  output_directory: string;
  output_name_prefix: string;
  output_format: string;
  label_map_file: string;
  name_size_file: string;
  num_test_image: number;
  resize_param: ResizeParameter | null;
}

export interface DetectionOutputParameter {
  num_classes: number;
  share_location: boolean;
  background_label_id: number;
  nms_param: NonMaximumSuppressionParameter | null;
  save_output_param: SaveOutputParameter | null;
  code_type: PriorBoxParameter_CodeType;
  variance_encoded_in_target: boolean;
  keep_top_k: number;
  confidence_threshold: number;
  visualize: boolean;
  visualize_threshold: number;
  save_file: string;
}

export const MultiBoxLossParameter = {
  LocLossType: {
    L2: 0,
    SMOOTH_L1: 1,
  },
  ConfLossType: {
    SOFTMAX: 0,
    LOGISTIC: 1,
  },
  MatchType: {
    BIPARTITE: 0,
    PER_PREDICTION: 1,
  },
  MiningType: {
    NONE: 0,
    MAX_NEGATIVE: 1,
    HARD_EXAMPLE: 2,
  },
} as const;

export interface MultiBoxLossParameter {
  loc_loss_type: MultiBoxLossParameter_LocLossType;
  conf_loss_type: MultiBoxLossParameter_ConfLossType;
  loc_weight: number;
  num_classes: number;
  share_location: boolean;
  match_type: MultiBoxLossParameter_MatchType;
  overlap_threshold: number;
  use_prior_for_matching: boolean;
  background_label_id: number;
  use_difficult_gt: boolean;
  do_neg_mining: boolean;
  neg_pos_ratio: number;
  neg_overlap: number;
  code_type: PriorBoxParameter_CodeType;
  encode_variance_in_target: boolean;
  map_object_to_agnostic: boolean;
  ignore_cross_boundary_bbox: boolean;
  bp_inside: boolean;
  mining_type: MultiBoxLossParameter_MiningType;
  nms_param: NonMaximumSuppressionParameter | null;
  sample_size: number;
  use_prior_for_nms: boolean;
}

export interface ROIPoolingParameter {
  pooled_h: number;
  pooled_w: number;
  spatial_scale: number;
}

export interface SmoothL1LossParameter {
  sigma: number;
}

export interface ShuffleChannelParameter {
  group: number;
}

export interface InterpParameter {
  height: number;
  width: number;
  zoom_factor: number;
  shrink_factor: number;
  pad_beg: number;
  pad_end: number;
}

export interface UpsampleParameter {
  scale: number;
  scale_h: number;
  scale_w: number;
  pad_out_h: boolean;
  pad_out_w: boolean;
  upsample_h: number;
  upsample_w: number;
}

export interface ReLU6Parameter {
  negative_slope: number;
}

export const BNParameter = {
  BNMode: {
    LEARN: 0,
    INFERENCE: 1,
  },
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

export interface BNParameter {
  scale_filler: FillerParameter | null;
  shift_filler: FillerParameter | null;
  bn_mode: BNParameter_BNMode;
  slope_filler: FillerParameter | null;
  bias_filler: FillerParameter | null;
  momentum: number;
  eps: number;
  frozen: boolean;
  engine: BNParameter_Engine;
}

export interface BoxAnnotatorOHEMParameter {
  roi_per_img: number;
  ignore_label: number;
}

export interface PSROIPoolingParameter {
  spatial_scale: number;
  output_dim: number;
  group_size: number;
}

export interface ROIAlignParameter {
  pooled_h: number;
  pooled_w: number;
  spatial_scale: number;
}

export interface ReorgParameter {
  stride: number;
  reverse: boolean;
}

export interface Yolov3DetectionOutputParameter {
  num_classes: number;
  num_box: number;
  confidence_threshold: number;
  nms_threshold: number;
  biases: number[];
  anchors_scale: number[];
  mask_group_num: number;
  mask: number[];
}

export interface TransposeParameter {
  dim: number[];
}

export interface ProposalParameter {
  feat_stride: number;
  base_size: number;
  min_size: number;
  ratio: number[];
  scale: number[];
  pre_nms_topn: number;
  post_nms_topn: number;
  nms_thresh: number;
}

export interface ReverseParameter {
  axis: number[];
}

export interface CTCLossParameter {
  output_delay: number;
  blank_index: number;
  preprocess_collapse_repeated: boolean;
  ctc_merge_repeated: boolean;
  loss_calculation_t: number;
}

export interface CTCDecoderParameter {
  blank_index: number;
  ctc_merge_repeated: boolean;
}

export interface TripletLossParameter {
  margin: number;
}

export type FillerParameter_VarianceNorm = Values<typeof FillerParameter.VarianceNorm>;
export type Phase = Values<typeof Phase>;
export type SolverParameter_SnapshotFormat = Values<typeof SolverParameter.SnapshotFormat>;
export type SolverParameter_SolverMode = Values<typeof SolverParameter.SolverMode>;
export type SolverParameter_SolverType = Values<typeof SolverParameter.SolverType>;
export type ParamSpec_DimCheckMode = Values<typeof ParamSpec.DimCheckMode>;
export type LossParameter_NormalizationMode = Values<typeof LossParameter.NormalizationMode>;
export type BatchNormParameter_Engine = Values<typeof BatchNormParameter.Engine>;
export type ConvolutionParameter_CuDNNConvolutionAlgorithmSeeker = Values<
  typeof ConvolutionParameter.CuDNNConvolutionAlgorithmSeeker
>;
export type ConvolutionParameter_Engine = Values<typeof ConvolutionParameter.Engine>;
export type DataParameter_DB = Values<typeof DataParameter.DB>;
export type EltwiseParameter_EltwiseOp = Values<typeof EltwiseParameter.EltwiseOp>;
export type HingeLossParameter_Norm = Values<typeof HingeLossParameter.Norm>;
export type LRNParameter_NormRegion = Values<typeof LRNParameter.NormRegion>;
export type LRNParameter_Engine = Values<typeof LRNParameter.Engine>;
export type PoolingParameter_PoolMethod = Values<typeof PoolingParameter.PoolMethod>;
export type PoolingParameter_Engine = Values<typeof PoolingParameter.Engine>;
export type PoolingParameter_RoundMode = Values<typeof PoolingParameter.RoundMode>;
export type ReductionParameter_ReductionOp = Values<typeof ReductionParameter.ReductionOp>;
export type ReLUParameter_Engine = Values<typeof ReLUParameter.Engine>;
export type SigmoidParameter_Engine = Values<typeof SigmoidParameter.Engine>;
export type SoftmaxParameter_Engine = Values<typeof SoftmaxParameter.Engine>;
export type SPPParameter_PoolMethod = Values<typeof SPPParameter.PoolMethod>;
export type SPPParameter_Engine = Values<typeof SPPParameter.Engine>;
export type TanHParameter_Engine = Values<typeof TanHParameter.Engine>;
export type DetectNetGroundTruthParameter_GridboxType = Values<typeof DetectNetGroundTruthParameter.GridboxType>;
export type DetectNetGroundTruthParameter_CoverageType = Values<typeof DetectNetGroundTruthParameter.CoverageType>;
export type V1LayerParameter_LayerType = Values<typeof V1LayerParameter.LayerType>;
export type V1LayerParameter_DimCheckMode = Values<typeof V1LayerParameter.DimCheckMode>;
export type V0LayerParameter_PoolMethod = Values<typeof V0LayerParameter.PoolMethod>;
export type ResizeParameter_Resize_mode = Values<typeof ResizeParameter.Resize_mode>;
export type ResizeParameter_Pad_mode = Values<typeof ResizeParameter.Pad_mode>;
export type ResizeParameter_Interp_mode = Values<typeof ResizeParameter.Interp_mode>;
export type EmitConstraint_EmitType = Values<typeof EmitConstraint.EmitType>;
export type AnnotatedDataParameter_AnnotationType = Values<typeof AnnotatedDataParameter.AnnotationType>;
export type VideoDataParameter_VideoType = Values<typeof VideoDataParameter.VideoType>;
export type PriorBoxParameter_CodeType = Values<typeof PriorBoxParameter.CodeType>;
export type MultiBoxLossParameter_LocLossType = Values<typeof MultiBoxLossParameter.LocLossType>;
export type MultiBoxLossParameter_ConfLossType = Values<typeof MultiBoxLossParameter.ConfLossType>;
export type MultiBoxLossParameter_MatchType = Values<typeof MultiBoxLossParameter.MatchType>;
export type MultiBoxLossParameter_MiningType = Values<typeof MultiBoxLossParameter.MiningType>;
export type BNParameter_BNMode = Values<typeof BNParameter.BNMode>;
export type BNParameter_Engine = Values<typeof BNParameter.Engine>;

/** Every message by its full name. */
export interface Messages {
  'caffe.BlobShape': BlobShape;
  'caffe.BlobProto': BlobProto;
  'caffe.BlobProtoVector': BlobProtoVector;
  'caffe.Datum': Datum;
  'caffe.FillerParameter': FillerParameter;
  'caffe.NetParameter': NetParameter;
  'caffe.NetState': NetState;
  'caffe.NetStateRule': NetStateRule;
  'caffe.SolverParameter': SolverParameter;
  'caffe.SolverState': SolverState;
  'caffe.ParamSpec': ParamSpec;
  'caffe.LayerParameter': LayerParameter;
  'caffe.TransformationParameter': TransformationParameter;
  'caffe.LossParameter': LossParameter;
  'caffe.AccuracyParameter': AccuracyParameter;
  'caffe.ArgMaxParameter': ArgMaxParameter;
  'caffe.BatchNormParameter': BatchNormParameter;
  'caffe.BiasParameter': BiasParameter;
  'caffe.ClipParameter': ClipParameter;
  'caffe.ConcatParameter': ConcatParameter;
  'caffe.ContrastiveLossParameter': ContrastiveLossParameter;
  'caffe.ConvolutionParameter': ConvolutionParameter;
  'caffe.CropParameter': CropParameter;
  'caffe.DataParameter': DataParameter;
  'caffe.DropoutParameter': DropoutParameter;
  'caffe.DummyDataParameter': DummyDataParameter;
  'caffe.EltwiseParameter': EltwiseParameter;
  'caffe.ELUParameter': ELUParameter;
  'caffe.EmbedParameter': EmbedParameter;
  'caffe.ExpParameter': ExpParameter;
  'caffe.FlattenParameter': FlattenParameter;
  'caffe.HDF5DataParameter': HDF5DataParameter;
  'caffe.HDF5OutputParameter': HDF5OutputParameter;
  'caffe.HingeLossParameter': HingeLossParameter;
  'caffe.ImageDataParameter': ImageDataParameter;
  'caffe.InfogainLossParameter': InfogainLossParameter;
  'caffe.InnerProductParameter': InnerProductParameter;
  'caffe.InputParameter': InputParameter;
  'caffe.LogParameter': LogParameter;
  'caffe.LRNParameter': LRNParameter;
  'caffe.MemoryDataParameter': MemoryDataParameter;
  'caffe.MVNParameter': MVNParameter;
  'caffe.ParameterParameter': ParameterParameter;
  'caffe.PoolingParameter': PoolingParameter;
  'caffe.PowerParameter': PowerParameter;
  'caffe.PReLUParameter': PReLUParameter;
  'caffe.PythonParameter': PythonParameter;
  'caffe.RecurrentParameter': RecurrentParameter;
  'caffe.ReductionParameter': ReductionParameter;
  'caffe.ReLUParameter': ReLUParameter;
  'caffe.ReshapeParameter': ReshapeParameter;
  'caffe.ScaleParameter': ScaleParameter;
  'caffe.SigmoidParameter': SigmoidParameter;
  'caffe.SliceParameter': SliceParameter;
  'caffe.SoftmaxParameter': SoftmaxParameter;
  'caffe.SPPParameter': SPPParameter;
  'caffe.SwishParameter': SwishParameter;
  'caffe.TanHParameter': TanHParameter;
  'caffe.ThresholdParameter': ThresholdParameter;
  'caffe.TileParameter': TileParameter;
  'caffe.WindowDataParameter': WindowDataParameter;
  'caffe.DetectNetGroundTruthParameter': DetectNetGroundTruthParameter;
  'caffe.DetectNetGroundTruthParameter.ClassMapping': DetectNetGroundTruthParameter_ClassMapping;
  'caffe.DetectNetAugmentationParameter': DetectNetAugmentationParameter;
  'caffe.V1LayerParameter': V1LayerParameter;
  'caffe.V0LayerParameter': V0LayerParameter;
  'caffe.ResizeParameter': ResizeParameter;
  'caffe.SaltPepperParameter': SaltPepperParameter;
  'caffe.NoiseParameter': NoiseParameter;
  'caffe.EmitConstraint': EmitConstraint;
  'caffe.DistortionParameter': DistortionParameter;
  'caffe.ExpansionParameter': ExpansionParameter;
  'caffe.Sampler': Sampler;
  'caffe.SampleConstraint': SampleConstraint;
  'caffe.BatchSampler': BatchSampler;
  'caffe.AnnotatedDataParameter': AnnotatedDataParameter;
  'caffe.VideoDataParameter': VideoDataParameter;
  'caffe.DetectionEvaluateParameter': DetectionEvaluateParameter;
  'caffe.PermuteParameter': PermuteParameter;
  'caffe.NormalizeParameter': NormalizeParameter;
  'caffe.PriorBoxParameter': PriorBoxParameter;
  'caffe.NonMaximumSuppressionParameter': NonMaximumSuppressionParameter;
  'caffe.SaveOutputParameter': SaveOutputParameter;
  'caffe.DetectionOutputParameter': DetectionOutputParameter;
  'caffe.MultiBoxLossParameter': MultiBoxLossParameter;
  'caffe.ROIPoolingParameter': ROIPoolingParameter;
  'caffe.SmoothL1LossParameter': SmoothL1LossParameter;
  'caffe.ShuffleChannelParameter': ShuffleChannelParameter;
  'caffe.InterpParameter': InterpParameter;
  'caffe.UpsampleParameter': UpsampleParameter;
  'caffe.ReLU6Parameter': ReLU6Parameter;
  'caffe.BNParameter': BNParameter;
  'caffe.BoxAnnotatorOHEMParameter': BoxAnnotatorOHEMParameter;
  'caffe.PSROIPoolingParameter': PSROIPoolingParameter;
  'caffe.ROIAlignParameter': ROIAlignParameter;
  'caffe.ReorgParameter': ReorgParameter;
  'caffe.Yolov3DetectionOutputParameter': Yolov3DetectionOutputParameter;
  'caffe.TransposeParameter': TransposeParameter;
  'caffe.ProposalParameter': ProposalParameter;
  'caffe.ReverseParameter': ReverseParameter;
  'caffe.CTCLossParameter': CTCLossParameter;
  'caffe.CTCDecoderParameter': CTCDecoderParameter;
  'caffe.TripletLossParameter': TripletLossParameter;
}
