/** Pictures of networks. `toPng` (node/png.ts) needs files of Node's; the rest runs anywhere. */
export { toDot } from './dot.js';
export { type Box, type BoxRow, type Kind, type Line, type NetPicture, netPicture } from './graph.js';
export { toSvg } from './svg.js';
