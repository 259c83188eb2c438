/** Syntax tree → message of any protobufjs type. Says what does not fit, and remembers where every message stands. */

import protobuf from 'protobufjs';
import {
  type Lines,
  parseSyntax,
  type Report,
  type Scope,
  type Span,
  type SyntaxField,
  type SyntaxMessage,
  type SyntaxResult,
  type SyntaxScalar,
  type SyntaxValue,
} from '../../grammar/index.js';
import { type Diagnostic, error, type Location, nearestSlip, own, recordOf } from '../diagnostics/index.js';
import { forkField } from './fork_fields.js';
import type { Messages } from './generated/caffe.js';
import { isRepeatable } from './merge.js';
import { isGroup, isSet } from './message.js';
import { defaultSchema, messageType, type Schema } from './schema.js';
import { readValue } from './values.js';

/** Deeper nesting is refused: no schema of use goes there, and readers of the binary form refuse it too. */
const MAX_DEPTH = 1000;

/** A message read from text, and what was wrong with it. With errors the message holds what could be understood. */
export interface Parsed<T> {
  /** What could be read, of today's form; with errors, what stands all the same. */
  readonly message: T;
  /** In the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/** How a text is read. */
export interface ParseOptions {
  /** The name that diagnostics call the text by. */
  readonly name?: string;
  /** Which messages and fields there are. Default: Caffe's (`defaultSchema`). */
  readonly schema?: Schema;
  /** Fields that the schema lacks are warned of and left out, not refused. Default: as the schema says. */
  readonly lenient?: boolean;
}

/** Where a message stands in its text. */
export interface Origin {
  readonly lines: Lines;
  readonly type: protobuf.Type;
  readonly fields: readonly SyntaxField[];
  readonly span: Span;
  /** Its braces; none for the whole text. */
  readonly block: SyntaxMessage | undefined;
  /** It is an item of a list `[{ … }, { … }]`. */
  readonly inList: boolean;
}

const origins = new WeakMap<object, Origin>();

/** Reads protobuf text as a message of `type`. Never throws for bad input; throws for an unknown type name. */
export function parseText<K extends keyof Messages>(text: string, type: K, options?: ParseOptions): Parsed<Messages[K]>;
export function parseText(text: string, type: string | protobuf.Type, options?: ParseOptions): Parsed<object>;
export function parseText(text: string, type: string | protobuf.Type, options: ParseOptions = {}): Parsed<object> {
  const { name = '<text>', schema = defaultSchema(), lenient = schema.lenient } = options;
  const root = messageType(type, schema);
  if (isWebPage(text)) return webPage(name, root);
  const syntax = parseSyntax({ name, text }, scopeOf(root));
  const message = new MessageReader(syntax, lenient).read(root);
  return { message, diagnostics: sorted(syntax.report.diagnostics) };
}

/** What a download gives where the address was that of a page, or of nothing. */
const isWebPage = (text: string): boolean =>
  /^\s*(?:<!--[\s\S]*?-->\s*)?<(?:!doctype\s+html|html|head|body|\?xml)\b/i.test(text) ||
  /^\s*404: Not Found\s*$/.test(text);

function webPage(name: string, type: protobuf.Type): Parsed<object> {
  const { lines } = parseSyntax({ name, text: '' });
  return {
    message: type.create(),
    diagnostics: [
      error('web-page', `${name} is a web page, not prototxt.`, {
        location: lines.location({ start: 0, end: 0 }),
        hint: 'The download got a page in place of the file: on GitHub take the address of the button "Raw".',
      }),
    ],
  };
}

/** In the order of the text. */
function sorted(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const at = (d: Diagnostic) => d.location?.range.start.offset ?? 0;
  return [...diagnostics].sort((a, b) => at(a) - at(b));
}

const scopes = new WeakMap<protobuf.Type, Scope>();

/** What the grammar may know of a type: which names it has. */
export function scopeOf(type: protobuf.Type): Scope {
  let scope = scopes.get(type);
  if (!scope) {
    const kinds = new Map<string, 'block' | 'value'>();
    for (const field of type.fieldsArray) {
      const inner = field.resolve().resolvedType;
      const name = inner instanceof protobuf.Type && isGroup(inner) ? inner.name : field.name;
      kinds.set(name, field.map || inner instanceof protobuf.Type ? 'block' : 'value');
    }
    scope = {
      kind: name => kinds.get(name),
      child: name => {
        const inner = blockType(findField(type, name));
        return inner && scopeOf(inner);
      },
    };
    scopes.set(type, scope);
  }
  return scope;
}

/** The field that text calls `name`. A group goes by its type's name. */
export function findField(type: protobuf.Type, name: string): protobuf.Field | undefined {
  const field = own(type.fields, name)?.resolve();
  const inner = field?.resolvedType;
  if (field && !(inner instanceof protobuf.Type && isGroup(inner))) return field;
  return type.fieldsArray.find(f => {
    const t = f.resolve().resolvedType;
    return t instanceof protobuf.Type && isGroup(t) && t.name === name;
  });
}

const entryTypes = new WeakMap<protobuf.Field, protobuf.Type>();

/** The type of a field's block; for a map that of its entries. */
function blockType(field: protobuf.Field | undefined): protobuf.Type | undefined {
  if (!field) return undefined;
  if (!(field instanceof protobuf.MapField)) {
    return field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
  }
  let entry = entryTypes.get(field);
  if (!entry) {
    entry = new protobuf.Type(`${field.name}_entry`);
    entry.add(new protobuf.Field('key', 1, field.keyType)).add(new protobuf.Field('value', 2, field.type));
    for (const f of entry.fieldsArray) {
      if (f.name === 'value') f.resolvedType = field.resolvedType;
    }
    entryTypes.set(field, entry);
  }
  return entry;
}

type Fields = Record<string, unknown>;

interface Job {
  readonly type: protobuf.Type;
  readonly message: Fields;
  readonly fields: readonly SyntaxField[];
  /** The message around this one. */
  readonly up: Job | undefined;
  readonly depth: number;
  readonly at: Span;
  readonly quiet: boolean;
  /** Unknown names in this block that were told: `dim: 1 dim: 3` is one mistake. */
  readonly unknown: Set<string>;
}

class MessageReader {
  readonly #report: Report;
  readonly #lines: Lines;
  readonly #jobs: Job[] = [];
  readonly #maps: { map: Fields; entry: Fields }[] = [];

  constructor(
    readonly syntax: SyntaxResult,
    readonly lenient: boolean,
  ) {
    this.#report = syntax.report;
    this.#lines = syntax.lines;
  }

  read(type: protobuf.Type): object {
    const { document } = this.syntax;
    const message = this.#start(type, document.fields, { start: 0, end: document.end });
    for (let job = this.#jobs.pop(); job; job = this.#jobs.pop()) {
      for (const field of job.fields) this.#readField(job, field);
      this.#checkRequired(job);
    }
    for (const { map, entry } of this.#maps) map[String(entry.key)] = entry.value;
    return message;
  }

  #start(type: protobuf.Type, fields: readonly SyntaxField[], at: Span, up?: Job, block?: SyntaxMessage): Fields {
    const message = type.create() as unknown as Fields;
    const inList = block?.start === at.start;
    origins.set(message, { lines: this.#lines, type, fields, span: at, block, inList });
    const depth = up ? up.depth + 1 : 0;
    if (depth > MAX_DEPTH) this.#report.add('too-deep', `Blocks are nested more than ${MAX_DEPTH} deep.`, at);
    else this.#jobs.push({ type, message, fields, up, depth, at, quiet: up?.quiet ?? false, unknown: new Set() });
    return message;
  }

  #readField(job: Job, node: SyntaxField): void {
    const field = findField(job.type, node.name);
    if (!field || node.extension) this.#unknownField(job, node);
    else if (node.value) this.#readKnown(job, node, field, node.value);
  }

  #readKnown(job: Job, node: SyntaxField, field: protobuf.Field, value: SyntaxValue): void {
    const quiet = job.quiet || node.broken;
    if (!field.repeated && !field.map && !this.#firstTime(job, node, field, quiet)) return;
    if (value.kind === 'list') {
      if (!(field.repeated || field.map || isRepeatable(field))) {
        this.#fault(quiet, 'list-for-single', `\`${node.name}\` takes one value, not a list.`, value);
        return;
      }
      if (!node.colon && !blockType(field)) this.#missingColon(quiet, node);
      for (const item of value.items) this.#readItem(job, node, field, item, quiet);
    } else {
      this.#readItem(job, node, field, value, quiet);
    }
  }

  /** A field that may stand once: whether it does. */
  #firstTime(job: Job, node: SyntaxField, field: protobuf.Field, quiet: boolean): boolean {
    const others = field.partOf ? field.partOf.fieldsArray.filter(f => Object.hasOwn(job.message, f.name)) : [];
    if (!Object.hasOwn(job.message, field.name) && others.length === 0) return true;
    if (isRepeatable(field) && (others[0] ?? field) === field) {
      const message = `\`${node.name}\` is given more than once, as the fork's schema allows: the last one alone counts.`;
      this.#fault(quiet, 'no-effect', message, node.nameSpan, { severity: 'warning', hint: 'Keep one of them.' });
      return true;
    }
    const first = locate(job.message, others[0]?.name ?? field.name);
    this.#fault(
      quiet,
      'duplicate-field',
      others.length > 0 && others[0] !== field
        ? `\`${node.name}\` and \`${others[0]?.name}\` exclude each other.`
        : `\`${node.name}\` is given more than once in ${job.up ? 'this block' : 'this text'}.`,
      node.nameSpan,
      {
        hint: 'It takes one value: keep one of them.',
        ...(first ? { related: [{ message: 'It was first given here', location: first }] } : {}),
      },
    );
    return false;
  }

  #missingColon(quiet: boolean, node: SyntaxField): void {
    this.#fault(quiet, 'missing-colon', `A colon is missing after \`${node.name}\`.`, node.nameSpan, {
      fix: this.#report.fix('Insert the colon.', { start: node.nameSpan.end, end: node.nameSpan.end }, ':'),
    });
  }

  #readItem(job: Job, node: SyntaxField, field: protobuf.Field, value: SyntaxValue, quiet: boolean): void {
    const inner = blockType(field);
    if (value.kind === 'message') {
      if (inner) this.#readBlock(job, node, field, inner, value);
      else this.#fault(quiet, 'wrong-type', `\`${node.name}\` takes ${takes(field)}, not a block.`, node.nameSpan);
      return;
    }
    if (value.kind === 'list') return;
    if (inner) {
      this.#fault(quiet, 'wrong-type', `\`${node.name}\` takes a block { ... }, not a value.`, value);
      return;
    }
    this.#readScalar(job, field, value, quiet);
  }

  #readScalar(job: Job, field: protobuf.Field, value: SyntaxScalar, quiet: boolean): void {
    const result = readValue(field, value);
    if ('value' in result) {
      if (field.repeated) (job.message[field.name] as unknown[]).push(result.value);
      else job.message[field.name] = result.value;
      return;
    }
    const { code, message, hint, replacement } = result.fault;
    const fix = replacement === undefined ? undefined : this.#report.fix(`Write ${replacement}.`, value, replacement);
    this.#fault(quiet, code, message, value, { hint, fix });
  }

  #readBlock(job: Job, node: SyntaxField, field: protobuf.Field, inner: protobuf.Type, value: SyntaxMessage): void {
    const at = { start: node.value === value ? node.start : value.start, end: value.end };
    const message = this.#start(inner, value.fields, at, job, value);
    if (field.map) {
      if (!Object.hasOwn(job.message, field.name)) job.message[field.name] = recordOf([]);
      this.#maps.push({ map: job.message[field.name] as Fields, entry: message });
    } else if (field.repeated) (job.message[field.name] as unknown[]).push(message);
    else job.message[field.name] = message;
  }

  /** Only a warning: protoc writes such a message too. Those who use one refuse it (`parseNet`). */
  #checkRequired(job: Job): void {
    for (const field of job.type.fieldsArray) {
      if (!field.required || isSet(job.message, field.name)) continue;
      if (job.fields.some(f => f.name === field.name)) continue;
      this.#fault(job.quiet, 'missing-required', `${job.type.name} needs \`${field.name}\`.`, job.at, {
        severity: 'warning',
      });
    }
  }

  #unknownField(job: Job, node: SyntaxField): void {
    const quiet = job.quiet || node.broken;
    if (node.extension) {
      this.#fault(
        quiet,
        'unknown-extension',
        `${node.name} is an extension that the schema does not know.`,
        node.nameSpan,
        {
          hint: 'Caffe has no extensions: remove it.',
        },
      );
      return;
    }
    if (job.type.reserved?.some(r => r === node.name) || job.unknown.has(node.name)) return;
    job.unknown.add(node.name);
    const block = node.value?.kind === 'message';
    const outer = ownerAround(job, node.name, block ? 'block' : 'value');
    const inside = innerOwners(job, node.name);
    if (outer) {
      this.#fault(
        quiet,
        'misplaced-field',
        `\`${node.name}\` is no field of ${job.type.name} but of ${outer.name}.`,
        node.nameSpan,
        {
          hint: `Move it out of this block, into the ${outer.name} around it.`,
        },
      );
      return;
    }
    const fork = forkField(job.type.name, node.name);
    if (fork) {
      const written = fork.instead?.(node.value && 'text' in node.value ? node.value.text : undefined);
      this.#fault(
        quiet,
        'unknown-field',
        `${job.type.name} has no field \`${node.name}\`: it is ${fork.of}.`,
        node.nameSpan,
        {
          hint: fork.hint,
          ...(written !== undefined && { fix: this.#report.fix(`Write ${written}.`, node, written) }),
          ...(this.lenient && { severity: 'warning' }),
        },
      );
      return;
    }
    const near = nearestField(job.type, node.name);
    const exact = near !== undefined && near.toLowerCase() === node.name.toLowerCase();
    const hint =
      inside.length > 0 && !exact
        ? `It is a field of ${inside.slice(0, 3).join(', ')}: put it in there.`
        : near
          ? `Did you mean \`${near}\`?`
          : `If a fork of Caffe has it, name the fork's schema: --schema FORK.proto.`;
    const fix = near && inside.length === 0 ? this.#report.fix(`Write ${near}.`, node.nameSpan, near) : undefined;
    this.#fault(quiet, 'unknown-field', `${job.type.name} has no field \`${node.name}\`.`, node.nameSpan, {
      hint,
      fix,
      ...(this.lenient && { severity: 'warning' }),
    });
  }

  #fault(quiet: boolean, code: string, message: string, span: Span, more: Partial<Diagnostic> = {}): void {
    if (!quiet) this.#report.add(code, message, span, more);
  }
}

/** The nearest message around this one that has a field of this name and kind. */
function ownerAround(job: Job, name: string, kind: 'block' | 'value'): protobuf.Type | undefined {
  for (let up = job.up; up; up = up.up) if (scopeOf(up.type).kind(name) === kind) return up.type;
  return undefined;
}

/** The blocks of this message (those that stand in the text first) that have a field of this name. */
function innerOwners(job: Job, name: string): string[] {
  const owners = job.type.fieldsArray.filter(f => {
    const t = f.resolve().resolvedType;
    return t instanceof protobuf.Type && Object.hasOwn(t.fields, name);
  });
  const here = owners.filter(f => job.fields.some(n => n.name === f.name));
  return (here.length ? here : owners.length <= 3 ? owners : []).map(f => `\`${f.name}\``);
}

const PARAM = '_param';

/** Of `foo_param` only `foo` tells one from another. */
function nearestField(type: protobuf.Type, name: string): string | undefined {
  const names = Object.keys(type.fields);
  if (!name.endsWith(PARAM)) return nearestSlip(name, names);
  const stem = (full: string) => full.slice(0, -PARAM.length);
  const near = nearestSlip(stem(name), names.filter(n => n.endsWith(PARAM)).map(stem));
  return near === undefined ? undefined : near + PARAM;
}

function takes(field: protobuf.Field): string {
  if (field.resolvedType instanceof protobuf.Enum) return 'a name';
  if (field.type === 'string' || field.type === 'bytes') return 'a string in quotes';
  return field.type === 'bool' ? 'true or false' : 'a number';
}

/**
 * Where a message read by `parseText` stands in its text; with `field` where that field's value stands (`index` counts
 * in a repeated field), or undefined where it is not given. Undefined for messages that come from elsewhere.
 */
export function locate(message: object, field?: string, index = 0): Location | undefined {
  const origin = origins.get(message);
  if (!origin) return undefined;
  if (field === undefined) return origin.lines.location(origin.span);
  const value = valuesOf(origin).get(field)?.[index];
  return value && origin.lines.location(value);
}

const values = new WeakMap<Origin, ReadonlyMap<string, readonly SyntaxValue[]>>();

/** The values of each field in order, lists taken apart: a message may have a million of one. */
function valuesOf(origin: Origin): ReadonlyMap<string, readonly SyntaxValue[]> {
  const known = values.get(origin);
  if (known) return known;
  const found = new Map<string, SyntaxValue[]>();
  for (const { name, value } of origin.fields) {
    const field = value && findField(origin.type, name)?.name;
    if (!field) continue;
    const own = found.get(field) ?? [];
    found.set(field, own);
    for (const item of value.kind === 'list' ? value.items : [value]) own.push(item);
  }
  values.set(origin, found);
  return found;
}

/** The same as a syntax tree knows it. */
export function originOf(message: object): Origin | undefined {
  return origins.get(message);
}

/** Lets `to` be located where `from` stands: for messages that an upgrade makes. */
export function inheritLocation(to: object, from: object): void {
  const origin = origins.get(from);
  if (origin && !origins.has(to)) origins.set(to, origin);
}
