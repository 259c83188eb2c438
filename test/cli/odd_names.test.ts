/**
 * Commands on networks whose layers, blobs, parameters, data sets and classes are called as what every JavaScript object has
 * (`constructor`, `__proto__`, …): they print and write what they do for the same network with plain names.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeMask, encodePng } from '../../src/data/index.js';
import { createHostEngine } from '../../src/engines/host/index.js';
import { Net } from '../../src/runtime/node/net.js';
import { hdf5Parts } from '../../src/weights/formats/hdf5_write.js';
import { loadWeights, saveSafetensors } from '../../src/weights/node/files.js';
import {
  ENTRIES,
  fed,
  images,
  kinds,
  network,
  ODD,
  type Places,
  placesOf,
  plain,
  pollution,
  SHAPE,
  solver,
  toPlain,
} from '../odd_names.js';
import { mokapot, type RunOptions } from './cli.js';

const root = mkdtempSync(join(tmpdir(), 'mokapot-names-'));
const FOLDERS = ['odd', 'pln'] as const;
type Folder = (typeof FOLDERS)[number];
const namesOf = (folder: Folder) => (folder === 'odd' ? ODD : ODD.map(plain));

/** A text without what is not the same of both. */
const bare = (text: string) => toPlain(text).replaceAll(join(root, 'odd'), join(root, 'pln')).replace(TIMED, '"$1":0');

const TIMED =
  /"(seconds|imagesPerSecond|secondsLeft|waited|first\w+|forward|backward|forwardBackward|memory|peakBytes)":[-\d.e]+/g;

/** A command's words, from where files lie, how the network's parts are called there, and what an odd name is there. */
type Argv = (at: (file: string) => string, places: Places, named: (odd: string) => string) => readonly string[];

describe.each([0, 1, 4])('with the names in turn %i', turn => {
  const dir = (folder: Folder) => join(root, folder, String(turn));

  /** Runs a command in both folders and compares what it prints. @returns what it printed about the odd names */
  async function alike(argv: Argv, code = 0, options: RunOptions = {}): Promise<string> {
    const ran = [];
    for (const folder of FOLDERS) {
      const at = (file: string) => join(dir(folder), file);
      const named = (odd: string) => (folder === 'odd' ? odd : plain(odd));
      ran.push(await mokapot(argv(at, placesOf(namesOf(folder), turn), named), options));
    }
    const [a, b] = ran as [(typeof ran)[0], (typeof ran)[0]];
    expect(a.err).not.toContain('This is a bug');
    expect(pollution()).toEqual([]);
    expect({ code: a.code, out: bare(a.out), err: bare(a.err) }).toEqual({
      code,
      out: bare(b.out),
      err: bare(b.err),
    });
    return a.out;
  }

  /** The same of a text file that a command wrote in both; of a picture the words, whose widths differ. */
  function alikeFile(file: string): string {
    const read = (path: string) => {
      const text = readFileSync(path, 'utf8');
      return file.endsWith('.svg') ? [...text.matchAll(/>([^<]+)</g)].map(match => match[1]).join('\n') : text;
    };
    const [odd, other] = FOLDERS.map(folder => read(join(dir(folder), file)));
    expect(bare(odd!)).toBe(bare(other!));
    return odd!;
  }

  /** The same of the numbers in a file of weights, by layer. */
  function alikeWeights(file: string): void {
    const [odd, other] = FOLDERS.map(folder =>
      [...loadWeights(join(dir(folder), file)).layers].map(([name, blobs]) => [
        toPlain(name),
        blobs.map(({ shape, data }) => [shape, [...data]]),
      ]),
    );
    expect(odd!.length).toBeGreaterThan(0);
    expect(odd).toEqual(other);
  }

  beforeAll(() => {
    for (const folder of FOLDERS) {
      mkdirSync(dir(folder), { recursive: true });
      const at = (file: string) => join(dir(folder), file);
      const places = placesOf(namesOf(folder), turn);
      const arrays = new Map([
        [places.image, { shape: [ENTRIES, ...SHAPE], data: images }],
        [places.kind, { shape: [ENTRIES], data: kinds }],
      ]);
      writeFileSync(at('rows.h5'), Buffer.concat([...hdf5Parts(arrays)]));
      writeFileSync(at('list.txt'), at('rows.h5'));
      writeFileSync(at('net.prototxt'), network(places));
      writeFileSync(at('solver.prototxt'), solver('net.prototxt'));
    }
  });

  it('looking', async () => {
    await alike(at => ['check', at('net.prototxt'), at('solver.prototxt')]);
    await alike(at => ['check', at('net.prototxt'), '--json']);
    await alike(at => ['summary', at('net.prototxt')]);
    const { blobs, params } = JSON.parse(await alike(at => ['summary', at('net.prototxt'), '--json', '--splits']));
    const { image, score, filter } = placesOf(ODD, turn);
    expect(new Map(Object.entries(blobs)).get(image)).toMatchObject({ shape: [4, 3, 5, 5] });
    expect(new Map(Object.entries(blobs)).get(score)).toMatchObject({ shape: [4, 3] });
    expect(Object.keys(params)).toContain(filter);
    for (const type of ['svg', 'dot']) {
      await alike(at => ['graph', at('net.prototxt'), '-o', at(`net.${type}`)]);
      expect(alikeFile(`net.${type}`)).toContain(filter);
    }
    for (const place of ['image', 'filter', 'kind', 'again', 'shared', 'score', 'loss', 'rest'] as const)
      await alike((at, places) => ['explain', at('net.prototxt'), places[place]]);
    await alike((at, places) => ['explain', at('net.prototxt'), places.right, '--phase', 'TEST', '--json']);
  });

  it('editing', async () => {
    const edits: readonly ((p: Places) => readonly string[])[] = [
      p => ['--set', `${p.score}.num_output=4`, '--set', `${p.filter}.param[0].lr_mult=3`],
      p => ['--rename', `${p.score}=x`, '--rename-blob', `${p.image}=${p.loss}2`],
      p => ['--rename', `${p.rest}=${p.rest}2`, '--remove', p.right],
      p => ['--after', `${p.score}=layer { name: "${p.image}2" type: "Sigmoid" bottom: "${p.score}" top: "y" }`],
      p => ['--set', `${p.filter}.${p.kind}=1`],
    ];
    for (const [i, edit] of edits.entries())
      await alike((at, p) => ['edit', at('net.prototxt'), ...edit(p)], i === edits.length - 1 ? 1 : 0);
    const [first] = edits;
    await alike((at, p) => ['edit', at('net.prototxt'), ...first!(p), '--out', at('edited.prototxt')]);
    await alike(at => ['diff', at('net.prototxt'), at('edited.prototxt')], 1);
    await alike(at => ['diff', at('net.prototxt'), at('edited.prototxt'), '--json'], 1);
    await alike(at => ['encode', at('net.prototxt'), '--out', at('net.bin')]);
    await alike(at => ['decode', at('net.bin')]);
    await alike(at => ['upgrade', at('net.prototxt')]);
    await alike(at => ['fmt', '--print', at('net.prototxt')]);
    await alike((at, p) => [
      'deploy',
      at('net.prototxt'),
      '--input',
      `${p.image}=1,3,5,5`,
      '-o',
      at('deploy.prototxt'),
    ]);
    expect(alikeFile('deploy.prototxt')).toContain(`top: "${placesOf(ODD, turn).image}"`);
    await alike(at => ['check', at('deploy.prototxt'), '--strict']);
    await alike((at, p) => ['summary', at('deploy.prototxt'), '--json', '--input', `${p.image}=2,3,5,5`]);
  });

  it('training, stopping, going on, testing', async () => {
    const train: Argv = (at, p) => [
      ...['train', '--solver', at('solver.prototxt'), '--backend', 'host', '--json', '--check-numerics'],
      ...['--keep-best', `${p.loss}:min`, '--out', at('run')],
    ];
    await alike(train);
    alikeFile(join('run', 'log.jsonl'));
    alikeFile(join('run', 'curves.svg'));
    alikeWeights(join('run', 'snap_iter_6.caffemodel'));

    const stop = () => {
      const controller = new AbortController();
      const onOut = (line: string) =>
        line.includes('"type":"iteration"') && line.includes('"iter":4,') && controller.abort();
      return { signal: controller.signal, onOut };
    };
    for (const folder of FOLDERS) {
      const at = (file: string) => join(dir(folder), file);
      const argv = train(at, placesOf(namesOf(folder), turn), name => name).map(arg =>
        arg === at('run') ? at('part') : arg,
      );
      expect((await mokapot(argv, stop())).code).toBe(130);
    }
    await alike(at => ['train', '--resume', at('part'), '--json']);
    for (const folder of FOLDERS) {
      const [a, b] = ['run', 'part'].map(run => loadWeights(join(dir(folder), run, 'snap_iter_6.caffemodel')).layers);
      expect(b).toEqual(a);
    }
    const tested = await alike(at => [
      ...[
        'test',
        '--net',
        at('net.prototxt'),
        '--weights',
        at('run/snap_iter_6.caffemodel'),
        '--backend',
        'host',
        '--json',
      ],
    ]);
    const { loss, rest, right } = placesOf(ODD, turn);
    expect(Object.keys(JSON.parse(tested).outputs).sort()).toEqual([loss, rest, right].sort());
  });

  it('weights and models', async () => {
    const trained = 'run/snap_iter_6.caffemodel';
    await alike(at => ['weights', at(trained)]);
    await alike(at => ['weights', at(trained), '--json']);
    await alike(at => ['weights', at(trained), '--diff', at('run/snap_iter_3.caffemodel')], 1);
    await alike(at => ['weights', at('run/snap_iter_6.solverstate')]);
    await alike(at => ['decode', at(trained)]);
    for (const [to, file] of [
      ['npz', 'a.npz'],
      ['h5', 'a.h5'],
      ['safetensors', 'a.safetensors'],
      ['caffemodel', 'a.caffemodel'],
    ] as const) {
      await alike(at => [
        'convert',
        '--to',
        to,
        '--net',
        at('net.prototxt'),
        '--weights',
        at(trained),
        '--phase',
        'TRAIN',
        '--out',
        at(file),
        '--json',
      ]);
      alikeWeights(file);
      await alike(at => ['weights', at(file), '--diff', at(trained)], to === 'caffemodel' ? 0 : 1);
      await alike(at => ['test', '--net', at('net.prototxt'), '--weights', at(file), '--backend', 'host', '--json']);
    }
    await alike(at => [
      'transplant',
      '--weights',
      at('a.npz'),
      '--to',
      at('deploy.prototxt'),
      '--from',
      at('net.prototxt'),
      '--out',
      at('b.caffemodel'),
    ]);
    await alike((at, p) => [
      'transplant',
      '--weights',
      at(trained),
      '--to',
      at('deploy.prototxt'),
      '--rename',
      `${p.filter}=${p.again}`,
      '--out',
      at('c.caffemodel'),
      '--json',
    ]);
    alikeWeights('b.caffemodel');
    alikeWeights('c.caffemodel');
    for (const to of ['onnx', 'tfjs']) {
      for (const folder of FOLDERS) {
        const at = (file: string) => join(dir(folder), file);
        const ran = await mokapot([
          'convert',
          '--to',
          to,
          '--net',
          at('deploy.prototxt'),
          '--weights',
          at(trained),
          '--out',
          at(`model.${to}`),
          '--backend',
          'host',
          '--json',
          '--fold-batch-norm',
        ]);
        expect(ran).toMatchObject({ code: 0, err: '' });
        const { inputs, outputs, checks } = JSON.parse(ran.out);
        const { image, rest } = placesOf(namesOf(folder), turn);
        expect(inputs.map((e: { blob: string }) => e.blob)).toEqual([image]);
        expect(outputs.map((e: { blob: string }) => e.blob)).toEqual(['prob', rest].sort());
        expect(checks.length).toBeGreaterThan(1);
      }
    }
  });

  it('timing', async () => {
    for (const folder of FOLDERS) {
      const at = (file: string) => join(dir(folder), file);
      const ran = await mokapot([
        'time',
        '--net',
        at('net.prototxt'),
        '--backend',
        'host,onnx,wasm',
        '--iterations',
        '1',
        '--svg',
        at('time.svg'),
        '--json',
      ]);
      const { image, filter } = placesOf(namesOf(folder), turn);
      expect(ran).toMatchObject({ code: 0, err: expect.stringMatching(/^The picture is in .*\n$/) });
      const timings = JSON.parse(ran.out);
      expect(timings.map((t: { backend: string }) => t.backend)).toEqual(['host', 'onnx', 'wasm']);
      expect(new Map(Object.entries(timings[0].inputs)).get(image)).toEqual([4, 3, 5, 5]);
      expect(timings[0].layers.map((l: { layer: string }) => l.layer)).toContain(filter);
    }
  });

  it('verifying', async () => {
    for (const folder of FOLDERS) {
      const places = placesOf(namesOf(folder), turn);
      const { image, kind, score, rest } = places;
      const text = network(places, fed(places));
      const engine = createHostEngine();
      const net = await Net.fromText(text, { engine, phase: 'TEST', seed: 4 });
      await net.forward({ [image]: images.subarray(0, 300), [kind]: kinds.subarray(0, 4) }, { keepBlobs: true });
      const diff = Float32Array.from({ length: 12 }, (_, i) => i / 12 - 0.4);
      const diffs = await net.backward({ [score]: diff }, { diffs: [image] });
      const blob = ({ shape, data }: { shape: readonly number[]; data: Float32Array }) => ({ shape, data });
      const params = [...net.params].flatMap(([name, list]) => list.map((b, i) => [`${name}/${i}`, b] as const));
      const own = new Set(net.graph.params.map(p => p.key));
      mkdirSync(join(dir(folder), 'goldens'));
      const at = (file: string) => join(dir(folder), 'goldens', `${image}${file}`);
      writeFileSync(at('.prototxt'), text);
      await saveSafetensors(
        at('.safetensors'),
        new Map([
          ...[image, kind].map(name => [`input/${name}`, blob(net.blobs.get(name)!)] as const),
          ...[...net.blobs.keys()]
            .filter(n => n === rest || n === score)
            .map(name => [`output/${name}`, blob(net.blobs.get(name)!)] as const),
          ...params.filter(([key]) => own.has(key)).map(([key, b]) => [`param/${key}`, blob(b)] as const),
          ...params
            .filter(([key]) => own.has(key))
            .map(([key, b]) => [`param_diff/${key}`, { shape: b.shape, data: b.diff }] as const),
          [`output_diff/${score}`, { shape: [4, 3], data: diff }],
          [`input_diff/${image}`, { shape: [4, ...SHAPE], data: diffs.get(image)!.diff }],
        ]),
        { phase: 'TEST' },
      );
      net.dispose();
    }
    for (const backend of ['host', 'wasm', 'onnx']) {
      const report = JSON.parse(await alike(at => ['verify', at('goldens'), '--backend', backend, '--json']));
      expect(report.cases).toMatchObject([{ passed: true }]);
    }
  });

  it('data sets, by epochs, pictures', async () => {
    const size = { width: 8, height: 8 };
    for (const folder of FOLDERS) {
      const at = (file: string) => join(dir(folder), file);
      for (const sub of ['images', 'labels']) mkdirSync(at(sub));
      for (const [i, name] of namesOf(folder).entries()) {
        const data = Uint8Array.from({ length: 64 }, (_, k) => (k * 7 + i * 31) % 256);
        writeFileSync(at(`images/${name}.png`), encodePng({ ...size, channels: 1, data }));
        writeFileSync(at(`labels/${name}.png`), encodeMask({ ...size, data: data.map(v => (v > 100 ? 1 : 0)) }));
      }
      const p = placesOf(namesOf(folder), turn);
      writeFileSync(
        at('seg.prototxt'),
        `name: "${p.image}"
layer { name: "${p.kind}" type: "Data" top: "data" top: "label" data_param { batch_size: 2 } include { not_stage: "deploy" } }
layer { name: "${p.image}" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 8 dim: 8 } } include { stage: "deploy" } }
layer { name: "${p.filter}" type: "Convolution" bottom: "data" top: "${p.score}" convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "${p.loss}" type: "SoftmaxWithLoss" bottom: "${p.score}" bottom: "label" top: "${p.loss}" loss_param { normalize: true } exclude { stage: "deploy" } }
layer { name: "${p.right}" type: "Accuracy" bottom: "${p.score}" bottom: "label" top: "${p.right}" include { stage: "val" } }`,
      );
    }
    const classes = (p: Places) => ['--classes', `${p.image},${p.kind}`];
    await alike((at, p) => [
      'dataset',
      'create',
      'images',
      '--images',
      at('images'),
      '--labels',
      at('labels'),
      '--out',
      at('set'),
      '--val',
      '34',
      ...classes(p),
    ]);
    const shown = await alike(at => ['dataset', 'show', at('set')]);
    expect(shown).toContain(placesOf(ODD, turn).image);
    await alike(at => ['dataset', 'show', at('set'), '--json', '--png', at('sheet.png')]);
    await alike(at => ['check', at('seg.prototxt'), '--dataset', at('set')]);
    await alike((at, p) => [
      'train',
      '--net',
      at('seg.prototxt'),
      '--dataset',
      at('set'),
      '--epochs',
      '2',
      '--seed',
      '3',
      '--backend',
      'host',
      '--keep-best',
      `${p.right}:max`,
      '--json',
      '--out',
      at('epochs'),
    ]);
    const [weights] = readdirSync(join(dir('odd'), 'epochs'))
      .filter(name => name.endsWith('.caffemodel'))
      .sort()
      .reverse();
    const use = ['--backend', 'host', '--json'];
    await alike(at => [
      'test',
      '--net',
      at('seg.prototxt'),
      '--dataset',
      at('set'),
      '--weights',
      at(`epochs/${weights}`),
      ...use,
    ]);
    const said = await alike((at, p) => [
      'infer',
      '--net',
      at('seg.prototxt'),
      '--dataset',
      at('set'),
      '--split',
      'train',
      '--output',
      p.score,
      '--weights',
      at(`epochs/${weights}`),
      '--out',
      at('masks'),
      ...use,
    ]);
    expect(said.trim().split('\n')).toHaveLength(6);
    const { name } = JSON.parse(said.split('\n')[0]!);
    expect(ODD).toContain(name);
    await alike((at, _, named) => [
      'infer',
      named(name),
      '--net',
      at('seg.prototxt'),
      '--dataset',
      at('set'),
      '--split',
      'train',
      '--weights',
      at(`epochs/${weights}`),
      '--out',
      at('masks'),
      ...use,
    ]);
  });
});
