/** The host target's public face. */
export * from './convolution.js';
export { createHostEngine } from './engine.js';
export { hostKernel, type Kernel } from './kernels.js';
