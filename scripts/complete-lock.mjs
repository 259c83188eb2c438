/**
 * Completes package-lock.json. Where a registry mirror lacks a package built for another platform, npm leaves it out of
 * the lock file, and `npm ci` then refuses the file as out of step. This adds those entries (version, platform) so that
 * the same lock serves every machine. Run after each `npm install`: npm run lock.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const platform =
  /(android|darwin|linux|win32|freebsd|openbsd|netbsd|sunos|aix|openharmony).*?-(arm64|x64|arm|ia32|ppc64|riscv64|s390x|loong64)/;

for (const [where, entry] of Object.entries(lock.packages)) {
  if (where === '') continue;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const match = platform.exec(name);
    if (lock.packages[key] || lock.packages[`${where}/${key}`] || !match || /[\^~*]/.test(version)) continue;
    lock.packages[key] = {
      version,
      cpu: [match[2]],
      ...(entry.dev && { dev: true }),
      ...(name.includes('musl') && { libc: ['musl'] }),
      optional: true,
      os: [match[1]],
    };
    console.log(`added ${name} ${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
