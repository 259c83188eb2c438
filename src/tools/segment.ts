/** What a segmentation network says of a picture: a class a pixel, and how well that agrees with a label. */

import { dirname } from 'node:path';
import { applyTransform, readTransform, type Transform } from '../data/batches/transform.js';
import { fail, nearest } from '../diagnostics/index.js';
import type { Feed } from '../feeds/feeds.js';
import { type Shape, showShape } from '../ir/index.js';
import type { LayerCatalogue } from '../layers/index.js';
import { isInputLayer } from '../net/index.js';
import type { Blob } from '../runtime/blob.js';
import { allFinite } from '../runtime/finite.js';
import { Net, type NetLoadOptions } from '../runtime/node/net.js';
import type { UserCodeOptions } from '../runtime/node/python_modules.js';
import { readPrototxt, type SchemaOptions } from '../runtime/node/schemas.js';
import { type LayerParameter, parseNet, sub } from '../schema/index.js';

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

/** How the network is loaded. */
export interface SegmenterOptions
  extends Pick<NetLoadOptions, 'weights' | 'backend' | 'engine' | keyof UserCodeOptions | keyof SchemaOptions> {
  /** The blob that is read: of scores, 1×classes×H×W, or of features. Default: the last output of the form of scores. */
  readonly output?: string;
  /** The network's text, where it is not the file's; the path then only says what to call it and where its paths start. */
  readonly netText?: string;
}

/** A network in stage "deploy", fed with pictures one by one, whatever their sizes. */
export class Segmenter {
  private constructor(
    /** The network itself. */
    readonly net: Net,
    private readonly transform: Transform,
    private readonly output: string | undefined,
  ) {}

  /**
   * Loads a network for pictures like `first`. Where its deploy stage has an Input layer, pictures are fed as they are;
   * else they pass the TEST Data layer's `transform_param`.
   * @throws MokapotError as Net.fromText; `picture-channels` where the network takes another number of channels
   */
  static async load(path: string, first: InputPicture, options: SegmenterOptions = {}): Promise<Segmenter> {
    const { text, schema } = await readPrototxt(path, options, options.netText);
    const dir = dirname(path);
    const transform = await transformOf(parseNet(text, { schema }).message.layer, dir, options.catalogue);
    const { shape } = transformed(first, transform);
    const { output, netText: _, ...load } = options;
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
    return new Segmenter(net, transform, output);
  }

  /** The most likely class of each pixel. @throws MokapotError `no-data-input`, `no-scores`, `non-finite`, `out-of-memory` */
  async segment(picture: InputPicture): Promise<ClassMask> {
    const blob = await this.read(picture);
    if (isScores(blob.shape)) return argmax(blob);
    const message = `The blob "${this.output}" has the shape ${showShape(blob.shape)}, not 1×classes×H×W.`;
    throw fail('no-scores', message, { hint: 'Its numbers themselves are features: `read` gives them.' });
  }

  /**
   * The numbers of the blob `output`, of any shape; without one, those of the scores.
   * @throws MokapotError `no-data-input`, `no-scores`, `non-finite`, `out-of-memory`
   */
  async read(picture: InputPicture): Promise<Blob> {
    const { data, shape } = transformed(picture, this.transform);
    const { net } = this;
    if (!net.inputs.includes('data')) {
      throw fail(
        'no-data-input',
        `The network has no input "data"; its inputs are ${net.inputs.join(', ') || 'none'}.`,
      );
    }
    const feeds: Record<string, Feed> = { data: { data, shape: [1, ...shape] } };
    if (net.inputs.includes('label')) feeds['label'] = blank([1, 1, shape[1], shape[2]]);
    const keepBlobs = this.output !== undefined && !net.outputs.includes(this.output);
    const outputs = await net.forward(feeds, { keepBlobs });
    const blob = keepBlobs ? this.named(net.blobs) : this.scores(outputs);
    if (allFinite(blob.data)) return blob;
    const what = isScores(blob.shape) ? 'The scores of the network are' : `The blob "${this.output}" is`;
    throw fail('non-finite', `${what} not finite (NaN or infinite): it tells nothing of the picture.`, {
      hint: 'Check that the picture is scaled as in training, and that the weights are of a training that did not diverge.',
    });
  }

  /** Frees the network. */
  dispose(): void {
    this.net.dispose();
  }

  private scores(outputs: ReadonlyMap<string, Blob>): Blob {
    if (this.output !== undefined) return this.named(outputs);
    const found = [...outputs.values()].filter(blob => isScores(blob.shape)).at(-1);
    if (found) return found;
    const list = [...outputs].map(([name, blob]) => `${name} ${showShape(blob.shape)}`).join(', ');
    throw fail('no-scores', `None of the network's outputs is a score a class and pixel (1×classes×H×W): ${list}.`, {
      hint: 'Name the blob of the scores by --output; of any other blob that it names, the numbers are written (features).',
    });
  }

  private named(blobs: ReadonlyMap<string, Blob>): Blob {
    const blob = blobs.get(this.output!);
    if (blob) return blob;
    const near = nearest(this.output!, blobs.keys());
    throw fail('no-scores', `The blob "${this.output}" does not exist.`, {
      hint: near ? `Did you mean ${near}?` : `The network has ${[...blobs.keys()].slice(0, 12).join(', ')}.`,
    });
  }
}

/** Whether a blob holds a score for each class and pixel of one picture. */
export function isScores(shape: Shape): boolean {
  return shape.length === 4 && shape[0] === 1 && shape[1]! > 1;
}

function blank(shape: Shape) {
  return { data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape };
}

/** What the Data layer of phase TEST does to `data`; nothing where stage "deploy" has an input of its own. */
async function transformOf(
  layers: readonly LayerParameter[],
  dir: string,
  catalogue: LayerCatalogue | undefined,
): Promise<Transform> {
  if (layers.some(l => isInputLayer(l, catalogue) && l.top.includes('data'))) return {};
  const makers = layers.filter(l => l.top.includes('data') && l.transform_param);
  const test = makers.find(l => l.include.some(rule => rule.phase === 1)) ?? makers[0];
  return test ? readTransform(sub(test, 'transform_param'), 'TEST', dir) : {};
}

function transformed(picture: InputPicture, transform: Transform): InputPicture {
  const [, height, width] = picture.shape;
  const label = new Float32Array(height * width);
  const entry = { ...picture, label, labelShape: [1, height, width] };
  const { data, shape } = applyTransform(
    entry,
    { ...transform, mirror: false },
    { mirror: false, top: 0.5, left: 0.5 },
  );
  return { name: picture.name, data, shape };
}

/** The class of the greatest score at each pixel; of equal ones the first. */
export function argmax(scores: Blob): ClassMask {
  const [, classes, height, width] = scores.shape as [number, number, number, number];
  const size = height * width;
  const { data } = scores;
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
