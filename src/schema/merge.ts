/** One schema laid over another: a fork's messages and fields join Caffe's. */

import protobuf from 'protobufjs';
import { fail, messageOf } from '../diagnostics/index.js';

/** Where fields go whose number is taken. */
const FIRST_SPARE = 100_000_000;

/** The option of a field that stands once in Caffe's schema and may be repeated in a fork's. */
const REPEATABLE = 'repeatable';

/** Whether a text may give the field several times, although a message holds one value of it. */
export const isRepeatable = (field: protobuf.Field): boolean => field.options?.[REPEATABLE] === true;

/**
 * Adds to `root`'s package caffe what the `.proto` text has and it lacks: messages, enums, fields, values, extensions as
 * plain fields. What is there stays as it is. A new field whose number is taken gets a spare one: prototxt goes by name.
 *
 * @throws MokapotError `schema-syntax` where the text is no .proto
 */
export function mergeProto(root: protobuf.Root, text: string, name: string): void {
  const from = parseProto(text, name);
  const source = from.get('caffe') ?? from;
  mergeNamespace(root.lookup('caffe') as protobuf.Namespace, source as protobuf.Namespace);
}

export function parseProto(text: string, name: string): protobuf.Root {
  try {
    return protobuf.parse(text, new protobuf.Root(), { keepCase: true, alternateCommentMode: true }).root;
  } catch (thrown) {
    const reason = messageOf(thrown);
    throw fail('schema-syntax', `${name} is no schema: ${reason}.`, {
      hint: "A schema is a .proto file, e.g. a fork's src/caffe/proto/caffe.proto.",
    });
  }
}

function mergeNamespace(target: protobuf.NamespaceBase, source: protobuf.NamespaceBase): void {
  for (const item of [...source.nestedArray]) {
    const there = target.get(item.name);
    if (item instanceof protobuf.Field) extend(target, item);
    else if (!there) {
      source.remove(item);
      target.add(item);
    } else if (there instanceof protobuf.Enum && item instanceof protobuf.Enum) mergeEnum(there, item);
    else if (there instanceof protobuf.Type && item instanceof protobuf.Type) mergeType(there, item);
  }
}

function mergeEnum(target: protobuf.Enum, source: protobuf.Enum): void {
  for (const [name, value] of Object.entries(source.values))
    if (!Object.hasOwn(target.values, name)) target.add(name, spareValue(target, value));
}

/** The number, or another one where it is taken: prototxt goes by name. */
function spareValue(target: protobuf.Enum, value: number): number {
  let free = target.valuesById[value] === undefined ? value : FIRST_SPARE;
  while (target.valuesById[free] !== undefined) free++;
  return free;
}

function mergeType(target: protobuf.Type, source: protobuf.Type): void {
  mergeNamespace(target, source);
  for (const field of source.fieldsArray) addField(target, field);
}

function addField(target: protobuf.Type, field: protobuf.Field): void {
  const { name, id, type, options } = field;
  const there = target.get(name);
  if (there) {
    if (there instanceof protobuf.Field && field.repeated && !there.repeated) there.setOption(REPEATABLE, true);
    return;
  }
  const free = (n: number) => !target.fieldsById[n] && !target.isReservedId(n);
  let number = free(id) ? id : FIRST_SPARE;
  while (!free(number)) number++;
  const rule = field.repeated ? 'repeated' : field.required ? 'required' : undefined;
  const added = new protobuf.Field(name, number, type, rule, undefined, options);
  added.comment = field.comment;
  target.add(added);
}

/** `extend LayerParameter { … }` */
function extend(target: protobuf.NamespaceBase, field: protobuf.Field): void {
  const type = field.extend === undefined ? null : target.lookup(field.extend, [protobuf.Type]);
  if (type instanceof protobuf.Type) addField(type, field);
}
