/** docs/convert.md tells what becomes of layers with code of their own, and the exporters do just that. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MokapotError } from '../../src/diagnostics/index.js';
import { emitGeneralOnnx } from '../../src/emit/onnx/index.js';
import { emitTfjsGraph } from '../../src/emit/tfjs/index.js';
import { type ExportTarget, sameShape } from '../../src/ir/index.js';
import { GeneralGraph } from '../../src/ir/passes/generalise.js';
import { lowerNet } from '../../src/net/index.js';
import { compiled } from '../layers/net_of.js';
import { type Outcome, OWN_CODE, type OwnCode } from './cannot_export.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

function outcomeOf({ layer, shapes }: OwnCode, target: ExportTarget): Outcome {
  const net = compiled(layer, shapes, 'TEST');
  const { graph } = lowerNet(net, { target, updates: false, fetch: ['y'] });
  const parameters = () => new Float32Array(0);
  try {
    const general = new GeneralGraph([graph]);
    if (target === 'onnx') emitGeneralOnnx(general, parameters, { name: 'net' });
    else emitTfjsGraph(general, parameters);
  } catch (thrown) {
    if (thrown instanceof MokapotError) return 'no';
    throw thrown;
  }
  return sameShape(graph.outputs.get('y')!.shape, net.blobs.get('y')!.shape) ? 'yes' : 'boxes';
}

describe('what becomes of layers with code of their own', () => {
  it.each(OWN_CODE.map(c => [c.title, c] as const))('%s', (_, own) => {
    expect([outcomeOf(own, 'tfjs'), outcomeOf(own, 'onnx')]).toEqual([own.tfjs, own.onnx]);
  });

  it('is what the table says', () => {
    const words = { yes: 'yes', no: 'no', boxes: 'its boxes' };
    for (const { title, tfjs, onnx } of OWN_CODE)
      expect(read('docs/convert.md')).toContain(`\n| ${title} | ${words[tfjs]} | ${words[onnx]} |\n`);
  });

  it('is told of all of them, those that no model has in one line', () => {
    const onHost = readdirSync(new URL('../../src/layers/catalogue/', import.meta.url)).flatMap(file => {
      if (!file.endsWith('.ts')) return [];
      const text = read(`src/layers/catalogue/${file}`);
      const type = /^ {2}type: '(\w+)'/m.exec(text)?.[1];
      return /\.hostCall\(|\.\.\.(foundOnHost|detections)\(/.test(text) && type ? [type] : [];
    });
    const told = [...new Set(OWN_CODE.map(c => c.type))];
    const listed = [...read('docs/convert.md').matchAll(/^\| (\w+) \| no \| no \|$/gm)].map(m => m[1]!);
    expect([...new Set([...told, ...listed])].sort()).toEqual(onHost.sort());
  });
});
