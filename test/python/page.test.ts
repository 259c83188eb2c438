/** The examples of docs/python-layers.md that need no Python. */

import { expect, it } from 'vitest';
import * as mokapot from '../../src/index.js';
import { checkExample, examples } from './page.js';

it.each(['weighted.ts', 'weighted_graph.ts'])('%s', name => checkExample(name));

it('library', async () => {
  const code = examples()
    .get('library')!
    .replace(/import .*\n/, '');
  const said: unknown[][] = [];
  const run = new Function('runPythonLayer', 'console', `return (async () => { ${code} })()`);
  await run(mokapot.runPythonLayer, { log: (...what: unknown[]) => said.push(what) });
  const [value, diff] = said[0] as [number, Float32Array];
  // The second class's shares at the four positions, of which the middle two are labelled.
  const p = [-2, 1, 2, 1].map(d => 1 / (1 + Math.exp(-d)));
  const sum = p.reduce((a, b) => a + b);
  expect(value).toBeCloseTo(1 - (2 * (p[1]! + p[2]!) + 1) / (sum + 2 + 1), 6);
  expect(diff).toHaveLength(8);
});
