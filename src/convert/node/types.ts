/** What `convert` takes and tells, and what a target works with. */

import type { Diagnostic } from '../../diagnostics/index.js';
import type { Parameters } from '../../emit/constants.js';
import type { Quantization } from '../../emit/tfjs/index.js';
import type { Net, NetLoadOptions } from '../../runtime/node/net.js';
import type { Comparison } from '../compare.js';
import type { DynamicExport, OpenSizes } from '../dynamic_sizes.js';
import type { ModelEndpoint } from '../export_net.js';
import type { PreparedInput, Preprocessing } from '../prepare.js';
import type { Staging, WrittenFile } from './staging.js';

export const TARGETS = ['tfjs', 'onnx', 'safetensors', 'npz', 'h5', 'caffemodel'] as const;
/** What a network can be converted to. */
export type Target = (typeof TARGETS)[number];

/** A model computes; the other targets are parameters alone. */
export function isModel(target: Target): boolean {
  return target === 'tfjs' || target === 'onnx';
}

type NetPart =
  | 'phase'
  | 'stages'
  | 'level'
  | 'inputShapes'
  | 'entryShapes'
  | 'pythonLayers'
  | 'catalogue'
  | 'backend'
  | 'seed'
  | 'schema';

/** What is converted, to what, and how. */
export interface ConvertOptions extends Pick<NetLoadOptions, NetPart | 'lenient'> {
  /** A model (`tfjs`, `onnx`) or a file of parameters. */
  readonly to: Target;
  /** A folder, or a file's name where the target is a single file. */
  readonly out: string;
  /** Path of the prototxt. May be left out where weights become safetensors, npz or h5. */
  readonly net?: string;
  /** Its text, where it is not the file's; `net` then only says what to call it and where its paths start. */
  readonly netText?: string;
  /** Paths: `.caffemodel`, `.caffemodel.h5`, `.safetensors` or `.npz`, copied in this order. */
  readonly weights?: string | readonly string[];
  /** tfjs: stores parameters in fewer bits. */
  readonly quantize?: Quantization;
  /** tfjs: order of axes of pictures that go in and come out. Default NCHW, Caffe's. */
  readonly layout?: 'NCHW' | 'NHWC';
  /** tfjs and onnx: one batch size, one height and width, even where the network lets them be open. */
  readonly fixed?: boolean;
  /** tfjs and onnx: the blobs that the model gives. Default: the network's outputs. What only others need is left out. */
  readonly outputs?: readonly string[];
  /** tfjs and onnx: works this into the model. */
  readonly preprocessing?: Preprocessing;
  /** Works batch normalisation, Scale and Bias into the layers before them. */
  readonly foldBatchNorm?: boolean;
  /** Runs what was written beside the network, at random inputs. Default true. */
  readonly check?: boolean;
  /** Told what is being done. */
  readonly onProgress?: (doing: string) => void;
}

/** What was written, and how it compares with the network. */
export interface ConvertReport {
  /** The target. */
  readonly to: Target;
  /** All files that were written. */
  readonly files: readonly WrittenFile[];
  /** Of tfjs and onnx. */
  readonly inputs: readonly ModelEndpoint[];
  /** Of tfjs and onnx. */
  readonly outputs: readonly ModelEndpoint[];
  /** Of tfjs and onnx: what each run may choose, and why the rest is fixed. */
  readonly open?: OpenSizes;
  /** Why the batch, or height and width, are fixed. */
  readonly reasons?: DynamicExport<unknown>['reasons'];
  /** Warnings: parameters that came from fillers, layers of the weights that the network lacks. */
  readonly diagnostics: readonly Diagnostic[];
  /** Layers that went into others; by how much the outputs changed, where that was looked at. */
  readonly folded?: {
    readonly layers: readonly { readonly into: string; readonly layers: readonly string[] }[];
    readonly error?: number;
  };
  /** Greatest error of a stored parameter. */
  readonly quantization?: { readonly to: Quantization; readonly weight: string; readonly error: number };
  /** How far the model's outputs are from the network's, at each of the sizes looked at. */
  readonly checks?: readonly Comparison[];
  /** Whether arrays were read back and are the same to the bit. */
  readonly identical?: boolean;
}

/** What a target works with. */
export interface Job {
  readonly options: ConvertOptions;
  readonly net: Net;
  readonly parameters: Parameters;
  readonly prepared: PreparedInput | undefined;
  readonly stage: Staging;
  /** The name of the file, of targets that are one. */
  readonly file: string;
  progress(doing: string): void;
}

export type TargetReport = Omit<ConvertReport, 'to' | 'diagnostics' | 'folded'>;
