/**
 * What a layer is and does, in words and numbers: the texts behind `mokapot explain`, the editor's hover and docs/layers.md.
 * A type alone has its rule and its parameters with their defaults; a layer of a net also its values, shapes and neighbours.
 */

import protobuf from 'protobufjs';
import { nth, own } from '../diagnostics/index.js';
import { defaultCatalogue, type LayerCatalogue, type LayerType } from '../layers/index.js';
import { formatValue, isSet, type LayerParameter, messageType, type Schema, typeOf } from '../schema/index.js';
import type { DescribedLayer, Description } from './describe.js';
import { forkOf } from './known_types.js';
import { blocksOf, whyUnused } from './param_fields.js';

/** One field of a layer's parameters. */
export interface ExplainedField {
  /** `convolution_param.num_output` */
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
  /** `uint32`, `repeated float`, or the names of an enum: `MAX, AVE, STOCHASTIC`. */
  readonly type: string;
  /** As text; empty where there is none. */
  readonly default: string;
  /** What it means. */
  readonly doc: string;
  /** Why it changes nothing; empty where it does. */
  readonly whyUnused: string;
  /** As the layer's text gives it; undefined where it does not, or where a type is explained. */
  readonly value: string | undefined;
}

/** A layer type in words. */
export interface ExplainedType {
  /** Caffe's name. */
  readonly type: string;
  /** What it computes, in a sentence. */
  readonly doc: string;
  /** The same as a formula; empty where there is none. */
  readonly formula: string;
  /** How many, in words. */
  readonly bottoms: string;
  /** How many, in words. */
  readonly tops: string;
  /** The shape of its tops, in a sentence. */
  readonly shapeRule: string;
  /** Where it departs from the Caffe it comes from; empty where nowhere. */
  readonly differences: string;
  /** Whether its first top counts as a loss. */
  readonly isLoss: boolean;
  /** By the block that they stand in. */
  readonly blocks: readonly { readonly name: string; readonly fields: readonly ExplainedField[] }[];
}

/** A blob at a layer, and who else has to do with it. */
export interface ExplainedBlob {
  /** As in the text. */
  readonly name: string;
  /** At this layer. */
  readonly shape: readonly number[];
  /** Of a bottom the layer that makes it; of a top the layers that read it. */
  readonly layers: readonly string[];
}

/** A layer of a net in words and numbers. */
export interface ExplainedLayer {
  /** As in the text. */
  readonly name: string;
  /** Its type, with the values that its text gives. */
  readonly type: ExplainedType;
  /** Its shapes and costs. */
  readonly described: DescribedLayer;
  /** What it reads. */
  readonly bottoms: readonly ExplainedBlob[];
  /** What it makes. */
  readonly tops: readonly ExplainedBlob[];
}

/**
 * The layer type of this name; undefined where the catalogue has none.
 *
 * @param options the schema that has its parameters (default: Caffe's), the catalogue (default: `defaultCatalogue()`)
 */
export function explainType(
  type: string,
  { schema, catalogue = defaultCatalogue() }: { readonly schema?: Schema; readonly catalogue?: LayerCatalogue } = {},
): ExplainedType | undefined {
  const found = catalogue.get(type);
  return found && explained(found, undefined, schema);
}

/** The fork of Caffe that has a type which Mokapot lacks, in words. */
export const whereKnown = forkOf;

/**
 * A layer of a net as `describe` found it.
 *
 * @param param the layer's message
 */
export function explainLayer(net: Description, described: DescribedLayer, param: LayerParameter): ExplainedLayer {
  const at = net.layers.indexOf(described);
  const own = net.layers.filter(l => !l.isSplit);
  const maker = (blob: string) => own.filter(l => net.layers.indexOf(l) < at && l.tops.includes(blob)).at(-1)?.name;
  const readers = (blob: string) =>
    own.filter(l => net.layers.indexOf(l) > at && l.bottoms.includes(blob)).map(l => l.name);
  const sources = splitSources(net);
  const readBy = (blob: string) => [
    ...readers(blob),
    ...[...sources].filter(([, from]) => from === blob).flatMap(([copy]) => readers(copy)),
  ];
  return {
    name: described.name,
    type: explained(net.catalogue.get(described.type)!, param),
    described,
    bottoms: described.bottoms.map((bottom, i) => {
      const name = sources.get(bottom) ?? bottom;
      return { name, shape: nth(described.bottomShapes, i), layers: [maker(name) ?? ''].filter(n => n !== '') };
    }),
    tops: described.tops.map((name, i) => ({
      name,
      shape: nth(described.topShapes, i),
      layers: [...new Set(readBy(name))],
    })),
  };
}

/** Copies that the compiler's splits make, and the blobs of the text that they are of. */
function splitSources(net: Description): Map<string, string> {
  const splits = net.layers.filter(l => l.isSplit);
  return new Map(splits.flatMap(l => l.tops.map(top => [top, nth(l.bottoms, 0)] as const)));
}

function explained(type: LayerType, param: LayerParameter | undefined, schema?: Schema): ExplainedType {
  const message = param ? typeOf(param) : messageType('caffe.LayerParameter', schema);
  return {
    type: type.type,
    doc: type.doc,
    formula: type.formula ?? '',
    bottoms: arity(type.bottoms),
    tops: arity(type.tops),
    shapeRule: type.shapeRule ?? '',
    differences: type.differences ?? '',
    isLoss: type.isLoss === true,
    blocks: blocksOf(type, message).flatMap(name => {
      const field = own(message.fields, name);
      return field ? [{ name, fields: fieldsOf(type, field, param) }] : [];
    }),
  };
}

/** `2`, `1 to 3`, `1 or more` */
function arity({ min, max }: LayerType['bottoms']): string {
  if (max === Infinity) return `${min} or more`;
  return min === max ? String(min) : `${min} to ${max}`;
}

function fieldsOf(type: LayerType, field: protobuf.Field, param: LayerParameter | undefined): ExplainedField[] {
  const found = field.resolve();
  const block = field.name;
  const given = param && ((param as unknown as Record<string, unknown>)[block] as object | null);
  if (!(found.resolvedType instanceof protobuf.Type))
    return [{ ...describeField(found), path: block, whyUnused: '', value: param && givenValue(param, found) }];
  return messageType(found.resolvedType).fieldsArray.map(field => ({
    ...describeField(field),
    path: `${block}.${field.name}`,
    whyUnused: whyUnused(type, block, field.name) ?? '',
    value: given ? givenValue(given, field) : undefined,
  }));
}

/** What the schema knows of a field. */
export function describeField(field: protobuf.Field): Pick<ExplainedField, 'name' | 'type' | 'default' | 'doc'> {
  const { resolvedType } = field.resolve();
  const kind =
    resolvedType instanceof protobuf.Enum
      ? Object.keys(resolvedType.values).join(', ')
      : (resolvedType?.name ?? field.type);
  return {
    name: field.name,
    type: `${field.repeated ? 'repeated ' : ''}${kind}`,
    default: defaultOf(field),
    doc: (field.comment ?? '').replace(/\s+/g, ' ').trim(),
  };
}

function defaultOf(field: protobuf.Field): string {
  if (field.repeated || field.options?.['default'] === undefined) return '';
  const type = messageType(field.parent as protobuf.Type);
  return formatValue(field, (type.ctor.prototype as Record<string, unknown>)[field.name]);
}

function givenValue(message: object, field: protobuf.Field): string | undefined {
  if (!isSet(message, field.name as never)) return undefined;
  const value = (message as Record<string, unknown>)[field.name];
  const one = (v: unknown): string =>
    field.resolvedType instanceof protobuf.Type ? `{ ${blockText(v as object)} }` : formatValue(field, v);
  return Array.isArray(value) ? value.map(one).join(', ') : one(value);
}

/** The fields that are set, on one line. */
function blockText(message: object): string {
  const type = (message as { $type: protobuf.Type }).$type;
  return type.fieldsArray
    .flatMap(field => {
      const value = givenValue(message, field.resolve());
      if (value === undefined) return [];
      return field.resolvedType instanceof protobuf.Type ? `${field.name} ${value}` : `${field.name}: ${value}`;
    })
    .join(' ');
}
