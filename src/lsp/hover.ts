/** What an editor shows at a place, as Markdown: what a field means, what a layer does, the shape and maker of a blob. */

import protobuf from 'protobufjs';
import type { Span, SyntaxField, SyntaxValue } from '../../grammar/index.js';
import { defaultCatalogue } from '../layers/index.js';
import { type DescribedLayer, describeField, explainType } from '../net/index.js';
import { textsOf } from '../schema/index.js';
import { findField } from '../schema/parse.js';
import type { Analysis, DescribedState } from './analysis.js';
import { nameAt } from './names.js';

export interface Hover {
  readonly markdown: string;
  readonly span: Span;
}

/** What there is to say at an offset; undefined where nothing is. */
export function hoverAt(analysis: Analysis, offset: number): Hover | undefined {
  const named = nameAt(analysis, offset);
  if (named?.of === 'blob') return shown(blobText(analysis, named.name), named.value);
  if (named?.of === 'layer') return shown(layerText(analysis, named.name), named.value);
  const found = fieldAt(analysis, offset);
  if (!found) return undefined;
  const { field, node, value, type } = found;
  if (!value && field.name === 'layer' && node.value?.kind === 'message') {
    const [name] = textsOf(node.value.fields, 'name');
    if (name !== undefined) return shown(layerText(analysis, name), node.nameSpan);
  }
  if (value?.kind === 'scalar' && type.name === 'LayerParameter' && field.name === 'type')
    return shown(typeText(value.text), value);
  return shown(fieldText(field), value ?? node.nameSpan);
}

const shown = (markdown: string, { start, end }: Span): Hover | undefined =>
  markdown === '' ? undefined : { markdown, span: { start, end } };

interface FieldAt {
  readonly field: protobuf.Field;
  readonly node: SyntaxField;
  /** The value under the cursor; undefined on the name. */
  readonly value: SyntaxValue | undefined;
  readonly type: protobuf.Type;
}

/** The field whose name or plain value stands at an offset. */
export function fieldAt(analysis: Analysis, offset: number): FieldAt | undefined {
  let type: protobuf.Type | undefined = analysis.type;
  let fields: readonly SyntaxField[] = analysis.document.fields;
  const holds = (span: Span) => span.start <= offset && offset <= span.end;
  while (type) {
    const node: SyntaxField | undefined = fields.find(holds);
    const field: protobuf.Field | undefined = node && findField(type, node.name);
    if (!node || !field) return undefined;
    if (holds(node.nameSpan)) return { field, node, value: undefined, type };
    const values: readonly SyntaxValue[] =
      node.value?.kind === 'list' ? node.value.items : node.value ? [node.value] : [];
    const value: SyntaxValue | undefined = values.find(holds);
    if (!value) return undefined;
    if (value.kind !== 'message') return { field, node, value, type };
    fields = value.fields;
    type = field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
  }
  return undefined;
}

function fieldText(field: protobuf.Field): string {
  const { name, type, default: preset, doc } = describeField(field);
  const head = `**\`${name}\`** ${type}${preset ? `, default \`${preset}\`` : ''}`;
  return doc ? `${head}\n\n${doc}` : head;
}

function typeText(name: string): string {
  const type = explainType(name);
  if (!type) return '';
  return [
    `**${type.type}**${type.isLoss ? ' (a loss)' : ''}: ${type.doc}`,
    type.formula && `\`${type.formula}\``,
    type.shapeRule && `Shape: ${type.shapeRule}`,
    `Bottoms ${type.bottoms}, tops ${type.tops}.`,
    type.differences && `Differs from Caffe: ${type.differences}`,
  ]
    .filter(part => part)
    .join('\n\n');
}

const shapeText = (shape: readonly number[]): string => (shape.length === 0 ? 'scalar' : shape.join('×'));

const stateText = ({ state }: DescribedState): string =>
  state.stages.length > 0 && state.stages[0] !== 'train' ? `${state.phase}, ${state.stages.join(', ')}` : state.phase;

/** A line for each text, followed by the states that it is true of where it is not true of all. */
function byState(analysis: Analysis, describe: (state: DescribedState) => string | undefined): string[] {
  const statesOf = new Map<string, string[]>();
  for (const state of analysis.states) {
    const text = describe(state);
    if (text !== undefined) statesOf.set(text, [...(statesOf.get(text) ?? []), stateText(state)]);
  }
  const inAll = statesOf.size === 1 && [...statesOf.values()][0]!.length === analysis.states.length;
  return [...statesOf].map(([text, states]) => (inAll ? text : `${text} (${states.join('; ')})`));
}

function blobText(analysis: Analysis, name: string): string {
  const lines = byState(analysis, ({ net }) => {
    const blob = net.blobs.get(name);
    if (!blob) return undefined;
    const maker = net.layers.find(l => l.name === blob.layer);
    return `\`${shapeText(blob.shape)}\`, made by ${blob.layer}${maker ? ` (${maker.type})` : ''}`;
  });
  const users = [
    ...new Set(analysis.mentions.filter(m => m.value.text === name && m.role === 'bottom').map(m => m.layer?.name)),
  ];
  const read = users.length > 0 ? [`Read by ${users.join(', ')}.`] : ['Nothing reads it: it is an output.'];
  return [`**${name}**, a blob`, ...(lines.length > 0 ? lines : ['Its shape is not known.']), ...read].join('\n\n');
}

function layerText(analysis: Analysis, name: string): string {
  const doc = new Set<string>();
  const lines = byState(analysis, ({ net }) => {
    const layer = net.layers.find(l => l.name === name && !l.inserted);
    if (!layer) return undefined;
    doc.add(`${layer.type}: ${defaultCatalogue().get(layer.type)?.doc ?? ''}`);
    return numbersOf(layer);
  });
  return [`**${name}**, a layer`, ...doc, ...(lines.length > 0 ? lines : ['Its shapes are not known.'])].join('\n\n');
}

function numbersOf(layer: DescribedLayer): string {
  const tops = layer.tops.map((top, i) => `${top} \`${shapeText(layer.topShapes[i]!)}\``).join(', ');
  const rule = layer.rule ? `: ${layer.rule}` : '';
  const params = layer.paramCount > 0 ? `; ${layer.paramCount.toLocaleString('en-US')} parameters` : '';
  const macs = layer.macs > 0 ? `; ${layer.macs.toLocaleString('en-US')} multiply-adds` : '';
  return `${tops || 'no tops'}${rule}${params}${macs}`;
}
