/**
 * A schema as a value: which messages there are and what fields they have. Caffe's with what forks add to it is the
 * default; `extend` makes another one and leaves the first as it was, so that networks of two forks stand side by side.
 * A message knows the schema it was made by (`schemaOf`).
 */

import protobuf from 'protobufjs';
import { fail, messageOf } from '../diagnostics/index.js';
import { protoOf } from './embedded.js';
import { CAFFE_PROTO, FORKS_PROTO, MOKAPOT_PROTO } from './generated/caffe_proto.js';
import { Long, plainInteger } from './long.js';
import { mergeProto, parseProto } from './merge.js';

/** The text of a `.proto` file that is merged into Caffe's. */
interface Extra {
  readonly text: string;
  /** What messages call it. */
  readonly name: string;
}

/** How strictly texts are read by a schema. */
export interface SchemaSettings {
  /** Fields that the schema lacks are warned of and left out, not refused. */
  readonly lenient?: boolean;
}

/** Which schema made a root, so that a message's type leads back to it. */
const schemas = new WeakMap<protobuf.Root, Schema>();

/** Message types by name, and how strictly texts are read by them. It never changes. */
export class Schema {
  readonly #extras: readonly Extra[];
  /** Extensions of this schema by text and name: the same text gives the same schema, and so the same types. */
  readonly #extended = new Map<string, Schema>();
  #root: protobuf.Root | undefined;

  private constructor(
    extras: readonly Extra[],
    readonly lenient: boolean,
    root?: protobuf.Root,
  ) {
    this.#extras = extras;
    if (root) this.#keep(root);
  }

  /** BVLC Caffe's schema with the layers of forks that Mokapot has, and Mokapot's own fields (grammar/*.proto). */
  static readonly caffe: Schema = new Schema(
    [
      { text: protoOf(FORKS_PROTO), name: 'grammar/forks.proto' },
      { text: protoOf(MOKAPOT_PROTO), name: 'grammar/mokapot.proto' },
    ],
    false,
  );

  /** All types as protobufjs has them. */
  get root(): protobuf.Root {
    return this.#root ?? this.#keep(rootWith(this.#extras));
  }

  #keep(root: protobuf.Root): protobuf.Root {
    this.#root = root;
    if (!schemas.has(root)) schemas.set(root, this);
    return root;
  }

  /**
   * This schema with a fork's `.proto` merged into it: `foo_param { … }` then parses. Fields that are there already stay as
   * they are.
   *
   * @param name what messages call the text
   * @throws MokapotError `schema-syntax`, `schema-types`
   */
  extend(text: string, name = '<schema>'): Schema {
    if (this.#extras.some(extra => extra.text === text)) return this;
    const key = `${name}\n${text}`;
    const known = this.#extended.get(key);
    if (known) return known;
    const extras = [...this.#extras, { text, name }];
    const made = new Schema(extras, this.lenient, rootWith(extras));
    this.#extended.set(key, made);
    return made;
  }

  /** The same types, read by other settings. */
  with({ lenient = this.lenient }: SchemaSettings): Schema {
    return lenient === this.lenient ? this : new Schema(this.#extras, lenient, this.root);
  }

  /** A type by its full name (`caffe.NetParameter`). Throws `unknown-message` for a name that the schema lacks. */
  type(name: string): protobuf.Type {
    return typeIn(this.root, name);
  }
}

function rootWith(extras: readonly Extra[]): protobuf.Root {
  const root = parseProto(protoOf(CAFFE_PROTO), 'grammar/caffe.proto');
  for (const { text, name } of extras) mergeProto(root, text, name);
  try {
    root.resolveAll();
  } catch (thrown) {
    const reason = messageOf(thrown);
    throw fail('schema-types', `${extras.at(-1)!.name} does not go with Caffe's schema: ${reason}.`);
  }
  return root;
}

/** What calls use that are given no schema: Caffe's, and what `extendSchema` added. */
let standard: Schema = Schema.caffe;

/** The schema of calls that are given none: Caffe's with what `extendSchema` added to it. */
export function defaultSchema(): Schema {
  return standard;
}

/**
 * Merges a fork's `.proto` into the default schema, for all calls from now on that are given no schema. What was read
 * before, and calls with a schema of their own, stay as they are: see `Schema.extend` for one net's own.
 *
 * @param name what messages call it
 * @throws MokapotError `schema-syntax`, `schema-types`; the default schema is then as before
 */
export function extendSchema(text: string, name = '<schema>'): void {
  standard = standard.extend(text, name);
}

/** The schema that a message was made by (as strict, where both were used); undefined for one of `loadProto`'s types. */
export function schemaOf(message: object): Schema | undefined {
  const type = (message as { $type?: protobuf.Type }).$type;
  return type && schemas.get(type.root);
}

/** A schema of one's own from the text of a .proto file (field names are kept as they are spelt). */
export function loadProto(text: string): protobuf.Root {
  const root = parseProto(text, '<schema>');
  root.resolveAll();
  return root;
}

/** A type by its full name (`caffe.NetParameter`) or given as it is. Throws `unknown-message` for a name the schema lacks. */
export function messageType(type: string | protobuf.Type, schema: Schema = defaultSchema()): protobuf.Type {
  return typeof type === 'string' ? schema.type(type) : prepare(type);
}

/** The type of this full name that belongs to the same schema as a message. */
export function typeBeside(message: object, name: string): protobuf.Type {
  return typeIn(typeOf(message).root, name);
}

function typeIn(root: protobuf.Root, name: string): protobuf.Type {
  const found = root.lookup(name, [protobuf.Type]);
  if (found instanceof protobuf.Type) return prepare(found);
  throw fail('unknown-message', `Caffe has no message "${name}".`, {
    hint: 'Full names look like caffe.NetParameter or caffe.SolverParameter.',
  });
}

/** The protobufjs type of a message. */
export function typeOf(message: object): protobuf.Type {
  const type = (message as { $type?: protobuf.Type }).$type;
  if (!type) throw new TypeError('typeOf: not a message made by src/schema');
  return type;
}

const prepared = new WeakSet<protobuf.Type>();

/** Makes defaults of `type` and of all it contains what fields hold: plain numbers for 64 bits, floats for floats. */
function prepare(type: protobuf.Type): protobuf.Type {
  if (prepared.has(type)) return type;
  prepared.add(type);
  const prototype = type.ctor.prototype as Record<string, unknown>;
  for (const field of type.fieldsArray) {
    field.resolve();
    if (!field.repeated && Long.isLong(field.defaultValue)) {
      field.defaultValue = plainInteger(field.defaultValue);
      prototype[field.name] = field.defaultValue;
    }
    // As protoc does, a message without a required field is written without it.
    if (field.required) Object.defineProperty(field, 'optional', { value: true });
    if (!field.repeated && field.type === 'float') {
      field.defaultValue = Math.fround(field.defaultValue as number);
      prototype[field.name] = field.defaultValue;
    }
    if (field.resolvedType instanceof protobuf.Type) prepare(field.resolvedType);
  }
  return type;
}
