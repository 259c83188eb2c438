/** Options mean the same in every command, and each command is loaded by itself. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, type Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { COMMANDS, calledCommand, nameOf } from '../../src/cli/commands/index.js';
import type { Act } from '../../src/cli/declare.js';
import type { Io } from '../../src/cli/io.js';
import { folder, mokapot, project } from './cli.js';

const io: Io = {
  stdout: { write: () => {} },
  stderr: { write: () => {} },
  env: {},
  interruptible: () => new AbortController().signal,
};
const act: Act =
  run =>
  async (...args) =>
    void (await run(...args));

/** Every command, `dataset create images` among them, with the options it declares. */
async function declared(): Promise<ReadonlyMap<string, readonly Option[]>> {
  const found = new Map<string, readonly Option[]>();
  const visit = (command: Command, path: string) => {
    if (command.commands.length === 0) found.set(path, command.options);
    for (const inner of command.commands) visit(inner, `${path} ${inner.name()}`);
  };
  for (const entry of COMMANDS) {
    const command = new Command('mokapot').command(entry.usage);
    (await entry.load())(command, io, act);
    visit(command, nameOf(entry));
  }
  return found;
}
const commands = await declared();
const having = (flag: string) =>
  [...commands].filter(([, options]) => options.some(o => o.long === flag)).map(([name]) => name);

describe('options', () => {
  it('have one short form and one kind of value wherever they are', () => {
    const forms = new Map<string, Set<string>>();
    for (const [, options] of commands)
      for (const { long, short, flags } of options) {
        // Where results go may be a file or a folder.
        const kind = long === '--out' ? 'a path' : /<.*/.exec(flags)?.[0];
        const form = [short, kind].join(' ');
        forms.set(long!, (forms.get(long!) ?? new Set()).add(form));
      }
    const several = [...forms].filter(([, kinds]) => kinds.size > 1).map(([long]) => long);
    expect(new Set(several)).toEqual(
      new Set([
        // `time` shows several backends side by side, `convert` takes several blobs as outputs.
        ...['--backend', '--output'],
        // Of a data set that is there, and of one that is made.
        '--split',
        // `check` takes solvers among its files and is told so; `train` takes one.
        '--solver',
        // `transplant` goes from a network to a network, `convert` to a format.
        '--to',
      ]),
    );
    expect(forms.get('--out')).toEqual(new Set(['-o a path']));
  });

  it('come together where they belong together', () => {
    const states = ['check', 'summary', 'convert', 'time', 'transplant', 'diff', 'graph', 'explain'];
    expect(having('--phase')).toEqual(states);
    expect(having('--level')).toEqual(having('--stage'));
    expect(having('--level').filter(name => !states.includes(name))).toEqual(['train', 'test']);
    expect(having('--lenient')).toEqual(having('--schema'));
    expect(having('--python-layers')).toEqual(having('--python'));
    // Every command that reads a prototxt or a message by its schema; fmt goes by the syntax alone.
    const without = [...commands.keys()].filter(name => !having('--schema').includes(name));
    expect(without.filter(name => !name.startsWith('dataset '))).toEqual(['doctor', 'demo', 'fmt']);
  });

  it('--weights may be given several times, but where one file goes into one network', () => {
    const several = having('--weights').filter(name => {
      const option = commands.get(name)!.find(o => o.long === '--weights')!;
      return option.parseArg !== undefined;
    });
    expect(having('--weights').filter(name => !several.includes(name))).toEqual(['transplant']);
  });

  it('--json is where there is a report', () => {
    const texts = ['edit', 'encode', 'decode', 'fmt', 'upgrade', 'deploy', 'graph', 'lsp', 'demo'];
    const without = [...commands.keys()].filter(name => !having('--json').includes(name));
    expect(without.filter(name => !name.startsWith('dataset create')).sort()).toEqual(texts.sort());
  });
});

describe('commands', () => {
  it('are loaded by the word that calls them', () => {
    const name = (...argv: string[]) => {
      const called = calledCommand(argv);
      return called && nameOf(called);
    };
    expect(name('check', 'help')).toBe('check');
    expect(name('help', 'graph')).toBe('graph');
    expect(name('--help')).toBeUndefined();
    expect(name('chekc')).toBeUndefined();
    expect(name()).toBeUndefined();
  });

  it('that are bundled only read: they run no engine, and user code only when asked to', () => {
    for (const entry of COMMANDS.filter(e => e.bundled)) {
      const flags = commands.get(nameOf(entry))!.map(o => o.long);
      expect(flags, entry.usage).not.toContain('--backend');
      if (flags.includes('--python-layers')) expect(flags, entry.usage).toContain('--run-python');
    }
  });

  it('bin/mokapot has no list of them', () => {
    const bin = readFileSync(project('bin/mokapot'), 'utf8');
    for (const name of ['check', 'fmt', 'upgrade', 'explain']) expect(bin).not.toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('are listed with their arguments, and an unknown one is refused with the nearest', async () => {
    const { out } = await mokapot(['--help']);
    for (const { usage } of COMMANDS) expect(out).toContain(`\n  ${usage}`);
    expect(await mokapot(['chekc'])).toMatchObject({ code: 2, err: expect.stringContaining('check') });
    const { out: help } = await mokapot(['help', 'graph']);
    expect(help).toMatch(/Usage: mokapot graph \[options\] <file>[\s\S]*a network; - is stdin[\s\S]*--scale/);
  });
});

describe('what options do', () => {
  it('deploy, upgrade, edit and encode take -o as graph does', async () => {
    const dir = folder();
    const lenet = project('networks/lenet.prototxt');
    const to = (name: string) => join(dir, name);
    expect((await mokapot(['deploy', lenet, '-o', to('deploy.prototxt')])).code).toBe(0);
    expect(readFileSync(to('deploy.prototxt'), 'utf8')).toContain('type: "Input"');
    expect((await mokapot(['upgrade', lenet, '-o', to('upgraded.prototxt')])).code).toBe(0);
    expect((await mokapot(['edit', lenet, '--set', 'ip2.num_output=7', '-o', to('edited.prototxt')])).code).toBe(0);
    expect(readFileSync(to('edited.prototxt'), 'utf8')).toContain('num_output: 7');
    expect((await mokapot(['encode', to('deploy.prototxt'), '-o', to('net.bin')])).code).toBe(0);
    expect((await mokapot(['decode', to('net.bin'), '-o', to('back.prototxt')])).code).toBe(0);
    expect(readFileSync(to('back.prototxt'), 'utf8')).toContain('type: "Input"');
  });

  it('check --json is check --format json', async () => {
    const lenet = project('networks/lenet.prototxt');
    const [short, long] = [
      await mokapot(['check', lenet, '--json']),
      await mokapot(['check', lenet, '--format', 'json']),
    ];
    expect(short).toEqual(long);
    expect(() => JSON.parse(short.out)).not.toThrow();
  });

  it('--level meets the rules with min_level', async () => {
    const net = join(folder(), 'net.prototxt');
    writeFileSync(
      net,
      `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 } } }
layer { name: "a" type: "ReLU" bottom: "x" top: "y" include { max_level: 1 } }
layer { name: "b" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } include { min_level: 2 } }`,
    );
    const shown = async (...more: string[]) => {
      const { out } = await mokapot(['summary', net, '--phase', 'TEST', '--json', ...more]);
      return (JSON.parse(out) as { layers: { name: string }[] }).layers.map(l => l.name);
    };
    expect(await shown()).toEqual(['x', 'a']);
    expect(await shown('--level', '2')).toEqual(['x', 'b']);
    const { out } = await mokapot(['explain', net, 'b', '--level', '3']);
    expect(out).toContain('InnerProduct');
    expect((await mokapot(['summary', net, '--level', 'high'])).code).toBe(2);
  });
});
