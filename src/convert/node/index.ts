/** Networks and weights for other programs. */
export type { Comparison } from '../compare.js';
export type { Preprocessing } from '../prepare.js';
export { convert } from './convert.js';
export { toGraphModel, toOnnxModel, toTfjsModel } from './models.js';
export { type ConvertOptions, type ConvertReport, TARGETS, type Target } from './types.js';
