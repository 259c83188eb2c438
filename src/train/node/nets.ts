/** The nets that a solver names, from their files: beside the solver, then in the working directory. */

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { error, MokapotError } from '../../diagnostics/index.js';
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

/** @throws MokapotError `no-train-net`, `many-train-nets`, `net-missing`, or what the net's text has */
export function trainNetOf(
  solver: SolverParameter,
  dir: string | undefined,
  options: SchemaOptions = {},
): Promise<NamedNet> {
  return findTrainNet(solver, netFiles(dir, options));
}

/** @throws MokapotError `test-iter`, `test-interval`, `test-state`, `net-missing`, or what a net's text has */
export function testNetsOf(
  solver: SolverParameter,
  dir: string | undefined,
  options: SchemaOptions = {},
): Promise<NamedTestNet[]> {
  return findTestNets(solver, netFiles(dir, options));
}

/** @throws MokapotError `file-unreadable`, or what its text has */
export async function readNetFile(path: string, options: SchemaOptions = {}): Promise<NamedNet> {
  const { text, schema } = await readPrototxt(path, options);
  return readNetText(text, { name: path, schema }, dirname(path));
}

function netFiles(dir: string | undefined, options: SchemaOptions): NetPlaces {
  return { dir, read: (name, place) => readNetFile(findNet(name, dir, place), options) };
}

function findNet(name: string, dir: string | undefined, { solver, field, index = 0 }: NetField): string {
  const places = [...new Set([...(dir === undefined ? [] : [resolve(dir, name)]), resolve(name)])];
  const path = places.find(p => existsSync(p));
  if (path) return path;
  const location = locate(solver, field, index);
  throw new MokapotError(
    error('net-missing', `${field} names "${name}", and there is no such file.`, {
      hint: `Looked for ${places.join(' and ')}. Paths start at the solver's folder, then at the working directory.`,
      ...(location && { location }),
    }),
  );
}
