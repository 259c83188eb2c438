/** Prototxt files as they are read everywhere: with the schemas of forks that they need, from `.proto` files. */

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytesToText } from '../../../grammar/index.js';
import { fail } from '../../diagnostics/index.js';
import { fileError, lookingAccess, readRegularSync, readUpTo } from '../../files/index.js';
import { defaultSchema, type ParseOptions, Schema } from '../../schema/index.js';

/** Bytes: networks in text have kilobytes. */
const LARGEST = 64 * 2 ** 20;

/** What a text may hold besides Caffe's own fields. */
export interface SchemaOptions {
  /**
   * The schema that the text goes by, or `.proto` files whose fields it may use besides Caffe's: a fork's caffe.proto.
   * Default: Caffe's (`defaultSchema`).
   */
  readonly schema?: Schema | string | readonly string[];
  /** Fields that the schema lacks are warned of and left out, not refused. Default: as the schema says. */
  readonly lenient?: boolean;
}

/**
 * A prototxt's text, and the schema that it goes by: that of the options, with the `.proto` beside the file (`net.proto`
 * beside `net.prototxt`).
 *
 * @param given the text, where it is not the file's: the path then only says what lies beside it
 * @throws MokapotError `file-unreadable`, `schema-syntax`, `schema-types`
 */
export async function readPrototxt(
  path: string,
  options: SchemaOptions = {},
  given?: string,
): Promise<{ text: string; schema: Schema }> {
  if (given !== undefined) return { text: given, schema: schemaFrom(options, path) };
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readUpTo(path, LARGEST);
  } catch (cause) {
    throw fileError('file-unreadable', 'read', path, cause);
  }
  if (!bytes)
    throw fail('file-too-large', `${path} is larger than ${LARGEST / 2 ** 20} MiB, and is no network in text.`);
  return { text: bytesToText(bytes), schema: schemaFrom(options, path) };
}

/**
 * The schema that options ask for.
 *
 * @param beside a prototxt whose neighbour counts too: `net.proto` beside `net.prototxt`
 * @throws MokapotError `file-unreadable`, `schema-syntax`, `schema-types`
 */
export function schemaFrom({ schema, lenient }: SchemaOptions, beside?: string): Schema {
  const [start, given] = schema instanceof Schema ? [schema, []] : [defaultSchema(), [schema ?? []].flat()];
  const paths = [...(beside === undefined ? [] : schemaBeside(beside)), ...given];
  return paths.reduce((all, path) => all.extend(read(path), path), start).with({ lenient });
}

/** What of the options parsing is told. */
export function parseOptions(options: SchemaOptions, name?: string): ParseOptions {
  return { name, schema: schemaFrom(options) };
}

/**
 * The schema that lies beside a network, `net.proto` beside `net.prototxt`; none of most. A link that leads out of the folder is
 * none: nobody named that file.
 */
function schemaBeside(prototxt: string): readonly string[] {
  const path = prototxt.replace(/\.prototxt$/, '.proto');
  return path !== prototxt && existsSync(path) && lookingAccess([dirname(path)], false).allows(path) ? [path] : [];
}

function read(path: string): string {
  try {
    return readRegularSync(path).toString('utf8');
  } catch (cause) {
    throw fileError('file-unreadable', 'read', `the schema ${path}`, cause);
  }
}
