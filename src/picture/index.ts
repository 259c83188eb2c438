/** Pictures of networks. `toPng` (node/png.ts) needs files of Node's; the rest runs anywhere. */
export { toDot } from './dot.js';
export { type NetPicture, netPicture } from './graph.js';
export { toSvg } from './svg.js';
