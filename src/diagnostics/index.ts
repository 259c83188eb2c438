/** Diagnostics: the ground every other folder stands on. */
export * from './diagnostic.js';
export { applyFixes, type Fixed } from './fix.js';
export * from './frame.js';
export { need, nth } from './internal.js';
export { nearest, nearestSlip } from './nearest.js';
export { isInherited, literalKey, own, recordOf } from './records.js';
export { firstLine, messageOf } from './thrown.js';
export { visible, visiblePainted } from './visible.js';
