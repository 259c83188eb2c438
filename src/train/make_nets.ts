/** Makes a solver's nets: each with the batches of its Data layers, all on one engine, tests with the training net's parameters. */

import type { Dataset } from '../data/index.js';
import { fail } from '../diagnostics/index.js';
import type { Engine } from '../engines/index.js';
import { DataFeeds } from '../feeds/data_feeds.js';
import type { NetOptions } from '../net/index.js';
import { Random } from '../random/index.js';
import { Net, type NetLoadOptions, type Weights } from '../runtime/net.js';
import { type UserCodeOptions, userCode } from '../runtime/python_modules.js';
import { isSet, type NetState, type SolverParameter } from '../schema/index.js';
import { checkClasses } from './classes.js';
import type { NamedNet, NamedTestNet } from './nets.js';

/** A net with what feeds it. */
export interface NetWithFeeds {
  readonly net: Net;
  /** Undefined where the caller feeds. */
  readonly data: DataFeeds | undefined;
}

export interface MakerOptions extends UserCodeOptions {
  readonly weights?: Weights | readonly Weights[];
  readonly shuffle?: boolean;
  readonly stages?: readonly string[];
  readonly level?: number;
  readonly inputShapes?: NetOptions['inputShapes'];
}

export class NetMaker {
  readonly seed: number;
  /** Seeds of what draws on its own, one after the other. */
  private readonly seeds: Random;

  constructor(
    private readonly param: SolverParameter,
    private readonly options: MakerOptions,
    private readonly given: { dataset: Dataset | undefined; engine: Engine; seed: number; made: NetWithFeeds[] },
  ) {
    this.seed = given.seed;
    this.seeds = new Random(given.seed);
  }

  async train(named: NamedNet): Promise<NetWithFeeds> {
    const weights = [...this.param.weights.flatMap(w => w.split(',')), ...[this.options.weights ?? []].flat()];
    const made = await this.make(named, 'TRAIN', this.param.train_state ?? undefined, { weights });
    const { graph } = made.net;
    if (!graph.layers.some(l => l.lossWeights.some(w => w !== 0))) {
      throw fail('no-loss', 'The training net has no loss, so there is nothing to learn from.', {
        hint: 'Add a loss layer, e.g. type: "SoftmaxWithLoss", to phase TRAIN, or a loss_weight.',
      });
    }
    return made;
  }

  test(named: NamedTestNet, shareWith: Net): Promise<NetWithFeeds> {
    return this.make(named, 'TEST', named.state, { shareWith });
  }

  private async make(
    named: NamedNet,
    phase: 'TRAIN' | 'TEST',
    state: NetState | undefined,
    more: Partial<NetLoadOptions>,
  ): Promise<NetWithFeeds> {
    const isTraining = phase === 'TRAIN';
    const { dataset } = this.given;
    const base: NetOptions = {
      phase,
      stages: [
        ...(state?.stage ?? []),
        ...(this.options.stages ?? []),
        ...(dataset ? [isTraining ? 'train' : 'val'] : []),
      ],
      level: state && isSet(state, 'level') ? state.level : this.options.level,
      ...(this.options.inputShapes && { inputShapes: this.options.inputShapes }),
    };
    const split = await dataset?.split(isTraining ? 'train' : 'val');
    const shuffle = isTraining && (this.options.shuffle ?? true);
    const data = await DataFeeds.bind(named.param, base, {
      ...(split && { split }),
      ...(named.dir !== undefined && { dir: named.dir }),
      seed: this.seeds.nextUint32(),
      shuffle,
    });
    const net = await Net.fromParam(named.param, {
      ...base,
      ...(named.dir !== undefined && { dir: named.dir }),
      ...(data && { entryShapes: data.entryShapes }),
      ...userCode(this.options),
      engine: this.given.engine,
      seed: isTraining ? this.seed : this.seeds.nextUint32(),
      ...more,
    });
    if (dataset) checkClasses(net.describe(), dataset.manifest);
    data?.checkLabels(net.graph);
    const made = { net, data };
    this.given.made.push(made);
    return made;
  }
}

/** The one net's TEST phase, once per test_iter. */
export function genericTests(net: NamedNet, { test_iter, test_state }: SolverParameter): NamedTestNet[] {
  return test_iter.map((iterations, i) => ({ ...net, iterations, state: test_state[i] }));
}
