/** Bundles programs that import `mokapot/core` from the sources, as a page's bundler does. */

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Bundle {
  /** What a page loads at first, before any `import()`. */
  readonly gzipped: number;
  readonly meta: Metafile;
  /** By its path from the root: every file of the project, and of packages, that can be reached. */
  readonly files: readonly string[];
  /** Those of which something is left after what nobody uses is dropped. */
  readonly used: readonly string[];
}

/** @throws where there is an error, or a warning */
export async function bundle(program: string): Promise<Bundle> {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: program, resolveDir: ROOT, sourcefile: 'page.ts', loader: 'ts' },
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    outdir: 'page',
    write: false,
    metafile: true,
    logLevel: 'silent',
    loader: { '.wasm': 'file' },
  });
  if (warnings.length > 0) throw new Error(warnings.map(w => w.text).join('\n'));
  const atFirst = loadedAtFirst(metafile);
  const gzipped = outputFiles
    .filter(file => atFirst.has(file.path.slice(ROOT.length)))
    .reduce((n, file) => n + gzipSync(file.contents, { level: 9 }).length, 0);
  const parts = Object.values(metafile.outputs).flatMap(output => Object.entries(output.inputs));
  const used = parts.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
  return { gzipped, meta: metafile, files: Object.keys(metafile.inputs), used };
}

function loadedAtFirst({ outputs }: Metafile): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (path: string) => {
    if (found.has(path)) return;
    found.add(path);
    for (const { kind, path: to } of outputs[path]!.imports) if (kind === 'import-statement') visit(to);
  };
  visit(Object.keys(outputs).find(path => outputs[path]!.entryPoint === 'page.ts')!);
  return found;
}
