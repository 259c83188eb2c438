/** A user's project: a folder that has `mokapot` installed, with a page; built by vite or by esbuild as their users do. */

import { copyFile, cp, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { createLogger, build as vite } from 'vite';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A fresh folder with the page; `mokapot` in it is this package as it is built. */
export async function makeProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mokapot-page-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'node_modules', 'mokapot'), 'dir');
  for (const file of ['page.ts', 'training.ts']) await copyFile(join(ROOT, 'test/browser', file), join(folder, file));
  await writeFile(join(folder, 'index.html'), html('/page.ts'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}

const html = (script: string) =>
  `<!doctype html><title>mokapot</title><link rel="icon" href="data:,"><script type="module" src="${script}"></script>\n`;

export interface Built {
  /** What the server serves. */
  readonly folder: string;
  readonly warnings: readonly string[];
}

/** Without any configuration of what is built. */
export async function buildWithVite(project: string): Promise<Built> {
  const warnings: string[] = [];
  const logger = createLogger('warn');
  const note = (text: string) => void warnings.push(text);
  await vite({
    root: project,
    configFile: false,
    customLogger: { ...logger, warn: note, warnOnce: note, error: note },
    // elkjs, which only `toSvg` loads, is 1.5 MB: a remark about size, which is looked at in test/core/imports.test.ts.
    build: { outDir: join(project, 'vite'), chunkSizeWarningLimit: 2000 },
  });
  return { folder: join(project, 'vite'), warnings };
}

/** esbuild does not know `new URL(file, import.meta.url)`: the WebAssembly is copied beside the script, as docs/for-tfjs-users.md says. */
export async function buildWithEsbuild(project: string): Promise<Built> {
  const folder = join(project, 'esbuild');
  const { warnings } = await esbuild({
    entryPoints: [join(project, 'page.ts')],
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    outdir: folder,
    logLevel: 'silent',
  });
  await writeFile(join(folder, 'index.html'), html('/page.js'));
  const packages = join(ROOT, 'node_modules');
  await mkdir(join(folder, 'onnxruntime-web'));
  const file = 'ort-wasm-simd-threaded.wasm';
  await copyFile(join(packages, 'onnxruntime-web/dist', file), join(folder, 'onnxruntime-web', file));
  await cp(
    join(packages, '@tensorflow/tfjs-backend-wasm/wasm-out'),
    join(folder, '@tensorflow/tfjs-backend-wasm/wasm-out'),
    { recursive: true },
  );
  return { folder, warnings: warnings.map(w => w.text) };
}
