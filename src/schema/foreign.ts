/** What a text uses of a fork's schema that Caffe's lacks: it parses, and no rule of a layer or solver reads it. */

import protobuf from 'protobufjs';
import { own } from '../diagnostics/index.js';
import { isSet } from './message.js';
import { Schema, typeOf } from './schema.js';

/** A field that is set, or one whose value is set, of a fork's schema alone. */
export interface ForeignField {
  /** The message it stands in. */
  readonly message: object;
  readonly field: string;
  /** The enum value, where the field is Caffe's and its value is not. */
  readonly value?: string;
}

/** Messages of numbers, or looked at by themselves. */
const APART: ReadonlySet<string> = new Set([
  'blobs',
  'layer',
  'layers',
  'net_param',
  'train_net_param',
  'test_net_param',
]);

/** Every such field of a message and of those in it, but not of a net's layers. */
export function foreignFields(message: object): ForeignField[] {
  const type = typeOf(message);
  if (type.root === Schema.caffe.root) return [];
  const caffe = Schema.caffe.root.lookup(type.fullName, [protobuf.Type]);
  if (!(caffe instanceof protobuf.Type)) return [];
  const found: ForeignField[] = [];
  for (const [name, value] of Object.entries(message) as [string, unknown][]) {
    const field = own(type.fields, name);
    if (!field || APART.has(name) || !isSet(message, name as never)) continue;
    const known = own(caffe.fields, name)?.resolve();
    if (!known) found.push({ message, field: name });
    else if (known.resolvedType instanceof protobuf.Enum)
      found.push(...foreignValues(message, field, known.resolvedType));
    else if (known.resolvedType instanceof protobuf.Type)
      for (const item of [value].flat()) found.push(...foreignFields(item as object));
  }
  return found;
}

function foreignValues(message: object, field: protobuf.Field, caffe: protobuf.Enum): ForeignField[] {
  const names = (field.resolvedType as protobuf.Enum).valuesById;
  return [(message as Record<string, unknown>)[field.name]]
    .flat()
    .filter(n => !Object.hasOwn(caffe.valuesById, String(n)))
    .map(n => ({ message, field: field.name, value: names[n as number] ?? String(n) }));
}
