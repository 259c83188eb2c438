/** Graphs as TensorFlow.js graph models. */
export { type EmitOptions, type Endpoint, emitTfjsGraph, type TfjsGraph } from './emit.js';
export { type ModelOptions, TfjsModel } from './model.js';
export type { Quantization } from './quantize.js';
