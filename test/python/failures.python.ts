/** What goes wrong in and around a user's Python file: each is told with its place, and nothing is left running. */

import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { formatDiagnostic, MokapotError, Net } from '../../src/index.js';
import { PythonLayer, PythonProcess } from '../../src/python/index.js';
import { folderWith, hasPython, isAlive, python, until, workersOf } from './interpreter.js';

const NET = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "bad" type: "Python" bottom: "x" top: "y" python_param { module: "bad" layer: "L" } }`;

/** A layer whose methods are these; those that are not given do what is right. */
function layer(methods: { head?: string; setup?: string; reshape?: string; forward?: string }): string {
  const { head = '', setup = 'pass', reshape = 'top[0].reshape(*bottom[0].shape)', forward = 'pass' } = methods;
  const body = (name: string, code: string) =>
    `    def ${name}(self, bottom, top):\n${code.replace(/^/gm, '        ')}\n`;
  return `import caffe\nimport numpy as np\n${head}\nclass L(caffe.Layer):\n${body('setup', setup)}${body('reshape', reshape)}${body('forward', forward)}`;
}

/** A process for all failures that it survives. */
const survivor = new PythonProcess({ interpreter: python, onOutput: () => {} });

afterAll(() => survivor.close());

/** How a net with this file fails, as it is printed; in a process of its own where there are options for it. */
async function failing(file: string, options?: object): Promise<string> {
  const dir = folderWith({ 'bad.py': file });
  const source = { file: join(dir, 'bad.py'), module: 'bad', layer: 'L', places: [dir] };
  const shared = { hostLayer: () => new PythonLayer(survivor, source, 'bad') };
  const own = { python, dir, onPythonOutput: () => {}, ...options };
  const running = Net.fromText(NET, { backend: 'host', ...(options ? own : shared) }).then(async net => {
    try {
      await net.forward({ x: [1, 2, 3, 4, 5, 6] });
    } finally {
      net.dispose();
    }
  });
  const thrown: unknown = await running.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(thrown instanceof MokapotError)) throw new Error(`it did not fail as it should: ${String(thrown)}`);
  return thrown.diagnostics.map(d => formatDiagnostic(d)).join('\n');
}

describe.skipIf(!hasPython)('an exception', () => {
  it('comes with the layer, its method, the place in the prototxt and Python’s traceback', async () => {
    const text = await failing(layer({ head: 'def half(x):\n    return x / 0', forward: 'top[0].data[0] = half(1)' }));
    expect(text).toContain(
      'error[python-layer]: Layer "bad" (Python): bad.L.forward failed: ZeroDivisionError: division by zero',
    );
    expect(text).toMatch(/--> <text>:2:\d+/);
    expect(text).toMatch(/\| Traceback \(most recent call last\):\n.*bad\.py", line 11, in forward\n.*half\(1\)/);
    expect(text).toMatch(/bad\.py", line 4, in half/);
    expect(text).not.toContain('_worker.py');
  });

  it.each([
    ['setup', { setup: 'raise ValueError("no")' }, 'bad.L.setup failed: ValueError: no'],
    ['reshape', { reshape: 'top[1].reshape(1)' }, 'bad.L.reshape failed: IndexError'],
    ['a shape that does not fit', { forward: 'top[0].data[...] = np.zeros(5)' }, 'could not broadcast'],
    ['data replaced', { forward: 'top[0].data = 3' }, 'data[...] = x'],
    ['a shape as a tuple', { reshape: 'top[0].reshape((2, 3))' }, 'write reshape(*shape)'],
    ['what pycaffe has besides', { setup: 'caffe.Net("x", caffe.TEST)' }, 'has what layers use'],
    ['an end of its own', { forward: 'raise SystemExit(3)' }, 'bad.L.forward failed: SystemExit: 3'],
    [
      'another shape in forward, with blobs of its own',
      { setup: 'self.blobs.add_blob(1)', forward: 'top[0].reshape(7)' },
      'top 0 became [7]',
    ],
    ['no reshape', { reshape: 'super(L, self).reshape(bottom, top)' }, 'no method reshape'],
    ['a module that is not there', { head: 'import nosuchmodule' }, 'The layer needs nosuchmodule: install it'],
  ])('%s', async (_, methods, message) => {
    expect(await failing(layer(methods))).toContain(message);
  });

  it('a class that is not there: those that are, and the nearest', async () => {
    const text = await failing('import caffe\nclass Ll(caffe.Layer): pass\nclass Other(caffe.Layer): pass\n');
    expect(text).toMatch(/bad\.py has no class L\./);
    expect(text).toMatch(/Did you mean Ll\?/);
  });
});

describe.skipIf(!hasPython)('Python 2 gets a clear word', () => {
  it.each([
    ['print', { forward: 'print "x"' }, /Write print\(…\) with parentheses/],
    ['print >>', { head: 'import sys', forward: 'print >>sys.stderr, "x"' }, /print\(x, file=f\)/],
    ['xrange', { forward: 'for i in xrange(3): pass' }, /Instead of xrange write range/],
    ['iteritems', { forward: '{}.iteritems()' }, /Write d\.items\(\)/],
    ['has_key', { forward: '{}.has_key(1)' }, /k in d/],
    ['except E, e', { forward: 'try:\n    pass\nexcept ValueError, e:\n    pass' }, /except E as e/],
    ['cPickle', { head: 'import cPickle' }, /cPickle is pickle now/],
    ['unicode', { setup: 'unicode("x")' }, /Instead of unicode write str/],
    [
      'division, in a shape',
      { reshape: 'top[0].reshape(bottom[0].count / 2)' },
      /\/ of two whole numbers gives a float here; \/\/ gives/,
    ],
    ['division, in an index', { forward: 'bottom[0].data[3 / 2]' }, /\/\/ gives the whole number/],
    ['division, in a range', { forward: 'range(3 / 2)' }, /\/\/ gives the whole number/],
    ['map', { forward: 'map(int, [1])[0]' }, /map gives no list here/],
    ['tabs', { forward: 'if True:\n\tx = 1\n        y = 2' }, /Indent with spaces only/],
    ['numpy’s old names', { forward: 'np.zeros(3, dtype=np.float)' }, /numpy has lost this alias/],
  ])('%s', async (_, methods, hint) => {
    expect(await failing(layer(methods))).toMatch(hint);
  });
});

describe.skipIf(!hasPython)('a process', () => {
  it('that hangs is ended, and says where it was', async () => {
    const before = workersOf(process.pid);
    const text = await failing(layer({ forward: 'while True:\n    pass' }), { pythonTimeout: 0.5 });
    expect(text).toContain(
      'error[python-timeout]: Layer "bad" (Python): bad.L.forward took longer than 0.5 s and was ended.',
    );
    expect(text).toMatch(/most recent call last\):\n.*bad\.py", line 1\d in forward/);
    expect(text).toContain('--python-timeout');
    await until(() => workersOf(process.pid).length <= before.length);
  });

  it('that hangs in compiled code is ended too', async () => {
    const before = workersOf(process.pid);
    const text = await failing(layer({ head: 'import time', setup: 'time.sleep(1000)' }), { pythonTimeout: 0.5 });
    expect(text).toMatch(/bad\.L\.setup took longer than 0\.5 s/);
    await until(() => workersOf(process.pid).length <= before.length);
  });

  it('that dies says how, and what it said last', async () => {
    const gone = layer({
      head: 'import os, sys',
      forward: 'sys.stderr.flush()\nos.write(2, b"last words\\n")\nos._exit(3)',
    });
    const text = await failing(gone, {});
    expect(text).toMatch(/error\[python-died\].*ended by itself \(exit code 3\) in bad\.L\.forward/);
    expect(text).toContain('| last words');
    const killed = await failing(
      layer({ head: 'import os, signal', forward: 'os.kill(os.getpid(), signal.SIGKILL)' }),
      {},
    );
    expect(killed).toMatch(/was killed \(SIGKILL\) in bad\.L\.forward/);
    const crashed = await failing(layer({ head: 'import ctypes', forward: 'ctypes.string_at(0)' }), {});
    expect(crashed).toMatch(/was killed \(SIGSEGV\)/);
    expect(crashed).toMatch(/bad\.py", line 1\d in forward/);
  });

  it('that writes where Mokapot reads is told so', async () => {
    const text = await failing(layer({ head: 'import os', forward: 'os.write(3, b"\\x05\\0\\0\\0nojsn")' }), {});
    expect(text).toContain('file descriptor 3');
  });

  it('is ended with its net, in order', async () => {
    const before = workersOf(process.pid);
    const dir = folderWith({
      'bad.py': layer({ head: 'import atexit\natexit.register(lambda: open(__file__ + ".end", "w").close())' }),
    });
    const net = await Net.fromText(NET, { backend: 'host', python, dir });
    const pid = workersOf(process.pid).find(worker => !before.includes(worker));
    expect(isAlive(pid!)).toBe(true);
    net.dispose();
    await until(() => !isAlive(pid!));
    const { existsSync } = await import('node:fs');
    expect(existsSync(join(dir, 'bad.py.end'))).toBe(true);
  });

  it('is ended where the net cannot be made', async () => {
    const before = workersOf(process.pid);
    const dir = folderWith({ 'bad.py': layer({}) });
    const broken = `${NET} layer { name: "z" type: "InnerProduct" bottom: "nowhere" top: "z" }`;
    await expect(Net.fromText(broken, { backend: 'host', python, dir })).rejects.toThrow(/nowhere/);
    await until(() => workersOf(process.pid).length <= before.length);
  });
});

/** A program that sets up such a layer; `then` is what it does next. It is the process alone: the library is long to load. */
function program(dir: string, then: string): string {
  const path = join(dir, 'program.ts');
  const library = fileURLToPath(new URL('../../src/python/process.ts', import.meta.url));
  const own = {
    file: join(dir, 'bad.py'),
    module: 'bad',
    layer: 'L',
    places: [dir],
    name: 'bad',
    param_str: '',
    phase: 1,
  };
  const create = { op: 'create', id: 0, ...own, bottoms: [[2, 3]], same: [-1] };
  const reshape = { op: 'reshape', id: 0, bottoms: [[2, 3]], tops: [[2, 3]], blobs: [], first: true };
  writeFileSync(
    path,
    `import { PythonProcess } from ${JSON.stringify(library)};
const python = new PythonProcess({ interpreter: ${JSON.stringify(python)} });
const forward = async () => {
  await python.request('reshape', ${JSON.stringify(reshape)}, [new Float32Array(6)]);
  await python.request('forward', { op: 'forward', id: 0 });
};
await python.request('setup', ${JSON.stringify(create)});
console.log('ready');
${then}
`,
  );
  return path;
}

async function running(then: string, methods = {}) {
  const dir = folderWith({ 'bad.py': layer(methods) });
  const jiti = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url));
  const child = spawn(process.execPath, [jiti, program(dir, then)], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise(resolve => child.stdout.once('data', resolve));
  const [worker] = workersOf(child.pid!);
  return { child, worker: worker! };
}

describe.skipIf(!hasPython)('no process is left behind', () => {
  it.each([
    ['SIGKILL', 'setInterval(() => {}, 1000);', {}],
    ['SIGKILL', 'await forward();', { forward: 'while True:\n    pass' }],
    ['SIGINT', 'setInterval(() => {}, 1000);', {}],
  ] as const)('by %s, %s %j', async (signal, then, methods) => {
    const { child, worker } = await running(then, methods);
    expect(isAlive(worker)).toBe(true);
    child.kill(signal);
    await until(() => !isAlive(worker));
  });

  it.each([
    ['process.exit(0);', 0],
    ['throw new Error("a program that fails");', 1],
    // Nobody closed it: the program ends all the same.
    ['await forward();', 0],
  ])(
    'by the program’s end: %s',
    async (then, code) => {
      const { child, worker } = await running(then);
      const ended = await new Promise(resolve => child.once('exit', resolve));
      expect(ended).toBe(code);
      await until(() => !isAlive(worker));
    },
    30_000,
  );
});

describe.skipIf(!hasPython)('an interpreter', () => {
  const wrapper = (text: string): string => {
    const path = join(folderWith({}), 'interpreter');
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  };

  it('that is not there', async () => {
    const text = await failing(layer({}), { python: '/nowhere/python3' });
    expect(text).toMatch(/error\[python-missing\].*there is no program \/nowhere\/python3/);
    expect(text).toMatch(/python3-numpy.*--python PATH/);
  });

  it('without numpy', async () => {
    const text = await failing(layer({}), { python: wrapper(`exec ${python} -S -E "$@"`) });
    expect(text).toMatch(/error\[python-numpy\].*\(3\.\d+\.\d+\S*\) has no numpy/);
    expect(text).toMatch(/-m pip install numpy/);
  });

  it('that is none', async () => {
    const text = await failing(layer({}), { python: wrapper('echo "I am no Python" >&2; exit 4') });
    expect(text).toMatch(/error\[python-died\].*exit code 4.*in the start of/);
    expect(text).toContain('I am no Python');
  });

  it('is named by MOKAPOT_PYTHON too', async () => {
    const before = process.env['MOKAPOT_PYTHON'];
    process.env['MOKAPOT_PYTHON'] = '/nowhere/else';
    try {
      expect(await failing(layer({}), { python: undefined })).toContain('no program /nowhere/else');
    } finally {
      if (before === undefined) delete process.env['MOKAPOT_PYTHON'];
      else process.env['MOKAPOT_PYTHON'] = before;
    }
  });
});
