/** Any parameters on any bottoms: a layer computes, or says in a diagnostic why not; it never fails otherwise. */

import type { Enum, Field, Type } from 'protobufjs';
import { expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { createHostEngine } from '../../src/engines/node/index.js';
import { sizeOf } from '../../src/ir/index.js';
import { type LayerType, layerTypes } from '../../src/layers/index.js';
import { lowerNet } from '../../src/net/index.js';
import { paramFields } from '../../src/net/param_fields.js';
import { Random } from '../../src/random/index.js';
import { defaultSchema } from '../../src/schema/index.js';
import { compiled, type Shapes } from './net_of.js';

const RUNS = Number(process.env['MOKAPOT_RUNS'] ?? 20);
const random = new Random(Number(process.env['MOKAPOT_SEED'] ?? 1));
const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;

function scalar(field: Field): string {
  const values = (field.resolvedType as Enum | null)?.values;
  if (values) return pick(Object.keys(values));
  if (field.type === 'bool') return pick(['true', 'false']);
  if (field.type === 'string') return '"x"';
  if (field.type === 'float') return String(pick([0, 1, -1, 0.5, 2, 1e-8, 1e10, -3]));
  return String(pick(field.type === 'uint32' ? [0, 1, 2, 3, 4, 5, 7, 100] : [0, 1, 2, 3, -1, -2, -5, 7]));
}

/** Some of a message's fields, with values good and bad; those that are required always. */
function fieldsOf(type: Type, depth = 0): string {
  const parts = type.fieldsArray.map(field => {
    if (!field.required && random.next() < 0.5) return '';
    const one = () => {
      const message =
        field.resolvedType && !('values' in field.resolvedType) ? (field.resolvedType as Type) : undefined;
      if (message?.name === 'FillerParameter') return `${field.name} { value: 1 }`;
      if (message) return depth < 2 ? `${field.name} { ${fieldsOf(message, depth + 1)} }` : '';
      return `${field.name}: ${scalar(field)}`;
    };
    return Array.from({ length: field.repeated ? pick([1, 1, 2, 3]) : 1 }, one).join(' ');
  });
  return parts.join(' ');
}

const dims = (count: number) => Array.from({ length: count }, () => pick([1, 2, 3, 4, 5]));

/** Bottoms that often, but not always, go together. */
function bottomsOf(type: LayerType): Shapes {
  const count = Math.min(type.bottoms.max, type.bottoms.min + random.integer(3));
  const base = dims(pick([0, 1, 2, 3, 4, 4, 4, 4, 5]));
  const shape = () =>
    random.next() < 0.6 ? base : random.next() < 0.5 ? base.slice(0, pick([1, 2])) : dims(pick([1, 2, 3, 4]));
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`b${i}`, shape()]));
}

function layerOf(type: LayerType, shapes: Shapes): string {
  const tops = Math.max(type.tops.min, Math.min(type.tops.max, 1 + random.integer(2)));
  const names = [
    ...Object.keys(shapes).map(name => `bottom: "${name}"`),
    ...Array.from({ length: tops }, (_, i) => `top: "t${i}"`),
  ];
  const messages = defaultSchema().root.lookupType('caffe.LayerParameter').fields;
  const body = paramFields(type).map(name => `${name} { ${fieldsOf(messages[name]!.resolvedType as Type)} }`);
  return `layer { name: "l" type: "${type.type}" ${names.join(' ')} ${body.join(' ')} }`;
}

/** Runs forward and backward where the net is small enough. */
async function tryOut(text: string, shapes: Shapes): Promise<void> {
  const net = compiled(text, shapes, pick(['TRAIN', 'TEST']));
  const blobs = [...net.blobs.values()];
  expect(blobs.every(b => b.shape.every(d => Number.isSafeInteger(d) && d >= 0))).toBe(true);
  if ([...blobs, ...net.params].reduce((sum, b) => sum + sizeOf(b.shape), 0) > 1e6) return;
  const seeds = net.outputs.filter(name => !(name in shapes));
  const { graph, inputs } = lowerNet(net, {
    gradients: 'seeds',
    seeds,
    blobDiffs: Object.keys(shapes),
    paramDiffs: 'all',
    fetch: 'all',
  });
  const some = (shape: readonly number[]) => Float32Array.from({ length: sizeOf(shape) }, () => pick([0, 1, 0.5, 2]));
  const engine = createHostEngine();
  for (const { key, shape } of net.params) engine.write(key, some(shape), shape);
  const feeds = Object.fromEntries(
    [...inputs, ...graph.randoms.map(r => [r.name, r.shape] as const)].map(([name, shape]) => [name, some(shape)]),
  );
  const out = await (await engine.compile(graph)).run(feeds, [...graph.outputs.keys()]);
  for (const [name, value] of graph.outputs) expect(out[name]!.length).toBe(sizeOf(value.shape));
  engine.dispose();
}

const types = [...layerTypes.values()].filter(type => !type.isSource && type.type !== 'Python');

it.each(types.map(type => [type.type, type] as const))('%s', async (_, type) => {
  for (let run = 0; run < RUNS; run++) {
    const shapes = bottomsOf(type);
    const text = layerOf(type, shapes);
    try {
      await tryOut(text, shapes);
    } catch (thrown) {
      if (thrown instanceof MokapotError) continue;
      throw new Error(`${text}\n${JSON.stringify(shapes)}`, { cause: thrown });
    }
  }
});
