/** Diagnostics: the ground every other folder stands on. */
export * from './diagnostic.js';
export * from './frame.js';
export { nearest } from './nearest.js';
