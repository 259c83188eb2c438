/** Networks and weights for other programs. */
export type { Comparison } from './compare.js';
export { convert } from './convert.js';
export type { Preprocessing } from './prepare.js';
export { type ConvertOptions, type ConvertReport, type ModelEndpoint, TARGETS, type Target } from './types.js';
