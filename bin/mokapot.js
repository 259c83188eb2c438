#!/usr/bin/env node
// The command `mokapot`: sees that it can run at all, then hands over to the compiled CLI.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
const entry = new URL('../dist/src/cli/main.js', import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Mokapot needs Node.js 20.19 or later; this is ${process.versions.node}.`);
  process.exit(1);
}
if (!existsSync(entry)) {
  console.error('Mokapot is not built yet. In its folder, run: npm run build');
  process.exit(1);
}

const { run } = await import(entry.href);
await run(process.argv.slice(2));
