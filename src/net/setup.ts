/**
 * Sets up one layer after the other: type, arity, shapes, parameters, loss weights (the middle of Caffe's Net::Init). A
 * layer that fails is reported once; whatever stands on it is left out silently.
 */

import { type Diagnostic, MokapotError, nearestSlip, nth } from '../diagnostics/index.js';
import { type Shape, showShape, sizeOf } from '../ir/index.js';
import { defaultCatalogue, type LayerCatalogue, SPLIT } from '../layers/index.js';
import type { LayerContext, LayerShapes, LayerType, Phase } from '../layers/types.js';
import { isSet, type LayerParameter, Phase as PhaseEnum, setting } from '../schema/index.js';
import { layerContext, ShapeMisfit } from './context.js';
import { DataShapes } from './data_shapes.js';
import { foreignTransforms, forkOf, insteadOf } from './known_types.js';
import { ParamTable } from './params.js';
import type { Report } from './report.js';
import { withShapeTrace } from './shape_trace.js';
import type { PlacedLayer } from './splits.js';
import type { BlobVersion, NetOptions, NetParam, SetUpLayer } from './types.js';

/** Blob counts are 32-bit integers in Caffe. */
const MAX_COUNT = 2 ** 31 - 1;
/** Caffe's kMaxBlobAxes. */
const MAX_AXES = 32;

export interface SetUp {
  readonly layers: readonly SetUpLayer[];
  readonly params: readonly NetParam[];
  /** Last version of each blob. */
  readonly blobs: ReadonlyMap<string, BlobVersion>;
  /** Names of blobs that nothing reads, in the order they were made. */
  readonly unread: readonly string[];
}

export function setUpLayers(
  placed: readonly PlacedLayer[],
  broken: ReadonlySet<LayerParameter>,
  phase: Phase,
  options: NetOptions,
  report: Report,
): SetUp {
  const run = new SetUpRun(phase, options, report, placed);
  for (const layer of placed) {
    if (layer.source && broken.has(layer.source)) run.typeOf(layer.source);
    else run.add(layer);
  }
  run.dataShapes.reportMissing(report);
  return run.result();
}

/** How many tops a layer makes: a loss's may go unnamed. */
function topsOf({ top }: LayerParameter, { isLoss, tops }: LayerType): number {
  return isLoss ? Math.max(top.length, tops.min) : top.length;
}

class SetUpRun {
  readonly dataShapes: DataShapes;
  private readonly layers: SetUpLayer[] = [];
  private readonly params: ParamTable;
  private readonly blobs = new Map<string, BlobVersion>();
  private readonly unread = new Set<string>();
  /** Split blobs by the name people know them by. */
  private readonly originals = new Map<string, string>();
  private readonly catalogue: LayerCatalogue;
  private readonly unknownTypes = new Map<string, { readonly at: number; readonly first: string; count: number }>();
  private versions = 0;

  constructor(
    private readonly phase: Phase,
    private readonly options: NetOptions,
    private readonly report: Report,
    placed: readonly PlacedLayer[],
  ) {
    this.catalogue = options.catalogue ?? defaultCatalogue();
    this.params = new ParamTable(report);
    this.dataShapes = new DataShapes(
      options,
      placed.map(l => l.param),
    );
  }

  result(): SetUp {
    return { layers: this.layers, params: this.params.params, blobs: this.blobs, unread: [...this.unread] };
  }

  add(placed: PlacedLayer): void {
    for (const name of placed.param.bottom) this.unread.delete(name);
    const layer = this.setUp(placed);
    if (layer) this.layers.push(layer);
    else this.forget(placed.param);
  }

  private setUp(placed: PlacedLayer): SetUpLayer | undefined {
    const { param, source } = placed;
    const shown = source ?? param;
    const type = this.typeOf(shown);
    const bottoms = param.bottom.map(name => this.blobs.get(name));
    if (!type || !bottoms.every(b => b !== undefined) || !this.checkArity(shown, type)) return undefined;
    this.checkTransform(shown);
    const context = this.context(placed, type, bottoms);
    const shapes = context && this.shapesOf(context, type, bottoms);
    const indices = shapes && this.checkTops(context, shapes) ? this.params.add(shown, shapes.params) : undefined;
    const lossWeights = this.lossWeights(placed, type);
    if (!shapes || !indices || !lossWeights) return undefined;
    return {
      index: this.layers.length,
      name: param.name,
      type,
      param,
      context,
      bottoms,
      tops: this.makeTops(placed, shapes.tops),
      params: indices,
      paramShapes: shapes.params.map(p => p.shape),
      lossWeights,
      macs: type.macs?.(context, shapes) ?? 0,
      source,
    };
  }

  /** The tops of a layer that failed are unknown, even where an in-place one had a version before. */
  private forget(param: LayerParameter): void {
    for (const name of param.top) this.blobs.delete(name);
  }

  /** The layer's type; where there is none, that is reported. */
  typeOf(layer: LayerParameter): LayerType | undefined {
    const type = this.catalogue.get(layer.type);
    if (type) return type;
    const at = { message: layer, field: 'type' };
    const about = { layer: layer.name };
    if (!layer.type) {
      this.report.error('no-layer-type', `Layer "${layer.name}" has no type.`, at, {
        ...about,
        hint: 'Say what it does, e.g. type: "Convolution".',
      });
      return undefined;
    }
    this.unknownType(layer);
    return undefined;
  }

  /** One error for all layers of one unknown type, at the first of them. */
  private unknownType(layer: LayerParameter): void {
    const { type } = layer;
    const known = this.unknownTypes.get(type);
    if (known) {
      known.count++;
      const others = `${known.count - 1} other${known.count > 2 ? 's' : ''}`;
      const message = `Layer "${known.first}" and ${others} have the unknown type "${type}".`;
      this.report.diagnostics[known.at] = { ...this.report.diagnostics[known.at]!, message };
      return;
    }
    this.unknownTypes.set(type, { at: this.report.diagnostics.length, first: layer.name, count: 1 });
    const fork = forkOf(type);
    const names = [...this.catalogue.types.keys()];
    const close = fork ? undefined : nearestSlip(type, names);
    const cased = close?.toLowerCase() === type.toLowerCase();
    const registered = `Registered types: ${names.sort().join(', ')}.`;
    const hint = fork
      ? `The type is known from ${fork}. ${insteadOf(type) ?? registered}`
      : close
        ? `Did you mean "${close}"?${cased ? " Caffe's type names are case-sensitive." : ''}`
        : registered;
    const edits = close && setting(layer, 'type', `"${close}"`);
    this.report.error(
      'unknown-layer-type',
      `Layer "${layer.name}" has the unknown type "${type}".`,
      { message: layer, field: 'type' },
      {
        layer: layer.name,
        hint: `${hint} One of your own is added with registerLayer (docs/layers-howto.md).`,
        ...(edits && { fix: { title: `Write "${close}".`, edits } }),
      },
    );
  }

  /** A way to change pictures that the layer does not know is an error: it would train on other pictures than meant. */
  private checkTransform(layer: LayerParameter): void {
    const transform = layer.transform_param;
    for (const field of transform ? foreignTransforms(transform) : []) {
      this.report.error(
        'foreign-transform',
        `Layer "${layer.name}" (${layer.type}) does not know transform_param.${field}.`,
        { message: transform!, field },
        {
          layer: layer.name,
          hint: "It is SSD's, for its AnnotatedData: take it out, and prepare the pictures beforehand.",
        },
      );
    }
  }

  private checkArity(layer: LayerParameter, type: LayerType): boolean {
    for (const kind of ['bottom', 'top'] as const) {
      const names = layer[kind];
      const { min, max } = type[`${kind}s`];
      const least = kind === 'top' && type.isLoss ? 0 : min;
      if (names.length >= least && names.length <= max) continue;
      const given =
        names.length === 0 ? 'none is given' : `${names.length} given: ${names.map(n => `"${n}"`).join(', ')}`;
      this.report.error(
        `${kind}-count`,
        `Layer "${layer.name}" (${type.type}) takes ${countOf(least, max, kind)}; ${given}.`,
        { message: layer, field: kind, index: names.length > max ? max : undefined },
        { layer: layer.name },
      );
      return false;
    }
    if (type.equalBottomsAndTops && layer.bottom.length !== layer.top.length) {
      this.report.error(
        'top-count',
        `Layer "${layer.name}" (${type.type}) makes one top for each bottom: it has ${layer.bottom.length} bottoms and ${layer.top.length} tops.`,
        { message: layer, field: 'top' },
        { layer: layer.name },
      );
      return false;
    }
    const given = layer.propagate_down.length;
    if (given > 0 && given !== layer.bottom.length) {
      this.report.error(
        'propagate-down-count',
        `Layer "${layer.name}" gives propagate_down ${given} times for ${layer.bottom.length} bottoms.`,
        { message: layer, field: 'propagate_down', index: 0 },
        { layer: layer.name, hint: 'Give it once per bottom, or not at all.' },
      );
      return false;
    }
    return true;
  }

  private context(placed: PlacedLayer, type: LayerType, bottoms: readonly BlobVersion[]): LayerContext | undefined {
    const layer = placed.source ?? placed.param;
    const phase = isSet(layer, 'phase') ? (layer.phase === PhaseEnum.TRAIN ? 'TRAIN' : 'TEST') : this.phase;
    const shown = bottoms.map(b => ({ name: this.originals.get(b.name) ?? b.name, shape: b.shape }));
    const topCount = topsOf(layer, type);
    const dataShapes = type.isSource ? this.dataShapes.of(layer) : undefined;
    return this.attempt(layer, () =>
      layerContext({ type, layer, phase, bottoms: shown, topCount, dataShapes }, this.options),
    );
  }

  private shapesOf(context: LayerContext, type: LayerType, bottoms: readonly BlobVersion[]): LayerShapes | undefined {
    const layer = context.param;
    if (type.isSource) {
      const whole = this.dataShapes.whole(layer);
      if (whole) return { tops: whole, params: [] };
      if (type.reads && !context.dataShapes) {
        this.dataShapes.missing(layer);
        return undefined;
      }
    }
    const { traceShapes = true } = this.options;
    return this.attempt(
      layer,
      () => type.reshape(context),
      (d, thrown) =>
        traceShapes && thrown instanceof ShapeMisfit ? withShapeTrace(d, this.layers, { type, context, bottoms }) : d,
    );
  }

  /** Runs a layer's own code; what it throws as a diagnostic becomes one of ours, anything else is a fault of Mokapot's. */
  private attempt<T>(
    layer: LayerParameter,
    run: () => T,
    tell: (d: Diagnostic, thrown: MokapotError) => Diagnostic = d => d,
  ): T | undefined {
    try {
      return run();
    } catch (thrown) {
      if (!(thrown instanceof MokapotError)) throw thrown;
      for (const d of thrown.diagnostics) this.report.diagnostics.push(tell({ layer: layer.name, ...d }, thrown));
      return undefined;
    }
  }

  /** Caffe's limits on a blob: no negative axis, 32 axes, fewer than 2^31 numbers. */
  private checkTops({ param: layer }: LayerContext, { tops }: LayerShapes): boolean {
    const i = tops.findIndex(shape => beyondLimits(shape) !== undefined);
    const shape = tops[i];
    if (!shape) return true;
    const shown = shape.length > MAX_AXES ? `${shape.length} axes` : `the shape ${showShape(shape)}`;
    const message = `The top "${layer.top[i] ?? '(automatic)'}" of layer "${layer.name}" (${layer.type}) has ${shown}, ${beyondLimits(shape)}.`;
    this.report.error('bad-shape', message, { message: layer, field: 'top', index: i }, { layer: layer.name });
    return false;
  }

  /** Given ones, else 1 for a loss's first top; a weight that a Split took over counts there. */
  private lossWeights(placed: PlacedLayer, type: LayerType): number[] | undefined {
    const layer = placed.source ?? placed.param;
    const tops = topsOf(layer, type);
    const given = layer.loss_weight;
    if (given.length > 0 && given.length !== tops) {
      this.report.error(
        'loss-weight-count',
        `Layer "${layer.name}" (${type.type}) gives loss_weight ${given.length} times for ${tops} top${tops === 1 ? '' : 's'}.`,
        { message: layer, field: 'loss_weight', index: 0 },
        { layer: layer.name, hint: 'Give it once per top, with 0 for a top that is no loss, or not at all.' },
      );
      return undefined;
    }
    return Array.from({ length: tops }, (_, i) => {
      if (placed.lossMoved) return 0;
      return given[i] ?? (type.isLoss && i === 0 ? 1 : 0);
    });
  }

  private makeTops(placed: PlacedLayer, shapes: readonly Shape[]): BlobVersion[] {
    const { param, source } = placed;
    return shapes.map((shape, i) => {
      const name = param.top[i];
      const version = { id: this.versions++, name: name ?? '(automatic)', shape, producer: this.layers.length };
      if (name === undefined) return version;
      if (!source && param.type === SPLIT.type)
        this.originals.set(name, this.originals.get(nth(param.bottom, 0)) ?? nth(param.bottom, 0));
      this.blobs.set(name, version);
      this.unread.delete(name);
      this.unread.add(name);
      return version;
    });
  }
}

function beyondLimits(shape: Shape): string | undefined {
  if (shape.length > MAX_AXES) return `and a blob has ${MAX_AXES} at most`;
  if (sizeOf(shape) > MAX_COUNT) return `which holds more than ${MAX_COUNT} numbers`;
  return shape.every(d => Number.isSafeInteger(d) && d >= 0) ? undefined : 'which is no shape';
}

function countOf(min: number, max: number, noun: string): string {
  const s = (n: number) => `${n} ${noun}${n === 1 ? '' : 's'}`;
  if (max === 0) return `no ${noun}s`;
  if (min === max) return `exactly ${s(min)}`;
  return max === Infinity ? `at least ${s(min)}` : `${min} to ${s(max)}`;
}
