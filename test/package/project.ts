/** An empty project in a temporary folder, with the package as `npm pack` makes it installed into it as a user would. */

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Project {
  readonly folder: string;
  /** The packed package, a path. */
  readonly tarball: string;
  /** What `npm install` of the tarball printed. */
  readonly installed: Ran;
  /** Runs a program in the project's folder. */
  run(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  write(name: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

/**
 * The environment of a machine where only the npm registry answers: onnxruntime-node's and TensorFlow's install scripts
 * cannot download, whatever this machine reaches. What vitest and an outer `npm run` set is left out.
 */
function isolated(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const outer = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|vitest|node_env|node_options|onnxruntime_node_install|mokapot_)/i.test(name),
  );
  return {
    ...Object.fromEntries(outer),
    NO_COLOR: '1',
    GLOBAL_AGENT_HTTPS_PROXY: 'http://127.0.0.1:9',
    GLOBAL_AGENT_HTTP_PROXY: 'http://127.0.0.1:9',
    CDN_STORAGE: 'http://127.0.0.1:9',
    ...more,
  };
}

/** Packs the built package and installs it. */
export async function makeProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'mokapot-package-'));
  const run = (command: string, args: readonly string[], cwd: string, env?: Readonly<Record<string, string>>) =>
    new Promise<Ran>(done => {
      const options = { cwd, env: isolated(env), maxBuffer: 1 << 26 };
      execFile(command, args, options, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
    });
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT);
  const name = (await readdir(folder)).find(file => file.endsWith('.tgz'));
  if (packed.code !== 0 || name === undefined) throw new Error(`npm pack failed: ${packed.stderr}`);
  await writeFile(join(folder, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
  const installed = await run('npm', ['install', `./${name}`, '--no-audit', '--no-fund'], folder);
  return {
    folder,
    tarball: join(folder, name),
    installed,
    run: (command, args, env) => run(command, args, folder, env),
    write: (file, text) => writeFile(join(folder, file), text),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The package.json of this repository, or of a package installed in `folder`. */
export async function manifest(folder = ROOT): Promise<{
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}
