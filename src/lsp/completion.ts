/** What may be written at a place: fields of the block, values of the field, names that the text itself has. */

import protobuf from 'protobufjs';
import { defaultCatalogue } from '../layers/index.js';
import { describeField, explainType, paramFields } from '../net/index.js';
import { type Schema, textsOf } from '../schema/index.js';
import type { Analysis } from './analysis.js';
import { type Cursor, cursorAt } from './cursor.js';

export interface Completion {
  readonly label: string;
  readonly kind: 'field' | 'block' | 'value' | 'type' | 'blob' | 'name';
  readonly detail: string;
  readonly doc: string;
  /** What goes into the text; `$0` is where the cursor comes to stand, `$1` and so on where it stops before. */
  readonly insert: string;
  /** The span of the text that it replaces. */
  readonly start: number;
  readonly end: number;
  /** Sorts before others where less. */
  readonly rank: number;
}

/** The suggestions at an offset, the likeliest first. */
export function completionsAt(analysis: Analysis, offset: number): readonly Completion[] {
  const cursor = cursorAt(analysis.text, offset, analysis.type);
  if (cursor.place === 'comment') return [];
  const found = cursor.place === 'name' ? fieldsAt(analysis, cursor) : valuesAt(analysis, cursor);
  return found.toSorted((a, b) => a.rank - b.rank || a.label.localeCompare(b.label, 'en'));
}

// -------------------------------------------------------------------- names of fields

/** Forms that Caffe reads for old texts' sake. */
const OLDER: ReadonlySet<string> = new Set([
  'layers',
  'input',
  'input_dim',
  'input_shape',
  'solver_type',
  'debug_info',
  'blobs',
  'phase',
]);

/** The order in which people write a layer. */
const FIRST: readonly string[] = [
  'name',
  'type',
  'bottom',
  'top',
  'layer',
  'param',
  'include',
  'exclude',
  'num_output',
  'kernel_size',
  'stride',
  'pad',
];

function fieldsAt(analysis: Analysis, cursor: Cursor): Completion[] {
  const { type } = cursor;
  if (!type) return [];
  const given = siblingsAt(analysis, cursor);
  const layerType = cursor.path.at(-1) === 'layer' ? given.get('type') : undefined;
  const own = layerType === undefined ? [] : ownBlocks(layerType, analysis.schema);
  return type.fieldsArray
    .filter(f => f.repeated || !given.has(f.name))
    .map(field => {
      const { doc, type: kind, default: preset } = describeField(field);
      const isBlock = field.resolve().resolvedType instanceof protobuf.Type;
      const first = FIRST.indexOf(field.name);
      const rank = own.includes(field.name)
        ? 0
        : first >= 0
          ? 1 + first
          : OLDER.has(field.name)
            ? 900
            : field.name.endsWith('_param') && layerType !== undefined
              ? 500
              : 100;
      return {
        label: field.name,
        kind: isBlock ? 'block' : 'field',
        detail: preset ? `${kind}, default ${preset}` : kind,
        doc,
        insert: snippetOf(field, isBlock),
        start: cursor.start,
        end: cursor.end,
        rank,
      };
    });
}

function ownBlocks(layerType: string, schema: Schema): readonly string[] {
  const type = defaultCatalogue().get(layerType);
  return type ? paramFields(type, schema) : [];
}

function snippetOf(field: protobuf.Field, isBlock: boolean): string {
  if (field.name === 'layer' && isBlock) return 'layer {\n  name: "$1"\n  type: "$2"\n  bottom: "$3"\n  top: "$4"$0\n}';
  if (field.name === 'weight_filler' || field.name === 'bias_filler') return `${field.name} { type: "$1" }$0`;
  if (field.name === 'param') return 'param { lr_mult: $1 decay_mult: $2 }$0';
  if (field.name === 'include' || field.name === 'exclude') return `${field.name} { $1 }$0`;
  if (isBlock) return `${field.name} {\n  $0\n}`;
  return field.type === 'string' ? `${field.name}: "$0"` : `${field.name}: $0`;
}

/** The fields of the innermost block around the cursor, with the text of plain ones. */
function siblingsAt(analysis: Analysis, cursor: Cursor): Map<string, string> {
  let fields: readonly (typeof analysis.document.fields)[number][] = analysis.document.fields;
  for (let depth = 0; depth < cursor.path.length; depth++) {
    const around = fields
      .flatMap(f => (f.value?.kind === 'list' ? f.value.items : f.value ? [f.value] : []))
      .filter(v => v.kind === 'message')
      .find(v => v.start < cursor.start && cursor.start <= v.end);
    if (!around) return new Map();
    fields = around.fields;
  }
  // The word being written is no field yet.
  const others = fields.filter(f => f.nameSpan.start !== cursor.start);
  return new Map(others.map(f => [f.name, f.value?.kind === 'scalar' ? f.value.text : '']));
}

// -------------------------------------------------------------------- values

const FILLERS: Readonly<Record<string, string>> = {
  constant: 'All numbers are `value`.',
  uniform: 'Between `min` and `max`.',
  gaussian: 'Around `mean` with deviation `std`.',
  xavier: 'Uniform, so that the size of signals stays from layer to layer (Glorot).',
  msra: 'Gaussian, so that the size of signals stays through ReLUs (He).',
  positive_unitball: 'Positive numbers that add up to 1 for each output.',
  bilinear: 'Bilinear upsampling, for a Deconvolution with a group for each channel.',
};
const POLICIES: Readonly<Record<string, string>> = {
  fixed: 'base_lr all the time.',
  step: 'base_lr · gamma^⌊iteration / stepsize⌋',
  exp: 'base_lr · gamma^iteration',
  inv: 'base_lr · (1 + gamma · iteration)^−power',
  multistep: 'Times gamma at each stepvalue.',
  poly: 'base_lr · (1 − iteration / max_iter)^power',
  sigmoid: 'base_lr / (1 + e^(−gamma · (iteration − stepsize)))',
};
const SOLVERS: Readonly<Record<string, string>> = {
  SGD: 'Stochastic gradient descent with momentum.',
  Nesterov: "Nesterov's accelerated gradient.",
  AdaGrad: 'Rates fall with the sum of squared gradients.',
  RMSProp: 'Rates follow the mean of squared gradients.',
  AdaDelta: 'Rates follow squared gradients and updates; base_lr is a factor.',
  Adam: 'Momentum and mean of squared gradients, corrected at the start.',
};

interface Candidate {
  readonly label: string;
  readonly kind: Completion['kind'];
  readonly detail?: string;
  readonly doc?: string;
  readonly rank?: number;
}

function valuesAt(analysis: Analysis, cursor: Cursor): Completion[] {
  const { field, quote } = cursor;
  if (!field) return [];
  const isString = field.type === 'string';
  return candidates(analysis, cursor, field).map(({ label, kind, detail = '', doc = '', rank = 10 }) => ({
    label,
    kind,
    detail,
    doc,
    insert: isString && quote === '' ? `"${label}"` : label,
    start: cursor.start,
    end: cursor.end,
    rank,
  }));
}

function candidates(analysis: Analysis, cursor: Cursor, field: protobuf.Field): Candidate[] {
  if (field.resolvedType instanceof protobuf.Enum)
    return Object.keys(field.resolvedType.values).map(label => ({ label, kind: 'value' }));
  if (field.type === 'bool') return ['true', 'false'].map(label => ({ label, kind: 'value' }));
  const owner = (field.parent as protobuf.Type).name;
  switch (`${owner}.${field.name}`) {
    case 'LayerParameter.type':
      return [...defaultCatalogue().types.values()].map(t => ({
        label: t.type,
        kind: 'type',
        doc: t.doc,
        detail: explainType(t.type)?.formula ?? '',
      }));
    case 'FillerParameter.type':
      return described(FILLERS);
    case 'SolverParameter.lr_policy':
      return described(POLICIES);
    case 'SolverParameter.type':
      return described(SOLVERS);
    case 'SolverParameter.regularization_type':
      return ['L2', 'L1'].map(label => ({ label, kind: 'value' }));
    case 'NetStateRule.stage':
    case 'NetStateRule.not_stage':
    case 'NetState.stage':
      return stages(analysis);
    case 'LayerParameter.bottom':
    case 'LayerParameter.top':
      return blobs(analysis, cursor, field.name === 'top');
    case 'ParamSpec.name':
      return names(analysis.messages.flatMap(l => l.param.map(p => p.name)));
    default:
      return [];
  }
}

const described = (table: Readonly<Record<string, string>>): Candidate[] =>
  Object.entries(table).map(([label, doc], rank) => ({ label, kind: 'value', doc, rank }));

const names = (list: readonly string[]): Candidate[] =>
  [...new Set(list)].filter(label => label !== '').map(label => ({ label, kind: 'name' }));

/** DIGITS' stages and those the text has. */
function stages(analysis: Analysis): Candidate[] {
  const own = analysis.messages.flatMap(l => [...l.include, ...l.exclude].flatMap(r => [...r.stage, ...r.not_stage]));
  return names(['train', 'val', 'deploy', ...own]);
}

/** Blobs made before this place, the newest first; for a top the layer's own name before all. */
function blobs(analysis: Analysis, cursor: Cursor, isTop: boolean): Candidate[] {
  const made = analysis.mentions.filter(m => m.role !== 'bottom' && m.value.end < cursor.blockStart);
  const found = [...new Set(made.map(m => m.value.text).reverse())];
  const here = analysis.layers.find(l => l.block.start < cursor.start && cursor.start <= l.block.end);
  const own = isTop && here ? [here.name, ...textsOf(here.fields, 'bottom')] : [];
  const shapes = analysis.statesAtHand.map(s => s.net.blobs);
  const detail = (blob: string) => shapes.flatMap(b => b.get(blob)?.shape.join('×') ?? [])[0] ?? '';
  return [...new Set([...own.filter(n => n !== ''), ...found])].map((label, rank) => ({
    label,
    kind: 'blob',
    detail: detail(label),
    rank,
  }));
}
