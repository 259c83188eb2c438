/** Makes a solver's nets of what the caller gives: engine, feeds and weights. */

import { fail } from '../diagnostics/index.js';
import type { Engine } from '../engines/types.js';
import { Net } from '../runtime/net.js';
import type { NetState, SolverParameter } from '../schema/index.js';
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
    const selected = selectNet(named, phase, state, { stages, level, inputShapes, catalogue });
    return { ...selected, feed: test === undefined ? data : testData[test] };
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
