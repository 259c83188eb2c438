/**
 * npm run tensorflow:build [-- --gpu] [-- --dir DIR] [-- --tensorflow 2.21.0]
 *
 * Builds tfjs-node's addon over the TensorFlow of today, from npm's and PyPI's packages alone: tfjs-node itself is linked
 * against TensorFlow 2.9 for CUDA 11, which no recent GPU runs. Makes DIR (default `.tensorflow` in Mokapot's folder)
 * with a Python environment that holds TensorFlow, and tfjs-node whose two C++ files are compiled against its headers and
 * linked with its libraries. Needs python3 with venv, a C++ compiler (c++, g++ or $CXX), 2 GB of disk (--gpu: 8 GB).
 * Mokapot finds the result by itself; a folder elsewhere by MOKAPOT_TENSORFLOW=DIR.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const TFJS_NODE = '4.22.0';
const NODE_API = 8;

const { values } = parseArgs({
  options: {
    gpu: { type: 'boolean', default: false },
    dir: { type: 'string', default: fileURLToPath(new URL('../.tensorflow', import.meta.url)) },
    tensorflow: { type: 'string' },
    python: { type: 'string', default: 'python3' },
  },
});
const dir = resolve(values.dir);

if (process.platform !== 'linux') stop(`This builds on Linux; here it is ${process.platform}.`);
const compiler = [process.env.CXX, 'c++', 'g++', 'clang++'].find(name => name && works(name, ['--version']));
if (!compiler) stop('There is no C++ compiler (c++, g++, clang++ or $CXX). On Debian: apt install g++');
if (!works(values.python, ['-c', 'import venv, ensurepip'])) {
  stop(`${values.python} with the module venv is not here. On Debian: apt install python3-venv`);
}

mkdirSync(dir, { recursive: true });
const python = join(dir, 'venv', 'bin', 'python');
const wheel = values.gpu ? 'tensorflow[and-cuda]' : 'tensorflow-cpu';
step(`1/3 TensorFlow from PyPI (${wheel})`);
if (!existsSync(python)) run(values.python, ['-m', 'venv', join(dir, 'venv')]);
run(python, ['-m', 'pip', 'install', '--quiet', values.tensorflow ? `${wheel}==${values.tensorflow}` : wheel]);

step(`2/3 tfjs-node ${TFJS_NODE} from npm`);
writeFileSync(join(dir, 'package.json'), '{ "private": true }\n');
const packages = [`@tensorflow/tfjs-node@${TFJS_NODE}`, 'node-api-headers@1'];
run('npm', [
  'install',
  '--prefix',
  dir,
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--loglevel',
  'error',
  ...packages,
]);

step('3/3 its addon');
const tensorflow = home();
const library = join(dir, 'node_modules', '@tensorflow', 'tfjs-node');
const out = join(library, 'lib', `napi-v${NODE_API}`);
mkdirSync(out, { recursive: true });
run(compiler, [
  ...['-O2', '-shared', '-fPIC', '-std=c++17', `-DNAPI_VERSION=${NODE_API}`, '-w'],
  ...['-I', join(dir, 'node_modules', 'node-api-headers', 'include'), '-I', library, '-I', join(library, '..')],
  ...['-I', join(tensorflow, 'include')],
  ...['tfjs_backend.cc', 'tfjs_binding.cc'].map(file => join(library, 'binding', file)),
  ...['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'].map(file => join(tensorflow, file)),
  ...searched(tensorflow).map(folder => `-Wl,-rpath,${folder}`),
  ...['-o', join(out, 'tfjs_binding.node')],
]);

const probe =
  "const tf = require('@tensorflow/tfjs-node'); console.log(tf.backend().binding.TF_Version, tf.matMul([[2]], [[3]]).dataSync()[0])";
const isNullOrUndefined = "require('node:util').isNullOrUndefined ??= x => x == null;";
const said = execFileSync(process.execPath, ['-e', isNullOrUndefined + probe], {
  cwd: dir,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
});
const [version, product] = said.trim().split('\n').at(-1).split(' ');
if (product !== '6') stop(`The addon was built, but answers wrongly: ${said}`);
console.log(`TensorFlow ${version} serves: mokapot ... --backend tensorflow (mokapot doctor shows it).`);

/** The folder of the installed TensorFlow; asked without importing it, which takes seconds. */
function home() {
  const where = "import importlib.util as u; print(u.find_spec('tensorflow').submodule_search_locations[0])";
  return execFileSync(python, ['-c', where], { encoding: 'utf8' }).trim();
}

/** Where the addon looks for libraries: TensorFlow's own, and CUDA's, which pip lays beside it in folders of their own. */
function searched(tensorflow) {
  const nvidia = join(tensorflow, '..', 'nvidia');
  const parts = existsSync(nvidia) ? readdirSync(nvidia).map(name => join(nvidia, name, 'lib')) : [];
  return [tensorflow, ...parts.filter(existsSync)];
}

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) stop(`${command} ${args[0]} … failed${error ? `: ${error.message}` : ''}.`);
}

function step(title) {
  console.log(title);
}

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}
