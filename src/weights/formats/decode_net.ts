/** The NetParameter around the blobs: decoded by protobufjs, upgraded to today's form. */

import { type Diagnostic, MokapotError } from '../../diagnostics/index.js';
import {
  decode,
  type NetParameter,
  type OnSkipped,
  type Schema,
  type SkippedField,
  skippedWarning,
  upgradeNet,
} from '../../schema/index.js';
import { type ByteSource, damaged } from '../source.js';

/** Faults of an old network are warnings here: its weights are good all the same, and Caffe goes on too. */
export function decodeNet(
  source: ByteSource,
  bytes: Uint8Array,
  schema?: Schema,
): { net: NetParameter; diagnostics: Diagnostic[] } {
  const skipped: SkippedField[] = [];
  const { message, diagnostics } = upgradeNet(decoded(source, bytes, schema, field => skipped.push(field)));
  const told = diagnostics.map((d): Diagnostic => (d.severity === 'error' ? { ...d, severity: 'warning' } : d));
  return {
    net: message,
    diagnostics: [
      ...told,
      ...skippedWarning(
        source.name,
        skipped.filter(s => s.why !== 'unknown'),
      ),
    ],
  };
}

function decoded(
  source: ByteSource,
  bytes: Uint8Array,
  schema: Schema | undefined,
  onSkipped: OnSkipped,
): NetParameter {
  try {
    return decode(bytes, 'caffe.NetParameter', { onSkipped, ...(schema && { schema }) });
  } catch (cause) {
    if (!(cause instanceof MokapotError)) throw cause;
    throw damaged(
      source,
      0,
      `the network in it cannot be decoded: ${cause.diagnostics[0]?.message.replace(/\.$/, '')}`,
    );
  }
}
