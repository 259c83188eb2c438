/**
 * Edits of a text by path, as `mokapot edit FILE --set score_fr.num_output=2` makes them. Only the spans that change are
 * touched: comments and layout stay. A path is `layer.field`, `layer.param[0].lr_mult`, or a field of the text itself
 * (`base_lr`); a field that the layer holds in one of its blocks is found there (`num_output` in `convolution_param`).
 */

import protobuf from 'protobufjs';
import {
  type Lines,
  parseSyntax,
  type SyntaxField,
  type SyntaxMessage,
  type SyntaxValue,
} from '../../grammar/index.js';
import { type Diagnostic, error, hasErrors, MokapotError, nearest } from '../diagnostics/index.js';
import { cutting, insertion, type Splice, written } from './mend.js';
import { messageType } from './message.js';
import { findField, parseText, scopeOf } from './parse.js';
import { formatString } from './values.js';

/** `set` gives a field its value, `add` gives a repeated field one more, `remove` takes a field, item or layer out. */
export interface Edit {
  readonly op: 'set' | 'add' | 'remove';
  readonly path: string;
  /** As in the text; quotes around a string may be left out. */
  readonly value?: string;
}

/** The text after the edits. With an error among the diagnostics it is the text as it was. */
export interface Edited {
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** `path=value` as an edit that sets. Throws `bad-edit` where there is no `=`. */
export function parseEdit(assignment: string, op: 'set' | 'add' = 'set'): Edit {
  const at = assignment.indexOf('=');
  if (at <= 0) {
    throw new MokapotError(
      error('bad-edit', `"${assignment}" is no edit.`, { hint: 'Write path=value, as in score_fr.num_output=2.' }),
    );
  }
  return { op, path: assignment.slice(0, at).trim(), value: assignment.slice(at + 1).trim() };
}

/** Makes the edits in their order, all or none. Never throws for bad input. */
export function editText(
  text: string,
  typeName: string,
  edits: readonly Edit[],
  options: { name?: string } = {},
): Edited {
  const type = messageType(typeName);
  const before = parseText(text, type, options).diagnostics;
  if (hasErrors(before)) return { text, diagnostics: before };
  const diagnostics: Diagnostic[] = [];
  let edited = text;
  for (const edit of edits) {
    try {
      edited = new Editor(edited, type, edit, diagnostics, options.name).run();
    } catch (e) {
      if (!(e instanceof MokapotError)) throw e;
      return { text, diagnostics: [...diagnostics, ...e.diagnostics] };
    }
  }
  const after = parseText(edited, type, options).diagnostics.filter(d => d.severity === 'error');
  return after.length > 0 ? { text, diagnostics: [...diagnostics, ...after] } : { text: edited, diagnostics };
}

/** A block of the text with its type. */
interface Level {
  readonly type: protobuf.Type;
  readonly fields: readonly SyntaxField[];
  /** The block's braces; none for the whole text. */
  readonly block: SyntaxMessage | undefined;
  /** How diagnostics call it. */
  readonly label: string;
}

/** One occurrence of a field: the field, and its value or the item of its list. */
interface Occurrence {
  readonly field: SyntaxField;
  readonly value: SyntaxValue;
}

class Editor {
  readonly #lines: Lines;
  readonly #root: Level;
  readonly #splices: Splice[] = [];

  constructor(
    readonly text: string,
    type: protobuf.Type,
    readonly edit: Edit,
    readonly diagnostics: Diagnostic[],
    name = '<text>',
  ) {
    const { document, lines } = parseSyntax({ name, text }, scopeOf(type));
    this.#lines = lines;
    this.#root = { type, fields: document.fields, block: undefined, label: 'the text' };
  }

  run(): string {
    this.#walk(this.#root, this.edit.path);
    let out = this.text;
    for (const s of this.#splices.sort((a, b) => b.start - a.start))
      out = out.slice(0, s.start) + s.text + out.slice(s.end);
    return out;
  }

  #fail(code: string, message: string, hint?: string): MokapotError {
    return new MokapotError(error(code, `${this.edit.path}: ${message}`, { hint }));
  }

  // ------------------------------------------------------------------ finding the place

  #walk(level: Level, path: string): void {
    const named = this.#layersCalled(level, path);
    if (named) {
      this.#walkLayers(named.layers, named.name, named.rest);
      return;
    }
    const step = /^([A-Za-z_]\w*)(?:\[(\d+)\])?(?:\.(.+))?$/.exec(path);
    if (!step)
      throw this.#fail('bad-path', 'this is no path.', 'Paths look like layer.field or layer.param[0].lr_mult.');
    const [, name, index, rest] = step as unknown as [string, string, string | undefined, string | undefined];
    const field = findField(level.type, name);
    if (!field) this.#walkInto(level, name, path);
    else if (rest === undefined) this.#change(level, field, index === undefined ? undefined : Number(index));
    else this.#descend(level, field, index === undefined ? undefined : Number(index), rest);
  }

  /** Layers whose name begins the path, where this level has layers. The longest name counts: names may hold dots. */
  #layersCalled(level: Level, path: string): { layers: Level[]; name: string; rest: string | undefined } | undefined {
    const all = layersOf(level);
    const fits = (name: string) => path === name || path.startsWith(`${name}.`);
    const names = [...new Set(all.map(l => l.label))].filter(n => n !== '' && fits(n));
    const name = names.sort((a, b) => b.length - a.length)[0];
    if (name === undefined) return undefined;
    if (path === name && this.edit.op !== 'remove' && findField(level.type, name)) return undefined;
    const rest = path === name ? undefined : path.slice(name.length + 1);
    return { layers: all.filter(l => l.label === name), name, rest };
  }

  #walkLayers(layers: readonly Level[], name: string, rest: string | undefined): void {
    if (rest === undefined) {
      if (this.edit.op !== 'remove') throw this.#fail('bad-path', `"${name}" is a layer: name the field to set.`);
      for (const layer of layers) {
        const owner = this.#ownerOf(layer.block!);
        if (!owner) throw this.#fail('bad-path', `layer "${name}" stands in a list: remove it by hand.`);
        this.#cut(owner);
      }
      return;
    }
    for (const layer of layers) this.#walk({ ...layer, label: `layer "${name}"` }, rest);
    if (layers.length < 2) return;
    this.diagnostics.push({
      code: 'several-layers',
      severity: 'note',
      message: `${layers.length} layers are called "${name}": all were changed.`,
      layer: name,
    });
  }

  #ownerOf(block: SyntaxMessage): SyntaxField | undefined {
    const search = (fields: readonly SyntaxField[]): SyntaxField | undefined => {
      for (const f of fields) {
        if (f.value === block) return f;
        const inside = f.value?.kind === 'message' ? search(f.value.fields) : undefined;
        if (inside) return inside;
      }
      return undefined;
    };
    return search(this.#root.fields);
  }

  /** A field that this level lacks: one of its blocks may have it. */
  #walkInto(level: Level, name: string, path: string): void {
    const owners = level.type.fieldsArray.filter(f => {
      const inner = f.resolve().resolvedType;
      return !f.repeated && inner instanceof protobuf.Type && findField(inner, name) !== undefined;
    });
    const here = owners.filter(f => level.fields.some(n => n.name === f.name));
    const natural = owners.filter(f => f.name === naturalBlock(level));
    const chosen = here.length > 0 ? (here.length > 1 && natural.length === 1 ? natural : here) : natural;
    if (chosen.length === 1) {
      this.#descend(level, chosen[0]!, undefined, path);
      return;
    }
    if (chosen.length > 1) {
      const list = chosen.map(f => `${f.name}.${path}`).join(', ');
      throw this.#fail('ambiguous-path', `several blocks of ${level.label} have \`${name}\`.`, `Say which: ${list}.`);
    }
    throw this.#unknown(level, name);
  }

  #unknown(level: Level, name: string): MokapotError {
    const layers = layersOf(level).map(l => l.label);
    const inner = level.fields.flatMap(f => {
      const t = findField(level.type, f.name)?.resolvedType;
      return t instanceof protobuf.Type && f.value?.kind === 'message' ? Object.keys(t.fields) : [];
    });
    const near = nearest(name, [...layers, ...Object.keys(level.type.fields), ...(layers.length ? [] : inner)]);
    const what = layers.length > 0 ? `there is no layer "${name}"` : `${level.label} has no field \`${name}\``;
    const code = layers.length > 0 ? 'unknown-layer' : 'unknown-field';
    return this.#fail(code, `${what}.`, near ? `Did you mean ${near}?` : undefined);
  }

  #descend(level: Level, field: protobuf.Field, index: number | undefined, rest: string): void {
    const inner = field.resolvedType;
    if (!(inner instanceof protobuf.Type)) throw this.#fail('bad-path', `\`${field.name}\` holds no fields.`);
    const found = occurrences(level, field);
    if (found.length > 1 && index === undefined) throw this.#needsIndex(level, field, found.length);
    const at = index ?? 0;
    const value = found[at]?.value;
    if (value?.kind === 'message') {
      this.#walk(
        { type: inner, fields: value.fields, block: value, label: `\`${field.name}\` of ${level.label}` },
        rest,
      );
      return;
    }
    if (this.edit.op === 'remove' || at > found.length) throw this.#noSuch(level, field, at, found.length);
    this.#insert(level, field, `${field.name} { ${this.#assignmentIn(inner, rest)} }`);
  }

  #needsIndex(level: Level, field: protobuf.Field, count: number): MokapotError {
    return this.#fail(
      'ambiguous-path',
      `${level.label} has ${count} \`${field.name}\`.`,
      `Say which: ${field.name}[0] to ${field.name}[${count - 1}].`,
    );
  }

  #noSuch(level: Level, field: protobuf.Field, index: number, count: number): MokapotError {
    return this.#fail('no-such-field', `${level.label} has ${count} \`${field.name}\`, none at [${index}].`);
  }

  /** `a.b` = value as the text of a new block. */
  #assignmentIn(type: protobuf.Type, path: string): string {
    const [, name, rest] = /^([A-Za-z_]\w*)(?:\[0\])?(?:\.(.+))?$/.exec(path) ?? [];
    const field = name === undefined ? undefined : findField(type, name);
    if (!field) throw this.#unknown({ type, fields: [], block: undefined, label: type.name }, name ?? path);
    if (rest === undefined) return written(field, this.#checked(type, field));
    if (!(field.resolvedType instanceof protobuf.Type))
      throw this.#fail('bad-path', `\`${field.name}\` holds no fields.`);
    return `${field.name} { ${this.#assignmentIn(field.resolvedType, rest)} }`;
  }

  // ------------------------------------------------------------------ changing it

  #change(level: Level, field: protobuf.Field, index: number | undefined): void {
    const found = occurrences(level, field);
    if (this.edit.op === 'remove') this.#remove(level, field, found, index);
    else if (this.edit.op === 'add') this.#add(level, field);
    else this.#set(level, field, found, index);
  }

  #set(level: Level, field: protobuf.Field, found: readonly Occurrence[], index: number | undefined): void {
    const value = this.#checked(level.type, field);
    if (value.startsWith('[') && index === undefined && found.length > 0) {
      const [first, ...others] = [...new Set(found.map(o => o.field))];
      this.#splices.push({ start: first!.value!.start, end: first!.value!.end, text: value });
      for (const other of others) this.#cut(other);
      return;
    }
    if (found.length > 1 && index === undefined) throw this.#needsIndex(level, field, found.length);
    const at = index ?? 0;
    const target = found[at]?.value;
    if (target) this.#splices.push({ start: target.start, end: target.end, text: value });
    else if (at > found.length) throw this.#noSuch(level, field, at, found.length);
    else this.#insert(level, field, written(field, value));
  }

  #add(level: Level, field: protobuf.Field): void {
    if (!field.repeated) throw this.#fail('not-repeated', `\`${field.name}\` takes one value: set it.`);
    this.#insert(level, field, written(field, this.#checked(level.type, field)));
  }

  #remove(level: Level, field: protobuf.Field, found: readonly Occurrence[], index: number | undefined): void {
    if (found.length === 0 || (index ?? 0) >= found.length) throw this.#noSuch(level, field, index ?? 0, found.length);
    const chosen = index === undefined ? found : [found[index]!];
    const whole = new Set(chosen.map(o => o.field));
    for (const owner of whole) {
      const list = owner.value?.kind === 'list' ? owner.value : undefined;
      if (index === undefined || !list || list.items.length === 1) this.#cut(owner);
      else this.#cutItem(list.items, list.items.indexOf(chosen[0]!.value));
    }
  }

  #cutItem(items: readonly SyntaxValue[], i: number): void {
    const item = items[i]!;
    const next = items[i + 1];
    this.#splices.push(
      next ? { start: item.start, end: next.start, text: '' } : { start: items[i - 1]!.end, end: item.end, text: '' },
    );
  }

  #cut(field: SyntaxField): void {
    this.#splices.push(cutting(this.#lines, field));
  }

  #insert(level: Level, field: protobuf.Field, text: string): void {
    this.#splices.push(insertion(this.#lines, level, field, text));
  }

  /** The edit's value as it goes into the text, checked by the schema. */
  #checked(type: protobuf.Type, field: protobuf.Field): string {
    const raw = this.edit.value ?? '';
    const quoted = /^(["']).*\1$/s.test(raw) || raw.startsWith('[');
    const value = field.type === 'string' && !quoted ? formatString(raw) : raw;
    const { diagnostics } = parseText(written(field, value), type, { name: this.edit.path });
    const own = diagnostics.filter(d => d.code !== 'missing-required');
    const wrong = own.find(d => d.severity === 'error');
    if (wrong) throw this.#fail(wrong.code, wrong.message, wrong.hint);
    return value;
  }
}

function occurrences(level: Level, field: protobuf.Field): Occurrence[] {
  return level.fields
    .filter(f => f.value && findField(level.type, f.name) === field)
    .flatMap(f => (f.value!.kind === 'list' ? f.value!.items : [f.value!]).map(value => ({ field: f, value })));
}

/** The layers of a net's level, labelled by their names. */
function layersOf(level: Level): Level[] {
  return level.fields.flatMap(f => {
    const type = findField(level.type, f.name)?.resolvedType;
    if ((f.name !== 'layer' && f.name !== 'layers') || !(type instanceof protobuf.Type) || !f.value) return [];
    const blocks = f.value.kind === 'list' ? f.value.items : [f.value];
    return blocks
      .filter(b => b.kind === 'message')
      .map(b => ({ type, fields: b.fields, block: b, label: textOf(b.fields, 'name') ?? '' }));
  });
}

function textOf(fields: readonly SyntaxField[], name: string): string | undefined {
  const value = fields.find(f => f.name === name)?.value;
  return value?.kind === 'scalar' ? value.text : undefined;
}

/** Types whose parameters stand in another type's block. */
const SHARED_BLOCKS: Record<string, string> = { deconvolution: 'convolution_param', softmax_with_loss: 'loss_param' };

/** The block that holds a layer's parameters by its type: `InnerProduct` → `inner_product_param`. */
function naturalBlock(level: Level): string | undefined {
  const type = textOf(level.fields, 'type');
  if (type === undefined) return undefined;
  const snake = type.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
  const block = SHARED_BLOCKS[snake] ?? `${snake}_param`;
  return level.type.fields[block] ? block : undefined;
}
