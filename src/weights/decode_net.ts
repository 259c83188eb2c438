/** The NetParameter around the blobs: decoded by protobufjs, upgraded to today's form. */

import { type Diagnostic, MokapotError } from '../diagnostics/index.js';
import { messageType, type NetParameter } from '../schema/index.js';
import { type ByteSource, damaged } from './source.js';

export function decodeNet(source: ByteSource, bytes: Uint8Array): { net: NetParameter; diagnostics: Diagnostic[] } {
  try {
    const net = messageType('caffe.NetParameter').decode(bytes) as unknown as NetParameter;
    return { net, diagnostics: [] };
  } catch (cause) {
    if (cause instanceof MokapotError) throw cause;
    throw damaged(source, 0, `the network in it cannot be decoded (${cause instanceof Error ? cause.message : cause})`);
  }
}
