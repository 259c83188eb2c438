import { describe, expect, it } from 'vitest';
import { meetsRule, netState, tryCompileNet } from '../../src/net/index.js';
import { create, type DeepPartial, type NetStateRule, Phase } from '../../src/schema/index.js';
import { attempt, codes, compile, input, parse } from './nets.js';

function meets(rule: DeepPartial<NetStateRule>, stages: string[] = [], level = 0): boolean {
  return meetsRule({ phase: 'TRAIN', level, stages }, create('caffe.NetStateRule', rule));
}

describe('a rule', () => {
  it('without conditions is met by every state', () => expect(meets({})).toBe(true));
  it('compares the phase only where it is written', () => {
    expect(meets({ phase: Phase.TRAIN })).toBe(true);
    expect(meets({ phase: Phase.TEST })).toBe(false);
  });
  it('has inclusive bounds on the level', () => {
    expect(meets({ min_level: 2 }, [], 2)).toBe(true);
    expect(meets({ min_level: 2 }, [], 1)).toBe(false);
    expect(meets({ max_level: 2 }, [], 2)).toBe(true);
    expect(meets({ max_level: 2 }, [], 3)).toBe(false);
    expect(meets({ min_level: -1, max_level: 0 })).toBe(true);
  });
  it('wants all of its stages', () => {
    expect(meets({ stage: ['a', 'b'] }, ['b', 'c', 'a'])).toBe(true);
    expect(meets({ stage: ['a', 'b'] }, ['a'])).toBe(false);
  });
  it('wants none of its not_stages', () => {
    expect(meets({ not_stage: ['a', 'b'] }, ['c'])).toBe(true);
    expect(meets({ not_stage: ['a', 'b'] }, ['c', 'b'])).toBe(false);
  });
});

describe('the state', () => {
  const text = `state { phase: TRAIN level: 3 stage: "a" } ${input('x', 1)}`;
  it("is the net's own where the caller says nothing", () => {
    expect(netState(parse(text), {})).toEqual({ phase: 'TRAIN', level: 3, stages: ['a'] });
  });
  it("merges the caller's over it, stages add up", () => {
    expect(netState(parse(text), { phase: 'TEST', level: 1, stages: ['b', 'a'] })).toEqual({
      phase: 'TEST',
      level: 1,
      stages: ['a', 'b'],
    });
  });
  it("is Caffe's default TEST otherwise", () => {
    expect(tryCompileNet(parse(input('x', 1)), {}).partial.phase).toBe('TEST');
  });
});

describe('layers', () => {
  const text = `${input('x', 1, 2)}
layer { name: "train" type: "ReLU" bottom: "x" top: "a" include { phase: TRAIN } }
layer { name: "val" type: "ReLU" bottom: "x" top: "b" include { phase: TEST stage: "val" } include { stage: "always" } }
layer { name: "not_deploy" type: "ReLU" bottom: "x" top: "c" exclude { stage: "deploy" } exclude { stage: "other" } }
`;
  const names = (phase: 'TRAIN' | 'TEST', ...stages: string[]) =>
    compile(text, { phase, stages })
      .layers.filter(l => l.source && l.name !== 'x')
      .map(l => l.name);

  it('are in by any include rule, out by any exclude rule', () => {
    expect(names('TRAIN')).toEqual(['train', 'not_deploy']);
    expect(names('TEST', 'val')).toEqual(['val', 'not_deploy']);
    expect(names('TRAIN', 'always', 'other')).toEqual(['train', 'val']);
    expect(names('TEST', 'deploy')).toEqual([]);
  });

  it('with both kinds of rule are an error, said once', () => {
    const both = `${input('x', 1)}
layer { name: "l" type: "ReLU" bottom: "x" top: "y" include { phase: TEST } exclude { stage: "deploy" } }
layer { name: "m" type: "ReLU" bottom: "y" top: "z" }`;
    expect(codes(attempt(both).diagnostics)).toEqual(['include-and-exclude@3']);
  });

  it('that are all left out are an error that names the state', () => {
    const { diagnostics } = attempt('layer { name: "l" type: "Input" top: "x" include { stage: "a" } }', {
      phase: 'TRAIN',
      stages: ['b'],
    });
    expect(diagnostics[0]!.code).toBe('empty-net');
    expect(diagnostics[0]!.message).toContain('phase TRAIN, stage "b"');
  });
});
