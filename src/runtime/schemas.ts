/** Prototxt files as they are read everywhere: with the schemas of forks that they need, from `.proto` files. */

import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { bytesToText } from '../../grammar/index.js';
import { fileError } from '../data/files.js';
import { extendSchema, type ParseOptions } from '../schema/index.js';

/** What a text may hold besides Caffe's own fields. */
export interface SchemaOptions {
  /** `.proto` files whose fields the text may use besides Caffe's: a fork's caffe.proto. They stay known to the process. */
  readonly schema?: string | readonly string[];
  /** Fields that the schema lacks are warned of and left out, not refused. */
  readonly lenient?: boolean;
}

/**
 * A prototxt's text, the schemas of `options` and the one beside the file (`net.proto` beside `net.prototxt`) made known.
 *
 * @throws MokapotError `file-unreadable`, `schema-syntax`, `schema-types`
 */
export async function readPrototxt(path: string, { schema = [] }: SchemaOptions = {}): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw fileError('file-unreadable', path, cause);
  }
  loadSchemas([...schemaBeside(path), ...[schema].flat()]);
  return bytesToText(bytes);
}

/**
 * Merges `.proto` files into the schema (see extendSchema).
 *
 * @throws MokapotError `file-unreadable`, `schema-syntax`, `schema-types`
 */
export function loadSchemas(paths: readonly string[]): void {
  for (const path of paths) extendSchema(read(path), path);
}

/** What of the options parsing is told. */
export function parseOptions({ lenient }: SchemaOptions, name?: string): ParseOptions {
  return { ...(name !== undefined && { name }), ...(lenient !== undefined && { lenient }) };
}

/** The schema that lies beside a network, `net.proto` beside `net.prototxt`; none of most. */
export function schemaBeside(prototxt: string): readonly string[] {
  const path = prototxt.replace(/\.prototxt$/, '.proto');
  return path !== prototxt && existsSync(path) ? [path] : [];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw fileError('file-unreadable', `The schema ${path}`, cause);
  }
}
