/**
 * `mokapot upgrade`: a text of an older Caffe as text of today. What `upgradeNet` does to the message is done to the text
 * where it stands, so that comments and layout stay; only layers of the first format (V0) are written anew, with their
 * comments in front. The result is held against `upgradeNet`'s: they are the same to the byte.
 */

import { parseSyntax, type SyntaxField, type SyntaxMessage } from '../../grammar/index.js';
import { type Diagnostic, error, hasErrors, MokapotError, type TextEdit } from '../diagnostics/index.js';
import { encode, printText } from './codec.js';
import type { LayerParameter, NetParameter, SolverParameter, V1LayerParameter } from './generated/caffe.js';
import { isSet } from './message.js';
import { findField, type Origin, originOf, type ParseOptions, parseText, scopeOf } from './parse.js';
import { typeOf } from './schema.js';
import { cutting, insertion, removing, replacing, type Splice, spliced } from './splices.js';
import { learnsStatistics, upgradeNet, upgradeSolver } from './upgrade.js';
import { formatString } from './values.js';

/** A text of today's form. */
export interface Upgraded {
  /** The text, comments kept. */
  readonly text: string;
  /** What is different, a sentence each; empty for a text of today. */
  readonly changes: readonly string[];
  /** Of the upgrade: what V0 had and today has not. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The text in today's form.
 *
 * @throws MokapotError where the text is broken or cannot be upgraded
 */
export function upgradeText(
  text: string,
  typeName: 'caffe.NetParameter' | 'caffe.SolverParameter',
  options: ParseOptions = {},
): Upgraded {
  return typeName === 'caffe.NetParameter' ? upgradeNetText(text, options) : upgradeSolverText(text, options);
}

function upgradeSolverText(text: string, options: ParseOptions): Upgraded {
  const { message, diagnostics } = parseText(text, 'caffe.SolverParameter', options);
  const upgraded = upgradeSolver(message);
  stopAt([...diagnostics, ...upgraded.diagnostics]);
  if (!isSet(message, 'solver_type')) return { text, changes: [], diagnostics: [] };
  const { type } = upgraded.message as SolverParameter;
  const edits = replacing(message, 'solver_type', `type: ${formatString(type)}`);
  const changes = [`\`solver_type\` is \`type: "${type}"\` now.`];
  return { text: applyEdits(text, edits ?? []), changes, diagnostics: [] };
}

function upgradeNetText(text: string, options: ParseOptions): Upgraded {
  const parsed = parseText(text, 'caffe.NetParameter', options);
  const wanted = upgradeNet(parsed.message);
  stopAt([...parsed.diagnostics, ...wanted.diagnostics]);
  const rewriter = new Rewriter(text, parsed.message, wanted.message);
  const today = rewriter.run();
  const read = parseText(today, 'caffe.NetParameter', options).message;
  if (!same(encode(read), encode(wanted.message))) {
    throw new MokapotError(error('upgrade-lost', 'The upgraded text would not be the same network.'));
  }
  const modern = replaceDeprecated(today, options);
  const diagnostics = wanted.diagnostics.filter(d => d.severity === 'warning');
  return { text: modern.text, changes: [...rewriter.changes, ...modern.changes], diagnostics };
}

function stopAt(diagnostics: readonly Diagnostic[]): void {
  if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/** Fields of V1 that are one `param` block a blob today. */
const SPEC_FIELDS = new Set(['param', 'blob_share_mode', 'blobs_lr', 'weight_decay']);
const TRANSFORM_FIELDS = new Set(['scale', 'mean_file', 'crop_size', 'mirror']);
const DATA_BLOCKS = new Set(['data_param', 'image_data_param', 'window_data_param']);
const INPUT_FIELDS = new Set(['input', 'input_dim', 'input_shape']);

class Rewriter {
  readonly changes: string[] = [];
  readonly #syntax;
  readonly #splices: Splice[] = [];
  readonly #newline: string;

  constructor(
    readonly text: string,
    readonly old: NetParameter,
    readonly wanted: NetParameter,
  ) {
    this.#syntax = parseSyntax({ name: '<text>', text }, scopeOf(typeOf(old)));
    this.#newline = text.includes('\r\n') ? '\r\n' : '\n';
  }

  run(): string {
    const layers = this.wanted.layer.slice(this.#inputs() ? 1 : 0);
    if (this.old.layers.some(l => l.layer)) this.#v0(layers);
    else if (this.old.layers.length > 0) this.#v1(layers);
    this.#batchNorm();
    return spliced(this.text, this.#splices);
  }

  get #fields(): readonly SyntaxField[] {
    return this.#syntax.document.fields;
  }

  /** `input` fields as an Input layer; whether there is one now. */
  #inputs(): boolean {
    const fields = this.#fields.filter(f => INPUT_FIELDS.has(f.name));
    if (this.old.input.length === 0) return false;
    const made = this.wanted.layer[0]?.type === 'Input' && this.wanted.layer.length > this.#laterLayers();
    const first = fields[0]!;
    const layers = this.#fields.find(f => f.name === 'layer' || f.name === 'layers');
    const block = made ? inlineBlocks(`layer {\n${indented(printText(this.wanted.layer[0]!))}}`) : '';
    // Layers read what stands before them.
    const ahead = made && layers && layers.start < first.start;
    if (ahead) this.#splices.push({ start: layers.start, end: layers.start, text: this.#lines(block) + this.#newline });
    for (const field of fields) {
      const stays = made && !ahead && field === first;
      if (stays) this.#splices.push({ start: field.start, end: this.#endOf(field), text: this.#lines(block) });
      else this.#splices.push(cutting(this.#syntax.lines, field));
    }
    this.changes.push(
      made
        ? `The input${this.old.input.length > 1 ? 's' : ''} ${this.old.input.join(', ')} come${this.old.input.length > 1 ? '' : 's'} from an Input layer now.`
        : '`input` without a shape says nothing and is left out.',
    );
    return made;
  }

  /** How many of the wanted layers come from layers of the text. */
  #laterLayers(): number {
    const gone = this.old.layers.filter(l => l.layer?.type === 'padding').length;
    return this.old.layer.length + this.old.layers.length - gone;
  }

  /** With the separator that may stand behind it. */
  #endOf(field: SyntaxField): number {
    return /[,;]/.test(this.text[field.end] ?? '') ? field.end + 1 : field.end;
  }

  #lines(text: string): string {
    return text.replaceAll('\n', this.#newline);
  }

  // ------------------------------------------------------------------ V1

  #v1(layers: readonly LayerParameter[]): void {
    const first = this.old.layer.length;
    for (const owner of this.#fields.filter(f => f.name === 'layers')) {
      this.#splices.push({ ...owner.nameSpan, text: 'layer' });
    }
    for (const [i, v1] of this.old.layers.entries()) this.#v1Layer(v1, layers[first + i]!);
    this.changes.push(
      `${counted(this.old.layers.length, 'layer')} of the format before 2015 (V1): \`layers\` is \`layer\`, types are strings.`,
    );
    const specs = this.old.layers.filter(l => l.blobs_lr.length + l.weight_decay.length + l.param.length > 0).length;
    if (specs > 0)
      this.changes.push(
        `\`blobs_lr\`, \`weight_decay\` and parameter names of ${counted(specs, 'layer')} are in \`param\` blocks.`,
      );
    const moved = this.old.layers.filter((l, i) => !l.transform_param && layers[first + i]!.transform_param).length;
    if (moved > 0) this.changes.push(`Pre-processing of ${counted(moved, 'data layer')} is in \`transform_param\`.`);
  }

  #v1Layer(v1: V1LayerParameter, layer: LayerParameter): void {
    const { fields } = originOf(v1)!;
    for (const type of fields.filter(f => f.name === 'type'))
      this.#splices.push({ start: type.value!.start, end: type.value!.end, text: formatString(layer.type) });
    this.#v1Specs(fields, layer);
    this.#v1Transform(fields, layer);
  }

  #v1Specs(fields: readonly SyntaxField[], layer: LayerParameter): void {
    const [first, ...others] = fields.filter(f => SPEC_FIELDS.has(f.name));
    if (!first) return;
    const indent = this.#syntax.lines.opensLine(first.start)
      ? this.#newline + this.#syntax.lines.indent(first.start)
      : ' ';
    const specs = layer.param.map(spec => `param { ${flat(printText(spec))}}`).join(indent);
    this.#splices.push({ start: first.start, end: this.#endOf(first), text: specs });
    for (const other of others) this.#splices.push(cutting(this.#syntax.lines, other));
  }

  #v1Transform(fields: readonly SyntaxField[], layer: LayerParameter): void {
    const block = fields.find(f => DATA_BLOCKS.has(f.name) && f.value?.kind === 'message');
    const moved = (block?.value as SyntaxMessage | undefined)?.fields.filter(f => TRANSFORM_FIELDS.has(f.name)) ?? [];
    if (moved.length === 0 || !layer.transform_param) return;
    const transform = fields.filter(f => f.name === 'transform_param');
    const text = `transform_param { ${flat(printText(layer.transform_param))}}`;
    // V1's other data layers keep these fields: then nothing is taken out.
    if (isSet(layer[block!.name as 'data_param'] ?? {}, moved[0]!.name as never)) return;
    for (const field of moved) this.#splices.push(cutting(this.#syntax.lines, field));
    for (const [i, field] of transform.entries())
      this.#splices.push(i === 0 ? { start: field.start, end: field.end, text } : cutting(this.#syntax.lines, field));
    if (transform.length > 0) return;
    const gap = this.#syntax.lines.opensLine(block!.start)
      ? this.#newline + this.#syntax.lines.indent(block!.start)
      : ' ';
    this.#splices.push({ start: block!.start, end: block!.start, text: text + gap });
  }

  // ------------------------------------------------------------------ V0

  #v0(layers: readonly LayerParameter[]): void {
    const { lines, document } = this.#syntax;
    const placed = layers.map(layer => ({ layer, at: originOf(layer)!.span.start }));
    for (const owner of this.#fields.filter(f => f.name === 'layers')) {
      const inside = document.comments.filter(c => owner.start <= c.start && c.end <= owner.end);
      const made = placed.filter(p => owner.start <= p.at && p.at < owner.end);
      const indent = lines.opensLine(owner.start) ? lines.indent(owner.start) : '';
      const parts = [
        ...inside.map(c => c.text),
        ...made.map(({ layer }) => inlineBlocks(`layer {\n${indented(printText(layer))}}`)),
      ];
      if (parts.length === 0) this.#splices.push(cutting(lines, owner));
      else {
        const text = parts.join('\n').replaceAll('\n', `\n${indent}`);
        this.#splices.push({ start: owner.start, end: this.#endOf(owner), text: this.#lines(text) });
      }
    }
    this.changes.push(`${counted(this.old.layers.length, 'layer')} of Caffe's first format (V0) are written anew.`);
    const padding = this.old.layers.filter(l => l.layer?.type === 'padding').length;
    if (padding > 0) this.changes.push(`${counted(padding, 'padding layer')} became the \`pad\` of what reads them.`);
  }

  // ------------------------------------------------------------------ BatchNorm

  /** The multipliers of its three `param`s become 0; names by which layers share their statistics stay. */
  #batchNorm(): void {
    const olds = this.old.layer.filter(learnsStatistics);
    for (const layer of olds) for (const spec of layer.param) this.#still(originOf(spec)!);
    if (olds.length > 0)
      this.changes.push(
        `lr_mult and decay_mult of the \`param\`s of ${counted(olds.length, 'BatchNorm layer')} are 0.`,
      );
  }

  #still(spec: Origin): void {
    const zeros = ['lr_mult: 0', 'decay_mult: 0'];
    const fields = spec.fields.filter(f => f.name === 'lr_mult' || f.name === 'decay_mult');
    if (fields.length === 0) {
      const { lines } = this.#syntax;
      this.#splices.push(insertion(lines, spec, findField(spec.type, 'lr_mult')!, zeros.join(' ')));
    }
    fields.forEach(({ start, end }, i) => {
      this.#splices.push({ start, end, text: (i === fields.length - 1 ? zeros.slice(i) : [zeros[i]]).join(' ') });
    });
  }
}

// -------------------------------------------------------------------- fields with a newer name

/** `normalize`, `concat_dim`, `slice_dim`, DummyData's four axes: read as ever, written otherwise today. */
function replaceDeprecated(text: string, options: ParseOptions): { text: string; changes: string[] } {
  const { message } = parseText(text, 'caffe.NetParameter', options);
  const changes: string[] = [];
  const edits: TextEdit[] = [];
  const make = (sentence: string, made: readonly TextEdit[] | undefined) => {
    if (!made) return;
    edits.push(...made);
    changes.push(sentence);
  };
  for (const {
    name,
    loss_param: loss,
    concat_param: concat,
    slice_param: slice,
    dummy_data_param: dummy,
  } of message.layer) {
    if (loss && isSet(loss, 'normalize')) {
      const mode = loss.normalize ? 'VALID' : 'BATCH_SIZE';
      if (isSet(loss, 'normalization'))
        make(`${name}: \`normalize\` has no effect beside \`normalization\`.`, removing(loss, 'normalize'));
      else
        make(
          `${name}: \`normalize: ${loss.normalize}\` is \`normalization: ${mode}\`.`,
          replacing(loss, 'normalize', `normalization: ${mode}`),
        );
    }
    if (concat && isSet(concat, 'concat_dim') && !isSet(concat, 'axis'))
      make(`${name}: \`concat_dim\` is \`axis\`.`, replacing(concat, 'concat_dim', `axis: ${concat.concat_dim}`));
    if (slice && isSet(slice, 'slice_dim') && !isSet(slice, 'axis'))
      make(`${name}: \`slice_dim\` is \`axis\`.`, replacing(slice, 'slice_dim', `axis: ${slice.slice_dim}`));
    if (dummy && isSet(dummy, 'num') && !isSet(dummy, 'shape'))
      make(`${name}: four numbers are one \`shape\`.`, dummyShape(dummy));
  }
  return { text: applyEdits(text, edits), changes };
}

const AXES = ['num', 'channels', 'height', 'width'] as const;

function dummyShape(dummy: NonNullable<LayerParameter['dummy_data_param']>): readonly TextEdit[] | undefined {
  const { fields, lines } = originOf(dummy)!;
  const lists = AXES.map(axis => dummy[axis]);
  const tops = Math.max(...lists.map(l => l.length));
  if (lists.some(l => l.length !== 1 && l.length !== tops)) return undefined;
  const shapes = Array.from({ length: tops }, (_, i) => {
    const dims = lists.map(l => `dim: ${l.length === 1 ? l[0] : l[i]}`);
    return `shape { ${dims.join(' ')} }`;
  });
  const [first, ...others] = fields.filter(f => (AXES as readonly string[]).includes(f.name));
  const splices = [
    { start: first!.start, end: first!.end, text: shapes.join(' ') },
    ...others.map(f => cutting(lines, f)),
  ];
  return splices.map(s => ({ range: lines.range(s), text: s.text }));
}

// -------------------------------------------------------------------- text

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');

const flat = (text: string): string => text.replace(/\s*\n\s*/g, ' ');

/** Blocks that hold nothing but plain fields, where short, on one line: as people write `param { lr_mult: 1 }`. */
function inlineBlocks(text: string): string {
  return text.replace(/\{\n((?: +(?!.*[{}]).*\n){1,4}) *\}/g, (all, inside: string) => {
    const line = flat(inside).trim();
    return line.length <= 60 && !line.includes('name:') ? `{ ${line} }` : all;
  });
}

const applyEdits = (text: string, edits: readonly TextEdit[]): string =>
  spliced(
    text,
    edits.map(e => ({ start: e.range.start.offset, end: e.range.end.offset, text: e.text })),
  );
