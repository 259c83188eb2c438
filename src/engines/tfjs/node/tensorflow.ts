/**
 * TensorFlow's native kernels: finding a package that brings them, and loading it. It looks in three places: the folder
 * that MOKAPOT_TENSORFLOW names, `.tensorflow` beside Mokapot (`npm run tensorflow:build` makes it: tfjs-node's addon over
 * a current TensorFlow), and packages installed beside Mokapot, whose own install script fetches TensorFlow 2.9.
 */

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as nodeUtil from 'node:util';
import { firstLine } from '../../../diagnostics/index.js';
import type { Tf } from '../tensor_device.js';

const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

export interface Tensorflow {
  readonly tf: Tf;
  /** What it is, for people: `TensorFlow 2.21.0 through @tensorflow/tfjs-node in /home/x/.tensorflow`. */
  readonly detail: string;
}

let loaded: Tensorflow | string | undefined;

/** TensorFlow, or why there is none. Loaded once a process. */
export function loadTensorflow(): Tensorflow | string {
  loaded ??= load();
  return loaded;
}

function load(): Tensorflow | string {
  const problems: string[] = [];
  for (const folder of folders()) {
    for (const name of PACKAGES) {
      const home = path.join(folder, name);
      if (!hasBinding(home)) continue;
      const found = tryLoad(home);
      if (typeof found !== 'string') return { tf: found, detail: detailOf(found, name, home) };
      problems.push(`${home}: ${found}`);
    }
  }
  return problems.join('; ') || `no native library installed (${PACKAGES.join(', ')}, or npm run tensorflow:build)`;
}

/** Where `node_modules` with the packages may lie, the most wanted first. */
function folders(): string[] {
  const asked = process.env['MOKAPOT_TENSORFLOW'];
  const own = [asked, ...['../../../..', '../../../../..'].map(up => path.join(here(up), '.tensorflow'))];
  const beside = createRequire(import.meta.url).resolve.paths(PACKAGES[0]) ?? [];
  return [...own.flatMap(home => (home ? [path.join(home, 'node_modules')] : [])), ...beside];
}

const here = (up: string) => path.resolve(path.dirname(fileURLToPath(import.meta.url)), up);

/** Whether the native part is there, too: a package without it takes half a second to fail. */
function hasBinding(home: string): boolean {
  const lib = path.join(home, 'lib');
  if (!existsSync(lib)) return false;
  return readdirSync(lib).some(version => existsSync(path.join(lib, version, 'tfjs_binding.node')));
}

function tryLoad(home: string): Tf | string {
  const require = createRequire(path.join(home, 'package.json'));
  // tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 took away.
  const util = require('node:util') as typeof nodeUtil & { isNullOrUndefined?: unknown };
  util.isNullOrUndefined ??= (x: unknown) => x === null || x === undefined;
  // Its greetings are no one's concern, and other programs may want the GPU's memory too.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  try {
    require(home);
    return require('@tensorflow/tfjs-core') as Tf;
  } catch (e) {
    return firstLine(e);
  }
}

function detailOf(tf: Tf, name: string, home: string): string {
  const { binding } = tf.backend() as unknown as { binding?: { TF_Version?: string } };
  const version = binding?.TF_Version ? ` ${binding.TF_Version}` : '';
  return `TensorFlow${version}'s native kernels through ${name} in ${path.dirname(path.dirname(path.dirname(home)))}`;
}
