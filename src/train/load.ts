/**
 * Loads a solver: its nets, each with what feeds it, all on one engine, tests with the training net's parameters. How nets
 * and feeds come about is the factory's: from files (`node/net_factory.ts`), or from what the caller gives.
 */

import { type Diagnostic, fail, MokapotError } from '../diagnostics/index.js';
import type { DataFeed } from '../feeds/source.js';
import { augmentLabels, isLoss, type NetOptions, type SelectedNet, selectLayers } from '../net/index.js';
import { Random } from '../random/index.js';
import { freshSeed, type Net } from '../runtime/net.js';
import { isSet, type NetState, type Phase, type SolverParameter } from '../schema/index.js';
import type { NamedNet, NamedTestNet } from './nets.js';
import type { Resources } from './resources.js';

/** A net that is about to be made, with what feeds it opened. */
export interface OpenedNet {
  readonly selected: SelectedNet;
  readonly options: NetOptions;
  /** Undefined where the caller feeds. */
  readonly feed: DataFeed | undefined;
}

/** A net with what feeds it. */
export interface NetWithFeed<N extends Net> {
  readonly net: N;
  /** Undefined where the caller feeds. */
  readonly feed: DataFeed | undefined;
}

export interface SolverParts<N extends Net> {
  readonly param: SolverParameter;
  readonly seed: number;
  /** The training net as it was named. */
  readonly named: NamedNet;
  readonly train: NetWithFeed<N>;
  readonly tests: readonly (NetWithFeed<N> & { readonly named: NamedTestNet })[];
  readonly diagnostics: readonly Diagnostic[];
  /** What is to be closed with the solver. */
  readonly resources: Resources;
}

export interface NetFactory<N extends Net> {
  /**
   * Selects the layers of a net's phase and opens what feeds them. What it opens it closes by way of the resources.
   *
   * @param test the position of a test net
   */
  open(named: NamedNet, state: NetState | undefined, dataSeed: number, test?: number): Promise<OpenedNet>;
  make(named: NamedNet, opened: OpenedNet, more: { readonly seed: number; readonly shareWith?: N }): Promise<N>;
  /** Throws where the net and the data set do not go together. */
  check?(net: N): void;
}

export interface LoadRequest<N extends Net> {
  readonly param: SolverParameter;
  readonly train: NamedNet;
  readonly tests: readonly NamedTestNet[];
  readonly seed: number;
  /** Notes and warnings about the solver. */
  readonly notes: readonly Diagnostic[];
  readonly factory: NetFactory<N>;
  readonly resources: Resources;
  /** Nets that are open already. */
  readonly opened?: { readonly train: OpenedNet; readonly tests: readonly OpenedNet[] } | undefined;
}

/** The seed of a run: the caller's, else the solver's, else a new one. */
export function seedOf(param: SolverParameter, seed: number | undefined): number {
  return seed ?? (param.random_seed >= 0 ? param.random_seed : freshSeed());
}

/** Seeds of what draws on its own in a run: the order of the training data, and each test net's data and net. */
export function seedsOf(seed: number, tests: number) {
  const seeds = new Random(seed);
  const data = seeds.nextUint32();
  return { data, tests: Array.from({ length: tests }, () => ({ data: seeds.nextUint32(), net: seeds.nextUint32() })) };
}

/** @throws MokapotError `no-loss`, `augment-labels`, and with every error of the nets, their data and the weights */
export async function loadSolver<N extends Net>(request: LoadRequest<N>): Promise<SolverParts<N>> {
  const { param, train: named, tests: namedTests, seed, notes, factory, resources, opened } = request;
  const seeds = seedsOf(seed, namedTests.length);
  const make = async (net: NamedNet, open: OpenedNet, more: { readonly seed: number; readonly shareWith?: N }) => {
    const made = await factory.make(net, open, more);
    resources.add(() => made.dispose());
    factory.check?.(made);
    return { net: made, feed: open.feed };
  };
  const open = opened?.train ?? (await factory.open(named, param.train_state ?? undefined, seeds.data));
  const train = await make(named, open, { seed });
  checkLoss(train.net);
  checkLabelsMove(train.net);
  const tests = [];
  for (const [i, test] of namedTests.entries()) {
    const { data, net } = seeds.tests[i]!;
    const open = opened?.tests[i] ?? (await factory.open(test, test.state, data, i));
    tests.push({ ...(await make(test, open, { seed: net, shareWith: train.net })), named: test });
  }
  const diagnostics = [...notes, ...named.diagnostics, ...train.net.diagnostics];
  return { param, seed, named, train, tests, diagnostics, resources };
}

function checkLoss({ graph }: Net): void {
  if (graph.layers.some(isLoss)) return;
  throw fail('no-loss', 'The training net has no loss, so there is nothing to learn from.', {
    hint: 'Add a loss layer, e.g. type: "SoftmaxWithLoss", to phase TRAIN, or a loss_weight.',
  });
}

/** Training on pictures that move and labels that do not would teach nonsense. */
function checkLabelsMove({ graph }: Net): void {
  const found = augmentLabels.run(graph, {});
  if (found.length > 0) throw new MokapotError(found);
}

/** A solver's net in the state that the solver asks for, with more stages of the caller's. */
export function selectNet(
  { param }: NamedNet,
  phase: keyof typeof Phase,
  state: NetState | undefined,
  {
    stages,
    level,
    inputShapes,
    catalogue,
  }: Pick<NetOptions, 'level' | 'inputShapes' | 'catalogue'> & { readonly stages: readonly string[] },
): Pick<OpenedNet, 'selected' | 'options'> {
  const options: NetOptions = {
    phase,
    stages: [...(state?.stage ?? []), ...stages],
    level: state && isSet(state, 'level') ? state.level : level,
    ...(inputShapes && { inputShapes }),
    catalogue,
  };
  return { selected: selectLayers(param, options), options };
}
