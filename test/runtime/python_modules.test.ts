import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostBlob } from '../../src/layers/index.js';
import { compileNet } from '../../src/net/index.js';
import { PythonProcess } from '../../src/python/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { loadPythonModules } from '../../src/runtime/node/python_modules.js';
import { parseText } from '../../src/schema/index.js';

let proto: string;
let extra: string;

function net(module: string, layer: string) {
  return parseText(
    `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
     layer { name: "p" type: "Python" bottom: "x" top: "y" python_param { module: "${module}" layer: "${layer}" } }`,
    'caffe.NetParameter',
  ).message;
}

const BODY = `
  setup() {}
  reshape(bottom, top) { top[0].reshape(...bottom[0].shape, 4); }
  forward() {}`;

beforeAll(async () => {
  proto = await mkdtemp(join(tmpdir(), 'mokapot-proto-'));
  extra = await mkdtemp(join(tmpdir(), 'mokapot-layers-'));
  await writeFile(join(proto, 'near.mjs'), `export class Wide { ${BODY} }`);
  await writeFile(join(extra, 'near.mjs'), `export class Far { ${BODY} }`);
  await writeFile(
    join(extra, 'typed.ts'),
    `interface B { shape: number[]; reshape(...s: number[]): void }
     class Typed { setup(): void {} forward(): void {}
       reshape(bottom: B[], top: B[]): void { top[0]!.reshape(bottom[0]!.shape[0]!); } }
     export default { Typed };`,
  );
  await writeFile(join(extra, 'broken.mjs'), 'export class {');
  await writeFile(join(proto, 'digits_python_layers.mjs'), `export class Other { ${BODY} }`);
});

afterAll(async () => {
  await rm(proto, { recursive: true });
  await rm(extra, { recursive: true });
});

const python = new PythonProcess({ interpreter: '/nowhere/python3' });

async function topShape(module: string, layer: string) {
  const param = net(module, layer);
  const { make } = await loadPythonModules(param, { protoDir: proto, given: [extra] }, python);
  return compileNet(param, { phase: 'TEST', hostLayer: make }).blobs.get('y')?.shape;
}

describe('loadPythonModules', () => {
  it('finds a class beside the prototxt, and in TypeScript as a property of the default export', async () => {
    expect(await topShape('near', 'Far')).toEqual([2, 3, 4]);
    expect(await topShape('typed', 'Typed')).toEqual([2]);
  });

  it('what was given comes before the prototxt’s folder', async () => {
    await expect(topShape('near', 'Wide')).rejects.toThrow(/near\.mjs exports no class Wide\. It exports Far/);
  });

  it('a class that ships with Mokapot serves where the file has none of its name', async () => {
    for (const layer of ['Dice', 'Other']) {
      const { make } = await loadPythonModules(net('digits_python_layers', layer), { protoDir: proto }, python);
      expect(make('digits_python_layers', layer, 'a').constructor.name).toBe(layer);
    }
  });

  it('names every place it looked at, and how to mend it', async () => {
    const message = await topShape('nowhere', 'Thing').catch((e: Error) => e.message);
    expect(message).toContain(join(proto, 'nowhere{.ts,.js,.mjs,.py}'));
    expect(message).toContain(join(extra, 'nowhere{.ts,.js,.mjs,.py}'));
    expect(message).toMatch(/--python-layers.*registerPythonLayer/);
  });

  it('a module that does not load is reported with its file', async () => {
    await expect(topShape('broken', 'X')).rejects.toThrow(/broken\.mjs, cannot be loaded/);
  });

  it('a module name is no path', async () => {
    await expect(topShape('../near', 'Wide')).rejects.toThrow(/no Python layer/);
  });
});

describe('a Python layer of a Net', () => {
  it('is one object, set up once, however often the shapes change', async () => {
    const seen: string[] = [];
    class Counter {
      param_str = '';
      phase = 'TEST' as const;
      setup() {
        seen.push('setup');
      }
      reshape(bottom: readonly HostBlob[], top: readonly HostBlob[]) {
        top[0]!.reshape(...bottom[0]!.shape);
      }
      forward(_: readonly HostBlob[], top: readonly HostBlob[]) {
        seen.push(`forward ${top[0]!.shape.join('×')}`);
      }
    }
    const hostLayer = () => new Counter();
    const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "p" type: "Python" bottom: "x" top: "y" python_param { module: "m" layer: "Counter" } }`;
    const net = await Net.fromText(text, { phase: 'TEST', backend: 'host', hostLayer });
    await net.forward({ x: new Float32Array(6) });
    await net.forward({ x: { data: new Float32Array(4), shape: [4, 1] } });
    await net.forward({ x: { data: new Float32Array(6), shape: [2, 3] } });
    expect(seen).toEqual(['setup', 'forward 2×3', 'forward 4×1', 'forward 2×3']);
  });
});
