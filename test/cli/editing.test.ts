/** edit, encode and decode. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, mokapot, project } from './cli.js';

const alexnet = project('networks/fcn_alexnet.prototxt');

function file(text: string | Uint8Array): string {
  const path = join(folder(), 'file');
  writeFileSync(path, text);
  return path;
}

describe('edit', () => {
  const tutorial = ['--set', 'score_fr.num_output=2', '--set', 'upscore.num_output=2', '--set', 'upscore.group=2'];

  it("makes the tutorial's edit and changes nothing else", async () => {
    const before = readFileSync(alexnet, 'utf8').split('\n');
    const { code, out } = await mokapot(['edit', alexnet, ...tutorial]);
    expect(code).toBe(0);
    const changed = out.split('\n').filter((line, i) => line !== before[i]);
    expect(changed).toEqual(['    num_output: 2', '    num_output: 2', '    group: 2']);
  });

  it('writes the file itself, or another', async () => {
    const path = file(readFileSync(alexnet));
    const other = join(folder(), 'other.prototxt');
    expect((await mokapot(['edit', path, ...tutorial, '--out', other])).code).toBe(0);
    expect(readFileSync(path)).toEqual(readFileSync(alexnet));
    expect((await mokapot(['edit', path, ...tutorial, '--write'])).out).toContain('3 edits made');
    expect(readFileSync(path)).toEqual(readFileSync(other));
    expect((await mokapot(['check', path])).code).toBe(0);
  });

  it('edits solvers', async () => {
    const path = file('base_lr: 0.1 # rate\nmax_iter: 10\n');
    expect((await mokapot(['edit', path, '--set', 'base_lr=1e-4'])).out).toBe('base_lr: 1e-4 # rate\nmax_iter: 10\n');
  });

  it.each([
    [['--set', 'score_f.num_output=2'], 'Did you mean score_fr?'],
    [['--set', 'score_fr.num_outptu=2'], 'num_output'],
    [['--set', 'score_fr.num_output=two'], 'error'],
    [['--set', 'nothing'], 'is no edit'],
    [[], 'No edit is given'],
  ])('%j is refused and nothing is printed', async (options, sentence) => {
    const ran = await mokapot(['edit', alexnet, ...options]);
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringContaining(sentence) });
  });
});

describe('encode and decode', () => {
  const solver = 'net: "x"\nbase_lr: 0.01\n';

  it('write what protoc writes, in and out', async () => {
    const binary = join(folder(), 's.bin');
    const encoded = await mokapot(['encode', file(solver), '--message', 'caffe.SolverParameter', '--out', binary]);
    expect(encoded).toMatchObject({ code: 0, out: '', err: '' });
    expect(readFileSync(binary).toString('hex')).toBe('2d0ad7233cc2010178');
    const decoded = await mokapot(['decode', binary, '--message', 'SolverParameter']);
    expect(decoded.out).toBe('base_lr: 0.01\nnet: "x"\n');
  });

  it('upgrade older forms, with --raw they do not', async () => {
    const old = file('input: "x" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4');
    const upgraded = await mokapot(['encode', old]);
    const raw = await mokapot(['encode', old, '--raw']);
    expect(raw.bytes.toString('hex')).toBe('1a01782001200220032004');
    expect((await mokapot(['decode', file(upgraded.bytes)])).out).toContain('type: "Input"');
    expect((await mokapot(['decode', '--raw', file(raw.bytes)])).out).toContain('input_dim: 4');
    expect(upgraded.err).toContain('note[');
  });

  it('refuse broken text, unknown messages, other bytes', async () => {
    expect(await mokapot(['encode', file('layer { nam: 1 }')])).toMatchObject({ code: 1, out: '' });
    const unknown = await mokapot(['encode', alexnet, '--message', 'caffe.Nothing']);
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('no message "caffe.Nothing"') });
    const bytes = await mokapot(['decode', file(Uint8Array.of(7, 255, 255, 1))]);
    expect(bytes).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('These bytes are no caffe.NetParameter'),
    });
  });
});
