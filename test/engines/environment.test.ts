/** Variables of the environment that hold no number are told, and never taken for their default. */

import { afterEach, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/engines/node/index.js';
import { failure } from '../failure.js';

afterEach(() => vi.unstubAllEnvs());

it.each([
  ['MOKAPOT_MEMORY', 'abc'],
  ['MOKAPOT_MEMORY', '-1'],
  ['MOKAPOT_MEMORY', '4GB'],
  ['MOKAPOT_THREADS', '1.5'],
])('%s=%s', async (name, value) => {
  vi.stubEnv(name, value);
  const { code, message } = await failure(createEngine('host'));
  expect(code).toBe('bad-environment');
  expect(message).toBe(
    `The environment variable ${name} is "${value}", which is no ${name === 'MOKAPOT_THREADS' ? 'whole ' : ''}number above 0.`,
  );
});

it.each(['', '4096', '0.5'])('MOKAPOT_MEMORY=%s is fine', async value => {
  vi.stubEnv('MOKAPOT_MEMORY', value);
  (await createEngine('host')).dispose();
});

it('an engine called as what every object has', async () => {
  expect((await failure(createEngine('constructor'))).code).toBe('unknown-backend');
});
