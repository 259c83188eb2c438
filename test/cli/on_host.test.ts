/** `mokapot summary` tells what the default engine leaves to the host. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, mokapot } from './cli.js';

function file(pooling: string): string {
  const path = join(folder(), 'net.prototxt');
  writeFileSync(
    path,
    `input: "data" input_shape { dim: 1 dim: 2 dim: 8 dim: 8 }
     layer { name: "odd" type: "Pooling" bottom: "data" top: "p" pooling_param { pool: MAX ${pooling} } }`,
  );
  return path;
}

describe('summary', () => {
  it('names a layer that ONNX has no op for', async () => {
    const odd = file('kernel_size: 2 stride: 5');
    expect((await mokapot(['summary', odd])).out).toContain('on the host    odd (maxPool)');
    const { out } = await mokapot(['summary', odd, '--json']);
    expect(JSON.parse(out).onHost).toEqual([{ layer: 'odd', op: 'maxPool' }]);
  });

  it('has no such line otherwise', async () => {
    expect((await mokapot(['summary', file('kernel_size: 2 stride: 2')])).out).not.toContain('on the host');
  });
});
