/**
 * Layers of a text as the syntax tree has them, and which of them a path means: by name, by pattern (`conv*`), narrowed in
 * brackets: `data[phase=TRAIN]`, `data[type=Input]`, `data[stage=deploy]`, `data[1]` (the second of that name).
 */

import protobuf from 'protobufjs';
import type { SyntaxField, SyntaxMessage, SyntaxScalar } from '../../grammar/index.js';
import { findField } from './parse.js';

/** A layer's block in the text. */
export interface PlacedBlock {
  readonly type: protobuf.Type;
  readonly fields: readonly SyntaxField[];
  readonly block: SyntaxMessage;
  /** `layer { … }`, or the list that it stands in. */
  readonly owner: SyntaxField;
  readonly name: string;
}

/** The layers among the fields of a net (`layer`, `layers`; V0's blocks inside those are theirs to say). */
export function layerBlocks(fields: readonly SyntaxField[], net: protobuf.Type): PlacedBlock[] {
  return fields.flatMap(owner => {
    const type = findField(net, owner.name)?.resolvedType;
    if ((owner.name !== 'layer' && owner.name !== 'layers') || !(type instanceof protobuf.Type) || !owner.value)
      return [];
    const blocks = owner.value.kind === 'list' ? owner.value.items : [owner.value];
    return blocks
      .filter(b => b.kind === 'message')
      .map(b => ({ type, fields: b.fields, block: b, owner, name: textsOf(b.fields, 'name')[0] ?? '' }));
  });
}

/** The scalars of a field, those in lists too. */
export function scalarsOf(fields: readonly SyntaxField[], name: string): SyntaxScalar[] {
  return fields.flatMap(f => {
    if (f.name !== name || !f.value) return [];
    return (f.value.kind === 'list' ? f.value.items : [f.value]).filter(v => v.kind === 'scalar');
  });
}

export const textsOf = (fields: readonly SyntaxField[], name: string): string[] =>
  scalarsOf(fields, name).map(v => v.text);

/** A blob's name where a text says it. */
export interface BlobMention {
  readonly value: SyntaxScalar;
  readonly role: 'bottom' | 'top' | 'input';
  readonly layer: PlacedBlock | undefined;
}

/** Every place of a net's text that names a blob, in the order of the text. */
export function blobMentions(fields: readonly SyntaxField[], net: protobuf.Type): BlobMention[] {
  const inputs = scalarsOf(fields, 'input').map(value => ({ value, role: 'input' as const, layer: undefined }));
  const inLayers = layerBlocks(fields, net).flatMap(layer =>
    (['bottom', 'top'] as const).flatMap(role =>
      scalarsOf(layer.fields, role).map(value => ({ value, role, layer: layer as PlacedBlock | undefined })),
    ),
  );
  return [...inputs, ...inLayers].sort((a, b) => a.value.start - b.value.start);
}

interface Rule {
  readonly phase: string | undefined;
  readonly stages: readonly string[];
  readonly notStages: readonly string[];
}

function rulesOf(fields: readonly SyntaxField[], name: 'include' | 'exclude'): Rule[] {
  return fields.flatMap(f => {
    if (f.name !== name || !f.value) return [];
    const blocks = f.value.kind === 'list' ? f.value.items : [f.value];
    return blocks
      .filter(b => b.kind === 'message')
      .map(b => ({
        phase: textsOf(b.fields, 'phase')[0],
        stages: textsOf(b.fields, 'stage'),
        notStages: textsOf(b.fields, 'not_stage'),
      }));
  });
}

/** What brackets behind a layer's name ask for. */
export interface Narrowing {
  readonly index?: number;
  readonly type?: string;
  readonly phase?: string;
  readonly stage?: string;
}

/** `1` or `phase=TEST,stage=val`; undefined where it is neither. */
export function parseNarrowing(text: string): Narrowing | undefined {
  if (/^\s*\d+\s*$/.test(text)) return { index: Number(text) };
  const pairs = text.split(',').map(part => /^\s*(type|phase|stage)\s*=\s*"?([^"]*?)"?\s*$/.exec(part));
  return pairs.includes(null) ? undefined : Object.fromEntries(pairs.map(p => [p![1]!, p![2]!]));
}

/**
 * Whether a layer is one of those asked for. A phase without a stage asks whether the layer takes part in that phase in some
 * stage; with a stage, whether it does in just that stage.
 */
export function narrowed({ fields }: PlacedBlock, { type, phase, stage }: Narrowing): boolean {
  if (type !== undefined && textsOf(fields, 'type')[0]?.toLowerCase() !== type.toLowerCase()) return false;
  if (phase === undefined && stage === undefined) return true;
  const samePhase = (rule: Rule) =>
    phase === undefined || rule.phase === undefined || rule.phase === phase.toUpperCase();
  const sure = (rule: Rule) => rule.phase === undefined || phase !== undefined;
  const met = (rule: Rule) =>
    stage === undefined || (rule.stages.every(s => s === stage) && !rule.notStages.includes(stage));
  const include = rulesOf(fields, 'include');
  if (include.length > 0) return include.some(rule => samePhase(rule) && met(rule));
  const staged = (rule: Rule) => stage !== undefined || rule.stages.length + rule.notStages.length === 0;
  return !rulesOf(fields, 'exclude').some(rule => samePhase(rule) && sure(rule) && staged(rule) && met(rule));
}

/**
 * What each `*` (any letters) and `?` (one) of a pattern stands for in a layer's name, the first `*` for as much as it can;
 * undefined where the name does not fit. Gone through from the end, where only the `*` met last is ever lengthened: the time
 * grows with the product of the two lengths, whatever the pattern.
 */
export function globMatch(pattern: string, name: string): string[] | undefined {
  const parts = [...pattern].reverse();
  const letters = [...name].reverse();
  /** Where each part begins among the letters. */
  const starts: number[] = [];
  let star = -1;
  for (let p = 0, n = 0; p < parts.length || n < letters.length; ) {
    if (parts[p] === '*') {
      star = p;
      starts[p++] = n;
    } else if (p < parts.length && n < letters.length && (parts[p] === '?' || parts[p] === letters[n])) {
      starts[p++] = n++;
    } else if (star >= 0 && n < letters.length) {
      n -= p - star - 2;
      p = star + 1;
    } else {
      return undefined;
    }
  }
  const stood = parts.flatMap((part, i) => {
    return isPattern(part)
      ? [
          letters
            .slice(starts[i], starts[i + 1] ?? letters.length)
            .reverse()
            .join(''),
        ]
      : [];
  });
  return stood.reverse();
}

export const isPattern = (name: string): boolean => /[*?]/.test(name);
