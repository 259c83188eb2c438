/** The NetParameter around the blobs: decoded by protobufjs, upgraded to today's form. */

import { type Diagnostic, MokapotError } from '../diagnostics/index.js';
import { decode, type NetParameter } from '../schema/index.js';
import { type ByteSource, damaged } from './source.js';

export function decodeNet(source: ByteSource, bytes: Uint8Array): { net: NetParameter; diagnostics: Diagnostic[] } {
  return { net: decoded(source, bytes), diagnostics: [] };
}

function decoded(source: ByteSource, bytes: Uint8Array): NetParameter {
  try {
    return decode(bytes, 'caffe.NetParameter');
  } catch (cause) {
    if (!(cause instanceof MokapotError)) throw cause;
    throw damaged(
      source,
      0,
      `the network in it cannot be decoded: ${cause.diagnostics[0]?.message.replace(/\.$/, '')}`,
    );
  }
}
