// Makes the built package start faster: hundreds of small modules, most of them lodash's behind chevrotain and ECharts',
// take longer to find than to run. Each of the two is put into the one file that names it, as one module; and the command line
// is bundled into dist/fast, for commands that only read texts (src/cli/fast.ts). Part of `npm run build`.

import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const dist = new URL(`${process.argv[2] ?? '../dist'}/`, import.meta.url);
const out = fileURLToPath(new URL('fast', dist));

/** Packages that go into the bundle; others are found in node_modules when they are needed. */
const INSIDE = [
  'chevrotain',
  '@chevrotain',
  'lodash-es',
  'protobufjs',
  '@protobufjs',
  'long',
  'commander',
  'fflate',
  'picocolors',
];

const isInside = id => INSIDE.includes(id.split('/')[0]);

/** Files that hand on what is used of a package, and become it. The package is then nowhere else in the built code. */
const VENDORS = ['grammar/chevrotain', 'src/charts/echarts'];

/** Packages inside the built code, whose licences go with it. */
const packages = new Set();

for (const file of VENDORS) {
  // From the source each time: what the compiler wrote may be a bundle already.
  const source = fileURLToPath(new URL(`../${file}.ts`, import.meta.url));
  const vendor = await rolldown({
    input: source,
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'] },
    logLevel: 'warn',
  });
  const { output } = await vendor.generate({ format: 'esm', minify: true });
  await vendor.close();
  await replace(fileURLToPath(new URL(`${file}.js`, dist)), output[0].code);
  note(output);
}

/** Whole or not at all: the compiler does not write a file anew that it has written. */
async function replace(path, text) {
  await writeFile(`${path}.tmp`, text);
  await rename(`${path}.tmp`, path);
}

/** Which packages a bundle is made of. */
function note(output) {
  for (const id of output.flatMap(chunk => chunk.moduleIds ?? [])) {
    const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(id) ?? [];
    if (name) packages.add(name);
  }
}

/** The licence of each, as it lies in the package. */
async function licences() {
  const texts = [];
  for (const name of [...packages].sort()) {
    const folder = new URL(`../node_modules/${name}/`, import.meta.url);
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter(e => e.isFile() && /^(licen[cs]e|notice)/i.test(e.name)).map(e => e.name);
    const parts = await Promise.all(files.map(f => readFile(new URL(f, folder), 'utf8')));
    const { license } = JSON.parse(await readFile(new URL('package.json', folder), 'utf8'));
    texts.push(`${name} (${license})\n\n${parts.join('\n').trim()}`);
  }
  return `Packages that the files of this folder contain, with their licences.\n\n${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

const bundle = await rolldown({
  input: { main: fileURLToPath(new URL('src/cli/fast.js', dist)) },
  platform: 'node',
  external: id => !/^[./]/.test(id) && !/^[A-Za-z]:/.test(id) && !isInside(id),
  logLevel: 'warn',
});
await rm(out, { recursive: true, force: true });
const written = await bundle.write({
  dir: out,
  format: 'esm',
  minify: true,
  entryFileNames: 'main.js',
  chunkFileNames: '[name]-[hash].js',
});
await bundle.close();
note(written.output);
await replace(fileURLToPath(new URL('licences.txt', dist)), await licences());
