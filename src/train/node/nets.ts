/** The nets that a solver names, from their files: beside the solver, then in the working directory. */

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { placesOf } from '../../data/files.js';
import { error, MokapotError } from '../../diagnostics/index.js';
import { anyFile, type FileAccess } from '../../files/index.js';
import { readPrototxt, type SchemaOptions } from '../../runtime/node/schemas.js';
import { locate, type SolverParameter } from '../../schema/index.js';
import {
  findTestNets,
  findTrainNet,
  type NamedNet,
  type NamedTestNet,
  type NetField,
  type NetPlaces,
  readNetText,
} from '../nets.js';

export interface NetFileOptions extends SchemaOptions {
  /** Which files may be opened. Default: any. */
  readonly access?: FileAccess;
}

/** @throws MokapotError `no-train-net`, `many-train-nets`, `net-missing`, `file-outside`, or what the net's text has */
export function trainNetOf(
  solver: SolverParameter,
  dir: string | undefined,
  options: NetFileOptions = {},
): Promise<NamedNet> {
  return findTrainNet(solver, netFiles(dir, options));
}

/** @throws MokapotError `test-iter`, `test-interval`, `test-state`, `net-missing`, or what a net's text has */
export function testNetsOf(
  solver: SolverParameter,
  dir: string | undefined,
  options: NetFileOptions = {},
): Promise<NamedTestNet[]> {
  return findTestNets(solver, netFiles(dir, options));
}

/**
 * @param given its text, where it is not the file's
 * @throws MokapotError `file-unreadable`, or what its text has
 */
export async function readNetFile(path: string, options: SchemaOptions = {}, given?: string): Promise<NamedNet> {
  const { text, schema } = await readPrototxt(path, options, given);
  return readNetText(text, { name: path, schema }, dirname(path));
}

function netFiles(dir: string | undefined, { access = anyFile, ...options }: NetFileOptions): NetPlaces {
  return { dir, read: (name, place) => readNetFile(findNet(name, dir, place, access), options) };
}

function findNet(
  name: string,
  dir: string | undefined,
  { solver, field, index = 0 }: NetField,
  access: FileAccess,
): string {
  const places = placesOf(name, dir);
  const path = places.find(p => access.allows(p) && existsSync(p));
  if (path) return path;
  for (const place of places) access.check(place);
  const location = locate(solver, field, index);
  throw new MokapotError(
    error('net-missing', `${field} names "${name}", and there is no such file.`, {
      hint: `Looked for ${places.join(' and ')}. Paths start at the solver's folder, then at the working directory.`,
      ...(location && { location }),
    }),
  );
}
