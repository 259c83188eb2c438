/** The ONNX target's public face. */

export { type HostNode, nodesOnHost } from '../../emit/onnx/fallbacks.js';
export { type Endpoint, emitGeneralOnnx, type OnnxModel } from '../../emit/onnx/general.js';
