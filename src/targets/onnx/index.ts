/** The ONNX target's public face. */
export { createOnnxEngine, fastGpu, onnxReports } from './devices.js';
export { type HostNode, nodesOnHost } from './fallbacks.js';
export { type Endpoint, emitGeneralOnnx, type OnnxModel } from './general.js';
