/** The editor's functions, each alone: what is suggested, shown, found and renamed, in whole texts and in half-written ones. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Analysis } from '../../src/lsp/analysis.js';
import { completionsAt } from '../../src/lsp/completion.js';
import { cursorAt } from '../../src/lsp/cursor.js';
import { hoverAt } from '../../src/lsp/hover.js';
import { definitionsAt, nameAt, outline, referencesAt, renameAt } from '../../src/lsp/names.js';
import { messageType } from '../../src/schema/index.js';

/** A text with its cursor, which `|` marks. */
function at(marked: string): { analysis: Analysis; offset: number; text: string } {
  const offset = marked.indexOf('|');
  const text = marked.slice(0, offset) + marked.slice(offset + 1);
  return { analysis: new Analysis(text, 'net.prototxt'), offset, text };
}

const labels = (marked: string): string[] => {
  const { analysis, offset } = at(marked);
  return completionsAt(analysis, offset).map(c => c.label);
};

const NET = `name: "n"
layer {
  name: "data"
  type: "Data"
  top: "data"
  top: "label"
  include { phase: TRAIN }
  transform_param { crop_size: 8 }
  data_param { batch_size: 2 }
}
layer {
  name: "data"
  type: "Input"
  top: "data"
  include { phase: TEST stage: "deploy" }
  input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } }
}
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }
}
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "prob" type: "Softmax" bottom: "conv1" top: "prob" }
`;

/** The analysis of NET and the offset of the nth occurrence of a piece of it, one letter in. */
const analysed = new Analysis(NET, 'net.prototxt');
function place(piece: string, n = 0): number {
  let offset = -1;
  for (let i = 0; i <= n; i++) offset = NET.indexOf(piece, offset + 1);
  return offset + 1;
}

describe('cursorAt', () => {
  const of = (marked: string) => {
    const offset = marked.indexOf('|');
    const c = cursorAt(marked.replace('|', ''), offset, messageType('caffe.NetParameter'));
    return [c.place, c.path.join('.'), c.field?.name, c.prefix];
  };
  it.each([
    ['|', 'name', '', undefined, ''],
    ['lay|', 'name', '', undefined, 'lay'],
    ['layer { na|', 'name', 'layer', undefined, 'na'],
    ['layer { name: "x" |', 'name', 'layer', undefined, ''],
    ['layer { name: "x"|', 'name', 'layer', undefined, ''],
    ['layer { type: |', 'value', 'layer', 'type', ''],
    ['layer { type: "Con|', 'value', 'layer', 'type', 'Con'],
    ['layer { type: "Con|v" }', 'value', 'layer', 'type', 'Con'],
    ['layer { include { phase: TR|', 'value', 'layer.include', 'phase', 'TR'],
    ['layer { include: { phase: TEST } |', 'name', 'layer', undefined, ''],
    ['layer { bottom: ["a", "|', 'value', 'layer', 'bottom', ''],
    ['layer { bottom: ["a", "b"] |', 'name', 'layer', undefined, ''],
    ['layer: [{ na|', 'name', 'layer', undefined, 'na'],
    ['layer { name: "x" } # lay|', 'comment', '', undefined, ''],
    ['layer { name: "x" } lay|', 'name', '', undefined, 'lay'],
    ['layer { lr: -|', 'value', 'layer', undefined, ''],
    ['layer { nonsense { a: |', 'value', 'layer.nonsense', undefined, ''],
  ])('%s', (marked, ...expected) => expect(of(marked)).toEqual(expected));
});

describe('completionsAt', () => {
  it('fields of the block, the layer type’s own first, those that are there left out', () => {
    const fields = labels('layer { name: "c" type: "Convolution" | }');
    expect(fields[0]).toBe('convolution_param');
    expect(fields).not.toContain('name');
    expect(fields).toContain('bottom');
    expect(labels('layer { pooling_param { | } }')).toContain('global_pooling');
    expect(labels('base_lr: 1 momentum: 1 |')).toContain('lr_policy');
  });

  it.each([
    ['layer { type: "Conv|', ['Convolution', 'SoftmaxWithLoss']],
    ['layer { pooling_param { pool: | } }', ['MAX', 'AVE', 'STOCHASTIC']],
    ['layer { include { phase: | } }', ['TRAIN', 'TEST']],
    ['layer { include { stage: "mine" stage: "|" } }', ['train', 'val', 'deploy', 'mine']],
    ['layer { convolution_param { bias_term: | } }', ['true', 'false']],
    ['layer { convolution_param { weight_filler { type: "|" } } }', ['xavier', 'msra', 'bilinear']],
    ['base_lr: 0.1 lr_policy: "|"', ['fixed', 'step', 'poly']],
    ['base_lr: 0.1 max_iter: 1 type: "|"', ['SGD', 'Adam']],
  ])('%s', (marked, expected) => expect(labels(marked)).toEqual(expect.arrayContaining(expected)));

  it('blobs that are made before, the newest first, and no others', () => {
    const text = NET.replace('bottom: "conv1" top: "prob"', 'bottom: "|" top: "prob"');
    expect(labels(text)).toEqual(['conv1', 'data', 'label']);
    expect(labels(NET.replace('bottom: "data"', 'bottom: "|"'))).toEqual(['data', 'label']);
    expect(labels(NET.replace('top: "prob"', 'top: "|"'))[0]).toBe('prob');
  });

  it('replace what is there, with quotes where none are', () => {
    const one = (marked: string, label: string) => {
      const { analysis, offset, text } = at(marked);
      const c = completionsAt(analysis, offset).find(x => x.label === label)!;
      return text.slice(0, c.start) + c.insert + text.slice(c.end);
    };
    expect(one('layer { type: "Co|nv" }', 'Convolution')).toBe('layer { type: "Convolution" }');
    expect(one('layer { type: | }', 'Convolution')).toBe('layer { type: "Convolution" }');
    expect(one('layer { na| }', 'name')).toBe('layer { name: "$0" }');
    expect(one('layer { pooling_param { pool: M| } }', 'MAX')).toBe('layer { pooling_param { pool: MAX } }');
    expect(one('layer { type: "Con|\n top: "x" }', 'Concat')).toBe('layer { type: "Concat\n top: "x" }');
  });

  it('nothing in a comment, nothing where the schema knows nothing', () => {
    expect(labels('# la|')).toEqual([]);
    expect(labels('layer { frob { | } }')).toEqual([]);
  });

  it('have the words of the schema', () => {
    const { analysis, offset } = at('layer { convolution_param { | } }');
    const found = completionsAt(analysis, offset).find(c => c.label === 'group')!;
    expect(found).toMatchObject({ detail: 'uint32, default 1', doc: expect.stringContaining('groups') });
  });
});

describe('hoverAt', () => {
  const text = (offset: number) => hoverAt(analysed, offset)?.markdown;
  it.each([
    ['a field', () => text(place('kernel_size')), 'Side of the filters'],
    ['its default', () => text(place('crop_size')), 'default `0`'],
    ['a type', () => text(place('"Convolution"')), 'Slides learned filters'],
    ['a blob’s shape', () => text(place('"conv1"', 1)), '`1×4×6×6`'],
    ['a blob’s maker', () => text(place('"conv1"', 1)), 'made by conv1 (Convolution)'],
    ['who reads it', () => text(place('"conv1"', 1)), 'Read by relu1, prob.'],
    ['a blob of several states', () => text(place('"data"', 1)), '(TEST, deploy)'],
    ['a layer’s name', () => text(place('"conv1"')), '112 parameters'],
    ['the word layer', () => text(place('layer {', 2)), '(8 − 3) / 1 + 1 = 6'],
  ])('%s', (_, make, expected) => expect(make()).toContain(expected));

  it('has nothing to say of a blank', () => expect(text(NET.indexOf('\n\n') - 1)).toBeUndefined());
});

describe('names', () => {
  const words = (spans: readonly { start: number; end: number }[]) =>
    spans.map(s => `${NET.slice(0, s.start).split('\n').length}:${NET.slice(s.start, s.end)}`);

  it('a blob is defined where it is made, not where it is changed in place', () => {
    expect(words(definitionsAt(analysed, place('"conv1" top: "prob"')))).toEqual(['22:"conv1"']);
    expect(words(definitionsAt(analysed, place('bottom: "data"') + 9))).toEqual(['5:"data"', '14:"data"']);
  });

  it('references are all mentions of a blob, or all layers of a name', () => {
    expect(words(referencesAt(analysed, place('"conv1"', 1)))).toHaveLength(4);
    expect(words(referencesAt(analysed, place('"data"')))).toEqual(['3:"data"', '12:"data"']);
  });

  it('a blob is renamed in all phases and in place, a layer apart from its blob', () => {
    const apply = (offset: number, name: string) => {
      const { edits, problem } = renameAt(analysed, offset, name);
      expect(problem).toBe('');
      return edits
        .toSorted((a, b) => b.span.start - a.span.start)
        .reduce((t, e) => t.slice(0, e.span.start) + e.text + t.slice(e.span.end), NET);
    };
    expect(apply(place('"conv1"', 1), 'features')).toBe(NET.replace(/(top|bottom): "conv1"/g, '$1: "features"'));
    expect(apply(place('"data"'), 'input')).toBe(NET.replace(/name: "data"/g, 'name: "input"'));
    expect(renameAt(analysed, place('"conv1"'), 'first').note).toContain('Weights');
    expect(renameAt(analysed, place('"relu1"'), 'first').note).toBe('');
    expect(renameAt(analysed, place('"conv1"', 1), 'data').problem).toContain('already');
    expect(renameAt(analysed, place('kernel_size'), 'x').problem).not.toBe('');
    expect(nameAt(analysed, place('kernel_size'))).toBeUndefined();
  });

  it('the outline lists layers with their types and phases', () => {
    expect(outline(analysed).map(e => `${e.name}: ${e.detail}`)).toEqual([
      'data: Data · TRAIN',
      'data: Input · TEST · deploy',
      'conv1: Convolution',
      'relu1: ReLU',
      'prob: Softmax',
    ]);
    expect(outline(new Analysis('base_lr: 0.1\nmax_iter: 5', 's')).map(e => e.name)).toEqual(['base_lr', 'max_iter']);
  });
});

describe('half-written texts', () => {
  const networks = ['fcn_small', 'lenet'].map(name =>
    readFileSync(new URL(`../../networks/${name}.prototxt`, import.meta.url), 'utf8'),
  );

  it('none makes anything throw: cut off, torn out of, typed into', () => {
    const text = networks[1]!;
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.nat(40),
        fc.constantFrom('', '{', '}', '"', ':', '[', '<', 'layer {', '#', '-', '\\', '\0'),
        (start, length, typed) => {
          const broken = text.slice(0, start) + typed + text.slice(start + length);
          const analysis = new Analysis(broken, 'x');
          const offset = start + typed.length;
          expect(Array.isArray(analysis.diagnostics)).toBe(true);
          completionsAt(analysis, offset);
          hoverAt(analysis, offset);
          definitionsAt(analysis, offset);
          renameAt(analysis, offset, 'y');
          outline(analysis);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a whole network has nothing wrong', () => {
    for (const text of networks)
      expect(new Analysis(text, 'x').diagnostics.filter(d => d.severity === 'error')).toEqual([]);
  });
});
