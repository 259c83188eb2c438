/** 64-bit integers: protobufjs reads them as Longs, messages hold plain numbers wherever those are exact. */

import type LongInteger from 'long';
import protobuf from 'protobufjs';

/** protobufjs's own: a bundle that imports the package `long` beside it has that twice, 4 kB gzipped. */
export const Long: typeof LongInteger = protobuf.util.Long as typeof LongInteger;
export type Long = LongInteger;

/** A Long as a number where a number holds it exactly, else the Long itself. */
export function plainInteger(value: Long): number | Long {
  const n = value.toNumber();
  return Number.isSafeInteger(n) ? n : value;
}
