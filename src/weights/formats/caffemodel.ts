/** `.caffemodel`: a NetParameter with the parameters inside its layers, in any of Caffe's three generations. */

import { bytesToText, textToBytes } from '../../../grammar/index.js';
import { type Diagnostic, fail } from '../../diagnostics/index.js';
import {
  clone,
  createBeside,
  type DecodeOptions,
  encode,
  isSet,
  type LayerParameter,
  messageType,
  type NetParameter,
  Phase,
  type Schema,
} from '../../schema/index.js';
import { refuseOthers } from '../recognise.js';
import { type ByteSource, type Bytes, damaged, toSource } from '../source.js';
import { blobParts, type StoredBlob, scanBlob, takeBlob, type WeightBlob } from './blob.js';
import { decodeNet } from './decode_net.js';
import { BYTES, bytesField, concatBytes, type Field, type StripRule, stripFields, WireReader } from './wire.js';

/** Of Caffe's format: `V0` until 2013, `V1` until 2015, `V2` since. */
export type Generation = 'V0' | 'V1' | 'V2';

interface Model<Blob> {
  /** The network in the file, in today's form, without its blobs. */
  readonly net: NetParameter;
  /** Every layer of the file by name, in file order, layers without parameters too. */
  readonly layers: Map<string, Blob[]>;
  readonly generation: Generation;
  /** Notes of the upgrade, warnings about the file. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A file with its numbers in memory. */
export type Caffemodel = Model<WeightBlob>;

/** A file that was checked from end to end, its numbers still in it. */
export type ScannedCaffemodel = Model<StoredBlob>;

// Field numbers: NetParameter.layers (V1, with V0 inside) and .layer (V2); names and blobs of the three layer messages.
const NET_NAME = 1;
const NET_V1 = 2;
const NET_V2 = 100;
const V1_V0 = 1;
const NAME = { V0: 1, V1: 4, V2: 1 } as const;
const MESSAGES = { V0: 'caffe.V0LayerParameter', V1: 'caffe.V1LayerParameter', V2: 'caffe.LayerParameter' } as const;
const BLOBS = { V0: 50, V1: 6, V2: 7 } as const;

const V0_RULE: StripRule = { drop: BLOBS.V0, into: new Map() };
const V1_RULE: StripRule = { drop: BLOBS.V1, into: new Map([[V1_V0, V0_RULE]]) };
const V2_RULE: StripRule = { drop: BLOBS.V2, into: new Map() };
const NET_RULE: StripRule = {
  drop: 0,
  into: new Map([
    [NET_V1, V1_RULE],
    [NET_V2, V2_RULE],
  ]),
};

interface StoredLayer {
  name: string;
  generation: Generation;
  readonly blobs: { readonly start: number; readonly end: number }[];
}

/**
 * Reads a `.caffemodel` from memory or in ranges. Numbers become one Float32Array a blob; `double_data`, NVCaffe's raw
 * data and unpacked lists are converted. For files by path see `loadCaffemodel` in src/weights/node/files.ts.
 * @throws MokapotError `weights-damaged`, `weights-count`, `weights-format`: all of the file is read, or nothing.
 */
export function readCaffemodel(bytes: Bytes, name?: string, options?: DecodeOptions): Caffemodel {
  const model = scanCaffemodel(bytes, name, options);
  const layers = new Map([...model.layers].map(([layer, blobs]) => [layer, blobs.map(takeBlob)]));
  return { ...model, layers };
}

/** The same up to the numbers, which each blob's `read` fetches: into a net's own arrays without a detour. */
export function scanCaffemodel(bytes: Bytes, name?: string, { schema }: DecodeOptions = {}): ScannedCaffemodel {
  const source = toSource(bytes, name);
  refuseOthers(source, 'caffemodel');
  const reader = new WireReader(source);
  const unknown = new UnknownFields(schema);
  const stored = findLayers(reader, unknown);
  const generation = generationOf(source, stored);
  const { net, diagnostics } = decodeNet(source, stripFields(reader, 0, source.size, NET_RULE), schema);
  const layers = new Map<string, StoredBlob[]>();
  const warnings = unknown.diagnostics(source);
  for (const layer of stored) {
    const blobs = layer.blobs.map((b, i) =>
      scanBlob(reader, b.start, b.end, `blob ${i} of layer "${layer.name}"`, layer.name),
    );
    if (layers.has(layer.name)) warnings.push(doubledLayer(source, layer.name));
    layers.set(layer.name, blobs);
  }
  return { net, layers, generation, diagnostics: [...diagnostics, ...warnings] };
}

/** Fields that Caffe's schema lacks: of a fork of Caffe, or the trace of damage. One warning tells of all. */
class UnknownFields {
  private count = 0;
  private first = '';

  constructor(private readonly schema: Schema | undefined) {}

  note(message: string, field: Field): void {
    if (messageType(message, this.schema).fieldsById[field.number] || this.count++) return;
    this.first = `field ${field.number} of ${message}, ${field.end - field.start} bytes at byte ${field.at}`;
  }

  diagnostics(source: ByteSource): Diagnostic[] {
    if (!this.count) return [];
    return [
      {
        code: 'weights-unknown-field',
        severity: 'warning',
        message: `${source.name} has ${this.count} fields that Caffe's schema lacks; they were skipped (the first is ${this.first}).`,
        hint: 'A fork of Caffe may have written it. If none did, the file is damaged.',
      },
    ];
  }
}

function doubledLayer(source: ByteSource, layer: string): Diagnostic {
  return {
    code: 'weights-doubled-layer',
    severity: 'warning',
    message: `${source.name} holds the layer "${layer}" twice; the later one counts, as in Caffe.`,
    layer,
  };
}

function findLayers(reader: WireReader, unknown: UnknownFields): StoredLayer[] {
  const found: StoredLayer[] = [];
  for (const field of reader.fields(0, reader.source.size)) {
    unknown.note('caffe.NetParameter', field);
    if (field.number === NET_NAME) mustBeBytes(reader.source, field, "the network's name");
    if (field.number !== NET_V1 && field.number !== NET_V2) continue;
    mustBeBytes(reader.source, field, 'a layer');
    const layer: StoredLayer = { name: '', generation: field.number === NET_V2 ? 'V2' : 'V1', blobs: [] };
    readLayer(reader, field, layer, layer.generation, unknown);
    found.push(layer);
  }
  return found;
}

function readLayer(
  reader: WireReader,
  range: Field,
  layer: StoredLayer,
  generation: Generation,
  unknown: UnknownFields,
): void {
  for (const field of reader.fields(range.start, range.end)) {
    unknown.note(MESSAGES[generation], field);
    if (generation === 'V1' && field.number === V1_V0) {
      mustBeBytes(reader.source, field, 'a V0 layer');
      layer.generation = 'V0';
      readLayer(reader, field, layer, 'V0', unknown);
    } else if (field.number === BLOBS[generation]) {
      mustBeBytes(reader.source, field, 'a blob');
      layer.blobs.push({ start: field.start, end: field.end });
    } else if (field.number === NAME[generation]) {
      mustBeBytes(reader.source, field, "a layer's name");
      layer.name = bytesToText(reader.source.peek(field.start, field.end - field.start));
    }
  }
}

function mustBeBytes(source: ByteSource, field: Field, what: string): void {
  if (field.wire !== BYTES) throw damaged(source, field.at, `${what} has wire type ${field.wire} instead of ${BYTES}`);
}

function generationOf(source: ByteSource, stored: readonly StoredLayer[]): Generation {
  const found = new Set(stored.map(l => l.generation));
  if (found.size === 0) {
    throw fail('weights-format', `${source.name} holds no layers.`, {
      hint: 'A .caffemodel is a binary NetParameter whose layers carry blobs.',
    });
  }
  if (found.size > 1) {
    throw fail('weights-format', `${source.name} mixes layers of the generations ${[...found].sort().join(' and ')}.`, {
      hint: 'Caffe itself would drop a part of them; nothing was loaded.',
    });
  }
  return stored[0]!.generation;
}

/** What is written: `net.layer` as they stand in Caffe's own net (phase rules applied, splits inserted). */
export interface SavedNet {
  /** The network's name. */
  readonly name: string;
  /** Its layers, in order, splits of the compiler included. */
  readonly layer: readonly LayerParameter[];
}

/** How a `.caffemodel` is written. */
export interface SaveOptions {
  /** Written into layers that name no phase, as Caffe's Net::Init does. Default: the TRAIN of a solver's net. */
  readonly phase?: 'TRAIN' | 'TEST';
}

type Params = ReadonlyMap<string, readonly WeightBlob[]>;

/**
 * A `.caffemodel` of today's generation, byte for byte as Caffe's Net::ToProto lays it out: name, then each layer with
 * its own fields in order of their numbers and its blobs (packed data, then shape) among them.
 * @param params by layer name; a layer that shares parameters lists them too.
 * @throws MokapotError `weights-count` (data against shape), `weights-unknown-layer` (a name that the net lacks).
 */
export function writeCaffemodel(net: SavedNet, params: Params, options: SaveOptions = {}): Uint8Array {
  return concatBytes([...caffemodelParts(net, params, options)]);
}

/** The same as parts, a layer at a time; the numbers are views of the parameters, not copies. */
export function* caffemodelParts(net: SavedNet, params: Params, options: SaveOptions = {}): Generator<Uint8Array> {
  const names = new Set(net.layer.map(l => l.name));
  for (const name of params.keys()) {
    if (!names.has(name)) throw fail('weights-unknown-layer', `The network has no layer "${name}" to save blobs in.`);
  }
  if (net.name) yield* bytesField(NET_NAME, [textToBytes(net.name)]);
  for (const layer of net.layer) {
    const blobs = params.get(layer.name) ?? [];
    yield* bytesField(NET_V2, layerParts(asSaved(layer, blobs.length, options.phase ?? 'TRAIN'), blobs));
  }
}

function layerParts(layer: LayerParameter, blobs: readonly WeightBlob[]): Uint8Array[] {
  const head = encode(layer);
  const cut = firstFieldBehind(head, BLOBS.V2);
  const middle = blobs.flatMap((blob, i) =>
    bytesField(BLOBS.V2, blobParts(blob, `Blob ${i} of layer "${layer.name}"`)),
  );
  return [head.subarray(0, cut), ...middle, head.subarray(cut)];
}

function firstFieldBehind(message: Uint8Array, number: number): number {
  for (const field of new WireReader(toSource(message)).fields(0, message.length)) {
    if (field.number > number) return field.at;
  }
  return message.length;
}

/** Caffe's classes derived from LossLayer (layers/*_loss_layer.hpp). */
const LOSS_TYPES = new Set([
  'ContrastiveLoss',
  'EuclideanLoss',
  'HingeLoss',
  'InfogainLoss',
  'MultinomialLogisticLoss',
  'SigmoidCrossEntropyLoss',
  'SoftmaxWithLoss',
]);

/**
 * The layer's parameters with what Caffe's set-up adds before it saves them: the net's phase (Net::Init), a loss layer's
 * weight 1 (LossLayer::LayerSetUp), BatchNorm's learning rates of 0 (BatchNormLayer::LayerSetUp).
 */
function asSaved(layer: LayerParameter, blobCount: number, phase: 'TRAIN' | 'TEST'): LayerParameter {
  const saved = clone(layer);
  saved.blobs = [];
  if (!isSet(saved, 'phase')) saved.phase = Phase[phase];
  if (LOSS_TYPES.has(saved.type) && !isSet(saved, 'loss_weight')) saved.loss_weight = [1];
  if (saved.type === 'BatchNorm') {
    const given = Object.hasOwn(saved, 'param') ? saved.param : [];
    const frozen = Array.from({ length: Math.max(0, blobCount - given.length) }, () =>
      createBeside(saved, 'caffe.ParamSpec', { lr_mult: 0 }),
    );
    saved.param = [...given, ...frozen];
  }
  return saved;
}
