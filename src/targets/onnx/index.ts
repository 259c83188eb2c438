/** The ONNX target's public face. */
export { createOnnxEngine, onnxReports } from './devices.js';
export { type HostNode, nodesOnHost } from './fallbacks.js';
export { type Endpoint, emitGeneralOnnx, type OnnxModel } from './general.js';
