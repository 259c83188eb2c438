/**
 * Makes the package for publishing: npm run release. Refuses where package.json or CHANGELOG.md lack what a published package
 * must say, builds, tries the package as its users get it (npm run test:package), and packs it. What is published is that file.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const read = name => readFileSync(new URL(name, root), 'utf8');
const manifest = JSON.parse(read('package.json'));

const problems = ['repository', 'homepage', 'bugs']
  .filter(field => !manifest[field])
  .map(field => `package.json has no "${field}": fill in the project's public address.`);
if (!read('CHANGELOG.md').includes(`## [${manifest.version}]`))
  problems.push(`CHANGELOG.md has no section for ${manifest.version}.`);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}

const npm = (...args) => execFileSync('npm', args, { cwd: fileURLToPath(root), stdio: 'inherit' });
npm('run', '--silent', 'test:package');
npm('pack');
console.log(`\nTo publish it: npm publish mokapot-${manifest.version}.tgz`);
