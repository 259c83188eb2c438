/** Weights as after a training, for networks that come without: small, of both signs. */

import { Random } from '../../src/random/index.js';
import { Net } from '../../src/runtime/node/net.js';

/** Fills the net's stage "deploy" and saves it. @returns `path` */
export async function randomWeights(prototxt: string, path: string): Promise<string> {
  const net = await Net.fromFile(prototxt, { phase: 'TEST', stages: ['deploy'], backend: 'host', seed: 1 });
  const random = new Random(7);
  for (const blobs of net.params.values())
    for (const { data, shape } of blobs) {
      const reach = Math.sqrt(3 / Math.max(1, data.length / (shape[0] ?? 1)));
      for (let i = 0; i < data.length; i++) data[i] = random.uniform(-reach, reach);
    }
  await net.save(path);
  net.dispose();
  return path;
}
