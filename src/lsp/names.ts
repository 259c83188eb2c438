/** Names of a text: where a blob comes from, who else mentions it, another name for it or for a layer, the outline. */

import type { Span, SyntaxScalar } from '../../grammar/index.js';
import { type PlacedBlock, scalarsOf, textsOf } from '../schema/index.js';
import { formatString } from '../schema/values.js';
import type { Analysis } from './analysis.js';

/** A blob or a layer whose name stands at a place. */
export interface NameAt {
  readonly of: 'blob' | 'layer';
  readonly name: string;
  /** The literal, quotes and all. */
  readonly value: SyntaxScalar;
  readonly layer: PlacedBlock | undefined;
}

/** What is named at an offset; undefined where nothing is. */
export function nameAt(analysis: Analysis, offset: number): NameAt | undefined {
  const touches = (span: Span) => span.start <= offset && offset <= span.end;
  const mention = analysis.mentions.find(m => touches(m.value));
  if (mention) return { of: 'blob', name: mention.value.text, value: mention.value, layer: mention.layer };
  for (const layer of analysis.layers) {
    const value = scalarsOf(layer.fields, 'name').find(touches);
    if (value) return { of: 'layer', name: value.text, value, layer };
  }
  return undefined;
}

/** Where the blob at an offset is made: the tops of that name before it (after it where there are none) that are not in place. */
export function definitionsAt(analysis: Analysis, offset: number): readonly Span[] {
  const found = nameAt(analysis, offset);
  if (!found) return [];
  if (found.of === 'layer') return [found.value];
  const makers = analysis.mentions.filter(
    m =>
      m.value.text === found.name &&
      m.role !== 'bottom' &&
      !(m.layer && textsOf(m.layer.fields, 'bottom').includes(found.name)),
  );
  const before = makers.filter(m => m.value.start <= found.value.start);
  return (before.length > 0 ? before : makers).map(m => m.value);
}

/** Every mention of the name at an offset. */
export function referencesAt(analysis: Analysis, offset: number): readonly Span[] {
  const found = nameAt(analysis, offset);
  if (!found) return [];
  if (found.of === 'blob') return analysis.mentions.filter(m => m.value.text === found.name).map(m => m.value);
  return analysis.layers.filter(l => l.name === found.name).flatMap(l => scalarsOf(l.fields, 'name').slice(0, 1));
}

export interface Renaming {
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
  /** Why it cannot be; empty where it can. */
  readonly problem: string;
  /** What it brings with it; empty where nothing. */
  readonly note: string;
}

/** Another name for the blob (in all bottoms and tops, of all phases) or the layer at an offset. */
export function renameAt(analysis: Analysis, offset: number, name: string): Renaming {
  const found = nameAt(analysis, offset);
  if (!found) return none('Only layers and blobs can be renamed: place the cursor on a name, a bottom or a top.');
  if (name === '') return none('The new name is empty.');
  const taken =
    found.of === 'blob'
      ? analysis.mentions.some(m => m.value.text === name)
      : analysis.layers.some(l => l.name === name);
  if (taken && name !== found.name) return none(`There is a ${found.of} "${name}" already.`);
  const edits = referencesAt(analysis, offset).map(span => ({ span, text: formatString(name) }));
  const learns = found.of === 'layer' && analysis.states.some(s => (s.net.params.get(found.name)?.length ?? 0) > 0);
  const note = learns ? `Weights go by layer names: files with "${found.name}" no longer fit "${name}".` : '';
  return { edits, problem: '', note };
}

const none = (problem: string): Renaming => ({ edits: [], problem, note: '' });

export interface OutlineEntry {
  readonly name: string;
  readonly detail: string;
  readonly span: Span;
  readonly nameSpan: Span;
  readonly children: readonly OutlineEntry[];
}

/** A net's layers with their blocks; a solver's fields. */
export function outline(analysis: Analysis): readonly OutlineEntry[] {
  if (analysis.isSolver) {
    return analysis.document.fields.map(f => ({
      name: f.name,
      detail: f.value?.kind === 'scalar' ? analysis.text.slice(f.value.start, f.value.end) : '',
      span: { start: f.start, end: f.end },
      nameSpan: f.nameSpan,
      children: [],
    }));
  }
  return analysis.layers.map(layer => {
    const whole = layer.owner.value === layer.block ? layer.owner : layer.block;
    const named = scalarsOf(layer.fields, 'name')[0];
    return {
      name: layer.name || '(without a name)',
      detail: [textsOf(layer.fields, 'type')[0] ?? '', ...phasesOf(layer)].filter(t => t !== '').join(' · '),
      span: { start: whole.start, end: whole.end },
      nameSpan: named ?? { start: whole.start, end: Math.min(whole.end, whole.start + 5) },
      children: layer.fields
        .filter(f => f.value?.kind === 'message' && f.name.endsWith('_param'))
        .map(f => ({
          name: f.name,
          detail: '',
          span: { start: f.start, end: f.end },
          nameSpan: f.nameSpan,
          children: [],
        })),
    };
  });
}

function phasesOf(layer: PlacedBlock): string[] {
  const rules = layer.fields
    .filter(f => f.name === 'include')
    .flatMap(f => (f.value?.kind === 'message' ? [f.value] : []));
  return [...new Set(rules.flatMap(r => [...textsOf(r.fields, 'phase'), ...textsOf(r.fields, 'stage')]))];
}
