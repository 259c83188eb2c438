/** Edits by path keep every comment and the layout. */

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random/index.js';
import { editText, parseEdit } from '../../src/schema/index.js';
import { globMatch } from '../../src/schema/select.js';

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
    expect(editText(text, 'caffe.SolverParameter', edits)).toMatchObject({
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

const STATES = `layer {
  name: "data"
  type: "Data"
  include { phase: TRAIN }
  data_param { batch_size: 4 } # training
}
layer { name: "data" type: "Data" include { phase: TEST not_stage: "deploy" } data_param { batch_size: 8 } }
layer { name: "data" type: "Input" top: "data" include { phase: TEST stage: "deploy" } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 } param { lr_mult: 2 } convolution_param { num_output: 4 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" exclude { stage: "deploy" } }
layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2" param { lr_mult: 1 } convolution_param { num_output: 4 kernel_size: 3 } }
`;

const inStates = (edit: string, op?: Parameters<typeof parseEdit>[1]) =>
  editText(STATES, 'caffe.NetParameter', [parseEdit(edit, op)]);

describe('which layers', () => {
  const batch = (a: number, b: number) =>
    STATES.replace('batch_size: 4', `batch_size: ${a}`).replace('batch_size: 8', `batch_size: ${b}`);
  it.each([
    ['data.batch_size=2', batch(2, 2)],
    ['data[phase=TRAIN].batch_size=2', batch(2, 8)],
    ['data[phase=TEST].batch_size=2', batch(4, 2)],
    ['data[stage=val].data_param.batch_size=2', batch(2, 2)],
    ['data[phase=TEST,stage=val].batch_size=2', batch(4, 2)],
    [
      'data[phase=TEST,stage=deploy].name=x',
      STATES.replace('layer { name: "data" type: "Input"', 'layer { name: "x" type: "Input"'),
    ],
    ['data[1].batch_size=2', batch(4, 2)],
    ['data[type=Data].batch_size=2', batch(2, 2)],
    ['*[type=Convolution].num_output=7', STATES.replaceAll('num_output: 4', 'num_output: 7')],
    ['conv?.num_output=7', STATES.replaceAll('num_output: 4', 'num_output: 7')],
    ['conv*.param[*].lr_mult=0', STATES.replace(/lr_mult: \d/g, 'lr_mult: 0')],
    ['conv*.param[1].lr_mult=0', undefined],
    ['conv1.bottom=[a, b]', STATES.replace('bottom: "data"', 'bottom: ["a", "b"]')],
    [
      'conv2.weight_filler={ type: "xavier" }',
      STATES.replace('kernel_size: 3', 'kernel_size: 3 weight_filler { type: "xavier" }'),
    ],
  ])('%s', (edit, after) => {
    const { text, diagnostics } = inStates(edit);
    expect(diagnostics.filter(d => d.severity === 'error')).toEqual([]);
    if (after !== undefined) expect(text).toBe(after);
  });

  it('says what it did, where, and to how many', () => {
    const { changes, diagnostics } = inStates('data.batch_size=2');
    expect(changes).toEqual([
      { path: 'data.data_param.batch_size', before: '4', after: '2', line: 5 },
      { path: 'data.data_param.batch_size', before: '8', after: '2', line: 7 },
    ]);
    expect(diagnostics[0]!.message).toBe('3 layers are called "data": 2 were changed; the others have no such field.');
    expect(diagnostics[0]!.hint).toContain('[2] is on line 8 (Input)');
  });

  it.each([
    ['nope.num_output=2', 'unknown-layer', 'The layers are data, conv1, relu1, conv2.'],
    ['cnv1.num_output=2', 'unknown-layer', 'Did you mean conv1?'],
    ['x*.num_output=2', 'unknown-layer', 'The layers are'],
    ['data[stage=nope,phase=TRAIN].batch_size=2', undefined, ''],
    ['data[phase=TEST,type=ReLU].batch_size=2', 'unknown-layer', '[0] is on line 1 (Data)'],
    ['data.batch_sise=2', 'unknown-field', 'Did you mean'],
    ['relu1.num_output=2', 'unknown-field', 'It is a field of'],
    ['conv1.param.lr_mult=2', 'ambiguous-path', 'or param[*] for all'],
    ['conv1=2', 'bad-path', 'For example conv1.name'],
  ])('%s: %s', (edit, code, hint) => {
    const { text, diagnostics } = inStates(edit);
    const wrong = diagnostics.find(d => d.severity === 'error');
    expect(wrong?.code).toBe(code);
    if (code === undefined) return;
    expect(text).toBe(STATES);
    expect(wrong?.hint).toContain(hint);
  });
});

describe('renaming and placing', () => {
  it.each([
    ['conv1=first', STATES.replace('name: "conv1"', 'name: "first"')],
    [
      'conv*=frozen_*',
      STATES.replace('name: "conv1"', 'name: "frozen_1"').replace('name: "conv2"', 'name: "frozen_2"'),
    ],
    ['data[phase=TRAIN]=train', STATES.replace('name: "data"', 'name: "train"')],
    ['conv2.convolution_param.kernel_size=stride', STATES.replace('kernel_size: 3', 'stride: 3')],
  ])('--rename %s', (edit, after) => expect(inStates(edit, 'rename').text).toBe(after));

  it('--rename warns of weights and of a name that is taken', () => {
    expect(inStates('conv1=conv2', 'rename').diagnostics.map(d => d.code)).toEqual(['name-taken', 'weights-by-name']);
    expect(inStates('relu1=act', 'rename').diagnostics).toEqual([]);
  });

  it('--rename-blob goes through all bottoms and tops', () => {
    const { text, changes } = inStates('conv1=features', 'rename-blob');
    expect(text).toBe(STATES.replaceAll(/(bottom|top): "conv1"/g, '$1: "features"'));
    expect(changes).toHaveLength(4);
    expect(inStates('conv1=data', 'rename-blob').diagnostics[0]!.code).toBe('name-taken');
    expect(inStates('conv3=x', 'rename-blob').diagnostics[0]!.hint).toContain('Did you mean conv');
  });

  it('--before and --after', () => {
    const block = 'layer { name: "new" type: "ReLU" bottom: "conv2" top: "conv2" }';
    expect(inStates(`conv2=${block}`, 'after').text).toBe(`${STATES.trimEnd()}\n${block}\n`);
    expect(inStates(`data[0]=${block}`, 'before').text).toBe(`${block}\n${STATES}`);
    expect(inStates('conv2=name: "x"', 'after').diagnostics[0]!.code).toBe('bad-edit');
    expect(inStates('conv2=layer { nam: 1 }', 'after').diagnostics[0]!.code).toBe('unknown-field');
    expect(inStates(`data=${block}`, 'after').diagnostics[0]!.code).toBe('ambiguous-path');
  });
});

describe('patterns of names', () => {
  it('take what stands for each sign, the first * as much as it can', () => {
    expect(globMatch('*_*', 'a_b_c')).toEqual(['a_b', 'c']);
    expect(globMatch('conv?_*', 'conv1_x')).toEqual(['1', 'x']);
    expect(globMatch('**', 'ab')).toEqual(['ab', '']);
    expect(globMatch('*', '')).toEqual(['']);
    expect(globMatch('a.c', 'abc')).toBeUndefined();
    expect(globMatch('a*b', 'a')).toBeUndefined();
    expect(globMatch('?', '')).toBeUndefined();
  });

  it('are those of the regular expression', () => {
    const random = new Random(3);
    const word = (letters: string, most: number) =>
      Array.from({ length: random.integer(most) }, () => letters[random.integer(letters.length)]).join('');
    for (let i = 0; i < 3000; i++) {
      const [pattern, name] = [word('ab*?', 7), word('ab', 9)];
      const expression = new RegExp(`^${pattern.replaceAll('*', '(.*)').replaceAll('?', '(.)')}$`, 's');
      expect(globMatch(pattern, name), `${pattern} ${name}`).toEqual(expression.exec(name)?.slice(1));
    }
  });

  it('take no time that grows with the number of *', () => {
    const start = performance.now();
    expect(globMatch(`${'*'.repeat(40)}b`, 'a'.repeat(5000))).toBeUndefined();
    expect(globMatch(`${'*a'.repeat(40)}b`, 'a'.repeat(5000))).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
