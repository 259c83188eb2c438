/** What the best snapshot and early stopping go by is an output of the test net. */

import { type Diagnostic, error, nearest } from '../../diagnostics/index.js';
import { create, locate } from '../../schema/index.js';
import type { CheckDoc, CheckRule } from './check.js';
import { SCORES } from './examples.js';

const net = (top: string) => `layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "${top}" }
`;

export const testedOutputDoc = (): CheckDoc => ({
  doc: 'What keep_best and early_stopping of a solver name is an output of its test net.',
  cure: 'They go by the figures of tests: the tops of the test net that no layer reads. `mokapot train` refuses any other name.',
  example: {
    head: SCORES,
    wrong: net('share'),
    right: net('accuracy'),
    phase: 'TEST',
    solver: create('caffe.SolverParameter', { test_iter: [1], mokapot_param: { keep_best: 'accuracy:max' } }),
    given: 'a solver with one test net and mokapot_param { keep_best: "accuracy:max" }',
  },
});

export const testedOutput: CheckRule = {
  code: 'tested-output',
  run({ phase, outputs }, options) {
    const solver = options.solver?.param;
    const own = solver?.mokapot_param;
    if (!own || phase !== 'TEST' || solver.test_iter.length !== 1) return [];
    const stopping = own.early_stopping;
    const named = [
      { message: own as object, field: 'keep_best', text: own.keep_best },
      ...(stopping ? [{ message: stopping, field: 'output', text: stopping.output }] : []),
    ];
    return named.flatMap(({ message, field, text }): Diagnostic[] => {
      const name = text.split(':')[0]!;
      if (name === '' || outputs.includes(name)) return [];
      const near = nearest(name, outputs);
      const location = locate(message, field);
      const hint = `${near === undefined ? '' : `Did you mean "${near}"? `}Outputs: ${outputs.join(', ')}.`;
      return [error('tested-output', `The test net has no output "${name}".`, { hint, ...(location && { location }) })];
    });
  },
};
