/** 64-bit integers: protobufjs reads them as Longs, messages hold plain numbers wherever those are exact. */

import Long from 'long';
import protobuf from 'protobufjs';

protobuf.util.Long = Long;
protobuf.configure();

/** A Long as a number where a number holds it exactly, else the Long itself. */
export function plainInteger(value: Long): number | Long {
  const n = value.toNumber();
  return Number.isSafeInteger(n) ? n : value;
}
