/** Edits by path keep every comment and the layout. */

import { describe, expect, it } from 'vitest';
import { editText, parseEdit } from '../../src/schema/index.js';

const NET = `# the net
name: "fcn"   # its name
layer {
  name: "score_fr"  # scores
  type: "Convolution"
  param { lr_mult: 1 } # weights
  param { lr_mult: 2 }
  convolution_param {
    num_output: 21 # classes
    kernel_size: 1
  }
}
layer { name: "upscore" type: "Deconvolution" convolution_param { num_output: 21 bias_term: false kernel_size: 63 stride: 32 } }
layer {
  name: "pool/3x3"
  type: "Pooling"
  bottom: "a"
  bottom: "b"
}
`;

const edit = (...list: string[]) =>
  editText(
    NET,
    'caffe.NetParameter',
    list.map(e => parseEdit(e)),
  );

/** The lines that differ: [before, after]. */
function changed(text: string): [string[], string[]] {
  const before = NET.split('\n');
  const after = text.split('\n');
  return [before.filter(l => !after.includes(l)), after.filter(l => !before.includes(l))];
}

describe('edits', () => {
  it("the tutorial's", () => {
    const { text, diagnostics } = edit('score_fr.num_output=2', 'upscore.num_output=2', 'upscore.group=2');
    expect(diagnostics).toEqual([]);
    expect(changed(text)[1]).toEqual([
      '    num_output: 2 # classes',
      'layer { name: "upscore" type: "Deconvolution" convolution_param { num_output: 2 bias_term: false kernel_size: 63 stride: 32 group: 2 } }',
    ]);
    expect(text.split('\n')).toHaveLength(NET.split('\n').length);
  });

  const single: [string, string[]][] = [
    ['name=x', ['name: "x"   # its name']],
    ['score_fr.param[1].lr_mult=0', ['  param { lr_mult: 0 }']],
    ['score_fr.param[1].decay_mult=0', ['  param { lr_mult: 2 decay_mult: 0 }']],
    ['score_fr.param[2].lr_mult=0', ['  param { lr_mult: 0 }']],
    ['score_fr.stride=2', ['    stride: 2']],
    ['score_fr.weight_filler.type=xavier', ['    weight_filler { type: "xavier" }']],
    ['score_fr.convolution_param.pad=1', ['    pad: 1']],
    ['score_fr.name="score fr"', ['  name: "score fr"  # scores']],
    ['pool/3x3.kernel_size=3', ['  pooling_param { kernel_size: 3 }']],
    ['pool/3x3.bottom[1]=c', ['  bottom: "c"']],
    ['pool/3x3.type=ReLU', ['  type: "ReLU"']],
    ['force_backward=true', ['force_backward: true']],
  ];
  it.each(single)('%s', (assignment, lines) => {
    const { text, diagnostics } = edit(assignment);
    expect(diagnostics).toEqual([]);
    expect(changed(text)[1]).toEqual(lines);
    for (const comment of NET.match(/#.*/g) ?? []) expect(text).toContain(comment);
  });

  it('adds and removes', () => {
    const added = editText(NET, 'caffe.NetParameter', [parseEdit('pool/3x3.bottom=c', 'add')]);
    expect(added.text).toContain('  bottom: "b"\n  bottom: "c"\n}');
    const remove = (path: string) => editText(NET, 'caffe.NetParameter', [{ op: 'remove', path }]).text;
    expect(remove('score_fr.kernel_size')).toBe(NET.replace('    kernel_size: 1\n', ''));
    expect(remove('score_fr.param[0]')).toBe(NET.replace('param { lr_mult: 1 } # weights', '# weights'));
    expect(remove('upscore.stride')).toBe(NET.replace(' stride: 32', ''));
    expect(remove('pool/3x3')).toBe(NET.slice(0, NET.indexOf('layer {\n  name: "pool/3x3"')));
  });

  it('fields of a solver', () => {
    const text = 'net: "a"\nbase_lr: 0.001 # rate\nsolver_mode: CPU\ntest_iter: 1\n';
    const edits = ['base_lr=0.01', 'solver_mode=GPU', 'max_iter=5', 'stepvalue=[1, 2]'].map(e => parseEdit(e));
    expect(editText(text, 'caffe.SolverParameter', edits)).toEqual({
      text: 'net: "a"\nbase_lr: 0.01 # rate\nsolver_mode: GPU\ntest_iter: 1\nmax_iter: 5\nstepvalue: [1, 2]\n',
      diagnostics: [],
    });
  });

  const refused: [string, string, RegExp][] = [
    ['score_rf.num_output=2', 'unknown-layer', /score_fr/],
    ['score_fr.num_outputs=2', 'unknown-field', /num_output/],
    ['score_fr.num_output=two', 'wrong-type', /./],
    ['score_fr.num_output=-2', 'out-of-range', /./],
    ['score_fr.param.lr_mult=2', 'ambiguous-path', /param\[0\]/],
    ['pool/3x3.pool=max', 'unknown-enum-value', /MAX/],
    ['score_fr.param[5].lr_mult=2', 'no-such-field', /./],
    ['pool/3x3.bottom=x', 'ambiguous-path', /bottom\[0\]/],
    ['score_fr=2', 'bad-path', /./],
  ];
  it.each(refused)('%s is refused', (assignment, code, hint) => {
    const { text, diagnostics } = edit(assignment);
    expect(text).toBe(NET);
    expect(diagnostics.map(d => d.code)).toEqual([code]);
    expect(`${diagnostics[0]?.hint} ${diagnostics[0]?.message}`).toMatch(hint);
  });
});
