/** The package as its users get it: it installs where only the npm registry answers, runs, and its types are right. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as surface from '../../src/index.js';
import { makeProject, manifest, type Project, ROOT } from './project.js';

let project: Project;
beforeAll(async () => {
  project = await makeProject();
});
afterAll(() => project?.remove());

/** The package's entry points that hold code, as a user imports them. */
const entries = async () => {
  const { exports } = await manifest();
  return Object.keys(exports).flatMap(path => (path.endsWith('.json') ? [] : [`mokapot${path.slice(1)}`]));
};

const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 2 dim: 2 } } }
layer { name: "twice" type: "Power" bottom: "data" top: "twice" power_param { scale: 2 } }
`;

const FORWARD = `
import { Net } from 'mokapot';
const net = await Net.fromText(${JSON.stringify(NET)}, { phase: 'TEST', backend: process.argv[2] });
const { twice } = await net.forward({ data: Float32Array.of(1, 2, 3, 4) });
console.log(net.engine.name, [...twice.data].join());
net.dispose();
`;

describe('installed where only the npm registry answers', () => {
  it('installs, and what cannot be fetched drops out', () => {
    expect(project.installed).toMatchObject({ code: 0 });
    expect(project.installed.stderr).not.toMatch(/npm (error|ERR)/);
  });

  it('has every name of the public surface', async () => {
    const script = "import * as m from 'mokapot'; console.log(JSON.stringify(Object.keys(m)))";
    const { stdout, stderr } = await project.run('node', ['--input-type=module', '--eval', script]);
    expect(stderr).toBe('');
    expect(new Set(JSON.parse(stdout))).toEqual(new Set(Object.keys(surface)));
  });

  it('has every entry point', async () => {
    const imports = (await entries()).filter(name => name !== 'mokapot/vitest').map(name => `await import('${name}');`);
    const ran = await project.run('node', [
      '--input-type=module',
      '--eval',
      `${imports.join('\n')} console.log('all')`,
    ]);
    expect(ran).toEqual({ code: 0, stdout: 'all\n', stderr: '' });
  });

  it('runs a network, without onnxruntime-node', async () => {
    await project.write('forward.js', FORWARD);
    const { stdout, stderr } = await project.run('node', ['forward.js', 'auto']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\S+ 2,4,6,8\n$/);
  });

  it('brings the command line', async () => {
    const { version } = await manifest();
    expect((await project.run('npx', ['mokapot', '--version'])).stdout).toContain(version);
    const good = join('node_modules', 'mokapot', 'networks', 'lenet.prototxt');
    expect(await project.run('npx', ['mokapot', 'check', good])).toMatchObject({ code: 0 });
    await project.write('bad.prototxt', NET.replace('"Power"', '"Powr"'));
    const bad = await project.run('npx', ['mokapot', 'check', 'bad.prototxt']);
    expect(bad.code).toBe(1);
    expect(bad.stderr + bad.stdout).toContain('Power');
    expect(bad.stderr + bad.stdout).not.toContain('    at ');
  });

  it('trains on augmented pictures, which threads of its own prepare', async () => {
    const phantom = ['dataset', 'create', 'phantom', '--out', 'set', '--count', '12', '--size', '32'];
    expect(await project.run('npx', ['mokapot', ...phantom])).toMatchObject({ code: 0 });
    const net = join('node_modules', 'mokapot', 'networks', 'fcn_small.prototxt');
    const train = ['train', '--net', net, '--dataset', 'set', '--epochs', '1', '--augment', 'cardiac'];
    const ran = await project.run('npx', ['mokapot', ...train, '--out', 'run'], { NODE_DEBUG: 'worker' });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('Done') });
    expect(ran.stderr).toContain('data/augment/node/thread.js');
  });
});

describe('types', () => {
  const PROGRAM = `
import { describe, MokapotError, Net, Solver, type Description, type TrainEvent } from 'mokapot';
import * as everything from 'mokapot';

const described: Description = describe('layer { }', { phase: 'TEST' });
const macs: number | undefined = described.macs;
export const seen = (event: TrainEvent): string => (event.type === 'test' ? String(event.seconds) : event.type);
export async function main(): Promise<number> {
  const net = await Net.fromFile('deploy.prototxt', { phase: 'TEST' });
  const out = await net.forward({ data: new Float32Array(4) });
  const solver = await Solver.fromFile('solver.prototxt');
  try {
    return (await solver.step(1)) + (out.get('score')?.data[0] ?? macs ?? 0) + Object.keys(everything).length;
  } catch (thrown) {
    if (thrown instanceof MokapotError) return thrown.diagnostics.length;
    throw thrown;
  }
}
// @ts-expect-error a phase that there is not
describe('layer { }', { phase: 'DEPLOY' });
`;

  const strict = {
    strict: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    target: 'ES2022',
    lib: ['ES2023'],
    types: ['node'],
    skipLibCheck: false,
  };

  beforeAll(async () => {
    const { devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const tools = ['typescript', '@types/node', 'vitest'].map(name => `${name}@${devDependencies[name]}`);
    const ran = await project.run('npm', ['install', '--save-dev', ...tools, '--no-audit', '--no-fund']);
    expect(ran).toMatchObject({ code: 0 });
    const imports = (await entries()).map(
      (name, i) => `import * as entry${i} from '${name}';\nexport { entry${i} };\n`,
    );
    await project.write('program.ts', PROGRAM);
    await project.write('entries.ts', imports.join(''));
  });

  it.each([
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ])('pass strict tsc with module %s, resolution %s', async (module, moduleResolution) => {
    const compilerOptions = { ...strict, module, moduleResolution };
    await project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['program.ts', 'entries.ts'] }));
    const { stdout, stderr } = await project.run('npx', ['tsc', '-p', '.']);
    // tfjs-core's own declarations name types of a page and a global Long that they do not bring: its users skipLibCheck.
    const ours = stdout.split('\n').filter(line => line !== '' && !/^node_modules\/@(tensorflow|webgpu)\//.test(line));
    expect([...ours, stderr]).toEqual(['']);
  });

  it('are what are-the-types-wrong takes for right', async () => {
    const packed = createPackageFromTarballData(new Uint8Array(await readFile(project.tarball)));
    const analysis = await checkPackage(packed);
    if (!analysis.types) throw new Error('there are no types');
    // Node.js before 12.7, which knows no "exports", and `require` from CommonJS types are not served: the package is ES
    // modules only, and the Node.js it asks for loads them by `require` too.
    const served = analysis.problems.filter(
      problem => !('resolutionKind' in problem && /node10|node16-cjs/.test(problem.resolutionKind)),
    );
    expect(served).toEqual([]);
  });
});

describe('package.json', () => {
  it('is what publint takes for right', async () => {
    const bytes = await readFile(project.tarball);
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map(message => formatMessage(message, pkg))).toEqual([]);
  });

  it('packs whatever README links to', async () => {
    const packed = createPackageFromTarballData(new Uint8Array(await readFile(project.tarball)));
    const files = new Set(packed.listFiles().map(file => file.replace(/^\/node_modules\/mokapot\//, '')));
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\(([^)#\s]+)/g)].map(match => match[1]!).filter(link => !/^\w+:/.test(link));
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter(link => ![...files].some(file => file === link || file.startsWith(`${link}/`)))).toEqual([]);
  });
});

// Last, since it changes what is installed.
describe('with onnxruntime-node', () => {
  it('takes the native kernels by one line', async () => {
    const { optionalDependencies } = await manifest();
    const wanted = `onnxruntime-node@${optionalDependencies['onnxruntime-node']}`;
    const install = ['install', wanted, '--no-audit', '--no-fund'];
    expect(await project.run('npm', install, { ONNXRUNTIME_NODE_INSTALL: 'skip' })).toMatchObject({ code: 0 });
    expect(await project.run('node', ['forward.js', 'onnx'])).toMatchObject({ code: 0, stdout: 'onnx 2,4,6,8\n' });
  });
});
