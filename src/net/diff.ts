/**
 * `mokapot diff A B`: two networks compared by what they mean. A field written with its default is the same as one left
 * out, a layer or blob under another name is renamed, not gone; layers of one name in several phases are told apart by
 * their rules.
 */

import protobuf from 'protobufjs';
import { need, nth, own } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import {
  formatValue,
  isSet,
  type LayerParameter,
  messageType,
  type NetParameter,
  printText,
  typeOf,
} from '../schema/index.js';
import type { DescribedLayer, Description } from './describe.js';

/** One of the two: the message (of today's form) and, for shapes and counts, what `describe` says of it in one state. */
export interface DiffSide {
  /** The network. */
  readonly message: NetParameter;
  /** Its shapes and counts. */
  readonly description: Description;
}

/** A field that the two have otherwise. */
export interface FieldChange {
  /** `convolution_param.num_output` */
  readonly path: string;
  /** As text; undefined where the field is neither given nor has a default. */
  readonly before: string | undefined;
  /** The same of the second. */
  readonly after: string | undefined;
}

/** A shape that the two have otherwise. */
export interface ShapeChange {
  /** `top conv1` or `parameter 0`. */
  readonly of: string;
  /** In the first. */
  readonly before: Shape | undefined;
  /** In the second. */
  readonly after: Shape | undefined;
}

/** A layer that both have, and what is different in it. */
export interface LayerChange {
  /** In the second network. */
  readonly name: string;
  /** In the second network. */
  readonly type: string;
  /** What its text says otherwise. */
  readonly fields: readonly FieldChange[];
  /** Which of its tops and parameters have another shape. */
  readonly shapes: readonly ShapeChange[];
}

/** A layer by its name and type. */
export interface LayerName {
  /** As in the text. */
  readonly name: string;
  /** Caffe's name of its type. */
  readonly type: string;
}

/** What is different between two networks, first to second. */
export interface NetDiff {
  /** Nothing is different. */
  readonly equal: boolean;
  /** Fields of the text itself: its name, `force_backward`. */
  readonly net: readonly FieldChange[];
  /** Layers that only the second has. */
  readonly added: readonly LayerName[];
  /** Layers that only the first has. */
  readonly removed: readonly LayerName[];
  /** Layers that do the same under another name. */
  readonly renamed: readonly { readonly before: string; readonly after: string; readonly type: string }[];
  /** Blobs that the same layers make under another name. */
  readonly renamedBlobs: readonly { readonly before: string; readonly after: string }[];
  /** Layers of both, with what is different in them. */
  readonly changed: readonly LayerChange[];
  /** Layers that stand elsewhere and read another version of a blob for it. */
  readonly moved: readonly LayerName[];
  /** Numbers in all parameters. */
  readonly parameters: readonly [before: number, after: number];
  /** Multiply-adds of one forward. */
  readonly macs: readonly [before: number, after: number];
}

interface Pair {
  readonly a: LayerParameter;
  readonly b: LayerParameter;
}

/** What is different between two networks. */
export function diffNets(a: DiffSide, b: DiffSide): NetDiff {
  const { pairs, added, removed } = matchLayers(a.message.layer, b.message.layer);
  const renamed = pairs.filter(p => p.a.name !== p.b.name);
  const blobs = renamedBlobs(pairs);
  const shapesOf = shapeChanges(a.description, b.description);
  const changed = pairs.flatMap(({ a: before, b: after }) => {
    const fields = layerFields(before, after, blobs);
    const shapes = shapesOf(before, after);
    return fields.length + shapes.length > 0 ? [{ name: after.name, type: after.type, fields, shapes }] : [];
  });
  const net = fieldChanges(a.message, b.message, new Set(['layer', 'layers']));
  const moved = movedLayers(a.message.layer, b.message.layer, pairs, blobs);
  const diff = {
    net,
    added: added.map(named),
    removed: removed.map(named),
    renamed: renamed.map(p => ({ before: p.a.name, after: p.b.name, type: p.b.type })),
    renamedBlobs: [...blobs].map(([before, after]) => ({ before, after })),
    changed,
    moved,
  };
  const equal = Object.values(diff).every(list => list.length === 0);
  const { description: da } = a;
  const { description: db } = b;
  return { equal, ...diff, parameters: [da.paramCount, db.paramCount], macs: [da.macs, db.macs] };
}

/** Two messages of one type (solvers) field by field. */
export function diffMessages(a: object, b: object): FieldChange[] {
  return fieldChanges(a, b, new Set());
}

const named = ({ name, type }: LayerParameter): LayerName => ({ name, type });

// -------------------------------------------------------------------- which layer is which

/** By name and rules, then by name, then, for what is left, by what it does. */
function matchLayers(a: readonly LayerParameter[], b: readonly LayerParameter[]) {
  const pairs: Pair[] = [];
  const restA = new Set(a);
  const restB = new Set(b);
  const match = (key: (layer: LayerParameter) => string) => {
    const waiting = new Map<string, LayerParameter[]>();
    for (const layer of restB) waiting.set(key(layer), [...(waiting.get(key(layer)) ?? []), layer]);
    for (const layer of [...restA]) {
      const found = waiting.get(key(layer))?.shift();
      if (!found) continue;
      pairs.push({ a: layer, b: found });
      restA.delete(layer);
      restB.delete(found);
    }
  };
  match(layer => [layer.name, layer.type, ...rulesOf(layer)].join('\n'));
  match(layer => [layer.name, layer.type].join('\n'));
  match(layer => layer.name);
  match(layer => [layer.type, ...content(layer)].join('\n'));
  const order = new Map(b.map((layer, i) => [layer, i]));
  pairs.sort((p, q) => need(order, p.b) - need(order, q.b));
  return { pairs, added: [...restB], removed: [...restA] };
}

const rulesOf = (layer: LayerParameter): string[] => [...layer.include, ...layer.exclude].map(rule => printText(rule));

/** All of a layer but the names in it. */
function content(layer: LayerParameter): string[] {
  return flatten(layer, new Set(['name', 'bottom', 'top'])).map(([path, value]) => `${path}=${value}`);
}

/** Blobs that go by another name in the second net: tops of matched layers, where one name goes for one name throughout. */
function renamedBlobs(pairs: readonly Pair[]): Map<string, string> {
  const there = new Map<string, Set<string>>();
  const back = new Map<string, Set<string>>();
  const put = (map: Map<string, Set<string>>, from: string, to: string) =>
    map.set(from, (map.get(from) ?? new Set()).add(to));
  for (const { a, b } of pairs) {
    if (a.top.length !== b.top.length) continue;
    a.top.forEach((top, i) => {
      put(there, top, nth(b.top, i));
      put(back, nth(b.top, i), top);
    });
  }
  const single = [...there].flatMap(([from, names]) => (names.size === 1 ? [[from, nth([...names], 0)] as const] : []));
  return new Map(single.filter(([from, to]) => from !== to && need(back, to).size === 1));
}

// -------------------------------------------------------------------- fields

function layerFields(a: LayerParameter, b: LayerParameter, blobs: ReadonlyMap<string, string>): FieldChange[] {
  const rename = (names: readonly string[]) => names.map(name => blobs.get(name) ?? name);
  const renamed = Object.assign(Object.create(a) as LayerParameter, { bottom: rename(a.bottom), top: rename(a.top) });
  const wires = (['bottom', 'top'] as const).flatMap(field => {
    const [before, after] = [renamed[field].join(', '), b[field].join(', ')];
    return before === after ? [] : [{ path: field, before, after }];
  });
  return [...wires, ...fieldChanges(a, b, new Set(['name', 'bottom', 'top', 'phase', 'blobs']))];
}

function fieldChanges(a: object, b: object, skipped: ReadonlySet<string>): FieldChange[] {
  const before = new Map(flatten(a, skipped));
  const after = new Map(flatten(b, skipped));
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  return paths.flatMap(path => {
    const [x, y] = [before.get(path) ?? defaultAt(a, path), after.get(path) ?? defaultAt(b, path)];
    return x === y ? [] : [{ path, before: x, after: y }];
  });
}

/** Every scalar that is given, by its path; entries of repeated blocks by their number. */
function flatten(message: object, skipped: ReadonlySet<string>, prefix = ''): (readonly [string, string])[] {
  const type = (message as { $type: protobuf.Type }).$type;
  return type.fieldsArray.flatMap(field => {
    if (skipped.has(field.name) || !isSet(message, field.name as never)) return [];
    const value = (message as Record<string, unknown>)[field.name];
    const path = prefix + field.name;
    if (!(field.resolve().resolvedType instanceof protobuf.Type)) {
      const values = (field.repeated ? value : [value]) as unknown[];
      return [[path, values.map(v => formatValue(field, v)).join(', ')] as const];
    }
    if (!field.repeated) return flatten(value as object, new Set(), `${path}.`);
    return (value as object[]).flatMap((item, i) => {
      const inner = flatten(item, new Set(), `${path}[${i}].`);
      // An empty block counts where its being there means something: include { }.
      return inner.length > 0 ? inner : [[`${path}[${i}]`, '{}'] as const];
    });
  });
}

/** What a field is that nobody wrote; undefined for entries that are not there and fields that the schema lacks. */
function defaultAt(message: object, path: string): string | undefined {
  let type: protobuf.Type | undefined = messageType(typeOf(message));
  const fieldOf = (step: string) => own(type?.fields, step.replace(/\[\d+\]$/, ''))?.resolve();
  const steps = path.split('.');
  for (const step of steps.slice(0, -1)) {
    // Two `param`s that say nothing are as good as none, but a rule that says nothing is not.
    if (step.startsWith('include') || step.startsWith('exclude')) return undefined;
    const inner = fieldOf(step)?.resolvedType;
    type = inner instanceof protobuf.Type ? inner : undefined;
  }
  const field = fieldOf(steps.at(-1)!);
  if (!field || field.repeated || field.resolvedType instanceof protobuf.Type) return undefined;
  if (field.options?.['default'] === undefined) return undefined;
  return formatValue(field, (type!.ctor.prototype as Record<string, unknown>)[field.name]);
}

// -------------------------------------------------------------------- shapes and order

function shapeChanges(a: Description, b: Description) {
  const byName = (d: Description) => new Map(d.layers.filter(l => !l.inserted).map(l => [`${l.name}\n${l.type}`, l]));
  const [before, after] = [byName(a), byName(b)];
  const used = new Set<DescribedLayer>();
  return (x: LayerParameter, y: LayerParameter): ShapeChange[] => {
    const from = before.get(`${x.name}\n${x.type}`);
    const to = after.get(`${y.name}\n${y.type}`);
    if (!from || !to || used.has(to)) return [];
    used.add(to);
    const tops = compared(from.topShapes, to.topShapes, i => `top ${to.tops[i] ?? from.tops[i]}`);
    const params = compared(
      from.params.map(p => p.shape),
      to.params.map(p => p.shape),
      i => `parameter ${i}`,
    );
    return [...tops, ...params];
  };
}

function compared(a: readonly Shape[], b: readonly Shape[], of: (i: number) => string): ShapeChange[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).flatMap(i =>
    a[i]?.join() === b[i]?.join() ? [] : [{ of: of(i), before: a[i], after: b[i] }],
  );
}

/** Layers whose bottoms come from other layers than before, though they name the same blobs. */
function movedLayers(
  a: readonly LayerParameter[],
  b: readonly LayerParameter[],
  pairs: readonly Pair[],
  blobs: ReadonlyMap<string, string>,
): LayerName[] {
  const partner = new Map(pairs.map(p => [p.a, p.b]));
  const matchedIn = new Set(pairs.map(p => p.b));
  const [before, after] = [makers(a), makers(b)];
  return pairs.flatMap(({ a: x, b: y }) => {
    if (x.bottom.map(name => blobs.get(name) ?? name).join() !== y.bottom.join()) return [];
    const same = x.bottom.every((_, i) => {
      const [from, to] = [nth(need(before, x), i), nth(need(after, y), i)];
      const matched = from.map(layer => partner.get(layer)).filter(l => l !== undefined);
      const kept = to.filter(layer => matchedIn.has(layer));
      return matched.length === kept.length && matched.every(l => kept.includes(l));
    });
    return same ? [] : [named(y)];
  });
}

/** For each bottom of each layer all layers before it that make or change the blob. */
function makers(layers: readonly LayerParameter[]): Map<LayerParameter, LayerParameter[][]> {
  const made = new Map<string, LayerParameter[]>();
  const result = new Map<LayerParameter, LayerParameter[][]>();
  for (const layer of layers) {
    result.set(
      layer,
      layer.bottom.map(name => made.get(name) ?? []),
    );
    for (const top of layer.top) made.set(top, [...(made.get(top) ?? []), layer]);
  }
  return result;
}
