/** Makes a solver's nets of what the caller gives: engine, feeds and weights. */

import { fail } from '../diagnostics/index.js';
import type { Engine } from '../engines/types.js';
import type { SelectedNet } from '../net/index.js';
import { Net } from '../runtime/net.js';
import type { NetState, SolverParameter } from '../schema/index.js';
import { classWeightsOf, weighClasses } from './class_weights.js';
import { type NetFactory, type OpenedNet, selectNet } from './load.js';
import type { NamedNet } from './nets.js';
import type { SolverOptions } from './solver.js';

type Given = Pick<
  SolverOptions,
  'weights' | 'data' | 'testData' | 'stages' | 'level' | 'inputShapes' | 'hostLayer' | 'catalogue'
>;

export class GivenNets implements NetFactory<Net> {
  constructor(
    private readonly param: SolverParameter,
    private readonly given: Given,
    private readonly engine: Engine | undefined,
  ) {}

  async open(named: NamedNet, state: NetState | undefined, _seed: number, test?: number): Promise<OpenedNet> {
    const { data, testData = [], stages = [], level, inputShapes, catalogue } = this.given;
    const phase = test === undefined ? 'TRAIN' : 'TEST';
    const opened = selectNet(named, phase, state, { stages, level, inputShapes, catalogue });
    const selected = { ...opened, selected: this.weighed(opened.selected, phase === 'TRAIN') };
    return { ...selected, feed: test === undefined ? data : testData[test] };
  }

  private weighed(selected: SelectedNet, isTraining: boolean): SelectedNet {
    const { mokapot_param: own } = this.param;
    if (own && own.oversample.length > 0)
      throw fail('oversample', 'oversample goes by the classes of a data set, and none is in use.', {
        hint: 'Take it out of the solver: what is handed in as data says itself how often an entry comes.',
      });
    return own?.class_weights
      ? weighClasses(selected, classWeightsOf(own.class_weights, undefined), isTraining)
      : selected;
  }

  make(
    _named: NamedNet,
    { selected, options, feed }: OpenedNet,
    more: { readonly seed: number; readonly shareWith?: Net },
  ) {
    const { engine } = this;
    const { hostLayer, weights = [] } = this.given;
    const isTraining = !more.shareWith;
    if (isTraining) refuseFiles(this.param);
    return Net.fromSelected(selected, {
      ...options,
      ...more,
      ...(feed && { data: feed }),
      ...(engine && { engine }),
      ...(hostLayer && { hostLayer }),
      ...(isTraining && { weights }),
    });
  }
}

/** A solver may name files of weights; there are none here. */
function refuseFiles({ weights }: SolverParameter): void {
  if (weights.length === 0) return;
  throw fail('weights-file', `The solver names the weights ${weights.join(', ')}, and files are not read here.`, {
    hint: 'Take `weights` out of the solver and hand in their bytes: { weights: bytes }.',
  });
}
