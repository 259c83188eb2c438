/** The ONNX target's public face. */
export { type EmitOptions, emitOnnx } from './emit.js';
