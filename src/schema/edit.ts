/**
 * Edits of a text by path, as `mokapot edit FILE --set score_fr.num_output=2` makes them. Only the spans that change are
 * touched: comments and layout stay. A path is `layer.field`, `layer.param[0].lr_mult`, or a field of the text itself
 * (`base_lr`); a field that the layer holds in one of its blocks is found there (`num_output` in `convolution_param`).
 * The layer may be a pattern and be narrowed (see select.ts); `param[*]` are all entries.
 */

import protobuf from 'protobufjs';
import {
  type Lines,
  parseSyntax,
  type SyntaxField,
  type SyntaxMessage,
  type SyntaxValue,
} from '../../grammar/index.js';
import { type Diagnostic, error, hasErrors, MokapotError, nearest, own } from '../diagnostics/index.js';
import { findField, type ParseOptions, parseText, scopeOf } from './parse.js';
import { messageType } from './schema.js';
import {
  blobMentions,
  globMatch,
  isPattern,
  layerBlocks,
  narrowed,
  type PlacedBlock,
  parseNarrowing,
  textsOf,
} from './select.js';
import { cutting, insertion, type Splice, spliced, written } from './splices.js';
import { formatString } from './values.js';

/**
 * `set` gives a field its value, `add` gives a repeated field one more, `remove` takes a field, item or layer out, `rename`
 * gives a layer or a field another name, `rename-blob` a blob in all bottoms and tops, `before` and `after` put `value` (a
 * layer block) beside a layer.
 */
export interface Edit {
  /** What is done: a field is set, added or removed; a layer or blob renamed; a layer put before or after another. */
  readonly op: 'set' | 'add' | 'remove' | 'rename' | 'rename-blob' | 'before' | 'after';
  /** `layer.field`, with patterns: `score_*.convolution_param.num_output`. */
  readonly path: string;
  /** As in the text; quotes around a string may be left out. */
  readonly value?: string;
}

/** What an edit did at one place. */
export interface Change {
  /** `score_fr.convolution_param.num_output` */
  readonly path: string;
  /** As written; undefined where there was nothing. */
  readonly before: string | undefined;
  /** As written; undefined where nothing is left. */
  readonly after: string | undefined;
  /** 1-based, in the text that the edit found. */
  readonly line: number;
}

/** The text after the edits. With an error among the diagnostics it is the text as it was. */
export interface Edited {
  /** The text after the edits. */
  readonly text: string;
  /** In the order of the edits. */
  readonly changes: readonly Change[];
  /** What the edits could not do; then the text is as it was. */
  readonly diagnostics: readonly Diagnostic[];
}

/** `path=value` as an edit. Throws `bad-edit` where there is no `=`. */
export function parseEdit(assignment: string, op: Exclude<Edit['op'], 'remove'> = 'set'): Edit {
  // An equals sign inside brackets narrows a layer.
  const at = /^(?:[^=[]|\[[^\]]*\])*?=/.exec(assignment)?.[0].length ?? 0;
  const path = assignment.slice(0, at - 1).trim();
  if (at <= 1 || path === '') {
    throw new MokapotError(error('bad-edit', `"${assignment}" is no edit.`, { hint: `Write ${WANTED[op]}.` }));
  }
  return { op, path, value: assignment.slice(at).trim() };
}

const WANTED: Readonly<Record<Exclude<Edit['op'], 'remove'>, string>> = {
  set: 'path=value, as in score_fr.num_output=2',
  add: 'path=value, as in conv1.bottom=data',
  rename: 'old=new, as in score_fr=score_lv',
  'rename-blob': 'old=new, as in data=image',
  before: 'layer=block, as in \'conv1=layer { name: "scale" type: "Power" bottom: "data" top: "scaled" }\'',
  after: 'layer=block, as in \'conv1=layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }\'',
};

/** Makes the edits in their order, all or none. Never throws for bad input. */
export function editText(text: string, typeName: string, edits: readonly Edit[], options: ParseOptions = {}): Edited {
  const type = messageType(typeName, options.schema);
  const before = parseText(text, type, options).diagnostics;
  if (hasErrors(before)) return { text, changes: [], diagnostics: before };
  const diagnostics: Diagnostic[] = [];
  const changes: Change[] = [];
  let edited = text;
  for (const edit of edits) {
    try {
      const editor = new Editor(edited, type, edit, diagnostics, options);
      edited = editor.run();
      changes.push(...editor.changes);
    } catch (e) {
      if (!(e instanceof MokapotError)) throw e;
      return { text, changes: [], diagnostics: [...diagnostics, ...e.diagnostics] };
    }
  }
  const after = parseText(edited, type, options).diagnostics.filter(d => d.severity === 'error');
  return after.length > 0
    ? { text, changes: [], diagnostics: [...diagnostics, ...after] }
    : { text: edited, changes, diagnostics };
}

/** A block of the text with its type. */
interface Level {
  readonly type: protobuf.Type;
  readonly fields: readonly SyntaxField[];
  /** The block's braces; none for the whole text. */
  readonly block: SyntaxMessage | undefined;
  /** How diagnostics call it. */
  readonly label: string;
  /** What leads to it, with a dot behind. */
  readonly path: string;
}

/** One occurrence of a field: the field, and its value or the item of its list. */
interface Occurrence {
  readonly field: SyntaxField;
  readonly value: SyntaxValue;
}

/** An entry of a repeated field: its number, all of them, or none given. */
type Index = number | '*' | undefined;

/** The layers that a path begins with. */
interface Chosen {
  readonly layers: readonly PlacedBlock[];
  /** As the path says it. */
  readonly written: string;
  readonly rest: string | undefined;
}

const STEP = /^([A-Za-z_]\w*)(?:\[(\d+|\*)\])?(?:\.(.+))?$/s;

class Editor {
  readonly changes: Change[] = [];
  readonly #lines: Lines;
  readonly #root: Level;
  readonly #layers: readonly PlacedBlock[];
  readonly #splices: Splice[] = [];

  constructor(
    readonly text: string,
    readonly type: protobuf.Type,
    readonly edit: Edit,
    readonly diagnostics: Diagnostic[],
    readonly options: ParseOptions,
  ) {
    const { document, lines } = parseSyntax({ name: options.name ?? '<text>', text }, scopeOf(type));
    this.#lines = lines;
    this.#root = { type, fields: document.fields, block: undefined, label: 'the text', path: '' };
    this.#layers = layerBlocks(document.fields, type);
  }

  run(): string {
    if (this.edit.op === 'rename-blob') this.#renameBlob();
    else this.#walkRoot();
    return spliced(this.text, this.#splices);
  }

  #fail(code: string, message: string, hint?: string): MokapotError {
    return new MokapotError(error(code, `${this.edit.path}: ${message}`, { hint }));
  }

  // ------------------------------------------------------------------ finding the place

  #walkRoot(): void {
    const { path } = this.edit;
    const chosen = this.#chosen(path);
    const pattern = path.replaceAll('[*]', '');
    if (!chosen && this.#layers.length > 0 && isPattern(pattern)) throw this.#unknown(this.#root, pattern, true);
    if (!chosen) this.#walk(this.#root, path);
    else if (chosen.rest === undefined) this.#wholeLayers(chosen);
    else this.#walkLayers(chosen, chosen.rest);
  }

  /** The layers whose names begin the path. The longest name counts: names may hold dots. */
  #chosen(path: string): Chosen | undefined {
    if (this.#layers.length === 0) return undefined;
    const ends = [...path.matchAll(/\.|$/g)].map(m => m.index).reverse();
    for (const end of ends) {
      const written = path.slice(0, end);
      const rest = end < path.length ? path.slice(end + 1) : undefined;
      const plainField = rest === undefined && (this.edit.op === 'set' || this.edit.op === 'add');
      if (plainField && findField(this.type, written)) return undefined;
      const layers = this.#layersCalled(written);
      if (layers.length > 0) return { layers, written, rest };
    }
    return undefined;
  }

  #layersCalled(written: string): readonly PlacedBlock[] {
    const bracket = /^(.+)\[([^\]]*)\]$/s.exec(written);
    const exact = this.#layers.filter(l => l.name === written && written !== '');
    if (exact.length > 0) return exact;
    const named = (name: string) => {
      const fits = (layer: string) => (isPattern(name) ? globMatch(name, layer) !== undefined : layer === name);
      return this.#layers.filter(l => l.name !== '' && fits(l.name));
    };
    if (!bracket) return named(written);
    const [, name, inside] = bracket as unknown as [string, string, string];
    const all = named(name);
    const narrowing = all.length > 0 ? parseNarrowing(inside) : undefined;
    if (!narrowing) return [];
    const { index } = narrowing;
    const left = index === undefined ? all.filter(l => narrowed(l, narrowing)) : all.slice(index, index + 1);
    if (left.length === 0) {
      throw this.#fail(
        'unknown-layer',
        `none of the ${all.length} layers "${name}" is meant by [${inside}].`,
        this.#choices(all),
      );
    }
    return left;
  }

  /** How layers of one name can be told apart. */
  #choices(layers: readonly PlacedBlock[]): string {
    const one = (l: PlacedBlock, i: number) =>
      `[${i}] is on line ${this.#line(l.owner.start)} (${textsOf(l.fields, 'type')[0] ?? '?'})`;
    return `${layers.slice(0, 5).map(one).join(', ')}. Brackets take a number or type=, phase=, stage=.`;
  }

  #walkLayers({ layers, written }: Chosen, rest: string): void {
    const left: { layer: PlacedBlock; why: MokapotError }[] = [];
    for (const layer of layers) {
      try {
        this.#walk(this.#levelOf(layer), rest);
      } catch (e) {
        if (!(e instanceof MokapotError) || !ABSENT.has(e.diagnostics[0]!.code)) throw e;
        left.push({ layer, why: e });
      }
    }
    if (left.length === layers.length) throw left[0]!.why;
    if (layers.length > 1)
      this.#tellSeveral(
        written,
        layers,
        left.map(l => l.layer),
      );
  }

  #tellSeveral(written: string, layers: readonly PlacedBlock[], left: readonly PlacedBlock[]): void {
    const meant = isPattern(written) ? `fit "${written}"` : `are called "${written}"`;
    const what =
      left.length > 0
        ? `${layers.length - left.length} were changed; the others have no such field`
        : 'all were changed';
    this.diagnostics.push({
      code: 'several-layers',
      severity: 'note',
      message: `${layers.length} layers ${meant}: ${what}.`,
      layer: written,
      ...(!isPattern(written) && { hint: `To change one: ${this.#choices(layers)}` }),
    });
  }

  #levelOf(layer: PlacedBlock): Level {
    const { type, fields, block, name } = layer;
    return { type, fields, block, label: `layer "${name}"`, path: `${name}.` };
  }

  #walk(level: Level, path: string): void {
    const step = STEP.exec(path);
    if (!step)
      throw this.#fail('bad-path', 'this is no path.', 'Paths look like layer.field or layer.param[0].lr_mult.');
    const [, name, bracket, rest] = step as unknown as [string, string, string | undefined, string | undefined];
    const index: Index = bracket === undefined || bracket === '*' ? bracket : Number(bracket);
    const field = findField(level.type, name);
    if (!field) this.#walkInto(level, name, path);
    else if (rest === undefined) this.#change(level, field, index);
    else this.#descend(level, field, index, rest);
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
    throw this.#unknown(level, name, path !== name);
  }

  #unknown(level: Level, name: string, hasRest: boolean): MokapotError {
    const layers = level === this.#root ? this.#layers.map(l => l.name) : [];
    const inner = level.fields.flatMap(f => {
      const t = findField(level.type, f.name)?.resolvedType;
      return t instanceof protobuf.Type && f.value?.kind === 'message' ? Object.keys(t.fields) : [];
    });
    const fields = Object.keys(level.type.fields);
    if (layers.length > 0) {
      // With more behind the dot it is a layer that was meant.
      const near = nearest(name, layers) ?? (hasRest ? undefined : nearest(name, fields));
      const hint = near ? `Did you mean ${near}?` : `The layers are ${few([...new Set(layers)])}.`;
      const what = isPattern(name) ? `no layer fits "${name.replace(/\.\w+$/, '')}"` : `there is no layer "${name}"`;
      return this.#fail('unknown-layer', `${what}.`, hint);
    }
    const near = nearest(name, [...fields, ...inner]);
    const elsewhere = level.type.fieldsArray.filter(
      f => f.resolvedType instanceof protobuf.Type && findField(f.resolvedType, name),
    );
    const hint = near
      ? `Did you mean ${near}?`
      : elsewhere.length > 0
        ? `It is a field of ${few(elsewhere.map(f => f.name))}: write the block before it.`
        : `It has ${few(fields)}.`;
    return this.#fail('unknown-field', `${level.label} has no field \`${name}\`.`, hint);
  }

  #descend(level: Level, field: protobuf.Field, index: Index, rest: string): void {
    const inner = field.resolvedType;
    if (!(inner instanceof protobuf.Type)) throw this.#fail('bad-path', `\`${field.name}\` holds no fields.`);
    const found = occurrences(level, field);
    if (index === '*' && found.length === 0) throw this.#noSuch(level, field, 0, 0);
    if (found.length > 1 && index === undefined) throw this.#needsIndex(level, field, found.length);
    const places = index === '*' ? found.map((_, i) => i) : [index ?? 0];
    for (const at of places) this.#descendAt(level, field, inner, found, at, rest);
  }

  #descendAt(
    level: Level,
    field: protobuf.Field,
    inner: protobuf.Type,
    found: readonly Occurrence[],
    at: number,
    rest: string,
  ): void {
    const value = found[at]?.value;
    const path = `${level.path}${field.name}${field.repeated ? `[${at}]` : ''}.`;
    if (value?.kind === 'message') {
      const label = `\`${field.name}\` of ${level.label}`;
      this.#walk({ type: inner, fields: value.fields, block: value, label, path }, rest);
      return;
    }
    const isNew = this.edit.op === 'set' || this.edit.op === 'add';
    if (!isNew || at > found.length) throw this.#noSuch(level, field, at, found.length);
    const text = this.#assignmentIn(inner, rest);
    this.#insert(level, field, `${field.name} { ${text} }`, path + rest, this.edit.value);
  }

  #needsIndex(level: Level, field: protobuf.Field, count: number): MokapotError {
    return this.#fail(
      'ambiguous-path',
      `${level.label} has ${count} \`${field.name}\`.`,
      `Say which: ${field.name}[0] to ${field.name}[${count - 1}], or ${field.name}[*] for all.`,
    );
  }

  #noSuch(level: Level, field: protobuf.Field, index: number, count: number): MokapotError {
    return this.#fail('no-such-field', `${level.label} has ${count} \`${field.name}\`, none at [${index}].`);
  }

  /** `a.b` = value as the text of a new block. */
  #assignmentIn(type: protobuf.Type, path: string): string {
    const [, name, index, rest] = STEP.exec(path) ?? [];
    const field = name === undefined ? undefined : findField(type, name);
    if (!field) {
      const level = { type, fields: [], block: undefined, label: type.name, path: '' };
      throw this.#unknown(level, name ?? path, rest !== undefined);
    }
    if (index !== undefined && index !== '0') throw this.#fail('no-such-field', `there is no \`${field.name}\` yet.`);
    if (rest === undefined) return written(field, this.#checked(type, field));
    if (!(field.resolvedType instanceof protobuf.Type))
      throw this.#fail('bad-path', `\`${field.name}\` holds no fields.`);
    return `${field.name} { ${this.#assignmentIn(field.resolvedType, rest)} }`;
  }

  // ------------------------------------------------------------------ whole layers

  #wholeLayers(chosen: Chosen): void {
    const { layers, written } = chosen;
    switch (this.edit.op) {
      case 'remove':
        for (const layer of layers) {
          if (layer.owner.value !== layer.block)
            throw this.#fail('bad-path', `layer "${layer.name}" stands in a list: remove it by hand.`);
          this.#cut(layer.owner, layer.name);
        }
        break;
      case 'rename':
        for (const layer of layers) this.#renameLayer(layer, written);
        break;
      case 'before':
      case 'after':
        this.#putBeside(chosen, this.edit.op);
        break;
      default:
        throw this.#fail(
          'bad-path',
          `"${written}" is a layer: name the field to ${this.edit.op}.`,
          `For example ${written}.name.`,
        );
    }
    if (layers.length > 1 && this.edit.op !== 'before' && this.edit.op !== 'after')
      this.#tellSeveral(written, layers, []);
  }

  #renameLayer(layer: PlacedBlock, written: string): void {
    const stood = globMatch(written.replace(/\[[^\]]*\]$/, ''), layer.name) ?? [];
    let used = 0;
    const name = unquoted(this.edit.value ?? '').replace(/[*?]/g, c => stood[used++] ?? c);
    if (name === '') throw this.#fail('bad-edit', 'the new name is empty.');
    const node = layer.fields.find(f => f.name === 'name')!;
    this.#replace(node.value!, formatString(name), `${layer.name}.name`);
    const others = this.#layers.filter(l => l.name === name && l !== layer);
    if (others.length > 0)
      this.#warn(
        'name-taken',
        `There is a layer "${name}" already, on line ${this.#line(others[0]!.owner.start)}.`,
        name,
      );
    if (
      layer.fields.some(
        f =>
          f.name === 'param' ||
          /^(convolution|inner_product|batch_norm|scale|embed|prelu|recurrent)_param$/.test(f.name),
      )
    )
      this.#note(
        'weights-by-name',
        `Weights are found by layer name: files with "${layer.name}" no longer fit "${name}".`,
        name,
      );
  }

  #putBeside({ layers, written }: Chosen, op: 'before' | 'after'): void {
    if (layers.length > 1)
      throw this.#fail('ambiguous-path', `${layers.length} layers fit "${written}".`, this.#choices(layers));
    const [layer] = layers;
    if (layer!.owner.value !== layer!.block) throw this.#fail('bad-path', `layer "${layer!.name}" stands in a list.`);
    const text = (this.edit.value ?? '').trim();
    const { message, diagnostics } = parseText(text, this.type, { ...this.options, name: this.edit.path });
    const wrong = diagnostics.find(d => d.severity === 'error');
    if (wrong) throw this.#fail(wrong.code, wrong.message, wrong.hint);
    const fields = Object.keys(message).filter(k => ((message as Record<string, unknown>)[k] as unknown[]).length > 0);
    if (fields.length === 0 || fields.some(f => f !== layer!.owner.name))
      throw this.#fail('bad-edit', `only ${layer!.owner.name} { … } blocks go there.`, `Write ${WANTED[op]}.`);
    const { start, end } = layer!.owner;
    const newline = this.text.includes('\r\n') ? '\r\n' : '\n';
    if (op === 'before') this.#splices.push({ start, end: start, text: `${text}${newline}` });
    else {
      const at = this.#lines.lineEnd(end);
      const alone = /^\s*(#.*)?$/.test(this.text.slice(end, at));
      this.#splices.push(alone ? { start: at, end: at, text: newline + text } : { start: end, end, text: ` ${text}` });
    }
    this.#record(`${op} ${layer!.name}`, undefined, text, op === 'before' ? start : end);
  }

  #renameBlob(): void {
    const { path, value = '' } = this.edit;
    const name = unquoted(value);
    const all = blobMentions(this.#root.fields, this.type);
    const here = all.filter(m => m.value.text === path);
    const names = [...new Set(all.map(m => m.value.text))];
    if (name === '') throw this.#fail('bad-edit', 'the new name is empty.');
    if (here.length === 0) {
      const near = nearest(path, names);
      throw this.#fail(
        'unknown-blob',
        `there is no blob "${path}".`,
        near ? `Did you mean ${near}?` : `The blobs are ${few(names)}.`,
      );
    }
    if (names.includes(name))
      throw this.#fail(
        'name-taken',
        `there is a blob "${name}" already.`,
        'The two would become one: take another name.',
      );
    for (const m of here) this.#replace(m.value, formatString(name), m.layer ? `${m.layer.name}.${m.role}` : m.role);
  }

  // ------------------------------------------------------------------ changing a field

  #change(level: Level, field: protobuf.Field, index: Index): void {
    const found = occurrences(level, field);
    switch (this.edit.op) {
      case 'remove':
        this.#remove(level, field, found, index);
        break;
      case 'add':
        this.#add(level, field);
        break;
      case 'rename':
        this.#renameField(level, field, found);
        break;
      case 'set':
        this.#set(level, field, found, index);
        break;
      default:
        throw this.#fail('bad-path', 'this is no layer.', `Write ${WANTED[this.edit.op as 'after']}.`);
    }
  }

  #set(level: Level, field: protobuf.Field, found: readonly Occurrence[], index: Index): void {
    const value = this.#checked(level.type, field);
    const path = level.path + field.name;
    if (value.startsWith('[') && index === undefined && found.length > 0) {
      const [first, ...others] = [...new Set(found.map(o => o.field))];
      this.#splices.push({ start: first!.value!.start, end: first!.value!.end, text: value });
      for (const other of others) this.#splices.push(cutting(this.#lines, other));
      this.#record(path, `[${found.map(o => this.#written(o.value)).join(', ')}]`, value, first!.start);
      return;
    }
    if (found.length > 1 && index === undefined) throw this.#needsIndex(level, field, found.length);
    if (index === '*' && found.length === 0) throw this.#noSuch(level, field, 0, 0);
    const places = index === '*' ? found.map((_, i) => i) : [index ?? 0];
    for (const at of places) {
      const target = found[at]?.value;
      if (target) this.#replace(target, value, field.repeated ? `${path}[${at}]` : path);
      else if (at > found.length) throw this.#noSuch(level, field, at, found.length);
      else this.#insert(level, field, written(field, value), path, value);
    }
  }

  #add(level: Level, field: protobuf.Field): void {
    if (!field.repeated) throw this.#fail('not-repeated', `\`${field.name}\` takes one value: set it.`);
    const value = this.#checked(level.type, field);
    this.#insert(level, field, written(field, value), level.path + field.name, value);
  }

  #renameField(level: Level, field: protobuf.Field, found: readonly Occurrence[]): void {
    const name = unquoted(this.edit.value ?? '');
    if (found.length === 0) throw this.#noSuch(level, field, 0, 0);
    if (!findField(level.type, name))
      throw this.#unknown({ ...level, label: `${level.label} (${level.type.name})` }, name, false);
    for (const owner of new Set(found.map(o => o.field))) {
      this.#splices.push({ ...owner.nameSpan, text: name });
      this.#record(level.path + field.name, field.name, name, owner.start);
    }
  }

  #remove(level: Level, field: protobuf.Field, found: readonly Occurrence[], index: Index): void {
    const at = typeof index === 'number' ? index : 0;
    if (at >= found.length) throw this.#noSuch(level, field, at, found.length);
    const all = typeof index !== 'number';
    const chosen = all ? found : [found[at]!];
    const path = level.path + field.name;
    for (const owner of new Set(chosen.map(o => o.field))) {
      const list = owner.value?.kind === 'list' ? owner.value : undefined;
      if (all || !list || list.items.length === 1) this.#cut(owner, path);
      else this.#cutItem(list.items, list.items.indexOf(chosen[0]!.value), `${path}[${at}]`);
    }
  }

  #cutItem(items: readonly SyntaxValue[], i: number, path: string): void {
    const item = items[i]!;
    const next = items[i + 1];
    this.#splices.push(
      next ? { start: item.start, end: next.start, text: '' } : { start: items[i - 1]!.end, end: item.end, text: '' },
    );
    this.#record(path, this.#written(item), undefined, item.start);
  }

  #cut(field: SyntaxField, path: string): void {
    this.#splices.push(cutting(this.#lines, field));
    this.#record(path, field.value && this.#written(field.value), undefined, field.start);
  }

  #replace(value: SyntaxValue, text: string, path: string): void {
    this.#splices.push({ start: value.start, end: value.end, text });
    this.#record(path, this.#written(value), text, value.start);
  }

  #insert(level: Level, field: protobuf.Field, text: string, path: string, value: string | undefined): void {
    const splice = insertion(this.#lines, level, field, text);
    this.#splices.push(splice);
    this.#record(path, undefined, value, splice.start);
  }

  #record(path: string, before: string | undefined, after: string | undefined, offset: number): void {
    this.changes.push({ path, before, after, line: this.#line(offset) });
  }

  #written = (value: SyntaxValue): string => this.text.slice(value.start, value.end);

  #line = (offset: number): number => this.#lines.position(offset).line;

  #note(code: string, message: string, layer: string): void {
    this.diagnostics.push({ code, severity: 'note', message, layer });
  }

  #warn(code: string, message: string, layer: string): void {
    this.diagnostics.push({ code, severity: 'warning', message, layer });
  }

  /** The edit's value as it goes into the text, checked by the schema. */
  #checked(type: protobuf.Type, field: protobuf.Field): string {
    const value = asValue(field, this.edit.value ?? '');
    const { diagnostics } = parseText(written(field, value), type, { ...this.options, name: this.edit.path });
    const own = diagnostics.filter(d => d.code !== 'missing-required');
    const wrong = own.find(d => d.severity === 'error');
    if (wrong) throw this.#fail(wrong.code, wrong.message, wrong.hint);
    return value;
  }
}

/** What a layer among several may lack, so that it is left alone. */
const ABSENT: ReadonlySet<string> = new Set(['unknown-field', 'no-such-field']);

/** Strings get their quotes, each of a list too. */
function asValue(field: protobuf.Field, raw: string): string {
  const isQuoted = (text: string) => /^(["']).*\1$/s.test(text);
  if (field.type !== 'string' || isQuoted(raw)) return raw;
  const list = /^\[(.*)\]$/s.exec(raw)?.[1];
  if (list === undefined) return formatString(raw);
  if (/["']/.test(list)) return raw;
  const items = list.split(',').map(item => item.trim());
  return `[${items
    .filter(item => item !== '')
    .map(item => formatString(item))
    .join(', ')}]`;
}

const unquoted = (text: string): string => /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;

const few = (names: readonly string[]): string =>
  names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')}, … (${names.length})`;

function occurrences(level: Level, field: protobuf.Field): Occurrence[] {
  return level.fields
    .filter(f => f.value && findField(level.type, f.name) === field)
    .flatMap(f => (f.value!.kind === 'list' ? f.value!.items : [f.value!]).map(value => ({ field: f, value })));
}

/** Types whose parameters stand in another type's block. */
const SHARED_BLOCKS: Record<string, string> = { deconvolution: 'convolution_param', softmax_with_loss: 'loss_param' };

/** The block that holds a layer's parameters by its type: `InnerProduct` → `inner_product_param`. */
function naturalBlock(level: Level): string | undefined {
  const [type] = textsOf(level.fields, 'type');
  if (type === undefined) return undefined;
  const snake = type.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
  const block = own(SHARED_BLOCKS, snake) ?? `${snake}_param`;
  return own(level.type.fields, block) ? block : undefined;
}
