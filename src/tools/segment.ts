/** What a segmentation network says of a picture: a class a pixel, over the whole picture. */

import { dirname } from 'node:path';
import { applyTransform, readTransform, type Transform } from '../data/batches/transform.js';
import { type Diagnostic, error, fail, MokapotError, nearest } from '../diagnostics/index.js';
import type { Feed } from '../feeds/feeds.js';
import { type Shape, showShape } from '../ir/index.js';
import type { LayerCatalogue } from '../layers/index.js';
import { type BlobVersion, coordMapFromTo, isInputLayer, layersInState, type NetGraph } from '../net/index.js';
import { type ReceptiveField, receptiveField } from '../net/receptive_field.js';
import type { Blob } from '../runtime/blob.js';
import { allFinite } from '../runtime/finite.js';
import { Net, type NetLoadOptions } from '../runtime/node/net.js';
import type { UserCodeOptions } from '../runtime/node/python_modules.js';
import { readPrototxt, type SchemaOptions } from '../runtime/node/schemas.js';
import { isSet, type LayerParameter, type NetParameter, Phase, parseNet, sub } from '../schema/index.js';
import { laid, laidBack, symmetriesOf, type TestTimeAugmentation } from './symmetries.js';
import { planTiles, smallestTile, type TileSpan } from './tiles.js';

/** channels × height × width */
export interface InputPicture {
  /** What messages call it. */
  readonly name: string;
  /** Row-major, in the network's order of channels. */
  readonly data: Float32Array;
  /** Its size. */
  readonly shape: readonly [channels: number, height: number, width: number];
}

/** A class a pixel, row by row. */
export interface ClassMask {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Class numbers. */
  readonly data: Uint8Array;
  /** How many classes the network knows. */
  readonly classes: number;
}

/** How sure the network is of each class at each pixel. */
export interface ClassScores {
  /** How many classes. */
  readonly classes: number;
  /** In pixels, as the picture. */
  readonly height: number;
  /** In pixels, as the picture. */
  readonly width: number;
  /** classes × height × width: the greatest of a pixel is its class. With test-time augmentation they are probabilities. */
  readonly data: Float32Array;
}

/** How the network is loaded and fed. */
export interface SegmenterOptions
  extends Pick<
    NetLoadOptions,
    'weights' | 'backend' | 'engine' | 'seed' | keyof UserCodeOptions | keyof SchemaOptions
  > {
  /** The blob that is read: of scores, 1×classes×H×W, or of features. Default: the last output of the form of scores. */
  readonly output?: string;
  /** The network's text, where it is not the file's; the path then only says what to call it and where its paths start. */
  readonly netText?: string;
  /** Probabilities are averaged over pictures that are laid in several ways. Default: `none`. */
  readonly tta?: TestTimeAugmentation;
  /** Pictures larger than this are computed in overlapping tiles. Default: where the engine's memory does not suffice. */
  readonly tile?: readonly [height: number, width: number];
  /** The part of this size in the middle is fed, or the whole. Default: as the TEST data layer's augment_param says. */
  readonly crop?: readonly [height: number, width: number] | 'whole';
}

/** A network in stage "deploy", fed with pictures one by one, whatever their sizes. */
export class Segmenter {
  /** What should be known of how pictures were computed (`tiles-inexact`, `tiles-memory`), each once. */
  readonly notes: Diagnostic[] = [];
  private readonly forms = new Map<string, Form>();
  /** The tiles that fitted the memory. */
  private fitting: readonly [number, number] | undefined;

  private constructor(
    /** The network itself. */
    readonly net: Net,
    private readonly transform: Transform,
    /** The middle of this size is fed, as asked for or as the network says; undefined: whole pictures. */
    readonly crop: Crop,
    private readonly options: SegmenterOptions,
  ) {}

  /**
   * Loads a network for pictures like `first`. Where its deploy stage has an Input layer, pictures are fed as they are;
   * else they pass the TEST Data layer's `transform_param`. Of either only the middle, where the TEST data layer's
   * `augment_param` has a `crop_size`.
   * @throws MokapotError as Net.fromText; `picture-channels` where the network takes another number of channels
   */
  static async load(path: string, first: InputPicture, options: SegmenterOptions = {}): Promise<Segmenter> {
    const { text, schema } = await readPrototxt(path, options, options.netText);
    const dir = dirname(path);
    const { message } = parseNet(text, { schema });
    const transform = await transformOf(message, dir, options.catalogue);
    const crop =
      options.crop === undefined
        ? cropOf(message, options.catalogue)
        : options.crop === 'whole'
          ? undefined
          : options.crop;
    const { shape } = transformed(first, transform, crop);
    const { output: _, netText: __, tta: ___, tile: ____, crop: _____, ...load } = options;
    const net = await Net.fromText(text, {
      ...load,
      schema,
      name: path,
      dir,
      phase: 'TEST',
      stages: ['deploy'],
      inputShapes: { data: [1, ...shape] },
      entryShapes: { data: shape, label: [1, shape[1], shape[2]] },
    });
    return new Segmenter(net, transform, crop, options);
  }

  /**
   * The most likely class of each pixel of the whole picture: 0 where the network was not fed, or computes nothing.
   * @throws MokapotError `no-data-input`, `no-scores`, `scores-size`, `non-finite`, `out-of-memory`, `tile-small`,
   *   `tile-network`, `tta-square`
   */
  async segment(picture: InputPicture): Promise<ClassMask> {
    return argmax(await this.scores(picture));
  }

  /** Whether the blob that is read holds scores of pixels, from which `segment` makes a mask. @throws MokapotError as it */
  segments(picture: InputPicture): boolean {
    return this.formFor(transformed(picture, this.transform, this.crop).shape).place !== undefined;
  }

  /** A score for each class and pixel of the whole picture. @throws MokapotError as `segment` */
  async scores(picture: InputPicture): Promise<ClassScores> {
    const input = transformed(picture, this.transform, this.crop);
    const { tta = 'none' } = this.options;
    const [, height, width] = input.shape;
    if (tta === 'flips+rot90' && height !== width) {
      throw fail('tta-square', `${picture.name} is fed as ${height}×${width}: quarter turns need a square.`, {
        hint: 'Take `flips`, or feed a square part of the middle (--crop).',
      });
    }
    const symmetries = symmetriesOf(tta);
    if (symmetries.length === 1) return placedInto(picture, await this.ofInput(input));
    let sum: ClassScores | undefined;
    for (const symmetry of symmetries) {
      const turned = await this.ofInput({ name: input.name, ...laid(input, symmetry) });
      const shape = [turned.classes, turned.height, turned.width] as const;
      const back = laidBack({ data: turned.isProbable ? turned.data : softmax(turned), shape }, symmetry);
      if (!sum) sum = { classes: turned.classes, height, width, data: back.data };
      else for (let i = 0; i < back.data.length; i++) sum.data[i]! += back.data[i]!;
    }
    for (let i = 0; i < sum!.data.length; i++) sum!.data[i]! /= symmetries.length;
    return placedInto(picture, sum!);
  }

  /**
   * The numbers of the blob `output`, of any shape; without one, those of the scores, as the network has them.
   * @throws MokapotError `no-data-input`, `no-scores`, `non-finite`, `out-of-memory`
   */
  async read(picture: InputPicture): Promise<Blob> {
    const input = transformed(picture, this.transform, this.crop);
    const { name } = this.formFor(input.shape);
    return this.run(name, input);
  }

  /** Frees the network. */
  dispose(): void {
    this.net.dispose();
  }

  /** Scores of all that is fed, whole or in tiles. */
  private async ofInput(input: InputPicture): Promise<InputScores> {
    const form = this.formFor(input.shape);
    if (!form.place) throw notScores(form, this.options.output);
    const tile = this.options.tile ?? this.fitting;
    if (tile && (input.shape[1] > tile[0] || input.shape[2] > tile[1])) return this.inTiles(input, form, tile);
    try {
      return filled(form, input, (await this.run(form.name, input)).data);
    } catch (thrown) {
      if (!isOutOfMemory(thrown)) throw thrown;
      return this.inFittingTiles(input, form, thrown);
    }
  }

  /** Halves tiles until they fit. @throws what was thrown for the whole where no tile fits */
  private async inFittingTiles(input: InputPicture, form: Form, thrown: unknown): Promise<InputScores> {
    const field = fieldOf(form);
    if ('at' in field) throw thrown;
    const least = field.axes.map(smallestTile);
    const [, height, width] = input.shape;
    for (let tile: [number, number] = [height, width]; ; ) {
      tile = tile[0] >= tile[1] ? [Math.ceil(tile[0] / 2), tile[1]] : [tile[0], Math.ceil(tile[1] / 2)];
      if (tile[0] < Math.min(height, least[0]!) || tile[1] < Math.min(width, least[1]!)) throw thrown;
      try {
        const scores = await this.inTiles(input, form, tile);
        this.fitting = tile;
        const message = `The whole of ${input.name} (${height}×${width}) does not fit the memory: it is computed in tiles of ${tile.join('×')}.`;
        this.note(error('tiles-memory', message, { severity: 'note', hint: 'Another size is given by --tile H,W.' }));
        return scores;
      } catch (again) {
        if (!isOutOfMemory(again)) throw again;
      }
    }
  }

  private async inTiles(input: InputPicture, form: Form, tile: readonly [number, number]): Promise<InputScores> {
    const field = fieldOf(form);
    if ('at' in field) throw noTiles(field.at);
    this.tellInexact(field);
    const [channels, height, width] = input.shape;
    const [rows, columns] = [height, width].map((length, i) =>
      planTiles({ length, scores: form.shape[2 + i]!, tile: tile[i]!, field: field.axes[i]! }),
    ) as [TileSpan[], TileSpan[]];
    const [, classes, scoreHeight, scoreWidth] = form.shape as [number, number, number, number];
    const all = new Float32Array(classes * scoreHeight * scoreWidth);
    for (const y of rows) {
      for (const x of columns) {
        const shape = [channels, y.length, x.length] as const;
        const part = { name: input.name, shape, data: cutOut(input, y, x) };
        const { data, shape: made } = await this.run(form.name, part);
        const [, , madeHeight, madeWidth] = made as [number, number, number, number];
        for (let c = 0; c < classes; c++) {
          for (let v = y.from; v < y.to; v++) {
            const from = (c * madeHeight + v - y.start) * madeWidth - x.start;
            all.set(data.subarray(from + x.from, from + x.to), (c * scoreHeight + v) * scoreWidth + x.from);
          }
        }
      }
    }
    return filled(form, input, all);
  }

  private tellInexact({ global }: ReceptiveField): void {
    if (global.length === 0) return;
    const names = global.map(layer => `"${layer.name}" (${layer.type.type})`).join(', ');
    const many = global.length > 1;
    const message = `In tiles the scores are not those of the whole picture: ${names} ${many ? 'see' : 'sees'} all of ${many ? 'their bottoms' : 'its bottom'}, and so only the tile.`;
    const hint = 'Where memory suffices, leave --tile out; or take tiles of the size that it was trained on.';
    this.note(error('tiles-inexact', message, { severity: 'warning', hint }));
  }

  private note(diagnostic: Diagnostic): void {
    if (!this.notes.some(({ code }) => code === diagnostic.code)) this.notes.push(diagnostic);
  }

  /** The numbers of a blob. @throws MokapotError `non-finite`, `out-of-memory` */
  private async run(name: string, { data, shape }: InputPicture): Promise<Blob> {
    const { net } = this;
    const feeds: Record<string, Feed> = { data: { data, shape: [1, ...shape] } };
    if (net.inputs.includes('label')) feeds['label'] = blank([1, 1, shape[1], shape[2]]);
    const keepBlobs = !net.outputs.includes(name);
    const outputs = await net.forward(feeds, { keepBlobs });
    const blob = (keepBlobs ? net.blobs : outputs).get(name)!;
    if (allFinite(blob.data)) return blob;
    const what = isScores(blob.shape) ? 'The scores of the network are' : `The blob "${name}" is`;
    throw fail('non-finite', `${what} not finite (NaN or infinite): it tells nothing of the picture.`, {
      hint: 'Check that the picture is scaled as in training, and that the weights are of a training that did not diverge.',
    });
  }

  /** What the network makes of such pictures, kept for each size. */
  private formFor(shape: InputPicture['shape']): Form {
    const key = shape.join();
    let form = this.forms.get(key);
    if (!form) this.forms.set(key, (form = this.findForm(shape)));
    return form;
  }

  /** @throws MokapotError `no-data-input`, `no-scores`, `scores-size`, and where the network takes no such pictures */
  private findForm(shape: InputPicture['shape']): Form {
    const { net } = this;
    if (!net.inputs.includes('data')) {
      throw fail(
        'no-data-input',
        `The network has no input "data"; its inputs are ${net.inputs.join(', ') || 'none'}.`,
      );
    }
    const shapes: Record<string, Shape> = { data: [1, ...shape] };
    if (net.inputs.includes('label')) shapes['label'] = [1, 1, shape[1], shape[2]];
    const graph = net.graphFor(shapes);
    const blob = this.options.output === undefined ? scoresIn(graph) : named(graph, this.options.output);
    const kind = kindOf(graph, blob);
    const place = kind && placeOf(graph, blob, shape);
    if (kind && !place && this.options.output === undefined) throw wrongSize(blob, shape);
    return { name: blob.name, shape: blob.shape, kind: kind ?? 'scores', place, graph, blob };
  }
}

/** What part of pictures a network is fed, for people. */
export function fedOf({ crop }: Pick<Segmenter, 'crop'>): string {
  return crop ? `the middle ${crop.join('×')}` : 'whole pictures';
}

/** What is fed: the middle of this size; undefined: the whole. */
type Crop = readonly [height: number, width: number] | undefined;

/**
 * What the numbers of a blob mean. `scores`: the greater the likelier; `probabilities` of classes; `share`: one channel, the
 * probability of class 1; `numbers`: one channel, the class itself.
 */
type Kind = 'scores' | 'probabilities' | 'share' | 'numbers';

/** What the network makes of pictures of one size. */
interface Form {
  readonly name: string;
  readonly shape: Shape;
  readonly kind: Kind;
  /** Where the scores' first place lies in what is fed; undefined where the blob holds no score for each pixel. */
  readonly place: readonly [top: number, left: number] | undefined;
  readonly graph: NetGraph;
  readonly blob: BlobVersion;
}

/** Scores of all that was fed. */
interface InputScores extends ClassScores {
  /** Whether they are probabilities. */
  readonly isProbable: boolean;
}

/** Whether a blob holds a score for each class and pixel of one picture. */
export function isScores(shape: Shape): boolean {
  return shape.length === 4 && shape[0] === 1 && shape[1]! > 1;
}

/** The last of the outputs that holds scores, or one channel that tells classes apart. */
function scoresIn(graph: NetGraph): BlobVersion {
  const outputs = graph.outputs.map(name => graph.blobs.get(name)!);
  const found = outputs.filter(blob => kindOf(graph, blob) !== undefined).at(-1);
  if (found) return found;
  const list = outputs.map(({ name, shape }) => `${name} ${showShape(shape)}`).join(', ');
  throw fail('no-scores', `None of the network's outputs is a score a class and pixel (1×classes×H×W): ${list}.`, {
    hint: 'Name the blob of the scores by --output; of any other blob that it names, the numbers are written (features).',
  });
}

function named({ blobs }: NetGraph, name: string): BlobVersion {
  const blob = blobs.get(name);
  if (blob) return blob;
  const near = nearest(name, blobs.keys());
  throw fail('no-scores', `The blob "${name}" does not exist.`, {
    hint: near ? `Did you mean ${near}?` : `The network has ${[...blobs.keys()].slice(0, 12).join(', ')}.`,
  });
}

function kindOf({ layers }: NetGraph, { shape, producer }: BlobVersion): Kind | undefined {
  const maker = layers[producer];
  const activation = maker?.type.activation;
  const isProbable = activation === 'softmax' || activation === 'sigmoid';
  if (isScores(shape)) return isProbable ? 'probabilities' : 'scores';
  if (shape.length !== 4 || shape[0] !== 1 || shape[1] !== 1) return undefined;
  if (activation === 'sigmoid') return 'share';
  return maker?.type.numbersChannels?.(maker.param) ? 'numbers' : undefined;
}

/** Where the scores lie in what is fed, by the layers' coordinate maps. Undefined where there is not one for each pixel. */
function placeOf(graph: NetGraph, blob: BlobVersion, [, height, width]: InputPicture['shape']): Form['place'] {
  const [, , rows, columns] = blob.shape as [number, number, number, number];
  if (rows === height && columns === width) return [0, 0];
  const found = coordMapFromTo(graph.layers, inputOf(graph), blob)?.map;
  if (found?.length !== 2 || found.some(({ scale }) => Math.abs(scale - 1) > 1e-6)) return undefined;
  return found.map(({ shift }) => Math.floor(-shift + 1e-6)) as [number, number];
}

/** The blob "data" as it is fed. */
function inputOf({ feeds, layers }: NetGraph): BlobVersion {
  const { layer } = feeds.find(feed => feed.blob === 'data')!;
  return layers[layer]!.tops.find(top => top.name === 'data')!;
}

function fieldOf({ graph, blob }: Form) {
  return receptiveField(graph.layers, inputOf(graph), blob) ?? { at: graph.layers[blob.producer]! };
}

function noTiles({ name, type }: { readonly name: string; readonly type: { readonly type: string } }) {
  const message = `The network cannot be computed in tiles: of "${name}" (${type.type}) it is not known which places its top is made of.`;
  return fail('tile-network', message, {
    layer: name,
    hint: 'Leave --tile out, or take a network of convolutions and pooling to its end.',
  });
}

function notScores({ name, shape }: Form, output: string | undefined): MokapotError {
  const message = `The blob "${output ?? name}" has the shape ${showShape(shape)}, not 1×classes×H×W with a score for each pixel.`;
  return fail('no-scores', message, { hint: 'Its numbers themselves are features: `read` gives them.' });
}

function wrongSize({ name, shape }: BlobVersion, [, height, width]: InputPicture['shape']): MokapotError {
  const message = `The scores "${name}" are ${showShape(shape)} for a picture of ${height}×${width}: there is not one for each pixel.`;
  return fail('scores-size', message, {
    hint: 'Let the network enlarge them (Deconvolution with bilinear weights, Crop), or name another blob by --output, whose numbers are then written as features.',
  });
}

function isOutOfMemory(thrown: unknown): boolean {
  return thrown instanceof MokapotError && thrown.diagnostics.some(({ code }) => code === 'out-of-memory');
}

function blank(shape: Shape) {
  return { data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape };
}

/** What the Data layer of phase TEST does to `data`; nothing where stage "deploy" has an input of its own. */
async function transformOf(net: NetParameter, dir: string, catalogue: LayerCatalogue | undefined): Promise<Transform> {
  if (net.layer.some(l => isInputLayer(l, catalogue) && l.top.includes('data'))) return {};
  const test = testLayer(net, catalogue);
  return test?.transform_param ? readTransform(sub(test, 'transform_param'), 'TEST', dir) : {};
}

/** What the TEST data layer cuts out of the middle (`augment_param { crop_size }`). */
function cropOf(net: NetParameter, catalogue: LayerCatalogue | undefined): Crop {
  const [height = 0, width = height] = testLayer(net, catalogue)?.augment_param?.crop_size ?? [];
  return height > 0 && width > 0 ? [height, width] : undefined;
}

/** Stages in which a net is asked for in phase TEST, the likeliest to hold the layer that feeds it first. */
const TEST_STAGES = [['deploy'], ['val'], []] as const;

/** The data layer that gives `data` in phase TEST, whatever is set in it; else one whose rules name the phase at all. */
function testLayer(net: NetParameter, catalogue: LayerCatalogue | undefined): LayerParameter | undefined {
  const layer = net.layer.filter(l => l.top.includes('data') && l.bottom.length === 0 && !isInputLayer(l, catalogue));
  for (const stages of TEST_STAGES) {
    const [found] = layersInState({ ...net, layer }, { phase: 'TEST', stages });
    if (found) return found;
  }
  return layer.find(l => l.include.some(rule => isSet(rule, 'phase') && rule.phase === Phase.TEST));
}

function transformed(picture: InputPicture, transform: Transform, crop: Crop): InputPicture {
  const [, height, width] = picture.shape;
  const label = new Float32Array(height * width);
  const entry = { ...picture, label, labelShape: [1, height, width] };
  const { data, shape } = applyTransform(
    entry,
    { ...transform, mirror: false },
    { mirror: false, top: 0.5, left: 0.5 },
  );
  return middle({ name: picture.name, data, shape }, crop);
}

/** @throws MokapotError `picture-small` */
function middle(picture: InputPicture, crop: Crop): InputPicture {
  if (!crop) return picture;
  const [channels, height, width] = picture.shape;
  const [rows, columns] = crop;
  if (rows > height || columns > width) {
    throw fail(
      'picture-small',
      `${picture.name} is ${height}×${width}; a middle of ${rows}×${columns} cannot be cut out.`,
      {
        hint: 'Give a smaller --crop, or `--crop whole`.',
      },
    );
  }
  const [start, from] = [(height - rows) >> 1, (width - columns) >> 1];
  const data = cutOut(picture, { start, length: rows }, { start: from, length: columns });
  return { name: picture.name, data, shape: [channels, rows, columns] };
}

type Span = Pick<TileSpan, 'start' | 'length'>;

function cutOut({ data, shape: [channels, height, width] }: InputPicture, y: Span, x: Span): Float32Array {
  const out = new Float32Array(channels * y.length * x.length);
  for (let c = 0, to = 0; c < channels; c++) {
    for (let v = 0; v < y.length; v++, to += x.length) {
      const from = (c * height + y.start + v) * width + x.start;
      out.set(data.subarray(from, from + x.length), to);
    }
  }
  return out;
}

/** The scores over all that was fed: background where there are none. */
function filled(form: Form, { shape: [, height, width] }: InputPicture, data: Float32Array): InputScores {
  const { kind, shape, place } = form;
  const known = kind === 'share' ? ofShare(data) : kind === 'numbers' ? ofNumbers(form, data) : data;
  const [, , rows, columns] = shape as [number, number, number, number];
  const classes = known.length / (rows * columns);
  const own = { classes, height: rows, width: columns, data: known };
  return { ...laidOver(own, height, width, place!), isProbable: kind !== 'scores' };
}

/** Scores over a plane of another size, in which their first place lies at `place`: elsewhere it is class 0 for certain. */
function laidOver(
  scores: ClassScores,
  height: number,
  width: number,
  [top, left]: readonly [top: number, left: number],
): ClassScores {
  const { classes, height: rows, width: columns, data } = scores;
  if (rows === height && columns === width && top === 0 && left === 0) return scores;
  const out = new Float32Array(classes * height * width);
  for (let c = 0; c < classes; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [v, u] = [y - top, x - left];
        const isThere = v >= 0 && u >= 0 && v < rows && u < columns;
        out[(c * height + y) * width + x] = isThere ? data[(c * rows + v) * columns + u]! : OUTSIDE[Math.min(c, 1)]!;
      }
    }
  }
  return { classes, height, width, data: out };
}

/** Scores of class 0 and of the others where nothing was computed: as probabilities, and by which is the greatest. */
const OUTSIDE = [1, 0] as const;

/** What is fed lies in the middle of the picture. */
function placedInto({ shape: [, height, width] }: InputPicture, scores: ClassScores): ClassScores {
  return laidOver(scores, height, width, [(height - scores.height) >> 1, (width - scores.width) >> 1]);
}

/** Of the probability of class 1, those of classes 0 and 1. */
function ofShare(data: Float32Array): Float32Array {
  const out = new Float32Array(2 * data.length);
  out.set(data.map(p => 1 - p));
  out.set(data, data.length);
  return out;
}

/** Of class numbers, 1 for the class of a place and 0 for the others. */
function ofNumbers({ graph, blob }: Form, data: Float32Array): Float32Array {
  const classes = graph.layers[blob.producer]!.bottoms[0]!.shape[1]!;
  const out = new Float32Array(classes * data.length);
  data.forEach((of, i) => void (out[of * data.length + i] = 1));
  return out;
}

function softmax({ classes, height, width, data }: ClassScores): Float32Array {
  const size = height * width;
  const out = new Float32Array(data.length);
  for (let i = 0; i < size; i++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) most = Math.max(most, data[c * size + i]!);
    let total = 0;
    for (let c = 0; c < classes; c++) total += Math.exp(data[c * size + i]! - most);
    for (let c = 0; c < classes; c++) out[c * size + i] = Math.exp(data[c * size + i]! - most) / total;
  }
  return out;
}

/** The class of the greatest score at each pixel; of equal ones the first. */
export function argmax({ classes, height, width, data }: ClassScores): ClassMask {
  const size = height * width;
  const mask = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (data[c * size + i]! > data[best * size + i]!) best = c;
    mask[i] = best;
  }
  return { width, height, data: mask, classes };
}

/**
 * Dice coefficient 2·|P∩L| / (|P|+|L|) of one class; 1 where neither has it. Pixels labelled `ignore` count nowhere.
 * @param label as many pixels as the mask
 */
export function maskDice(mask: ArrayLike<number>, label: ArrayLike<number>, of = 1, ignore = 255): number {
  let [predicted, labelled, both] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (label[i] === ignore) continue;
    const p = mask[i] === of;
    const l = label[i] === of;
    if (p) predicted++;
    if (l) labelled++;
    if (p && l) both++;
  }
  return predicted + labelled === 0 ? 1 : (2 * both) / (predicted + labelled);
}
