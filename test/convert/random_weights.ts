/** Weights as after a training, for networks that come without: small, of both signs; statistics as a batch may have. */

import { Random } from '../../src/random/index.js';
import { Net } from '../../src/runtime/node/net.js';

/** Fills the net's stage "deploy" and saves it. @returns `path` */
export async function randomWeights(prototxt: string, path: string): Promise<string> {
  const net = await Net.fromFile(prototxt, { phase: 'TEST', stages: ['deploy'], backend: 'host', seed: 1 });
  const random = new Random(7);
  const keepsStatistics = new Set(net.graph.layers.flatMap(l => (l.type.type === 'BatchNorm' ? [l.name] : [])));
  for (const [name, blobs] of net.params)
    blobs.forEach(({ data, shape }, k) => {
      const reach = Math.sqrt(3 / Math.max(1, data.length / (shape[0] ?? 1)));
      // A variance, and the weight of the sums, are no less than 0.
      const least = keepsStatistics.has(name) && k > 0 ? 0.1 : -reach;
      for (let i = 0; i < data.length; i++) data[i] = random.uniform(least, reach);
    });
  await net.save(path);
  net.dispose();
  return path;
}
