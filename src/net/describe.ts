/** A network in numbers, from its text alone: synchronous, without an engine. */

import { type Diagnostic, error, hasErrors, MokapotError, nth } from '../diagnostics/index.js';
import { type Shape, sizeOf } from '../ir/index.js';
import { type LayerCatalogue, type LayerCategory, ShapesPending } from '../layers/index.js';
import { type NetParameter, type Parsed, type ParseOptions, parseNet } from '../schema/index.js';
import { declaredEntries } from './assumed.js';
import type { CheckOptions } from './checks/check.js';
import { runChecks } from './checks/index.js';
import { isLoss } from './checks/walk.js';
import { type CompileResult, tryCompileNet } from './compile.js';
import { withoutFieldsOfUnknownTypes, withoutFollowOns } from './follow_on.js';
import { estimateMemory, type MemoryEstimate } from './memory.js';
import { isSplit } from './splits.js';
import type { NetGraph, NetLayer, NetOptions } from './types.js';

/** The state in which a net is described, and what is known besides its text. */
export interface DescribeOptions extends NetOptions, CheckOptions, ParseOptions {}

/** A blob of the net. */
export interface DescribedBlob {
  /** Of its last version, where an in-place layer changed it. */
  readonly shape: Shape;
  /** The layer that made it (first). */
  readonly layer: string;
  /** Put in by the compiler: a Split's top, as in Caffe's own net. */
  readonly inserted: boolean;
}

/** A parameter as a layer uses it. */
export interface DescribedParam {
  /** In Caffe's layout. */
  readonly shape: Shape;
  /** Factor of the learning rate. */
  readonly lrMult: number;
  /** Factor of the weight decay. */
  readonly decayMult: number;
  /** Key of the parameter that this is: another layer's where it is shared. */
  readonly key: string;
}

/** A layer of the net in numbers. */
export interface DescribedLayer {
  /** As in the text. */
  readonly name: string;
  /** Caffe's name, e.g. `Convolution`. */
  readonly type: string;
  /** Blobs that it reads, by name. */
  readonly bottoms: readonly string[];
  /** Blobs that it makes, by name. */
  readonly tops: readonly string[];
  /** One a bottom. */
  readonly bottomShapes: readonly Shape[];
  /** One a top. */
  readonly topShapes: readonly Shape[];
  /** Weights, then bias, where it has them. */
  readonly params: readonly DescribedParam[];
  /** Where the shape of its first top comes from, with numbers: `(256 + 2·100 − 11) / 4 + 1 = 112`; or empty. */
  readonly rule: string;
  /** Numbers in its own parameters; 0 for what another layer owns. */
  readonly paramCount: number;
  /** Multiply-adds of one forward. */
  readonly macs: number;
  /** One per top; 0 where it is no loss. */
  readonly lossWeights: readonly number[];
  /** Put in by the compiler: a Split where several layers read one blob, or an input that only the caller named. */
  readonly inserted: boolean;
  /** Put in by the compiler where several layers read one blob. */
  readonly isSplit: boolean;
  /** The kind of layer that pictures colour it by. */
  readonly category: LayerCategory;
  /** What tells it from others of its type: `3×3, 64, stride 2`; or empty. */
  readonly detail: string;
}

/** A net in one phase, in numbers. */
export interface Description {
  /** The network's name; empty where it has none. */
  readonly name: string;
  /** The phase it was described in. */
  readonly phase: 'TRAIN' | 'TEST';
  /** No errors: the net can be run. */
  readonly ok: boolean;
  /** In order. With errors: those layers that stand all the same. */
  readonly layers: readonly DescribedLayer[];
  /** By name. */
  readonly blobs: ReadonlyMap<string, DescribedBlob>;
  /** By layer. */
  readonly params: ReadonlyMap<string, readonly DescribedParam[]>;
  /** Blobs that are fed, by name. */
  readonly inputs: readonly string[];
  /** Blobs that no layer reads, by name. */
  readonly outputs: readonly string[];
  /** Numbers in all parameters; shared ones count once. */
  readonly paramCount: number;
  /** Multiply-adds of one forward of the whole net. */
  readonly macs: number;
  /** In bytes. */
  readonly memory: MemoryEstimate;
  /** The layer types that it was compiled with. */
  readonly catalogue: LayerCatalogue;
  /** Of the text, the net and the checks, in this order. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Layers, shapes, costs and diagnostics of a prototxt. The phase is TEST where neither the options nor the text say one.
 * Data layers without a source take the shapes given, else (with a note) those of the net's own Input layer in another
 * stage. Never throws for bad text: see `ok` and `diagnostics`.
 */
export function describe(text: string, options: DescribeOptions = {}): Description {
  return describeParsed(parseNet(text, options), options);
}

/** The same of a text that has been parsed. */
export function describeParsed(parsed: Parsed<NetParameter>, options: DescribeOptions): Description {
  const { partial, diagnostics } = compileWithDeclared(parsed.message, options);
  const found = [
    ...withoutFieldsOfUnknownTypes(parsed.message, parsed.diagnostics, diagnostics),
    ...withoutFollowOns(parsed.message, parsed.diagnostics, diagnostics).map(d =>
      options.hostLayer ? d : softenPython(d),
    ),
  ];
  const isWhole = !hasErrors(found) && !found.some(d => d.code === 'python-not-run');
  const checked = !isWhole ? [] : runChecks(partial, options);
  return describeGraph(partial, [...found, ...checked]);
}

/**
 * Layers whose registered user code tells its shapes asynchronously are left out with a warning. A caller that brings user
 * code itself (`hostLayer`) waits for it: `settled(() => describe(…))`.
 */
function withoutPending(net: NetParameter, options: NetOptions): CompileResult {
  if (options.hostLayer) return tryCompileNet(net, options);
  const pending = new Set<string>();
  const hostLayer = (_module: string, _layer: string, name: string) => {
    if (!pending.has(name)) return undefined;
    const message = `The shapes behind layer "${name}" are told asynchronously by its user code: they are left out here.`;
    throw new MokapotError(error('python-not-run', message, { severity: 'warning' }));
  };
  for (;;) {
    try {
      return tryCompileNet(net, { ...options, hostLayer });
    } catch (thrown) {
      if (!(thrown instanceof ShapesPending)) throw thrown;
      pending.add(thrown.layer);
    }
  }
}

function compileWithDeclared(net: NetParameter, options: NetOptions): CompileResult {
  const result = withoutPending(net, options);
  const lacking = result.diagnostics.find(d => d.code === 'no-data-set');
  const entryShapes = lacking && !options.entryShapes && declaredEntries(net, options.catalogue);
  if (!entryShapes) return result;
  const again = withoutPending(net, { ...options, entryShapes });
  const shapes = Object.entries(entryShapes).map(([blob, shape]) => `${blob} ${shape.join('x')}`);
  const note = error('assumed-shapes', `No data set is named, so entries of ${shapes.join(', ')} are assumed.`, {
    severity: 'note',
    hint: 'The Input layer of another stage says so. The real shapes may be given: inputShapes, or --input data=1,1,256,256.',
  });
  return { ...again, diagnostics: [...again.diagnostics, note] };
}

/** The same of a net already compiled. */
export function describeGraph(graph: NetGraph, diagnostics: readonly Diagnostic[] = graph.diagnostics): Description {
  const layers = graph.layers.map(layer => describeLayer(graph, layer));
  return {
    name: graph.name,
    phase: graph.phase,
    catalogue: graph.catalogue,
    ok: !hasErrors(diagnostics),
    layers,
    blobs: blobsOf(graph),
    params: new Map(layers.filter(l => l.params.length > 0).map(l => [l.name, l.params])),
    inputs: graph.inputs,
    outputs: graph.outputs,
    paramCount: graph.params.reduce((n, p) => n + sizeOf(p.shape), 0),
    macs: layers.reduce((n, l) => n + l.macs, 0),
    memory: estimateMemory(graph),
    diagnostics,
  };
}

/** User code is loaded asynchronously, so that a Python layer nobody knows here is no error of the text's. */
function softenPython(d: Diagnostic): Diagnostic {
  return d.code === 'python-module' ? { ...d, severity: 'warning' } : d;
}

function describeLayer(graph: NetGraph, layer: NetLayer): DescribedLayer {
  const params = layer.params.map((index, i) => {
    const { key, lrMult, decayMult } = nth(graph.params, index);
    return { key, lrMult, decayMult, shape: nth(layer.paramShapes, i) };
  });
  const own = new Set(layer.params.filter(i => nth(graph.params, i).layer === layer.name));
  return {
    name: layer.name,
    type: layer.type.type,
    bottoms: layer.bottoms.map(b => b.name),
    tops: layer.tops.map(t => t.name),
    bottomShapes: layer.bottoms.map(b => b.shape),
    topShapes: layer.tops.map(t => t.shape),
    params,
    rule: (layer.tops[0] && layer.type.explainShape?.(layer.context, layer.tops[0].shape)) ?? '',
    category: categoryOf(layer),
    detail: layer.type.detail?.(layer.context.param) ?? '',
    paramCount: [...own].reduce((n, i) => n + sizeOf(nth(graph.params, i).shape), 0),
    macs: layer.macs,
    lossWeights: layer.lossWeights,
    inserted: layer.source === undefined,
    isSplit: isSplit(layer),
  };
}

function categoryOf(layer: NetLayer): LayerCategory {
  if (layer.bottoms.length === 0) return 'data';
  if (layer.type.isLoss || isLoss(layer)) return 'loss';
  return layer.type.category ?? 'other';
}

function blobsOf(graph: NetGraph): Map<string, DescribedBlob> {
  const blobs = new Map<string, DescribedBlob>();
  for (const layer of graph.layers) {
    for (const { name, shape } of layer.tops) {
      const first = blobs.get(name);
      blobs.set(name, {
        shape,
        layer: first?.layer ?? layer.name,
        inserted: isSplit(layer),
      });
    }
  }
  return blobs;
}
