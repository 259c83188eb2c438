/** The host engine. */

export { createHostEngine } from './engine.js';
