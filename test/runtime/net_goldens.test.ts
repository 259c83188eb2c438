/** The goldens of layers through `Net`, as a user of the library would run them. */

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../src/layers/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { goldenNames, readGolden } from '../../src/tools/golden_files.js';
import { greatestError, TOLERANCE } from '../../src/tools/verify.js';

const DIR = fileURLToPath(new URL('../goldens/layers', import.meta.url));

/** Filter's top has as many samples as the data say: no net of fixed shapes can hold it yet. */
const MISSING = new Set(['filter']);

describe('goldens through Net', async () => {
  const names = (await goldenNames(DIR)).filter(name => !MISSING.has(name));

  it.each(names)('%s', async name => {
    const { prototxt, values } = await readGolden(DIR, name);
    const under = (prefix: string) =>
      [...values.tensors].flatMap(([key, { data }]): [string, Float32Array][] =>
        key.startsWith(`${prefix}/`) ? [[key.slice(prefix.length + 1), data]] : [],
      );
    const net = await Net.fromText(prototxt, { phase: values.metadata['phase'] as Phase, backend: 'host' });
    const param = (key: string) => net.params.get(key.split('/')[0]!)![Number(key.split('/')[1])]!;
    for (const [key, data] of under('param')) param(key).data = data;
    await net.forward(Object.fromEntries(under('input')));
    if (under('param_diff').length + under('input_diff').length > 0)
      await net.backward(Object.fromEntries(under('output_diff')));
    const ours: [string, Float32Array][] = [
      ...under('output').map(([blob]): [string, Float32Array] => [`output/${blob}`, net.blobs.get(blob)!.data]),
      ...under('param_after').map(([key]): [string, Float32Array] => [`param_after/${key}`, param(key).data]),
      ...under('input_diff').map(([blob]): [string, Float32Array] => [`input_diff/${blob}`, net.blobs.get(blob)!.diff]),
      ...under('param_diff').map(([key]): [string, Float32Array] => [`param_diff/${key}`, param(key).diff]),
    ];
    const wrong = ours.filter(([key, data]) => greatestError(data, values.tensors.get(key)!.data) > TOLERANCE.relative);
    expect(wrong.map(([key]) => key)).toEqual([]);
  });
});
