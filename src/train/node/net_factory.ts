/** Makes a solver's nets under Node.js: their data from the data set in use and from files, their weights from files. */

import type { Dataset } from '../../data/index.js';
import { fail } from '../../diagnostics/index.js';
import type { Engine } from '../../engines/types.js';
import { openFeed, readsDataset } from '../../feeds/node/data_feeds.js';
import type { SelectedNet } from '../../net/index.js';
import { Net, type Weights } from '../../runtime/node/net.js';
import { userCode } from '../../runtime/node/python_modules.js';
import type { NetState, SolverParameter } from '../../schema/index.js';
import { classWeightsOf, weighClasses } from '../class_weights.js';
import { checkClasses } from '../classes.js';
import { type NetFactory, type OpenedNet, selectNet } from '../load.js';
import type { NamedNet } from '../nets.js';
import type { Resources } from '../resources.js';
import { withAugment } from './augmented.js';
import { factorsOf } from './oversample.js';
import type { SolverOptions } from './solver.js';

type Given = Omit<SolverOptions, 'dataset' | 'engine'>;

/** Opens what feeds the nets of a run; what it opens is closed with the resources. */
export class FeedOpener {
  /** @param own the solver's own fields */
  constructor(
    private readonly given: Given,
    readonly dataset: Dataset | undefined,
    private readonly resources: Resources,
    private readonly own: SolverParameter['mokapot_param'],
  ) {}

  async open(named: NamedNet, state: NetState | undefined, seed: number, test?: number): Promise<OpenedNet> {
    const { stages = [], level, inputShapes, catalogue, shuffle = true } = this.given;
    const isTraining = test === undefined;
    const splitName = isTraining ? 'train' : 'val';
    const all = [...stages, ...(this.dataset ? [splitName] : [])];
    const asNamed = selectNet(named, isTraining ? 'TRAIN' : 'TEST', state, {
      stages: all,
      level,
      inputShapes,
      catalogue,
    });
    const { augment } = this.given;
    if (isTraining) this.checkReaders(asNamed.selected);
    const selected = augment === undefined ? asNamed.selected : withAugment(asNamed.selected, augment);
    const opened = this.weighed({ ...asNamed, selected }, isTraining);
    const given = isTraining ? this.given.data : this.given.testData?.[test];
    if (given) return { ...opened, feed: given };
    const split = await this.dataset?.split(splitName);
    const factors = isTraining ? await factorsOf(this.own?.oversample ?? [], this.dataset) : undefined;
    const places = { split, dir: named.dir, seed, shuffle: isTraining && shuffle, factors };
    const feed = await openFeed(opened.selected, places, inputShapes);
    if (feed) this.resources.add(() => feed.close());
    return { ...opened, feed };
  }

  /** @throws MokapotError where what is asked of the training data is for others than those that are read */
  private checkReaders(net: SelectedNet): void {
    const { own } = this;
    const { augment, data } = this.given;
    if (data && augment !== undefined)
      throw fail('augment-no-pictures', 'Pictures that the caller feeds (`data`) cannot be augmented.', {
        hint: 'Leave out `augment` or `data`.',
      });
    const takes = (field: string) =>
      `${field} goes by the data set in use, and ${data ? 'the caller feeds the training net (`data`)' : 'no training data layer reads it'}.`;
    const hint = (other: string) =>
      data
        ? `Leave out \`data\`, or ${other}.`
        : `Leave out \`source\` in the data layers of phase TRAIN, or ${other}.`;
    if ((own?.oversample.length ?? 0) > 0 && this.dataset && (data || !readsDataset(net)))
      throw fail('oversample', takes('oversample'), { hint: hint('leave oversample out') });
    const weights = own?.class_weights ?? '';
    if (['auto', 'sqrt'].includes(weights) && this.dataset && !data && !readsDataset(net))
      throw fail('class-weights', takes(`class_weights "${weights}"`), {
        hint: hint('give a number for each class: 0.5,2'),
      });
  }

  private weighed({ selected, options }: Pick<OpenedNet, 'selected' | 'options'>, isTraining: boolean) {
    const weights = this.own?.class_weights;
    if (!weights) return { selected, options };
    const numbers = classWeightsOf(weights, this.dataset?.manifest);
    return { selected: weighClasses(selected, numbers, isTraining), options };
  }
}

export class NetsOfFiles implements NetFactory<Net> {
  constructor(
    private readonly param: SolverParameter,
    private readonly given: Given,
    private readonly opener: FeedOpener,
    private readonly engine: Engine,
  ) {}

  open(named: NamedNet, state: NetState | undefined, seed: number, test?: number): Promise<OpenedNet> {
    return this.opener.open(named, state, seed, test);
  }

  make(named: NamedNet, { selected, options, feed }: OpenedNet, more: { seed: number; shareWith?: Net }): Promise<Net> {
    const { engine, given } = this;
    return Net.fromSelected(selected, {
      ...options,
      ...userCode(given),
      ...(given.hostLayer && { hostLayer: given.hostLayer }),
      ...(feed && { data: feed }),
      dir: named.dir,
      engine,
      ...more,
      ...(!more.shareWith && { weights: this.weights }),
    });
  }

  check(net: Net): void {
    const { dataset } = this.opener;
    if (dataset) checkClasses(net.graph, dataset.manifest);
  }

  private get weights(): readonly Weights[] {
    const { weights = [] } = this.given;
    return [...this.param.weights.flatMap(w => w.split(',')), ...(Array.isArray(weights) ? weights : [weights])];
  }
}
