/** The states that a network is used in, and its description in one of them where no data set is there: what people look at. */

import { type Diagnostic, error, nearest } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { defaultCatalogue, type LayerCatalogue } from '../layers/index.js';
import { type NetParameter, type NetStateRule, type ParseOptions, parseNet } from '../schema/index.js';
import { entriesFor } from './assumed.js';
import type { CheckOptions } from './checks/check.js';
import { type Description, describeParsed } from './describe.js';
import { filterLayers, netState } from './filter.js';
import { isDataLayer } from './inputs.js';
import { Report } from './report.js';
import type { NetOptions } from './types.js';

/** Phase and stages, and the level where it is not the net's own. */
export interface UseState {
  /** The phase. */
  readonly phase: 'TRAIN' | 'TEST';
  /** Active names. */
  readonly stages: readonly string[];
  /** A number that rules compare with min_level and max_level. */
  readonly level?: number;
}

/** A state as the command line asks for it. */
export interface StateOptions {
  readonly phase?: 'TRAIN' | 'TEST';
  readonly stage?: readonly string[];
  readonly level?: number;
}

/** Whether any of it is asked for. */
export const asksForState = ({ phase, stage, level }: StateOptions): boolean =>
  phase !== undefined || stage !== undefined || level !== undefined;

export interface DescribeRequest extends Omit<CheckOptions, 'weightsLoaded'>, ParseOptions {
  readonly text: string;
  readonly name: string;
  readonly state: UseState;
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  readonly entryShapes?: Readonly<Record<string, Shape>>;
  readonly weightsLoaded?: boolean;
  readonly hostLayer?: NetOptions['hostLayer'];
  readonly catalogue?: NetOptions['catalogue'];
}

/** Taken first. */
const ASSUMED: Shape = [3, 256, 256];
/** Tried, from the smallest on, where the net does not stand with the usual one. */
const OTHERS: readonly Shape[] = [28, 32, 224, 227, 299, 512, 1024].flatMap(side => [
  [1, side, side],
  [3, side, side],
]);

/**
 * `describe`; where Data layers lack a data set and the net does not say what it is made for, 3x256x256 stands in, or
 * another shape with which the net has no errors. What is wrong with the assumed shape alone is a warning.
 */
export function describeFile(
  request: DescribeRequest,
): Description & { readonly assumed?: Readonly<Record<string, Shape>> } {
  const { text, state, ...rest } = request;
  const options = { ...rest, ...state };
  const parsed = parseNet(text, options);
  const { message } = parsed;
  const first = describeParsed(parsed, options);
  const unknown = rest.inputShapes ? unknownInputs(message, rest.inputShapes) : [];
  if (unknown.length > 0) return describeUnknown(first, unknown);
  if (!first.diagnostics.some(d => d.code === 'no-data-set')) return first;
  const withShape = (shape: Shape, traceShapes = false) => {
    const assumed = entriesFor(message, shape, rest.catalogue);
    const entryShapes = { ...assumed, ...rest.entryShapes };
    return { ...describeParsed(parsed, { ...options, entryShapes, traceShapes }), assumed };
  };
  const usual = withShape(ASSUMED, true);
  if (usual.ok) return usual;
  const mayFollow = usual.diagnostics.filter(d => d.severity === 'error' && !tells(first, d));
  if (mayFollow.length === 0) return usual;
  const [smallest, ...larger] = OTHERS as readonly [Shape, ...Shape[]];
  const small = withShape(smallest);
  if (small.ok) return small;
  // What an error says alike with the usual shape, with a small and with a large one does not follow from the shape.
  const tellsAll = (net: Description) => mayFollow.every(d => tells(net, d));
  if (tellsAll(small) && tellsAll(withShape(larger.at(-1)!))) return usual;
  const others: Description[] = [small];
  for (const shape of [...larger, ...shapesWritten(message)]) {
    const other = withShape(shape);
    if (other.ok) return other;
    others.push(other);
  }
  return { ...usual, diagnostics: usual.diagnostics.map(d => softenAssumed(d, others)) };
}

/** Whether the net has the same error in the same words. */
function tells(net: Description, { code, layer, message }: Diagnostic): boolean {
  return net.diagnostics.some(d => d.code === code && d.layer === layer && d.message === message);
}

function describeUnknown(net: Description, unknown: readonly Diagnostic[]): Description {
  return { ...net, ok: false, diagnostics: [...unknown, ...net.diagnostics] };
}

/** A shape that is given for a blob that no layer makes or reads, in any state, is an error. */
function unknownInputs(net: NetParameter, shapes: Readonly<Record<string, Shape>>): Diagnostic[] {
  const blobs = new Set([...net.layer.flatMap(l => [...l.top, ...l.bottom]), ...net.input]);
  return Object.keys(shapes)
    .filter(blob => !blobs.has(blob))
    .map(blob => {
      const near = nearest(blob, blobs);
      const hint = near ? `Did you mean "${near}"?` : `There are: ${[...blobs].slice(0, MOST_NAMED).join(', ')}.`;
      return error('unknown-input', `A shape is given for "${blob}", and the network has no such blob.`, { hint });
    });
}

const MOST_NAMED = 12;

/** Shapes that numbers of the net speak of: its crops, and what its layers make of so many numbers. */
function shapesWritten(net: NetParameter): Shape[] {
  const crops = net.layer.flatMap(l => [l.transform_param?.crop_size ?? 0, ...(l.augment_param?.crop_size ?? [])]);
  const made = net.layer.map(l => l.inner_product_param?.num_output ?? 0);
  const sides = [...new Set(crops)].filter(n => n > 0).slice(0, MOST_WRITTEN);
  const counts = [...new Set(made)].filter(n => n > 0).slice(-MOST_WRITTEN);
  return [
    ...sides.flatMap((n): Shape[] => [
      [1, n, n],
      [3, n, n],
    ]),
    ...counts.map((n): Shape => [n, 1, 1]),
  ];
}

const MOST_WRITTEN = 4;

/** An error of a layer that stands with another shape of the data follows from the assumed one alone. */
function softenAssumed(d: Diagnostic, others: readonly Description[]): Diagnostic {
  if (d.severity !== 'error' || d.layer === undefined) return d;
  const stands = others.some(
    net =>
      net.layers.some(l => l.name === d.layer) &&
      !net.diagnostics.some(o => o.layer === d.layer && o.severity === 'error'),
  );
  if (!stands) return d;
  const hint = 'It follows from the shape that is assumed for the data: give the real one by --input or --dataset.';
  return { ...d, severity: 'warning', hint };
}

/**
 * The states a network is used in: training, validation, and, where its rules speak of it, DIGITS' stage "deploy". A net
 * without data layers, losses and rules is made for use only.
 */
export function statesOf(net: NetParameter, catalogue: LayerCatalogue = defaultCatalogue()): UseState[] {
  const rules = net.layer.flatMap(l => [...l.include, ...l.exclude]);
  const names = (rule: NetStateRule) => [...rule.stage, ...rule.not_stage];
  const deploy = rules.some(rule => names(rule).includes('deploy'));
  const learns = net.layer.some(l => catalogue.isLoss(l.type) || l.loss_weight.length > 0 || isDataLayer(l, catalogue));
  if (!learns && rules.length === 0) return [{ phase: 'TEST', stages: [] }];
  return [
    { phase: 'TRAIN', stages: ['train'] },
    { phase: 'TEST', stages: ['val'] },
    ...(deploy ? [{ phase: 'TEST', stages: ['deploy'] } as const] : []),
  ];
}

/** The states with those apart in which no layer without bottoms takes part, though the net has some for others. */
export function fedStates(net: NetParameter, states: readonly UseState[]): { states: UseState[]; without: UseState[] } {
  const isFed = (state: UseState) =>
    filterLayers(net.layer, netState(net, state), new Report()).some(l => l.bottom.length === 0 && l.top.length > 0);
  const fed = states.filter(isFed);
  if (fed.length === 0) return { states: [...states], without: [] };
  return { states: fed, without: states.filter(state => !fed.includes(state)) };
}

/** The state that options ask for. Without a phase, stage "train" means TRAIN and any other TEST; with nothing, training. */
export function stateFrom(options: StateOptions): UseState {
  const stages = options.stage ?? (options.phase ? [] : ['train']);
  const phase = options.phase ?? (stages.length === 0 || stages.includes('train') ? 'TRAIN' : 'TEST');
  return { phase, stages, ...(options.level !== undefined && { level: options.level }) };
}

/** The same mistake seen in several states is told once. */
export function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(d => {
    const { source, range } = d.location ?? {};
    // Batch sizes and phases in its words may differ.
    const about = source ? [d.layer, source.name, range?.start.offset] : [d.message];
    const key = [d.code, d.severity, ...about].join('\n');
    return !seen.has(key) && seen.add(key);
  });
}
