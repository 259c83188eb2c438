/**
 * Caffe's messages as TypeScript sees them in memory. Generated from grammar/*.proto by scripts/embed-schema.mjs: edit those and run `npm run schema`. Enum fields hold numbers: compare with `PoolingParameter.PoolMethod.MAX`.
 */

type Values<T> = T[keyof T];

/** `caffe.Phase` of the schema. */
export const Phase = {
  TRAIN: 0,
  TEST: 1,
} as const;

/** `caffe.BlobShape` of the schema. */
export interface BlobShape {
  /** The size of one axis, outermost first: batch, channels, height, width. */
  dim: number[];
}

/** `caffe.BlobProto` of the schema. */
export interface BlobProto {
  /** A block of type `BlobShape`; null where there is none. */
  shape: BlobShape | null;
  data: number[];
  diff: number[];
  double_data: number[];
  double_diff: number[];
  /** The four fixed axes from before `shape`. Default: 0. */
  num: number;
  /** Default: 0. */
  channels: number;
  /** Default: 0. */
  height: number;
  /** Default: 0. */
  width: number;
}

/** `caffe.BlobProtoVector` of the schema. */
export interface BlobProtoVector {
  blobs: BlobProto[];
}

/** `caffe.Datum` of the schema. */
export interface Datum {
  channels: number;
  height: number;
  width: number;
  data: Uint8Array;
  label: number;
  float_data: number[];
  /** Default: false. */
  encoded: boolean;
}

/** The enums of `caffe.FillerParameter`. */
export const FillerParameter = {
  /** `caffe.FillerParameter.VarianceNorm` of the schema. */
  VarianceNorm: {
    FAN_IN: 0,
    FAN_OUT: 1,
    AVERAGE: 2,
  },
} as const;

/** `caffe.FillerParameter` of the schema. */
export interface FillerParameter {
  /**
   * How numbers start: constant, uniform, gaussian, xavier, msra, positive_unitball or bilinear. Default: "constant".
   */
  type: string;
  /** constant: the number. Default: 0. */
  value: number;
  /** uniform: the least. Default: 0. */
  min: number;
  /** uniform: the greatest. Default: 1. */
  max: number;
  /** gaussian: the mean. Default: 0. */
  mean: number;
  /** gaussian: the standard deviation. Default: 1. */
  std: number;
  /** gaussian: how many numbers that are not 0 each output gets in the mean; -1 is all. Default: -1. */
  sparse: number;
  /** xavier and msra: scale by the inputs, the outputs, or the mean of both. Default: FAN_IN. */
  variance_norm: FillerParameter_VarianceNorm;
}

/** `caffe.NetParameter` of the schema. */
export interface NetParameter {
  /** The network's name, for people. */
  name: string;
  /** Older form: a blob that is fed. Today an Input layer says so. */
  input: string[];
  /** Older form: the shape of each input. */
  input_shape: BlobShape[];
  /** Older form: four numbers an input. */
  input_dim: number[];
  /** Compute gradients for all blobs, whether parameters need them or not. Default: false. */
  force_backward: boolean;
  /** The phase, level and stages that the network is in unless the caller says otherwise. */
  state: NetState | null;
  /** Caffe prints the size of every blob and gradient; Mokapot does not heed it. Default: false. */
  debug_info: boolean;
  /** One layer. They run in the order of the text. */
  layer: LayerParameter[];
  /** Until 2015 layers stood here. */
  layers: V1LayerParameter[];
}

/** `caffe.NetState` of the schema. */
export interface NetState {
  /** TRAIN or TEST. Default: TEST. */
  phase: Phase;
  /** A number that rules compare with min_level and max_level. Default: 0. */
  level: number;
  /** Names in force, which rules ask for: DIGITS uses train, val and deploy. */
  stage: string[];
}

/** `caffe.NetStateRule` of the schema. */
export interface NetStateRule {
  /** The rule is met in this phase only. */
  phase: Phase;
  /** The rule is met from this level on. */
  min_level: number;
  /** The rule is met up to this level. */
  max_level: number;
  /** Names that must all be in force. */
  stage: string[];
  /** Names none of which may be in force. */
  not_stage: string[];
}

/** The enums of `caffe.SolverParameter`. */
export const SolverParameter = {
  /** `caffe.SolverParameter.SnapshotFormat` of the schema. */
  SnapshotFormat: {
    HDF5: 0,
    BINARYPROTO: 1,
  },
  /** `caffe.SolverParameter.SolverMode` of the schema. */
  SolverMode: {
    CPU: 0,
    GPU: 1,
  },
  /** `caffe.SolverParameter.SolverType` of the schema. */
  SolverType: {
    SGD: 0,
    NESTEROV: 1,
    ADAGRAD: 2,
    RMSPROP: 3,
    ADADELTA: 4,
    ADAM: 5,
  },
} as const;

/** `caffe.SolverParameter` of the schema. */
export interface SolverParameter {
  /** File of the network, for training and testing. */
  net: string;
  /** The network itself, in the solver's text. */
  net_param: NetParameter | null;
  /** File of the network for training alone. */
  train_net: string;
  /** Files of networks for testing alone. */
  test_net: string[];
  /** The network for training, in the solver's text. */
  train_net_param: NetParameter | null;
  /** Networks for testing, in the solver's text. */
  test_net_param: NetParameter[];
  /** Level and stages of the training network. */
  train_state: NetState | null;
  /** Level and stages of each test network. */
  test_state: NetState[];
  /** How many batches a test takes, for each test network. */
  test_iter: number[];
  /** Iterations between two tests; 0 is none. Default: 0. */
  test_interval: number;
  /** Caffe also prints the loss of test networks. Default: false. */
  test_compute_loss: boolean;
  /** Test before the first iteration too. Default: true. */
  test_initialization: boolean;
  /** The learning rate that the policy starts from. */
  base_lr: number;
  /** Iterations between two lines of progress; 0 is none. */
  display: number;
  /** Over how many iterations the shown loss is averaged. Default: 1. */
  average_loss: number;
  /** How many iterations to train. */
  max_iter: number;
  /** Batches whose gradients are added up for one update. Default: 1. */
  iter_size: number;
  /** How the rate falls: fixed, step, exp, inv, multistep, poly or sigmoid. */
  lr_policy: string;
  /** step, exp, inv, multistep, sigmoid: the factor of the policy. */
  gamma: number;
  /** inv, poly: the exponent. */
  power: number;
  /** How much of the last update goes into the next (Adam's first beta). */
  momentum: number;
  /** Strength of the regularisation, times each parameter's decay_mult. */
  weight_decay: number;
  /** L2 or L1. Default: "L2". */
  regularization_type: string;
  /** step: iterations between two falls; sigmoid: where it is half. */
  stepsize: number;
  /** multistep: the iterations at which the rate falls. */
  stepvalue: number[];
  /** Scale all gradients down where their L2 norm is above this; below 0 is never. Default: -1. */
  clip_gradients: number;
  /** Iterations between two snapshots; 0 is only at the end. Default: 0. */
  snapshot: number;
  /** What names of snapshots begin with, folder and all. */
  snapshot_prefix: string;
  /** Gradients go into snapshots too. Default: false. */
  snapshot_diff: boolean;
  /** BINARYPROTO (.caffemodel) or HDF5. Default: BINARYPROTO. */
  snapshot_format: SolverParameter_SnapshotFormat;
  /** CPU or GPU; Mokapot chooses by --backend. Default: GPU. */
  solver_mode: SolverParameter_SolverMode;
  /** Which GPU Caffe uses. Default: 0. */
  device_id: number;
  /** Seed of all chance; below 0 another one each time. Default: -1. */
  random_seed: number;
  /** The update rule: SGD, Nesterov, AdaGrad, RMSProp, AdaDelta or Adam. Default: "SGD". */
  type: string;
  /** A small number against division by 0 in AdaGrad, RMSProp, AdaDelta and Adam. Default: 1e-8. */
  delta: number;
  /** Adam's second beta. Default: 0.999. */
  momentum2: number;
  /** RMSProp: how much of the mean square stays. Default: 0.99. */
  rms_decay: number;
  /** Caffe prints sizes of gradients and updates; Mokapot does not heed it. Default: false. */
  debug_info: boolean;
  /** A snapshot at the end of training. Default: true. */
  snapshot_after_train: boolean;
  /** `type` as it was before it became a string. Default: SGD. */
  solver_type: SolverParameter_SolverType;
  /** Caffe on several GPUs only. Default: true. */
  layer_wise_reduce: boolean;
  /** Files of weights to start from, separated by commas. */
  weights: string[];
  /** NVIDIA's. Two of its fields are not here: BVLC gave their numbers 41 and 42 another meaning. */
  epoch_size: number;
  /** NVIDIA's, read and not heeded: `mokapot train --epochs` trains by epochs. */
  test_epoch_size: number[];
  /** NVIDIA's, read and not heeded: `mokapot train --val-interval` says it. */
  test_interval_epoch: number;
  /** Default: "classification". */
  eval_type: string;
  /** Default: "Integral". */
  ap_version: string;
  /** Default: false. */
  show_per_class_result: boolean;
  /** Mokapot's own, which Caffe refuses: warm-up, weight averaging, early stopping, class weights. */
  mokapot_param: MokapotSolverParameter | null;
}

/** `caffe.SolverState` of the schema. */
export interface SolverState {
  iter: number;
  learned_net: string;
  history: BlobProto[];
  /** Default: 0. */
  current_step: number;
}

/** The enums of `caffe.ParamSpec`. */
export const ParamSpec = {
  /** `caffe.ParamSpec.DimCheckMode` of the schema. */
  DimCheckMode: {
    STRICT: 0,
    PERMISSIVE: 1,
  },
} as const;

/** `caffe.ParamSpec` of the schema. */
export interface ParamSpec {
  /** Parameters of one name are one and the same: they are shared. */
  name: string;
  /** Whether shared parameters must agree in shape (STRICT) or only in count (PERMISSIVE). */
  share_mode: ParamSpec_DimCheckMode;
  /** Times the solver's learning rate; 0 keeps the parameter as it is. Default: 1. */
  lr_mult: number;
  /** Times the solver's weight_decay. Default: 1. */
  decay_mult: number;
}

/** `caffe.LayerParameter` of the schema. */
export interface LayerParameter {
  /** The layer's name; weights are found by it. */
  name: string;
  /** What the layer does, e.g. "Convolution". */
  type: string;
  /** A blob that the layer reads. */
  bottom: string[];
  /** A blob that the layer makes; the name of a bottom works in place. */
  top: string[];
  /** Set by Caffe itself. Rules say include { phase: TRAIN }. */
  phase: Phase;
  /** How much each top counts in the loss; a loss layer's first has 1. */
  loss_weight: number[];
  /** For each parameter blob (weights, then bias): learning rate, decay, name to share it by. */
  param: ParamSpec[];
  /** The parameters' numbers, in a .caffemodel. */
  blobs: BlobProto[];
  /** For each bottom, whether gradients go on through it. */
  propagate_down: boolean[];
  /** The layer takes part only in states that meet one of these rules. */
  include: NetStateRule[];
  /** The layer takes no part in states that meet one of these rules. */
  exclude: NetStateRule[];
  /** What a data layer does to its pictures. */
  transform_param: TransformationParameter | null;
  /** Which labels a loss ignores and what it is divided by. */
  loss_param: LossParameter | null;
  /** A block of type `AccuracyParameter`; null where there is none. */
  accuracy_param: AccuracyParameter | null;
  /** A block of type `ArgMaxParameter`; null where there is none. */
  argmax_param: ArgMaxParameter | null;
  /** A block of type `BatchNormParameter`; null where there is none. */
  batch_norm_param: BatchNormParameter | null;
  /** A block of type `BiasParameter`; null where there is none. */
  bias_param: BiasParameter | null;
  /** A block of type `ClipParameter`; null where there is none. */
  clip_param: ClipParameter | null;
  /** A block of type `ConcatParameter`; null where there is none. */
  concat_param: ConcatParameter | null;
  /** A block of type `ContrastiveLossParameter`; null where there is none. */
  contrastive_loss_param: ContrastiveLossParameter | null;
  /** A block of type `ConvolutionParameter`; null where there is none. */
  convolution_param: ConvolutionParameter | null;
  /** A block of type `CropParameter`; null where there is none. */
  crop_param: CropParameter | null;
  /** A block of type `DataParameter`; null where there is none. */
  data_param: DataParameter | null;
  /** A block of type `DropoutParameter`; null where there is none. */
  dropout_param: DropoutParameter | null;
  /** A block of type `DummyDataParameter`; null where there is none. */
  dummy_data_param: DummyDataParameter | null;
  /** A block of type `EltwiseParameter`; null where there is none. */
  eltwise_param: EltwiseParameter | null;
  /** A block of type `ELUParameter`; null where there is none. */
  elu_param: ELUParameter | null;
  /** A block of type `EmbedParameter`; null where there is none. */
  embed_param: EmbedParameter | null;
  /** A block of type `ExpParameter`; null where there is none. */
  exp_param: ExpParameter | null;
  /** A block of type `FlattenParameter`; null where there is none. */
  flatten_param: FlattenParameter | null;
  /** A block of type `HDF5DataParameter`; null where there is none. */
  hdf5_data_param: HDF5DataParameter | null;
  /** A block of type `HDF5OutputParameter`; null where there is none. */
  hdf5_output_param: HDF5OutputParameter | null;
  /** A block of type `HingeLossParameter`; null where there is none. */
  hinge_loss_param: HingeLossParameter | null;
  /** A block of type `ImageDataParameter`; null where there is none. */
  image_data_param: ImageDataParameter | null;
  /** A block of type `InfogainLossParameter`; null where there is none. */
  infogain_loss_param: InfogainLossParameter | null;
  /** A block of type `InnerProductParameter`; null where there is none. */
  inner_product_param: InnerProductParameter | null;
  /** A block of type `InputParameter`; null where there is none. */
  input_param: InputParameter | null;
  /** A block of type `LogParameter`; null where there is none. */
  log_param: LogParameter | null;
  /** A block of type `LRNParameter`; null where there is none. */
  lrn_param: LRNParameter | null;
  /** A block of type `MemoryDataParameter`; null where there is none. */
  memory_data_param: MemoryDataParameter | null;
  /** A block of type `MVNParameter`; null where there is none. */
  mvn_param: MVNParameter | null;
  /** A block of type `ParameterParameter`; null where there is none. */
  parameter_param: ParameterParameter | null;
  /** A block of type `PoolingParameter`; null where there is none. */
  pooling_param: PoolingParameter | null;
  /** A block of type `PowerParameter`; null where there is none. */
  power_param: PowerParameter | null;
  /** A block of type `PReLUParameter`; null where there is none. */
  prelu_param: PReLUParameter | null;
  /** A block of type `PythonParameter`; null where there is none. */
  python_param: PythonParameter | null;
  /** A block of type `RecurrentParameter`; null where there is none. */
  recurrent_param: RecurrentParameter | null;
  /** A block of type `ReductionParameter`; null where there is none. */
  reduction_param: ReductionParameter | null;
  /** A block of type `ReLUParameter`; null where there is none. */
  relu_param: ReLUParameter | null;
  /** A block of type `ReshapeParameter`; null where there is none. */
  reshape_param: ReshapeParameter | null;
  /** A block of type `ScaleParameter`; null where there is none. */
  scale_param: ScaleParameter | null;
  /** A block of type `SigmoidParameter`; null where there is none. */
  sigmoid_param: SigmoidParameter | null;
  /** A block of type `SoftmaxParameter`; null where there is none. */
  softmax_param: SoftmaxParameter | null;
  /** A block of type `SPPParameter`; null where there is none. */
  spp_param: SPPParameter | null;
  /** A block of type `SliceParameter`; null where there is none. */
  slice_param: SliceParameter | null;
  /** A block of type `SwishParameter`; null where there is none. */
  swish_param: SwishParameter | null;
  /** A block of type `TanHParameter`; null where there is none. */
  tanh_param: TanHParameter | null;
  /** A block of type `ThresholdParameter`; null where there is none. */
  threshold_param: ThresholdParameter | null;
  /** A block of type `TileParameter`; null where there is none. */
  tile_param: TileParameter | null;
  /** A block of type `WindowDataParameter`; null where there is none. */
  window_data_param: WindowDataParameter | null;
  /** NVIDIA's: DetectNet. */
  detectnet_groundtruth_param: DetectNetGroundTruthParameter | null;
  /** A block of type `DetectNetAugmentationParameter`; null where there is none. */
  detectnet_augmentation_param: DetectNetAugmentationParameter | null;
  /** SSD; the first, detection_evaluate_param and video_data_param are of layers that Mokapot knows by name only */
  annotated_data_param: AnnotatedDataParameter | null;
  /** A block of type `MultiBoxLossParameter`; null where there is none. */
  multibox_loss_param: MultiBoxLossParameter | null;
  /** A block of type `PermuteParameter`; null where there is none. */
  permute_param: PermuteParameter | null;
  /** A block of type `PriorBoxParameter`; null where there is none. */
  prior_box_param: PriorBoxParameter | null;
  /** A block of type `DetectionOutputParameter`; null where there is none. */
  detection_output_param: DetectionOutputParameter | null;
  /** A block of type `DetectionEvaluateParameter`; null where there is none. */
  detection_evaluate_param: DetectionEvaluateParameter | null;
  /** A block of type `NormalizeParameter`; null where there is none. */
  norm_param: NormalizeParameter | null;
  /** A block of type `VideoDataParameter`; null where there is none. */
  video_data_param: VideoDataParameter | null;
  /** Fast and Faster R-CNN */
  roi_pooling_param: ROIPoolingParameter | null;
  /** A block of type `SmoothL1LossParameter`; null where there is none. */
  smooth_l1_loss_param: SmoothL1LossParameter | null;
  /** ShuffleNet */
  shuffle_channel_param: ShuffleChannelParameter | null;
  /** MobileNet v2 (caffe-relu6) */
  relu6_param: ReLU6Parameter | null;
  /** DeepLab and PSPNet; SegNet */
  interp_param: InterpParameter | null;
  /** A block of type `UpsampleParameter`; null where there is none. */
  upsample_param: UpsampleParameter | null;
  /** A block of type `BNParameter`; null where there is none. */
  bn_param: BNParameter | null;
  /** R-FCN */
  box_annotator_ohem_param: BoxAnnotatorOHEMParameter | null;
  /** A block of type `PSROIPoolingParameter`; null where there is none. */
  psroi_pooling_param: PSROIPoolingParameter | null;
  /** Mask R-CNN's ports */
  roi_align_param: ROIAlignParameter | null;
  /** YOLO's ports (MobileNet-YOLO) */
  reorg_param: ReorgParameter | null;
  /** A block of type `Yolov3DetectionOutputParameter`; null where there is none. */
  yolov3_detection_output_param: Yolov3DetectionOutputParameter | null;
  /** CTC's ports (crnn.caffe), whose own numbers for the last three are 147, 148 and 149 */
  transpose_param: TransposeParameter | null;
  /** A block of type `ProposalParameter`; null where there is none. */
  proposal_param: ProposalParameter | null;
  /** A block of type `ReverseParameter`; null where there is none. */
  reverse_param: ReverseParameter | null;
  /** A block of type `CTCLossParameter`; null where there is none. */
  ctc_loss_param: CTCLossParameter | null;
  /** A block of type `CTCDecoderParameter`; null where there is none. */
  ctc_decoder_param: CTCDecoderParameter | null;
  /** caffe-windows, whose own number is 142 */
  triplet_loss_param: TripletLossParameter | null;
  /** A block of type `AugmentParameter`; null where there is none. */
  augment_param: AugmentParameter | null;
}

/** `caffe.TransformationParameter` of the schema. */
export interface TransformationParameter {
  /** Multiply pixels by this, after the mean is taken off. Default: 1. */
  scale: number;
  /** Mirror pictures at random while training. Default: false. */
  mirror: boolean;
  /** Cut squares of this side: at random in TRAIN, from the middle in TEST. Default: 0. */
  crop_size: number;
  /** A .binaryproto of a mean picture to subtract. */
  mean_file: string;
  /** Subtract this from each channel; one number for all, or one a channel. */
  mean_value: number[];
  /** Decode encoded pictures as three channels. Default: false. */
  force_color: boolean;
  /** Decode encoded pictures as one channel. Default: false. */
  force_gray: boolean;
  /** NVIDIA's. Default: false. */
  use_gpu_transform: boolean;
  /** A block of type `ResizeParameter`; null where there is none. */
  resize_param: ResizeParameter | null;
  /** A block of type `NoiseParameter`; null where there is none. */
  noise_param: NoiseParameter | null;
  /** A block of type `EmitConstraint`; null where there is none. */
  emit_constraint: EmitConstraint | null;
  /** A block of type `DistortionParameter`; null where there is none. */
  distort_param: DistortionParameter | null;
  /** A block of type `ExpansionParameter`; null where there is none. */
  expand_param: ExpansionParameter | null;
}

/** The enums of `caffe.LossParameter`. */
export const LossParameter = {
  /** `caffe.LossParameter.NormalizationMode` of the schema. */
  NormalizationMode: {
    FULL: 0,
    VALID: 1,
    BATCH_SIZE: 2,
    NONE: 3,
    PRE_FIXED: 8703,
  },
} as const;

/** `caffe.LossParameter` of the schema. */
export interface LossParameter {
  /** Places with this label do not count. */
  ignore_label: number;
  /**
   * Divide the sum by: VALID the places that count, BATCH_SIZE the samples, FULL all places, NONE 1. Default: VALID.
   */
  normalization: LossParameter_NormalizationMode;
  /** Older form of normalization: true is VALID, false BATCH_SIZE. */
  normalize: boolean;
  /** R-FCN Default: 1. */
  pre_fixed_normalizer: number;
  /** SegNet's, whose own numbers are BVLC's for something else Default: false. */
  weight_by_label_freqs: boolean;
  class_weighting: number[];
}

/** `caffe.AccuracyParameter` of the schema. */
export interface AccuracyParameter {
  /** Right if the label is among this many best classes. Default: 1. */
  top_k: number;
  /** The axis of the classes. Default: 1. */
  axis: number;
  /** Places with this label do not count. */
  ignore_label: number;
}

/** `caffe.ArgMaxParameter` of the schema. */
export interface ArgMaxParameter {
  /** The values too, or, with axis, instead of the positions. Default: false. */
  out_max_val: boolean;
  /** How many of the greatest. Default: 1. */
  top_k: number;
  /** Along which axis; without it over each whole sample. */
  axis: number;
}

/** The enums of `caffe.BatchNormParameter`. */
export const BatchNormParameter = {
  /** `caffe.BatchNormParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** `caffe.BatchNormParameter` of the schema. */
export interface BatchNormParameter {
  /** Use the kept statistics; default: in TEST only. */
  use_global_stats: boolean;
  /** How much of the kept statistics stays at each iteration. Default: 0.999. */
  moving_average_fraction: number;
  /** Added to the variance before the root. Default: 0.00001. */
  eps: number;
  /** NVIDIA's: scale and bias learnt in the same layer. How scales start. */
  scale_filler: FillerParameter | null;
  /** How biases start. */
  bias_filler: FillerParameter | null;
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: BatchNormParameter_Engine;
}

/** `caffe.BiasParameter` of the schema. */
export interface BiasParameter {
  /** The first axis that the bias runs along. Default: 1. */
  axis: number;
  /** How many axes it runs along; -1 is all that are left. Default: 1. */
  num_axes: number;
  /** How the bias starts. */
  filler: FillerParameter | null;
}

/** `caffe.ClipParameter` of the schema. */
export interface ClipParameter {
  /** Smaller values become this. */
  min: number;
  /** Greater values become this. */
  max: number;
}

/** `caffe.ConcatParameter` of the schema. */
export interface ConcatParameter {
  /** The axis along which the bottoms are joined; below 0 counts from the end. Default: 1. */
  axis: number;
  /** Older name of axis. Default: 1. */
  concat_dim: number;
}

/** `caffe.ContrastiveLossParameter` of the schema. */
export interface ContrastiveLossParameter {
  /** Pairs that differ are pushed this far apart. Default: 1. */
  margin: number;
  /** The formula of Caffe before 2015: max(margin − d², 0). Default: false. */
  legacy_version: boolean;
}

/** The enums of `caffe.ConvolutionParameter`. */
export const ConvolutionParameter = {
  /** `caffe.ConvolutionParameter.CuDNNConvolutionAlgorithmSeeker` of the schema. */
  CuDNNConvolutionAlgorithmSeeker: {
    GET: 0,
    FINDEX: 1,
  },
  /** `caffe.ConvolutionParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** `caffe.ConvolutionParameter` of the schema. */
export interface ConvolutionParameter {
  /** How many filters, so how many channels the top has. */
  num_output: number;
  /** Add a learnt number to each output channel. Default: true. */
  bias_term: boolean;
  /** Zeros around the input, on every side; one number, or one an axis. */
  pad: number[];
  /** Side of the filters; one number, or one an axis. */
  kernel_size: number[];
  /** Steps between two places of a filter; 1 where it is not given. */
  stride: number[];
  /** Gaps in the filters: their places lie this far apart; 1 where it is not given. */
  dilation: number[];
  /** pad along the height. Default: 0. */
  pad_h: number;
  /** pad along the width. Default: 0. */
  pad_w: number;
  /** kernel_size along the height. */
  kernel_h: number;
  /** kernel_size along the width. */
  kernel_w: number;
  /** stride along the height. */
  stride_h: number;
  /** stride along the width. */
  stride_w: number;
  /** Cut the channels into this many groups that do not see each other. Default: 1. */
  group: number;
  /** How the filters start. Without it they are 0 and, under more layers, never learn. */
  weight_filler: FillerParameter | null;
  /** How the biases start. */
  bias_filler: FillerParameter | null;
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: ConvolutionParameter_Engine;
  /** The axis of the channels; those behind it are slid over. Default: 1. */
  axis: number;
  /** Chooses among Caffe's implementations. Default: false. */
  force_nd_im2col: boolean;
  /** NVIDIA's. Chooses among cuDNN's implementations. Default: FINDEX. */
  cudnn_convolution_algo_seeker: ConvolutionParameter_CuDNNConvolutionAlgorithmSeeker;
}

/** `caffe.CropParameter` of the schema. */
export interface CropParameter {
  /** The first axis that is cut. Default: 2. */
  axis: number;
  /** Where the cut begins; one number for all axes, or one an axis. */
  offset: number[];
}

/** The enums of `caffe.DataParameter`. */
export const DataParameter = {
  /** `caffe.DataParameter.DB` of the schema. */
  DB: {
    LEVELDB: 0,
    LMDB: 1,
  },
} as const;

/** `caffe.DataParameter` of the schema. */
export interface DataParameter {
  /** The database's folder. Without one the data set in use is taken. */
  source: string;
  /** How many entries an iteration takes. */
  batch_size: number;
  /** Skip up to so many entries at the start, by chance. Default: 0. */
  rand_skip: number;
  /** LMDB or LEVELDB. Default: LEVELDB. */
  backend: DataParameter_DB;
  /** Older form: scale in transform_param. Default: 1. */
  scale: number;
  /** Older form: mean_file in transform_param. */
  mean_file: string;
  /** Older form: crop_size in transform_param. Default: 0. */
  crop_size: number;
  /** Older form: mirror in transform_param. Default: false. */
  mirror: boolean;
  /** Decode encoded pictures as three channels. Default: false. */
  force_encoded_color: boolean;
  /** How many batches Caffe reads ahead. Default: 4. */
  prefetch: number;
  /** NVIDIA's. Default: 0. */
  threads: number;
}

/** `caffe.DropoutParameter` of the schema. */
export interface DropoutParameter {
  /** Share of values set to 0 while training; the others are scaled up. Default: 0.5. */
  dropout_ratio: number;
  /** Faster R-CNN's caffe-fast-rcnn Default: true. */
  scale_train: boolean;
  /** Bayesian SegNet, whose own number is 2 Default: false. */
  sample_weights_test: boolean;
}

/** `caffe.DummyDataParameter` of the schema. */
export interface DummyDataParameter {
  /** How each top is filled; constant 0 where none is given. */
  data_filler: FillerParameter[];
  /** The shape of each top, or of all. */
  shape: BlobShape[];
  /** Older form: first axis of each top. */
  num: number[];
  /** Older form: second axis. */
  channels: number[];
  /** Older form: third axis. */
  height: number[];
  /** Older form: fourth axis. */
  width: number[];
}

/** The enums of `caffe.EltwiseParameter`. */
export const EltwiseParameter = {
  /** `caffe.EltwiseParameter.EltwiseOp` of the schema. */
  EltwiseOp: {
    PROD: 0,
    SUM: 1,
    MAX: 2,
  },
} as const;

/** `caffe.EltwiseParameter` of the schema. */
export interface EltwiseParameter {
  /** PROD, SUM or MAX, element by element. Default: SUM. */
  operation: EltwiseParameter_EltwiseOp;
  /** SUM: a factor for each bottom. */
  coeff: number[];
  /** PROD: compute gradients without dividing by values that may be 0. Default: true. */
  stable_prod_grad: boolean;
}

/** `caffe.ELUParameter` of the schema. */
export interface ELUParameter {
  /** The value that large negative inputs come down to, with a minus. Default: 1. */
  alpha: number;
}

/** `caffe.EmbedParameter` of the schema. */
export interface EmbedParameter {
  /** Length of the vector that stands for an index. */
  num_output: number;
  /** How many indices there are. */
  input_dim: number;
  /** Add a learnt vector. Default: true. */
  bias_term: boolean;
  /** How the vectors start. */
  weight_filler: FillerParameter | null;
  /** How the bias starts. */
  bias_filler: FillerParameter | null;
}

/** `caffe.ExpParameter` of the schema. */
export interface ExpParameter {
  /** The base; -1 is e. Default: -1. */
  base: number;
  /** Times the input. Default: 1. */
  scale: number;
  /** Added to the scaled input. Default: 0. */
  shift: number;
}

/** `caffe.FlattenParameter` of the schema. */
export interface FlattenParameter {
  /** The first axis that is joined. Default: 1. */
  axis: number;
  /** The last axis that is joined. Default: -1. */
  end_axis: number;
}

/** `caffe.HDF5DataParameter` of the schema. */
export interface HDF5DataParameter {
  /** A text file with one HDF5 file a line. */
  source: string;
  /** How many rows an iteration takes. */
  batch_size: number;
  /** Take files and rows in another order each time. Default: false. */
  shuffle: boolean;
}

/** `caffe.HDF5OutputParameter` of the schema. */
export interface HDF5OutputParameter {
  /** The HDF5 file that the bottoms are written to. */
  file_name: string;
}

/** The enums of `caffe.HingeLossParameter`. */
export const HingeLossParameter = {
  /** `caffe.HingeLossParameter.Norm` of the schema. */
  Norm: {
    L1: 1,
    L2: 2,
  },
} as const;

/** `caffe.HingeLossParameter` of the schema. */
export interface HingeLossParameter {
  /** L1 or L2 of the margins. Default: L1. */
  norm: HingeLossParameter_Norm;
}

/** `caffe.ImageDataParameter` of the schema. */
export interface ImageDataParameter {
  /** A text file with a picture and a label a line. */
  source: string;
  /** How many pictures an iteration takes. Default: 1. */
  batch_size: number;
  /** Skip up to so many pictures at the start, by chance. Default: 0. */
  rand_skip: number;
  /** Another order in each epoch. Default: false. */
  shuffle: boolean;
  /** Resize pictures to this height; 0 leaves them. Default: 0. */
  new_height: number;
  /** Resize pictures to this width; 0 leaves them. Default: 0. */
  new_width: number;
  /** Three channels, or one. Default: true. */
  is_color: boolean;
  /** Older form: scale in transform_param. Default: 1. */
  scale: number;
  /** Older form: mean_file in transform_param. */
  mean_file: string;
  /** Older form: crop_size in transform_param. Default: 0. */
  crop_size: number;
  /** Older form: mirror in transform_param. Default: false. */
  mirror: boolean;
  /** Put in front of the pictures' paths. Default: "". */
  root_folder: string;
}

/** `caffe.InfogainLossParameter` of the schema. */
export interface InfogainLossParameter {
  /** A .binaryproto of the matrix, if it is no bottom. */
  source: string;
  /** The axis of the classes. Default: 1. */
  axis: number;
}

/** `caffe.InnerProductParameter` of the schema. */
export interface InnerProductParameter {
  /** How many outputs each sample has. */
  num_output: number;
  /** Add a learnt number to each output. Default: true. */
  bias_term: boolean;
  /** How the weights start. Without it they are 0. */
  weight_filler: FillerParameter | null;
  /** How the biases start. */
  bias_filler: FillerParameter | null;
  /** The axes from this on are one vector. Default: 1. */
  axis: number;
  /** The weights are stored inputs × outputs. Default: false. */
  transpose: boolean;
}

/** `caffe.InputParameter` of the schema. */
export interface InputParameter {
  /** The shape of each top, or of all. */
  shape: BlobShape[];
}

/** `caffe.LogParameter` of the schema. */
export interface LogParameter {
  /** The base; -1 is e. Default: -1. */
  base: number;
  /** Times the input. Default: 1. */
  scale: number;
  /** Added to the scaled input. Default: 0. */
  shift: number;
}

/** The enums of `caffe.LRNParameter`. */
export const LRNParameter = {
  /** `caffe.LRNParameter.NormRegion` of the schema. */
  NormRegion: {
    ACROSS_CHANNELS: 0,
    WITHIN_CHANNEL: 1,
  },
  /** `caffe.LRNParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** `caffe.LRNParameter` of the schema. */
export interface LRNParameter {
  /** How many neighbouring channels, or the side of the square; odd. Default: 5. */
  local_size: number;
  /** Strength of the normalisation. Default: 1. */
  alpha: number;
  /** Its exponent. Default: 0.75. */
  beta: number;
  /** ACROSS_CHANNELS or WITHIN_CHANNEL. Default: ACROSS_CHANNELS. */
  norm_region: LRNParameter_NormRegion;
  /** Added to the sum. Default: 1. */
  k: number;
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: LRNParameter_Engine;
}

/** `caffe.MemoryDataParameter` of the schema. */
export interface MemoryDataParameter {
  /** Samples an iteration takes. */
  batch_size: number;
  /** Channels of a sample. */
  channels: number;
  /** Height of a sample. */
  height: number;
  /** Width of a sample. */
  width: number;
}

/** `caffe.MVNParameter` of the schema. */
export interface MVNParameter {
  /** Divide by the deviation, besides taking off the mean. Default: true. */
  normalize_variance: boolean;
  /** Over all channels of a sample together. Default: false. */
  across_channels: boolean;
  /** Added to the deviation. Default: 1e-9. */
  eps: number;
}

/** `caffe.ParameterParameter` of the schema. */
export interface ParameterParameter {
  /** The shape of the parameter that is the top. */
  shape: BlobShape | null;
}

/** The enums of `caffe.PoolingParameter`. */
export const PoolingParameter = {
  /** `caffe.PoolingParameter.PoolMethod` of the schema. */
  PoolMethod: {
    MAX: 0,
    AVE: 1,
    STOCHASTIC: 2,
  },
  /** `caffe.PoolingParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
  /** `caffe.PoolingParameter.RoundMode` of the schema. */
  RoundMode: {
    CEIL: 0,
    FLOOR: 1,
  },
} as const;

/** `caffe.PoolingParameter` of the schema. */
export interface PoolingParameter {
  /** MAX, AVE or STOCHASTIC. Default: MAX. */
  pool: PoolingParameter_PoolMethod;
  /** Zeros around the input, on every side. Default: 0. */
  pad: number;
  /** pad along the height. Default: 0. */
  pad_h: number;
  /** pad along the width. Default: 0. */
  pad_w: number;
  /** Side of the window. */
  kernel_size: number;
  /** kernel_size along the height. */
  kernel_h: number;
  /** kernel_size along the width. */
  kernel_w: number;
  /** Steps between two windows. Default: 1. */
  stride: number;
  /** stride along the height. */
  stride_h: number;
  /** stride along the width. */
  stride_w: number;
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: PoolingParameter_Engine;
  /** The window is the whole plane. Default: false. */
  global_pooling: boolean;
  /** How the size of the top is rounded: CEIL (Caffe's) or FLOOR. Default: CEIL. */
  round_mode: PoolingParameter_RoundMode;
}

/** `caffe.PowerParameter` of the schema. */
export interface PowerParameter {
  /** The exponent, after scale and shift. Default: 1. */
  power: number;
  /** Times the input. Default: 1. */
  scale: number;
  /** Added to the scaled input. Default: 0. */
  shift: number;
}

/** `caffe.PReLUParameter` of the schema. */
export interface PReLUParameter {
  /** How the slopes start; 0.25 where it is not given. */
  filler: FillerParameter | null;
  /** One slope for all channels. Default: false. */
  channel_shared: boolean;
}

/** `caffe.PythonParameter` of the schema. */
export interface PythonParameter {
  /** The file of the class, without .py (or .ts, .js). */
  module: string;
  /** The class in it. */
  layer: string;
  /** Text that the class gets as self.param_str. Default: "". */
  param_str: string;
  /** Caffe on several GPUs only. Default: false. */
  share_in_parallel: boolean;
}

/** `caffe.RecurrentParameter` of the schema. */
export interface RecurrentParameter {
  /** Length of the state. Default: 0. */
  num_output: number;
  /** How the weights start. */
  weight_filler: FillerParameter | null;
  /** How the biases start. */
  bias_filler: FillerParameter | null;
  /** Caffe prints the inner network. Default: false. */
  debug_info: boolean;
  /** The first states are bottoms, the last ones tops. Default: false. */
  expose_hidden: boolean;
}

/** The enums of `caffe.ReductionParameter`. */
export const ReductionParameter = {
  /** `caffe.ReductionParameter.ReductionOp` of the schema. */
  ReductionOp: {
    SUM: 1,
    ASUM: 2,
    SUMSQ: 3,
    MEAN: 4,
  },
} as const;

/** `caffe.ReductionParameter` of the schema. */
export interface ReductionParameter {
  /** SUM, ASUM (of absolute values), SUMSQ (of squares) or MEAN. Default: SUM. */
  operation: ReductionParameter_ReductionOp;
  /** All axes from this on are reduced. Default: 0. */
  axis: number;
  /** Times the result. Default: 1. */
  coeff: number;
}

/** The enums of `caffe.ReLUParameter`. */
export const ReLUParameter = {
  /** `caffe.ReLUParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** `caffe.ReLUParameter` of the schema. */
export interface ReLUParameter {
  /** What negative values are multiplied by. Default: 0. */
  negative_slope: number;
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: ReLUParameter_Engine;
}

/** `caffe.ReshapeParameter` of the schema. */
export interface ReshapeParameter {
  /** The new axes: 0 copies the bottom's, -1 is what is left. */
  shape: BlobShape | null;
  /** The first axis that is replaced. Default: 0. */
  axis: number;
  /** How many axes are replaced; -1 is all to the end. Default: -1. */
  num_axes: number;
}

/** `caffe.ScaleParameter` of the schema. */
export interface ScaleParameter {
  /** The first axis that the scale runs along. Default: 1. */
  axis: number;
  /** How many axes it runs along; -1 is all that are left. Default: 1. */
  num_axes: number;
  /** How the scale starts; 1 where it is not given. */
  filler: FillerParameter | null;
  /** Also learn a bias. Default: false. */
  bias_term: boolean;
  /** How the bias starts. */
  bias_filler: FillerParameter | null;
}

/** The enums of `caffe.SigmoidParameter`. */
export const SigmoidParameter = {
  /** `caffe.SigmoidParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** `caffe.SigmoidParameter` of the schema. */
export interface SigmoidParameter {
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: SigmoidParameter_Engine;
}

/** `caffe.SliceParameter` of the schema. */
export interface SliceParameter {
  /** The axis that is cut. Default: 1. */
  axis: number;
  /** Where it is cut; without any into equal parts. */
  slice_point: number[];
  /** Older name of axis. Default: 1. */
  slice_dim: number;
}

/** The enums of `caffe.SoftmaxParameter`. */
export const SoftmaxParameter = {
  /** `caffe.SoftmaxParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** `caffe.SoftmaxParameter` of the schema. */
export interface SoftmaxParameter {
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: SoftmaxParameter_Engine;
  /** The axis of the classes. Default: 1. */
  axis: number;
}

/** The enums of `caffe.SPPParameter`. */
export const SPPParameter = {
  /** `caffe.SPPParameter.PoolMethod` of the schema. */
  PoolMethod: {
    MAX: 0,
    AVE: 1,
    STOCHASTIC: 2,
  },
  /** `caffe.SPPParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** `caffe.SPPParameter` of the schema. */
export interface SPPParameter {
  /** How many levels; level i has 2^i × 2^i windows. */
  pyramid_height: number;
  /** MAX, AVE or STOCHASTIC. Default: MAX. */
  pool: SPPParameter_PoolMethod;
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: SPPParameter_Engine;
}

/** `caffe.SwishParameter` of the schema. */
export interface SwishParameter {
  /** Steepness of the sigmoid. Default: 1. */
  beta: number;
}

/** The enums of `caffe.TanHParameter`. */
export const TanHParameter = {
  /** `caffe.TanHParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** `caffe.TanHParameter` of the schema. */
export interface TanHParameter {
  /** Chooses among Caffe's implementations. Default: DEFAULT. */
  engine: TanHParameter_Engine;
}

/** `caffe.ThresholdParameter` of the schema. */
export interface ThresholdParameter {
  /** 1 above this, else 0. Default: 0. */
  threshold: number;
}

/** `caffe.TileParameter` of the schema. */
export interface TileParameter {
  /** The axis along which copies are laid. Default: 1. */
  axis: number;
  /** How many copies. */
  tiles: number;
}

/** `caffe.WindowDataParameter` of the schema. */
export interface WindowDataParameter {
  source: string;
  /** Default: 1. */
  scale: number;
  mean_file: string;
  batch_size: number;
  /** Default: 0. */
  crop_size: number;
  /** Default: false. */
  mirror: boolean;
  /** Default: 0.5. */
  fg_threshold: number;
  /** Default: 0.5. */
  bg_threshold: number;
  /** Default: 0.25. */
  fg_fraction: number;
  /** Default: 0. */
  context_pad: number;
  /** Default: "warp". */
  crop_mode: string;
  /** Default: false. */
  cache_images: boolean;
  /** Default: "". */
  root_folder: string;
}

/** The enums of `caffe.DetectNetGroundTruthParameter`. */
export const DetectNetGroundTruthParameter = {
  /** `caffe.DetectNetGroundTruthParameter.GridboxType` of the schema. */
  GridboxType: {
    GRIDBOX_MAX: 0,
    GRIDBOX_MIN: 1,
  },
  /** `caffe.DetectNetGroundTruthParameter.CoverageType` of the schema. */
  CoverageType: {
    RECTANGULAR: 0,
  },
} as const;

/** `caffe.DetectNetGroundTruthParameter` of the schema. */
export interface DetectNetGroundTruthParameter {
  /** Default: 4. */
  stride: number;
  /** Default: 0.5. */
  scale_cvg: number;
  /** Default: GRIDBOX_MAX. */
  gridbox_type: DetectNetGroundTruthParameter_GridboxType;
  /** Default: 50. */
  max_cvg_len: number;
  /** Default: 50. */
  min_cvg_len: number;
  /** Default: RECTANGULAR. */
  coverage_type: DetectNetGroundTruthParameter_CoverageType;
  /** Default: 1248. */
  image_size_x: number;
  /** Default: 384. */
  image_size_y: number;
  /** Default: false. */
  obj_norm: boolean;
  /** Default: true. */
  crop_bboxes: boolean;
  object_class: DetectNetGroundTruthParameter_ClassMapping[];
}

/** `caffe.DetectNetGroundTruthParameter.ClassMapping` of the schema. */
export interface DetectNetGroundTruthParameter_ClassMapping {
  src: number;
  dst: number;
}

/** `caffe.DetectNetAugmentationParameter` of the schema. */
export interface DetectNetAugmentationParameter {
  /** Default: 1. */
  crop_prob: number;
  /** Default: 0. */
  shift_x: number;
  /** Default: 0. */
  shift_y: number;
  /** Default: 0.33. */
  scale_prob: number;
  /** Default: 0.7. */
  scale_min: number;
  /** Default: 1. */
  scale_max: number;
  /** Default: 0.33. */
  flip_prob: number;
  /** Default: 0.33. */
  rotation_prob: number;
  /** Default: 1. */
  max_rotate_degree: number;
  /** Default: 0.33. */
  hue_rotation_prob: number;
  /** Default: 15. */
  hue_rotation: number;
  /** Default: 0.33. */
  desaturation_prob: number;
  /** Default: 0.5. */
  desaturation_max: number;
}

/** The enums of `caffe.V1LayerParameter`. */
export const V1LayerParameter = {
  /** `caffe.V1LayerParameter.LayerType` of the schema. */
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
  /** `caffe.V1LayerParameter.DimCheckMode` of the schema. */
  DimCheckMode: {
    STRICT: 0,
    PERMISSIVE: 1,
  },
} as const;

/** `caffe.V1LayerParameter` of the schema. */
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
  /** A block of type `AccuracyParameter`; null where there is none. */
  accuracy_param: AccuracyParameter | null;
  /** A block of type `ArgMaxParameter`; null where there is none. */
  argmax_param: ArgMaxParameter | null;
  /** A block of type `ConcatParameter`; null where there is none. */
  concat_param: ConcatParameter | null;
  /** A block of type `ContrastiveLossParameter`; null where there is none. */
  contrastive_loss_param: ContrastiveLossParameter | null;
  /** A block of type `ConvolutionParameter`; null where there is none. */
  convolution_param: ConvolutionParameter | null;
  /** A block of type `DataParameter`; null where there is none. */
  data_param: DataParameter | null;
  /** A block of type `DropoutParameter`; null where there is none. */
  dropout_param: DropoutParameter | null;
  /** A block of type `DummyDataParameter`; null where there is none. */
  dummy_data_param: DummyDataParameter | null;
  /** A block of type `EltwiseParameter`; null where there is none. */
  eltwise_param: EltwiseParameter | null;
  /** A block of type `ExpParameter`; null where there is none. */
  exp_param: ExpParameter | null;
  /** A block of type `HDF5DataParameter`; null where there is none. */
  hdf5_data_param: HDF5DataParameter | null;
  /** A block of type `HDF5OutputParameter`; null where there is none. */
  hdf5_output_param: HDF5OutputParameter | null;
  /** A block of type `HingeLossParameter`; null where there is none. */
  hinge_loss_param: HingeLossParameter | null;
  /** A block of type `ImageDataParameter`; null where there is none. */
  image_data_param: ImageDataParameter | null;
  /** A block of type `InfogainLossParameter`; null where there is none. */
  infogain_loss_param: InfogainLossParameter | null;
  /** A block of type `InnerProductParameter`; null where there is none. */
  inner_product_param: InnerProductParameter | null;
  /** A block of type `LRNParameter`; null where there is none. */
  lrn_param: LRNParameter | null;
  /** A block of type `MemoryDataParameter`; null where there is none. */
  memory_data_param: MemoryDataParameter | null;
  /** A block of type `MVNParameter`; null where there is none. */
  mvn_param: MVNParameter | null;
  /** A block of type `PoolingParameter`; null where there is none. */
  pooling_param: PoolingParameter | null;
  /** A block of type `PowerParameter`; null where there is none. */
  power_param: PowerParameter | null;
  /** A block of type `ReLUParameter`; null where there is none. */
  relu_param: ReLUParameter | null;
  /** A block of type `SigmoidParameter`; null where there is none. */
  sigmoid_param: SigmoidParameter | null;
  /** A block of type `SoftmaxParameter`; null where there is none. */
  softmax_param: SoftmaxParameter | null;
  /** A block of type `SliceParameter`; null where there is none. */
  slice_param: SliceParameter | null;
  /** A block of type `TanHParameter`; null where there is none. */
  tanh_param: TanHParameter | null;
  /** A block of type `ThresholdParameter`; null where there is none. */
  threshold_param: ThresholdParameter | null;
  /** A block of type `WindowDataParameter`; null where there is none. */
  window_data_param: WindowDataParameter | null;
  /** A block of type `TransformationParameter`; null where there is none. */
  transform_param: TransformationParameter | null;
  /** A block of type `LossParameter`; null where there is none. */
  loss_param: LossParameter | null;
  /** A block of type `V0LayerParameter`; null where there is none. */
  layer: V0LayerParameter | null;
}

/** The enums of `caffe.V0LayerParameter`. */
export const V0LayerParameter = {
  /** `caffe.V0LayerParameter.PoolMethod` of the schema. */
  PoolMethod: {
    MAX: 0,
    AVE: 1,
    STOCHASTIC: 2,
  },
} as const;

/** `caffe.V0LayerParameter` of the schema. */
export interface V0LayerParameter {
  name: string;
  type: string;
  num_output: number;
  /** Default: true. */
  biasterm: boolean;
  /** A block of type `FillerParameter`; null where there is none. */
  weight_filler: FillerParameter | null;
  /** A block of type `FillerParameter`; null where there is none. */
  bias_filler: FillerParameter | null;
  /** Default: 0. */
  pad: number;
  kernelsize: number;
  /** Default: 1. */
  group: number;
  /** Default: 1. */
  stride: number;
  /** Default: MAX. */
  pool: V0LayerParameter_PoolMethod;
  /** Default: 0.5. */
  dropout_ratio: number;
  /** Default: 5. */
  local_size: number;
  /** Default: 1. */
  alpha: number;
  /** Default: 0.75. */
  beta: number;
  /** Default: 1. */
  k: number;
  source: string;
  /** Default: 1. */
  scale: number;
  meanfile: string;
  batchsize: number;
  /** Default: 0. */
  cropsize: number;
  /** Default: false. */
  mirror: boolean;
  blobs: BlobProto[];
  blobs_lr: number[];
  weight_decay: number[];
  /** Default: 0. */
  rand_skip: number;
  /** Default: 0.5. */
  det_fg_threshold: number;
  /** Default: 0.5. */
  det_bg_threshold: number;
  /** Default: 0.25. */
  det_fg_fraction: number;
  /** Default: 0. */
  det_context_pad: number;
  /** Default: "warp". */
  det_crop_mode: string;
  /** Default: 0. */
  new_num: number;
  /** Default: 0. */
  new_channels: number;
  /** Default: 0. */
  new_height: number;
  /** Default: 0. */
  new_width: number;
  /** Default: false. */
  shuffle_images: boolean;
  /** Default: 1. */
  concat_dim: number;
  /** A block of type `HDF5OutputParameter`; null where there is none. */
  hdf5_output_param: HDF5OutputParameter | null;
}

/** The enums of `caffe.ResizeParameter`. */
export const ResizeParameter = {
  /** `caffe.ResizeParameter.Resize_mode` of the schema. */
  Resize_mode: {
    WARP: 1,
    FIT_SMALL_SIZE: 2,
    FIT_LARGE_SIZE_AND_PAD: 3,
  },
  /** `caffe.ResizeParameter.Pad_mode` of the schema. */
  Pad_mode: {
    CONSTANT: 1,
    MIRRORED: 2,
    REPEAT_NEAREST: 3,
  },
  /** `caffe.ResizeParameter.Interp_mode` of the schema. */
  Interp_mode: {
    LINEAR: 1,
    AREA: 2,
    NEAREST: 3,
    CUBIC: 4,
    LANCZOS4: 5,
  },
} as const;

/** `caffe.ResizeParameter` of the schema. */
export interface ResizeParameter {
  /** Default: 1. */
  prob: number;
  /** Default: WARP. */
  resize_mode: ResizeParameter_Resize_mode;
  /** Default: 0. */
  height: number;
  /** Default: 0. */
  width: number;
  /** Default: CONSTANT. */
  pad_mode: ResizeParameter_Pad_mode;
  pad_value: number[];
  interp_mode: ResizeParameter_Interp_mode[];
  /** Default: 0. */
  height_scale: number;
  /** Default: 0. */
  width_scale: number;
}

/** `caffe.SaltPepperParameter` of the schema. */
export interface SaltPepperParameter {
  /** Default: 0. */
  fraction: number;
  value: number[];
}

/** `caffe.NoiseParameter` of the schema. */
export interface NoiseParameter {
  /** Default: 0. */
  prob: number;
  /** Default: false. */
  hist_eq: boolean;
  /** Default: false. */
  inverse: boolean;
  /** Default: false. */
  decolorize: boolean;
  /** Default: false. */
  gauss_blur: boolean;
  /** Default: -1. */
  jpeg: number;
  /** Default: false. */
  posterize: boolean;
  /** Default: false. */
  erode: boolean;
  /** Default: false. */
  saltpepper: boolean;
  /** A block of type `SaltPepperParameter`; null where there is none. */
  saltpepper_param: SaltPepperParameter | null;
  /** Default: false. */
  clahe: boolean;
  /** Default: false. */
  convert_to_hsv: boolean;
  /** Default: false. */
  convert_to_lab: boolean;
}

/** The enums of `caffe.EmitConstraint`. */
export const EmitConstraint = {
  /** `caffe.EmitConstraint.EmitType` of the schema. */
  EmitType: {
    CENTER: 0,
    MIN_OVERLAP: 1,
  },
} as const;

/** `caffe.EmitConstraint` of the schema. */
export interface EmitConstraint {
  /** Default: CENTER. */
  emit_type: EmitConstraint_EmitType;
  emit_overlap: number;
}

/** `caffe.DistortionParameter` of the schema. */
export interface DistortionParameter {
  /** Default: 0. */
  brightness_prob: number;
  /** Default: 0. */
  brightness_delta: number;
  /** Default: 0. */
  contrast_prob: number;
  /** Default: 0. */
  contrast_lower: number;
  /** Default: 0. */
  contrast_upper: number;
  /** Default: 0. */
  hue_prob: number;
  /** Default: 0. */
  hue_delta: number;
  /** Default: 0. */
  saturation_prob: number;
  /** Default: 0. */
  saturation_lower: number;
  /** Default: 0. */
  saturation_upper: number;
  /** Default: 0. */
  random_order_prob: number;
}

/** `caffe.ExpansionParameter` of the schema. */
export interface ExpansionParameter {
  /** Default: 1. */
  prob: number;
  /** Default: 1. */
  max_expand_ratio: number;
}

/** `caffe.Sampler` of the schema. */
export interface Sampler {
  /** Default: 1. */
  min_scale: number;
  /** Default: 1. */
  max_scale: number;
  /** Default: 1. */
  min_aspect_ratio: number;
  /** Default: 1. */
  max_aspect_ratio: number;
}

/** `caffe.SampleConstraint` of the schema. */
export interface SampleConstraint {
  min_jaccard_overlap: number;
  max_jaccard_overlap: number;
  min_sample_coverage: number;
  max_sample_coverage: number;
  min_object_coverage: number;
  max_object_coverage: number;
}

/** `caffe.BatchSampler` of the schema. */
export interface BatchSampler {
  /** Default: true. */
  use_original_image: boolean;
  /** A block of type `Sampler`; null where there is none. */
  sampler: Sampler | null;
  /** A block of type `SampleConstraint`; null where there is none. */
  sample_constraint: SampleConstraint | null;
  max_sample: number;
  /** Default: 100. */
  max_trials: number;
}

/** The enums of `caffe.AnnotatedDataParameter`. */
export const AnnotatedDataParameter = {
  /** `caffe.AnnotatedDataParameter.AnnotationType` of the schema. */
  AnnotationType: {
    BBOX: 0,
  },
} as const;

/** `caffe.AnnotatedDataParameter` of the schema. */
export interface AnnotatedDataParameter {
  batch_sampler: BatchSampler[];
  label_map_file: string;
  anno_type: AnnotatedDataParameter_AnnotationType;
}

/** The enums of `caffe.VideoDataParameter`. */
export const VideoDataParameter = {
  /** `caffe.VideoDataParameter.VideoType` of the schema. */
  VideoType: {
    WEBCAM: 0,
    VIDEO: 1,
  },
} as const;

/** `caffe.VideoDataParameter` of the schema. */
export interface VideoDataParameter {
  /** Default: WEBCAM. */
  video_type: VideoDataParameter_VideoType;
  /** Default: 0. */
  device_id: number;
  video_file: string;
  /** Default: 0. */
  skip_frames: number;
}

/** `caffe.DetectionEvaluateParameter` of the schema. */
export interface DetectionEvaluateParameter {
  num_classes: number;
  /** Default: 0. */
  background_label_id: number;
  /** Default: 0.5. */
  overlap_threshold: number;
  /** Default: true. */
  evaluate_difficult_gt: boolean;
  name_size_file: string;
  /** A block of type `ResizeParameter`; null where there is none. */
  resize_param: ResizeParameter | null;
}

/** `caffe.PermuteParameter` of the schema. */
export interface PermuteParameter {
  order: number[];
}

/** `caffe.NormalizeParameter` of the schema. */
export interface NormalizeParameter {
  /** Default: true. */
  across_spatial: boolean;
  /** A block of type `FillerParameter`; null where there is none. */
  scale_filler: FillerParameter | null;
  /** Default: true. */
  channel_shared: boolean;
  /** Default: 1e-10. */
  eps: number;
}

/** The enums of `caffe.PriorBoxParameter`. */
export const PriorBoxParameter = {
  /** `caffe.PriorBoxParameter.CodeType` of the schema. */
  CodeType: {
    CORNER: 1,
    CENTER_SIZE: 2,
    CORNER_SIZE: 3,
  },
} as const;

/** `caffe.PriorBoxParameter` of the schema. */
export interface PriorBoxParameter {
  min_size: number[];
  max_size: number[];
  aspect_ratio: number[];
  /** Default: true. */
  flip: boolean;
  /** Default: false. */
  clip: boolean;
  variance: number[];
  img_size: number;
  img_h: number;
  img_w: number;
  step: number;
  step_h: number;
  step_w: number;
  /** Default: 0.5. */
  offset: number;
}

/** `caffe.NonMaximumSuppressionParameter` of the schema. */
export interface NonMaximumSuppressionParameter {
  /** Default: 0.3. */
  nms_threshold: number;
  top_k: number;
  /** Default: 1. */
  eta: number;
}

/** `caffe.SaveOutputParameter` of the schema. */
export interface SaveOutputParameter {
  output_directory: string;
  output_name_prefix: string;
  output_format: string;
  label_map_file: string;
  name_size_file: string;
  num_test_image: number;
  /** A block of type `ResizeParameter`; null where there is none. */
  resize_param: ResizeParameter | null;
}

/** `caffe.DetectionOutputParameter` of the schema. */
export interface DetectionOutputParameter {
  num_classes: number;
  /** Default: true. */
  share_location: boolean;
  /** Default: 0. */
  background_label_id: number;
  /** A block of type `NonMaximumSuppressionParameter`; null where there is none. */
  nms_param: NonMaximumSuppressionParameter | null;
  /** A block of type `SaveOutputParameter`; null where there is none. */
  save_output_param: SaveOutputParameter | null;
  /** Default: CORNER. */
  code_type: PriorBoxParameter_CodeType;
  /** Default: false. */
  variance_encoded_in_target: boolean;
  /** Default: -1. */
  keep_top_k: number;
  confidence_threshold: number;
  /** Default: false. */
  visualize: boolean;
  visualize_threshold: number;
  save_file: string;
}

/** The enums of `caffe.MultiBoxLossParameter`. */
export const MultiBoxLossParameter = {
  /** `caffe.MultiBoxLossParameter.LocLossType` of the schema. */
  LocLossType: {
    L2: 0,
    SMOOTH_L1: 1,
  },
  /** `caffe.MultiBoxLossParameter.ConfLossType` of the schema. */
  ConfLossType: {
    SOFTMAX: 0,
    LOGISTIC: 1,
  },
  /** `caffe.MultiBoxLossParameter.MatchType` of the schema. */
  MatchType: {
    BIPARTITE: 0,
    PER_PREDICTION: 1,
  },
  /** `caffe.MultiBoxLossParameter.MiningType` of the schema. */
  MiningType: {
    NONE: 0,
    MAX_NEGATIVE: 1,
    HARD_EXAMPLE: 2,
  },
} as const;

/** `caffe.MultiBoxLossParameter` of the schema. */
export interface MultiBoxLossParameter {
  /** Default: SMOOTH_L1. */
  loc_loss_type: MultiBoxLossParameter_LocLossType;
  /** Default: SOFTMAX. */
  conf_loss_type: MultiBoxLossParameter_ConfLossType;
  /** Default: 1. */
  loc_weight: number;
  num_classes: number;
  /** Default: true. */
  share_location: boolean;
  /** Default: PER_PREDICTION. */
  match_type: MultiBoxLossParameter_MatchType;
  /** Default: 0.5. */
  overlap_threshold: number;
  /** Default: true. */
  use_prior_for_matching: boolean;
  /** Default: 0. */
  background_label_id: number;
  /** Default: true. */
  use_difficult_gt: boolean;
  do_neg_mining: boolean;
  /** Default: 3. */
  neg_pos_ratio: number;
  /** Default: 0.5. */
  neg_overlap: number;
  /** Default: CORNER. */
  code_type: PriorBoxParameter_CodeType;
  /** Default: false. */
  encode_variance_in_target: boolean;
  /** Default: false. */
  map_object_to_agnostic: boolean;
  /** Default: false. */
  ignore_cross_boundary_bbox: boolean;
  /** Default: false. */
  bp_inside: boolean;
  /** Default: MAX_NEGATIVE. */
  mining_type: MultiBoxLossParameter_MiningType;
  /** A block of type `NonMaximumSuppressionParameter`; null where there is none. */
  nms_param: NonMaximumSuppressionParameter | null;
  /** Default: 64. */
  sample_size: number;
  /** Default: false. */
  use_prior_for_nms: boolean;
}

/** `caffe.ROIPoolingParameter` of the schema. */
export interface ROIPoolingParameter {
  /** Default: 0. */
  pooled_h: number;
  /** Default: 0. */
  pooled_w: number;
  /** Default: 1. */
  spatial_scale: number;
}

/** `caffe.SmoothL1LossParameter` of the schema. */
export interface SmoothL1LossParameter {
  /** Default: 1. */
  sigma: number;
}

/** `caffe.ShuffleChannelParameter` of the schema. */
export interface ShuffleChannelParameter {
  /** Default: 1. */
  group: number;
}

/** `caffe.InterpParameter` of the schema. */
export interface InterpParameter {
  /** Default: 0. */
  height: number;
  /** Default: 0. */
  width: number;
  /** Default: 1. */
  zoom_factor: number;
  /** Default: 1. */
  shrink_factor: number;
  /** Default: 0. */
  pad_beg: number;
  /** Default: 0. */
  pad_end: number;
}

/** `caffe.UpsampleParameter` of the schema. */
export interface UpsampleParameter {
  /** Default: 2. */
  scale: number;
  scale_h: number;
  scale_w: number;
  /** Default: false. */
  pad_out_h: boolean;
  /** Default: false. */
  pad_out_w: boolean;
  upsample_h: number;
  upsample_w: number;
}

/** `caffe.ReLU6Parameter` of the schema. */
export interface ReLU6Parameter {
  /** Default: 0. */
  negative_slope: number;
}

/** The enums of `caffe.BNParameter`. */
export const BNParameter = {
  /** `caffe.BNParameter.BNMode` of the schema. */
  BNMode: {
    LEARN: 0,
    INFERENCE: 1,
  },
  /** `caffe.BNParameter.Engine` of the schema. */
  Engine: {
    DEFAULT: 0,
    CAFFE: 1,
    CUDNN: 2,
  },
} as const;

/** SegNet's first, then PSPNet's, whose own numbers are 1 to 6. */
export interface BNParameter {
  /** A block of type `FillerParameter`; null where there is none. */
  scale_filler: FillerParameter | null;
  /** A block of type `FillerParameter`; null where there is none. */
  shift_filler: FillerParameter | null;
  /** Default: LEARN. */
  bn_mode: BNParameter_BNMode;
  /** A block of type `FillerParameter`; null where there is none. */
  slope_filler: FillerParameter | null;
  /** A block of type `FillerParameter`; null where there is none. */
  bias_filler: FillerParameter | null;
  /** Default: 0.9. */
  momentum: number;
  /** Default: 0.00001. */
  eps: number;
  /** Default: false. */
  frozen: boolean;
  /** Default: DEFAULT. */
  engine: BNParameter_Engine;
}

/** `caffe.BoxAnnotatorOHEMParameter` of the schema. */
export interface BoxAnnotatorOHEMParameter {
  roi_per_img: number;
  /** Default: -1. */
  ignore_label: number;
}

/** `caffe.PSROIPoolingParameter` of the schema. */
export interface PSROIPoolingParameter {
  spatial_scale: number;
  output_dim: number;
  group_size: number;
}

/** `caffe.ROIAlignParameter` of the schema. */
export interface ROIAlignParameter {
  /** Default: 0. */
  pooled_h: number;
  /** Default: 0. */
  pooled_w: number;
  /** Default: 1. */
  spatial_scale: number;
}

/** `caffe.ReorgParameter` of the schema. */
export interface ReorgParameter {
  stride: number;
  /** Default: false. */
  reverse: boolean;
}

/** `caffe.Yolov3DetectionOutputParameter` of the schema. */
export interface Yolov3DetectionOutputParameter {
  /** Default: 20. */
  num_classes: number;
  /** Default: 3. */
  num_box: number;
  /** Default: 0.01. */
  confidence_threshold: number;
  /** Default: 0.45. */
  nms_threshold: number;
  biases: number[];
  anchors_scale: number[];
  /** Default: 2. */
  mask_group_num: number;
  mask: number[];
}

/** `caffe.TransposeParameter` of the schema. */
export interface TransposeParameter {
  dim: number[];
}

/** `caffe.ProposalParameter` of the schema. */
export interface ProposalParameter {
  /** Default: 16. */
  feat_stride: number;
  /** Default: 16. */
  base_size: number;
  /** Default: 16. */
  min_size: number;
  ratio: number[];
  scale: number[];
  /** Default: 6000. */
  pre_nms_topn: number;
  /** Default: 300. */
  post_nms_topn: number;
  /** Default: 0.7. */
  nms_thresh: number;
}

/** `caffe.ReverseParameter` of the schema. */
export interface ReverseParameter {
  axis: number[];
}

/** `caffe.CTCLossParameter` of the schema. */
export interface CTCLossParameter {
  /** Default: 0. */
  output_delay: number;
  /** Default: -1. */
  blank_index: number;
  /** Default: false. */
  preprocess_collapse_repeated: boolean;
  /** Default: true. */
  ctc_merge_repeated: boolean;
  /** Default: 0. */
  loss_calculation_t: number;
}

/** `caffe.CTCDecoderParameter` of the schema. */
export interface CTCDecoderParameter {
  /** Default: -1. */
  blank_index: number;
  /** Default: true. */
  ctc_merge_repeated: boolean;
}

/** `caffe.TripletLossParameter` of the schema. */
export interface TripletLossParameter {
  /** Default: 1. */
  margin: number;
}

/** The enums of `caffe.AugmentParameter`. */
export const AugmentParameter = {
  /** `caffe.AugmentParameter.Border` of the schema. */
  Border: {
    CONSTANT: 0,
    EDGE: 1,
    REFLECT: 2,
  },
} as const;

/**
 * Random changes of training pictures, new for each entry and epoch. In TEST the middle is cut out and nothing else is
 * done.
 */
export interface AugmentParameter {
  /** Sides of the part cut out: one number, or height and width. In TEST from the middle. */
  crop_size: number[];
  /** In TRAIN from anywhere. Default: false. */
  random_crop: boolean;
  /** Probability. Default: 0. */
  flip_horizontal: number;
  /** Probability. Default: 0. */
  flip_vertical: number;
  /** Degrees, either way. Default: 0. */
  rotation: number;
  /** 0.25: by 0.75 to 1.25. Default: 0. */
  scale: number;
  /** The same for each axis by itself. Default: 0. */
  scale_axes: number;
  /** Share of the sides, either way. Default: 0. */
  shift: number;
  /** Degrees, either way, along each axis. Default: 0. */
  shear: number;
  /** Of rotation, scale, shift and shear together. Default: 1. */
  affine_probability: number;
  /** Deviation of the grid's displacements, as a share of the sides. Default: 0. */
  elastic: number;
  /** Cells along a side. Default: 4. */
  elastic_grid: number;
  /** Default: 1. */
  elastic_probability: number;
  /** What lies beyond the picture. Default: CONSTANT. */
  border: AugmentParameter_Border;
  /** With CONSTANT, of pictures. Default: 0. */
  border_value: number;
  /** With CONSTANT, of label pictures; 255 counts nowhere. Default: 0. */
  border_label: number;
  /** Greatest deviation of a Gaussian, in pixels. Default: 0. */
  blur: number;
  /** Default: 1. */
  blur_probability: number;
  /** Deviation of the logarithm of a smooth factor. Default: 0. */
  bias_field: number;
  /** Default: 1. */
  bias_field_probability: number;
  /** 0.25: by 0.75 to 1.25, about the mean. Default: 0. */
  contrast: number;
  /** Default: 1. */
  contrast_probability: number;
  /** Standard deviations of the picture, either way. Default: 0. */
  brightness: number;
  /** Default: 1. */
  brightness_probability: number;
  /** 0.4: exponents 0.6 to 1.4, over the picture's range. Default: 0. */
  gamma: number;
  /** Default: 1. */
  gamma_probability: number;
  /** Greatest deviation, in standard deviations of the picture. Default: 0. */
  noise: number;
  /** Default: 1. */
  noise_probability: number;
  /** The layer whose pictures' labels this layer gives: moved as those are. */
  labels_of: string;
}

/** `caffe.MokapotSolverParameter` of the schema. */
export interface MokapotSolverParameter {
  /** Iterations in which the rate rises to that of lr_policy. Default: 0. */
  warmup_iter: number;
  /** The share of lr_policy's rate that warm-up begins with. Default: 0.1. */
  warmup_start: number;
  /** cosine: the rate at max_iter. Default: 0. */
  min_lr: number;
  /**
   * What of the average of the weights stays at each iteration; 0 is no average. Tests and .caffemodel have the
   * average. Default: 0.
   */
  ema_decay: number;
  /** The iteration whose weights the average begins with. Default: 0. */
  ema_start: number;
  /**
   * Decay min(ema_decay, (1 + t) / (10 + t)) at t iterations after ema_start, so that a short run forgets its
   * beginning. Default: true.
   */
  ema_ramp: boolean;
  /** Ends the run where tests get no better. */
  early_stopping: EarlyStopping | null;
  /** An output of the tests, e.g. "dice:max": the snapshot at which it was best is kept. */
  keep_best: string;
  /** Weights of classes in the loss: "auto" by the data set's shares, or a number a class, "0.5,2". */
  class_weights: string;
  /** Entries that are read several times an epoch. */
  oversample: Oversampling[];
}

/** `caffe.EarlyStopping` of the schema. */
export interface EarlyStopping {
  /** An output of the tests, "dice:max" or "loss:min". */
  output: string;
  /** How many tests in a row may bring nothing better. Default: 10. */
  patience: number;
  /** What counts as better: by more than this. Default: 0. */
  min_delta: number;
}

/** `caffe.Oversampling` of the schema. */
export interface Oversampling {
  /** A class of the data set, by name or number. */
  class: string;
  /** How many times an epoch an entry with that class is read, as a mean. Default: 1. */
  factor: number;
}

/** A value of `caffe.FillerParameter.VarianceNorm`. */
export type FillerParameter_VarianceNorm = Values<typeof FillerParameter.VarianceNorm>;
/** A value of `caffe.Phase`. */
export type Phase = Values<typeof Phase>;
/** A value of `caffe.SolverParameter.SnapshotFormat`. */
export type SolverParameter_SnapshotFormat = Values<typeof SolverParameter.SnapshotFormat>;
/** A value of `caffe.SolverParameter.SolverMode`. */
export type SolverParameter_SolverMode = Values<typeof SolverParameter.SolverMode>;
/** A value of `caffe.SolverParameter.SolverType`. */
export type SolverParameter_SolverType = Values<typeof SolverParameter.SolverType>;
/** A value of `caffe.ParamSpec.DimCheckMode`. */
export type ParamSpec_DimCheckMode = Values<typeof ParamSpec.DimCheckMode>;
/** A value of `caffe.LossParameter.NormalizationMode`. */
export type LossParameter_NormalizationMode = Values<typeof LossParameter.NormalizationMode>;
/** A value of `caffe.BatchNormParameter.Engine`. */
export type BatchNormParameter_Engine = Values<typeof BatchNormParameter.Engine>;
/** A value of `caffe.ConvolutionParameter.CuDNNConvolutionAlgorithmSeeker`. */
export type ConvolutionParameter_CuDNNConvolutionAlgorithmSeeker = Values<
  typeof ConvolutionParameter.CuDNNConvolutionAlgorithmSeeker
>;
/** A value of `caffe.ConvolutionParameter.Engine`. */
export type ConvolutionParameter_Engine = Values<typeof ConvolutionParameter.Engine>;
/** A value of `caffe.DataParameter.DB`. */
export type DataParameter_DB = Values<typeof DataParameter.DB>;
/** A value of `caffe.EltwiseParameter.EltwiseOp`. */
export type EltwiseParameter_EltwiseOp = Values<typeof EltwiseParameter.EltwiseOp>;
/** A value of `caffe.HingeLossParameter.Norm`. */
export type HingeLossParameter_Norm = Values<typeof HingeLossParameter.Norm>;
/** A value of `caffe.LRNParameter.NormRegion`. */
export type LRNParameter_NormRegion = Values<typeof LRNParameter.NormRegion>;
/** A value of `caffe.LRNParameter.Engine`. */
export type LRNParameter_Engine = Values<typeof LRNParameter.Engine>;
/** A value of `caffe.PoolingParameter.PoolMethod`. */
export type PoolingParameter_PoolMethod = Values<typeof PoolingParameter.PoolMethod>;
/** A value of `caffe.PoolingParameter.Engine`. */
export type PoolingParameter_Engine = Values<typeof PoolingParameter.Engine>;
/** A value of `caffe.PoolingParameter.RoundMode`. */
export type PoolingParameter_RoundMode = Values<typeof PoolingParameter.RoundMode>;
/** A value of `caffe.ReductionParameter.ReductionOp`. */
export type ReductionParameter_ReductionOp = Values<typeof ReductionParameter.ReductionOp>;
/** A value of `caffe.ReLUParameter.Engine`. */
export type ReLUParameter_Engine = Values<typeof ReLUParameter.Engine>;
/** A value of `caffe.SigmoidParameter.Engine`. */
export type SigmoidParameter_Engine = Values<typeof SigmoidParameter.Engine>;
/** A value of `caffe.SoftmaxParameter.Engine`. */
export type SoftmaxParameter_Engine = Values<typeof SoftmaxParameter.Engine>;
/** A value of `caffe.SPPParameter.PoolMethod`. */
export type SPPParameter_PoolMethod = Values<typeof SPPParameter.PoolMethod>;
/** A value of `caffe.SPPParameter.Engine`. */
export type SPPParameter_Engine = Values<typeof SPPParameter.Engine>;
/** A value of `caffe.TanHParameter.Engine`. */
export type TanHParameter_Engine = Values<typeof TanHParameter.Engine>;
/** A value of `caffe.DetectNetGroundTruthParameter.GridboxType`. */
export type DetectNetGroundTruthParameter_GridboxType = Values<typeof DetectNetGroundTruthParameter.GridboxType>;
/** A value of `caffe.DetectNetGroundTruthParameter.CoverageType`. */
export type DetectNetGroundTruthParameter_CoverageType = Values<typeof DetectNetGroundTruthParameter.CoverageType>;
/** A value of `caffe.V1LayerParameter.LayerType`. */
export type V1LayerParameter_LayerType = Values<typeof V1LayerParameter.LayerType>;
/** A value of `caffe.V1LayerParameter.DimCheckMode`. */
export type V1LayerParameter_DimCheckMode = Values<typeof V1LayerParameter.DimCheckMode>;
/** A value of `caffe.V0LayerParameter.PoolMethod`. */
export type V0LayerParameter_PoolMethod = Values<typeof V0LayerParameter.PoolMethod>;
/** A value of `caffe.ResizeParameter.Resize_mode`. */
export type ResizeParameter_Resize_mode = Values<typeof ResizeParameter.Resize_mode>;
/** A value of `caffe.ResizeParameter.Pad_mode`. */
export type ResizeParameter_Pad_mode = Values<typeof ResizeParameter.Pad_mode>;
/** A value of `caffe.ResizeParameter.Interp_mode`. */
export type ResizeParameter_Interp_mode = Values<typeof ResizeParameter.Interp_mode>;
/** A value of `caffe.EmitConstraint.EmitType`. */
export type EmitConstraint_EmitType = Values<typeof EmitConstraint.EmitType>;
/** A value of `caffe.AnnotatedDataParameter.AnnotationType`. */
export type AnnotatedDataParameter_AnnotationType = Values<typeof AnnotatedDataParameter.AnnotationType>;
/** A value of `caffe.VideoDataParameter.VideoType`. */
export type VideoDataParameter_VideoType = Values<typeof VideoDataParameter.VideoType>;
/** A value of `caffe.PriorBoxParameter.CodeType`. */
export type PriorBoxParameter_CodeType = Values<typeof PriorBoxParameter.CodeType>;
/** A value of `caffe.MultiBoxLossParameter.LocLossType`. */
export type MultiBoxLossParameter_LocLossType = Values<typeof MultiBoxLossParameter.LocLossType>;
/** A value of `caffe.MultiBoxLossParameter.ConfLossType`. */
export type MultiBoxLossParameter_ConfLossType = Values<typeof MultiBoxLossParameter.ConfLossType>;
/** A value of `caffe.MultiBoxLossParameter.MatchType`. */
export type MultiBoxLossParameter_MatchType = Values<typeof MultiBoxLossParameter.MatchType>;
/** A value of `caffe.MultiBoxLossParameter.MiningType`. */
export type MultiBoxLossParameter_MiningType = Values<typeof MultiBoxLossParameter.MiningType>;
/** A value of `caffe.BNParameter.BNMode`. */
export type BNParameter_BNMode = Values<typeof BNParameter.BNMode>;
/** A value of `caffe.BNParameter.Engine`. */
export type BNParameter_Engine = Values<typeof BNParameter.Engine>;
/** A value of `caffe.AugmentParameter.Border`. */
export type AugmentParameter_Border = Values<typeof AugmentParameter.Border>;

/** Every message by its full name. */
export interface Messages {
  /** The message BlobShape. */
  'caffe.BlobShape': BlobShape;
  /** The message BlobProto. */
  'caffe.BlobProto': BlobProto;
  /** The message BlobProtoVector. */
  'caffe.BlobProtoVector': BlobProtoVector;
  /** The message Datum. */
  'caffe.Datum': Datum;
  /** The message FillerParameter. */
  'caffe.FillerParameter': FillerParameter;
  /** The message NetParameter. */
  'caffe.NetParameter': NetParameter;
  /** The message NetState. */
  'caffe.NetState': NetState;
  /** The message NetStateRule. */
  'caffe.NetStateRule': NetStateRule;
  /** The message SolverParameter. */
  'caffe.SolverParameter': SolverParameter;
  /** The message SolverState. */
  'caffe.SolverState': SolverState;
  /** The message ParamSpec. */
  'caffe.ParamSpec': ParamSpec;
  /** The message LayerParameter. */
  'caffe.LayerParameter': LayerParameter;
  /** The message TransformationParameter. */
  'caffe.TransformationParameter': TransformationParameter;
  /** The message LossParameter. */
  'caffe.LossParameter': LossParameter;
  /** The message AccuracyParameter. */
  'caffe.AccuracyParameter': AccuracyParameter;
  /** The message ArgMaxParameter. */
  'caffe.ArgMaxParameter': ArgMaxParameter;
  /** The message BatchNormParameter. */
  'caffe.BatchNormParameter': BatchNormParameter;
  /** The message BiasParameter. */
  'caffe.BiasParameter': BiasParameter;
  /** The message ClipParameter. */
  'caffe.ClipParameter': ClipParameter;
  /** The message ConcatParameter. */
  'caffe.ConcatParameter': ConcatParameter;
  /** The message ContrastiveLossParameter. */
  'caffe.ContrastiveLossParameter': ContrastiveLossParameter;
  /** The message ConvolutionParameter. */
  'caffe.ConvolutionParameter': ConvolutionParameter;
  /** The message CropParameter. */
  'caffe.CropParameter': CropParameter;
  /** The message DataParameter. */
  'caffe.DataParameter': DataParameter;
  /** The message DropoutParameter. */
  'caffe.DropoutParameter': DropoutParameter;
  /** The message DummyDataParameter. */
  'caffe.DummyDataParameter': DummyDataParameter;
  /** The message EltwiseParameter. */
  'caffe.EltwiseParameter': EltwiseParameter;
  /** The message ELUParameter. */
  'caffe.ELUParameter': ELUParameter;
  /** The message EmbedParameter. */
  'caffe.EmbedParameter': EmbedParameter;
  /** The message ExpParameter. */
  'caffe.ExpParameter': ExpParameter;
  /** The message FlattenParameter. */
  'caffe.FlattenParameter': FlattenParameter;
  /** The message HDF5DataParameter. */
  'caffe.HDF5DataParameter': HDF5DataParameter;
  /** The message HDF5OutputParameter. */
  'caffe.HDF5OutputParameter': HDF5OutputParameter;
  /** The message HingeLossParameter. */
  'caffe.HingeLossParameter': HingeLossParameter;
  /** The message ImageDataParameter. */
  'caffe.ImageDataParameter': ImageDataParameter;
  /** The message InfogainLossParameter. */
  'caffe.InfogainLossParameter': InfogainLossParameter;
  /** The message InnerProductParameter. */
  'caffe.InnerProductParameter': InnerProductParameter;
  /** The message InputParameter. */
  'caffe.InputParameter': InputParameter;
  /** The message LogParameter. */
  'caffe.LogParameter': LogParameter;
  /** The message LRNParameter. */
  'caffe.LRNParameter': LRNParameter;
  /** The message MemoryDataParameter. */
  'caffe.MemoryDataParameter': MemoryDataParameter;
  /** The message MVNParameter. */
  'caffe.MVNParameter': MVNParameter;
  /** The message ParameterParameter. */
  'caffe.ParameterParameter': ParameterParameter;
  /** The message PoolingParameter. */
  'caffe.PoolingParameter': PoolingParameter;
  /** The message PowerParameter. */
  'caffe.PowerParameter': PowerParameter;
  /** The message PReLUParameter. */
  'caffe.PReLUParameter': PReLUParameter;
  /** The message PythonParameter. */
  'caffe.PythonParameter': PythonParameter;
  /** The message RecurrentParameter. */
  'caffe.RecurrentParameter': RecurrentParameter;
  /** The message ReductionParameter. */
  'caffe.ReductionParameter': ReductionParameter;
  /** The message ReLUParameter. */
  'caffe.ReLUParameter': ReLUParameter;
  /** The message ReshapeParameter. */
  'caffe.ReshapeParameter': ReshapeParameter;
  /** The message ScaleParameter. */
  'caffe.ScaleParameter': ScaleParameter;
  /** The message SigmoidParameter. */
  'caffe.SigmoidParameter': SigmoidParameter;
  /** The message SliceParameter. */
  'caffe.SliceParameter': SliceParameter;
  /** The message SoftmaxParameter. */
  'caffe.SoftmaxParameter': SoftmaxParameter;
  /** The message SPPParameter. */
  'caffe.SPPParameter': SPPParameter;
  /** The message SwishParameter. */
  'caffe.SwishParameter': SwishParameter;
  /** The message TanHParameter. */
  'caffe.TanHParameter': TanHParameter;
  /** The message ThresholdParameter. */
  'caffe.ThresholdParameter': ThresholdParameter;
  /** The message TileParameter. */
  'caffe.TileParameter': TileParameter;
  /** The message WindowDataParameter. */
  'caffe.WindowDataParameter': WindowDataParameter;
  /** The message DetectNetGroundTruthParameter. */
  'caffe.DetectNetGroundTruthParameter': DetectNetGroundTruthParameter;
  /** The message DetectNetGroundTruthParameter_ClassMapping. */
  'caffe.DetectNetGroundTruthParameter.ClassMapping': DetectNetGroundTruthParameter_ClassMapping;
  /** The message DetectNetAugmentationParameter. */
  'caffe.DetectNetAugmentationParameter': DetectNetAugmentationParameter;
  /** The message V1LayerParameter. */
  'caffe.V1LayerParameter': V1LayerParameter;
  /** The message V0LayerParameter. */
  'caffe.V0LayerParameter': V0LayerParameter;
  /** The message ResizeParameter. */
  'caffe.ResizeParameter': ResizeParameter;
  /** The message SaltPepperParameter. */
  'caffe.SaltPepperParameter': SaltPepperParameter;
  /** The message NoiseParameter. */
  'caffe.NoiseParameter': NoiseParameter;
  /** The message EmitConstraint. */
  'caffe.EmitConstraint': EmitConstraint;
  /** The message DistortionParameter. */
  'caffe.DistortionParameter': DistortionParameter;
  /** The message ExpansionParameter. */
  'caffe.ExpansionParameter': ExpansionParameter;
  /** The message Sampler. */
  'caffe.Sampler': Sampler;
  /** The message SampleConstraint. */
  'caffe.SampleConstraint': SampleConstraint;
  /** The message BatchSampler. */
  'caffe.BatchSampler': BatchSampler;
  /** The message AnnotatedDataParameter. */
  'caffe.AnnotatedDataParameter': AnnotatedDataParameter;
  /** The message VideoDataParameter. */
  'caffe.VideoDataParameter': VideoDataParameter;
  /** The message DetectionEvaluateParameter. */
  'caffe.DetectionEvaluateParameter': DetectionEvaluateParameter;
  /** The message PermuteParameter. */
  'caffe.PermuteParameter': PermuteParameter;
  /** The message NormalizeParameter. */
  'caffe.NormalizeParameter': NormalizeParameter;
  /** The message PriorBoxParameter. */
  'caffe.PriorBoxParameter': PriorBoxParameter;
  /** The message NonMaximumSuppressionParameter. */
  'caffe.NonMaximumSuppressionParameter': NonMaximumSuppressionParameter;
  /** The message SaveOutputParameter. */
  'caffe.SaveOutputParameter': SaveOutputParameter;
  /** The message DetectionOutputParameter. */
  'caffe.DetectionOutputParameter': DetectionOutputParameter;
  /** The message MultiBoxLossParameter. */
  'caffe.MultiBoxLossParameter': MultiBoxLossParameter;
  /** The message ROIPoolingParameter. */
  'caffe.ROIPoolingParameter': ROIPoolingParameter;
  /** The message SmoothL1LossParameter. */
  'caffe.SmoothL1LossParameter': SmoothL1LossParameter;
  /** The message ShuffleChannelParameter. */
  'caffe.ShuffleChannelParameter': ShuffleChannelParameter;
  /** The message InterpParameter. */
  'caffe.InterpParameter': InterpParameter;
  /** The message UpsampleParameter. */
  'caffe.UpsampleParameter': UpsampleParameter;
  /** The message ReLU6Parameter. */
  'caffe.ReLU6Parameter': ReLU6Parameter;
  /** The message BNParameter. */
  'caffe.BNParameter': BNParameter;
  /** The message BoxAnnotatorOHEMParameter. */
  'caffe.BoxAnnotatorOHEMParameter': BoxAnnotatorOHEMParameter;
  /** The message PSROIPoolingParameter. */
  'caffe.PSROIPoolingParameter': PSROIPoolingParameter;
  /** The message ROIAlignParameter. */
  'caffe.ROIAlignParameter': ROIAlignParameter;
  /** The message ReorgParameter. */
  'caffe.ReorgParameter': ReorgParameter;
  /** The message Yolov3DetectionOutputParameter. */
  'caffe.Yolov3DetectionOutputParameter': Yolov3DetectionOutputParameter;
  /** The message TransposeParameter. */
  'caffe.TransposeParameter': TransposeParameter;
  /** The message ProposalParameter. */
  'caffe.ProposalParameter': ProposalParameter;
  /** The message ReverseParameter. */
  'caffe.ReverseParameter': ReverseParameter;
  /** The message CTCLossParameter. */
  'caffe.CTCLossParameter': CTCLossParameter;
  /** The message CTCDecoderParameter. */
  'caffe.CTCDecoderParameter': CTCDecoderParameter;
  /** The message TripletLossParameter. */
  'caffe.TripletLossParameter': TripletLossParameter;
  /** The message AugmentParameter. */
  'caffe.AugmentParameter': AugmentParameter;
  /** The message MokapotSolverParameter. */
  'caffe.MokapotSolverParameter': MokapotSolverParameter;
  /** The message EarlyStopping. */
  'caffe.EarlyStopping': EarlyStopping;
  /** The message Oversampling. */
  'caffe.Oversampling': Oversampling;
}
