// Makes the built package start faster: hundreds of small modules, most of them lodash's behind chevrotain and ECharts',
// take longer to find than to run. Each of the two is put into the one file that names it, as one module; and the command line
// is bundled into dist/fast, for commands that only read texts (src/cli/fast.ts). Part of `npm run build`.

import { rm } from 'node:fs/promises';
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
const VENDORS = ['grammar/chevrotain.js', 'src/charts/echarts.js'];

for (const file of VENDORS) {
  const path = fileURLToPath(new URL(file, dist));
  const vendor = await rolldown({
    input: path,
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'] },
    logLevel: 'warn',
  });
  await vendor.write({ file: path, format: 'esm', minify: true });
  await vendor.close();
}

const bundle = await rolldown({
  input: { main: fileURLToPath(new URL('src/cli/fast.js', dist)) },
  platform: 'node',
  external: id => !/^[./]/.test(id) && !/^[A-Za-z]:/.test(id) && !isInside(id),
  logLevel: 'warn',
});
await rm(out, { recursive: true, force: true });
await bundle.write({
  dir: out,
  format: 'esm',
  minify: true,
  entryFileNames: 'main.js',
  chunkFileNames: '[name]-[hash].js',
});
await bundle.close();
