/** Training in twenty lines: `node examples/train.js`. Pictures made by formula, a small network, two passes over them. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPhantom, train } from 'mokapot';

const net = fileURLToPath(new URL('../networks/fcn_small.prototxt', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'mokapot-example-'));

await createPhantom({ out: join(folder, 'phantom'), count: 80, size: 128, seed: 1 });
for await (const event of train({
  net,
  dataset: join(folder, 'phantom'),
  epochs: 2,
  type: 'Adam',
  lr: 0.003,
  seed: 1,
  runDir: join(folder, 'run'),
})) {
  if (event.type === 'epoch') console.log(`epoch ${event.epoch}: loss ${event.loss.toFixed(3)}`);
  if (event.type === 'test') console.log(`held-back patients after iteration ${event.iter}:`, event.outputs);
  if (event.type === 'end') console.log(`${event.reason}; the weights are in ${event.snapshot?.weights}`);
}
await rm(folder, { recursive: true });
