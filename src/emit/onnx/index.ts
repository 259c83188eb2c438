/** IR graphs as ONNX models, and what of a graph ONNX has no ops for. */

export { type HostNode, nodesOnHost } from './fallbacks.js';
export { type Endpoint, emitGeneralOnnx, type OnnxModel } from './general.js';
