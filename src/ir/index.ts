/** The intermediate representation's public face. */
export { Builder } from './builder.js';
export { type ExportTarget, OnnxType, type OnnxWriter } from './export.js';
export { gradients, type Seed } from './gradient.js';
export { ops } from './ops/index.js';
export { pruneDead } from './passes/dead_code.js';
export * from './shape.js';
export type * from './types.js';
