/**
 * Net surgery: weights of one network into another, by layer name, coerced where only their shape differs. What
 * surgery.py of "Fully Convolutional Networks for Semantic Segmentation" does (transplant, expand_score, interp), told line
 * by line.
 */

import { type Diagnostic, error, fail, hasErrors, MokapotError, nearest } from '../diagnostics/index.js';
import { fill } from '../fillers/index.js';
import type { LayerCatalogue } from '../layers/index.js';
import { declaredEntries, entriesFor } from '../net/assumed.js';
import { compileNet, isInputLayer, type NetGraph, type NetLayer } from '../net/index.js';
import { Random } from '../random/index.js';
import type { ParameterBlob } from '../runtime/blob.js';
import type { Net } from '../runtime/net.js';
import { create, type LayerParameter, type NetParameter, schemaOf } from '../schema/index.js';
import { type FitLayer, type FitOptions, fitBlob } from '../weights/fit.js';
import { type Bytes, matchWeights, type ScannedWeights, type StoredBlob, scanNetWeights } from '../weights/index.js';
import { useNetWeights } from '../weights/node/files.js';

/** What goes where, and what may be rearranged. */
export interface TransplantOptions extends FitOptions {
  /** The network that the weights are of. Default: the one in the file, where it has one. */
  readonly from?: NetParameter;
  /** Layers of the weights that go to a layer of another name, old to new; the same old one may stand several times. */
  readonly rename?: readonly (readonly [from: string, to: string])[];
}

/** What became of one parameter. */
export interface TransplantLine {
  /** `filler`: nothing was taken for this parameter; it is as its filler, or bilinear interpolation, made it. */
  readonly action: 'copied' | 'coerced' | 'dropped' | 'filler';
  /** Of the net; of the weights where it was dropped. */
  readonly layer: string;
  /** Its position in the layer: 0 weights, 1 bias. */
  readonly blob: number;
  /** Of the net's parameter; of the stored blob where it was dropped. */
  readonly shape: readonly number[];
  /** Where the numbers come from. */
  readonly from?: { readonly layer: string; readonly shape: readonly number[] };
  /** What was done, or why not. */
  readonly note?: string;
}

/** What a transplant did. */
export interface TransplantReport {
  /** In the net's order, then what was dropped. */
  readonly lines: readonly TransplantLine[];
  /** Numbers of the net that came from the weights, and all of them. */
  readonly taken: number;
  /** Numbers in the net's parameters. */
  readonly total: number;
  /** What likely was not meant. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Puts weights into a net whose shapes may differ from those they were trained for. Layers of the same name (or renamed)
 * take equal shapes as they are; a fully connected layer becomes a convolution and back where the numbers agree, other
 * groups and transposed matrices are rearranged, colour channels summed or spread on request. What does not fit is dropped
 * and said; a Deconvolution that nothing was taken for and that names no filler gets bilinear interpolation on its diagonal.
 *
 * @throws MokapotError `transplant-rename` (a name that is not there), `transplant-nothing` (no layer fits),
 * `weights-…` (the file; weights that are not of `from`). The net is as it was then.
 */
export function transplant(net: Net, weights: string | Bytes, options: TransplantOptions = {}): TransplantReport {
  const move = (scanned: ScannedWeights) => new Surgery(net, scanned, options).run();
  const reading = { schema: schemaOf(net.graph.source) };
  return typeof weights === 'string'
    ? useNetWeights(weights, move, reading)
    : move(scanNetWeights(weights, undefined, reading));
}

class Surgery {
  private readonly lines: TransplantLine[] = [];
  private readonly filled = new Set<Float32Array>();
  private readonly sources: ReadonlyMap<string, LayerParameter>;

  constructor(
    private readonly net: Net,
    private readonly weights: ScannedWeights,
    private readonly options: TransplantOptions,
  ) {
    const from = options.from ?? weights.net;
    this.sources = new Map(from?.layer.map(l => [l.name, l]));
  }

  run(): TransplantReport {
    const { layers, diagnostics } = this.weights;
    if (this.options.from) mustBeOf(this.options.from, layers, this.net.graph.catalogue);
    const targets = this.targetNames();
    const stored = [...layers].filter(([, blobs]) => blobs.some(b => !b.shared));
    if (!stored.some(([name]) => targets(name).some(to => this.net.params.has(to)))) throw this.nothing();
    for (const [name, blobs] of stored) {
      for (const to of targets(name)) this.layer(name, blobs, to);
    }
    if (this.filled.size === 0) throw this.nothing();
    this.leftovers();
    const arrays = [...new Set(this.parameters().map(({ blob }) => blob.parameter.values))];
    const numbers = (some: readonly Float32Array[]) => some.reduce((n, a) => n + a.length, 0);
    return {
      lines: this.lines,
      taken: numbers(arrays.filter(a => this.filled.has(a))),
      total: numbers(arrays),
      diagnostics,
    };
  }

  /** Where the blobs of a stored layer go. */
  private targetNames(): (name: string) => readonly string[] {
    const renames = this.options.rename ?? [];
    const stored = [...this.weights.layers].filter(([, blobs]) => blobs.length > 0).map(([name]) => name);
    const taken = new Set<string>();
    for (const [from, to] of renames) {
      if (!stored.includes(from)) throw unknownName(from, 'the weights have', stored);
      if (!this.net.params.has(to))
        throw unknownName(to, 'the network has, with parameters,', [...this.net.params.keys()]);
      if (taken.has(to)) throw fail('transplant-rename', `Two layers are renamed to "${to}".`);
      taken.add(to);
    }
    return name => {
      const renamed = renames.filter(([from]) => from === name).map(([, to]) => to);
      if (renamed.length > 0) return renamed;
      return taken.has(name) ? [] : [name];
    };
  }

  private layer(name: string, blobs: readonly StoredBlob[], to: string): void {
    const target = this.net.params.get(to) as readonly ParameterBlob[] | undefined;
    const layer = this.net.graph.layers.find(l => l.name === to);
    const drop = (blob: number, note: string) =>
      this.lines.push({ action: 'dropped', layer: name, blob, shape: blobs[blob]!.shape, note });
    blobs.forEach((blob, i) => {
      if (blob.shared) return;
      if (!layer) drop(i, 'the network has no such layer');
      else if (!target) drop(i, `the network's "${to}" (${layer.type.type}) has no parameters`);
      else if (!target[i]) drop(i, `the network's "${to}" has ${target.length} blobs`);
      else {
        const why = this.blob(name, blob, layer, i, target[i]);
        if (why) drop(i, why);
      }
    });
  }

  /** @returns why it was not taken */
  private blob(
    name: string,
    stored: StoredBlob,
    layer: NetLayer,
    i: number,
    target: ParameterBlob,
  ): string | undefined {
    const { shape, parameter } = target;
    const source = this.sources.get(name);
    const { catalogue } = this.net.graph;
    const from = source ? fitLayer(source, catalogue, stored.shape) : {};
    const fit = fitBlob(stored, from, shape, fitLayer(layer.param, catalogue, shape), this.options);
    if (typeof fit === 'string') return fit;
    const why = fit.apply(parameter.values);
    if (why) return why;
    parameter.changedOnHost();
    this.filled.add(parameter.values);
    const { how: action, note } = fit;
    const origin = { layer: name, shape: stored.shape };
    this.lines.push({ action, layer: layer.name, blob: i, shape, from: origin, ...(note && { note }) });
    return undefined;
  }

  /** Parameters that nothing was taken for. */
  private leftovers(): void {
    const told = new Set(this.filled);
    for (const { layer, blob, i } of this.parameters()) {
      const { shape, parameter } = blob;
      if (told.has(parameter.values)) continue;
      told.add(parameter.values);
      const declared = layer.context && this.net.graph.params[layer.params[i]!]!.declaration;
      const filler = declared?.filler;
      const isFilter = layer.type.weights?.spreads === true && i === 0;
      if (isFilter && !filler && interpolate(shape, parameter.values)) {
        parameter.changedOnHost();
        this.lines.push({ action: 'filler', layer: layer.name, blob: i, shape, note: 'bilinear, channel by channel' });
        continue;
      }
      const mixes = isFilter && filler?.type === 'bilinear' && shape[1] !== 1;
      const note = mixes
        ? `bilinear: every channel becomes the sum of all; group: ${shape[0]} would keep them apart`
        : filler && filler.type !== 'constant'
          ? filler.type
          : `constant ${filler?.value ?? 0}`;
      this.lines.push({ action: 'filler', layer: layer.name, blob: i, shape, note });
    }
  }

  private parameters(): { layer: NetLayer; blob: ParameterBlob; i: number }[] {
    return this.net.graph.layers.flatMap(layer =>
      ((this.net.params.get(layer.name) ?? []) as readonly ParameterBlob[]).map((blob, i) => ({ layer, blob, i })),
    );
  }

  private nothing(): MokapotError {
    const names = (list: Iterable<string>) => [...list].slice(0, 8).join(', ');
    const reasons = this.lines.filter(l => l.action === 'dropped' && this.net.params.has(l.layer)).slice(0, 3);
    return fail('transplant-nothing', 'No blob of the weights fits a layer of the network.', {
      hint:
        reasons.map(l => `${l.layer}: ${l.note}.`).join(' ') ||
        `Layers go by name (--rename old=new). The weights have ${names(this.weights.layers.keys())}; the network has ${names(this.net.params.keys())}.`,
    });
  }
}

function fitLayer(param: LayerParameter, catalogue: LayerCatalogue, shape: readonly number[]): FitLayer {
  const weights = catalogue.get(param.type)?.weights;
  return { transposed: weights?.transposed?.(param) ?? false, group: weights?.group?.(param, shape) ?? 1 };
}

/** Bilinear interpolation, each channel from its own alone. False where the shape is none of such a filter. */
function interpolate(shape: readonly number[], values: Float32Array): boolean {
  const [into, out, height, width] = shape as [number, number, number, number];
  if (shape.length !== 4 || height !== width || (out !== 1 && out !== into)) return false;
  const one = fill(create('caffe.FillerParameter', { type: 'bilinear' }), [1, 1, height, width], new Random(0));
  for (let c = 0; c < into; c++) values.set(one, (c * out + (out === 1 ? 0 : c)) * one.length);
  return true;
}

function unknownName(name: string, whose: string, names: readonly string[]): MokapotError {
  const near = nearest(name, names);
  return fail(
    'transplant-rename',
    `There is no layer "${name}" to rename: ${whose} ${names.slice(0, 12).join(', ')}.`,
    {
      ...(near && { hint: `Did you mean "${near}"?` }),
    },
  );
}

/**
 * The weights must be of the network that is said to be theirs. Where that network does not compile by itself (a layer of
 * someone's own, say) only the names are held against each other.
 */
function mustBeOf(
  from: NetParameter,
  layers: ReadonlyMap<string, readonly StoredBlob[]>,
  catalogue: LayerCatalogue,
): void {
  const names = new Set(from.layer.map(l => l.name));
  const foreign = [...layers].filter(([name, blobs]) => blobs.length > 0 && !names.has(name)).map(([name]) => name);
  if (foreign.length > 0) {
    const more = foreign.length > 5 ? ', …' : '';
    throw fail(
      'transplant-from',
      `The weights have layers that the network they are said to be of lacks: ${foreign.slice(0, 5).join(', ')}${more}.`,
      { hint: 'Give the prototxt that belongs to the weights, or leave out --from: shapes then come from the file.' },
    );
  }
  const graph = compiled(from, catalogue);
  if (!graph) return;
  const targets = graph.layers.map(l => ({
    name: l.name,
    params: l.paramShapes.map(shape => ({ shape, shared: true })),
  }));
  const { diagnostics } = matchWeights(layers, targets);
  if (!hasErrors(diagnostics)) return;
  const hint = 'The prototxt given as --from is not the one that these weights were trained with.';
  throw new MokapotError(diagnostics.map(d => error('transplant-from', d.message, { layer: d.layer, hint })));
}

function compiled(from: NetParameter, catalogue: LayerCatalogue): NetGraph | undefined {
  const declared = declaredEntries(from, catalogue);
  const entryShapes = declared ?? entriesFor(from, [3, 256, 256], catalogue);
  for (const phase of ['TEST', 'TRAIN'] as const) {
    try {
      // Without an Input the size of the pictures is a guess, and so would be the shapes of fully connected layers.
      const graph = compileNet(from, {
        phase,
        entryShapes,
        catalogue,
        ...(phase === 'TEST' && { stages: ['deploy'] }),
      });
      const guessed = !declared && graph.feeds.length > 0 && !graph.layers.some(l => isInputLayer(l.param, catalogue));
      if (graph.params.length > 0 && !guessed) return graph;
    } catch (thrown) {
      if (!(thrown instanceof MokapotError)) throw thrown;
    }
  }
  return undefined;
}
