/**
 * How fast weights come from a file, warm, into a net's parameters, and what extra memory that takes: the user's way, by
 * `Net` and `copyFrom`, for FCN-AlexNet (228 MB) and FCN-8s (539 MB) and each format. Run: npm run bench:weights
 *
 * Each reading is a process of its own, so that memory is counted from its start: `fresh` is the first copyFrom, into
 * arrays that were never touched, `again` the second. With MOKAPOT_CV2=<a Python that has cv2>, OpenCV's importer beside it.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Net } from '../src/runtime/node/net.js';
import { create, printText } from '../src/schema/index.js';
import { tensorsOf } from '../src/weights/index.js';
import { saveNpz, saveSafetensors } from '../src/weights/node/files.js';

const RUNS = 5;
const JITI = fileURLToPath(new URL('../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url));
const OPTIONS = { backend: 'host', phase: 'TEST', stages: ['deploy'], seed: 1 } as const;
const network = (name: string) => fileURLToPath(new URL(`../networks/${name}.prototxt`, import.meta.url));

/** What one process measured: seconds, and its greatest memory use beyond what it had before, in bytes. */
interface Reading {
  readonly fresh: number;
  /** Processor time of `fresh`: what it would take on a machine that does nothing else. */
  readonly processor: number;
  readonly again: number;
  readonly extra: number;
}

async function readOnce(name: string, file: string): Promise<Reading> {
  const net = await Net.fromFile(network(name), OPTIONS);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const seconds = () => {
    const from = performance.now();
    net.copyFrom(file);
    return (performance.now() - from) / 1000;
  };
  const idle = process.cpuUsage();
  const fresh = seconds();
  const { user, system } = process.cpuUsage(idle);
  const extra = 1024 * process.resourceUsage().maxRSS - before;
  const again = seconds();
  const last = [...net.params.values()].at(0)![0]!.data[7];
  if (last !== Math.fround(0.007)) throw new Error('read wrongly');
  return { fresh, processor: (user + system) / 1e6, again, extra };
}

/** All formats of one network's weights, numbers that can be told apart in them. */
async function writeFiles(name: string, dir: string): Promise<{ files: string[]; written: number; prototxt: string }> {
  const net = await Net.fromFile(network(name), OPTIONS);
  for (const blobs of net.params.values()) {
    for (const { data } of blobs) for (let i = 0; i < data.length; i++) data[i] = (i % 1000) / 1000;
  }
  const files = ['caffemodel', 'caffemodel.h5', 'safetensors', 'npz'].map(ending => join(dir, `${name}.${ending}`));
  const from = performance.now();
  await net.save(files[0]!);
  const written = (performance.now() - from) / 1000;
  await net.save(files[1]!);
  const params = new Map([...net.params].map(([n, blobs]) => [n, blobs.map(({ shape, data }) => ({ shape, data }))]));
  await saveSafetensors(files[2]!, tensorsOf(params));
  await saveNpz(files[3]!, tensorsOf(params));
  const prototxt = join(dir, `${name}.prototxt`);
  const layer = net.graph.layers.filter(l => !l.type.copies).map(l => l.source ?? l.param);
  writeFileSync(prototxt, printText(create('caffe.NetParameter', { name, layer })));
  return { files, written, prototxt };
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const show = (values: number[]) => `${median(values).toFixed(3)} s (best ${Math.min(...values).toFixed(3)})`;

const CV2 = `
import sys, time, resource, cv2
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak(); t = time.perf_counter(); c = time.process_time()
net = cv2.dnn.readNetFromCaffe(sys.argv[1], sys.argv[2])
print(time.perf_counter() - t, time.process_time() - c, peak() - before)`;

async function measure(name: string, dir: string): Promise<void> {
  const { files, written, prototxt } = await writeFiles(name, dir);
  const size = statSync(files[0]!).size;
  console.log(`${name}, ${(size / 1e6).toFixed(0)} MB: written in ${written.toFixed(2)} s`);
  const readings = new Map<string, Reading[]>(files.map(f => [f, []]));
  const peers: Reading[] = [];
  for (const file of files) readFileSync(file);
  // In turn, so that what else the machine does falls on all alike.
  for (let run = 0; run < RUNS; run++) {
    for (const [file, list] of readings) {
      const args = ['--expose-gc', JITI, fileURLToPath(import.meta.url), name, file];
      list.push(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Reading);
    }
    const python = process.env['MOKAPOT_CV2'];
    if (!python) continue;
    const out = execFileSync(python, ['-c', CV2, prototxt, files[0]!], { encoding: 'utf8' });
    const [fresh, processor, extra] = out.trim().split(' ').map(Number) as [number, number, number];
    peers.push({ fresh, processor, extra, again: Number.NaN });
  }
  for (const [file, list] of readings) print(file.slice(join(dir, name).length + 1), list, size);
  if (peers.length > 0) print('OpenCV', peers, size);
}

function print(who: string, list: readonly Reading[], size: number): void {
  const of = (key: keyof Reading) => list.map(r => r[key]);
  const again = Number.isNaN(list[0]!.again) ? '' : `; again ${show(of('again'))}`;
  const memory = `extra memory ${(median(of('extra')) / size).toFixed(2)} × the file`;
  console.log(`  ${who.padEnd(14)} ${show(of('fresh'))}, processor ${show(of('processor'))}, ${memory}${again}`);
}

const [name, file] = process.argv.slice(2);
if (name && file) console.log(JSON.stringify(await readOnce(name, file)));
else {
  const dir = mkdtempSync(join(tmpdir(), 'mokapot-bench-'));
  try {
    for (const one of ['fcn_alexnet', 'fcn8s']) await measure(one, dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
