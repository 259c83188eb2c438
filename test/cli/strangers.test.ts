/** Commands that only look at a network, on texts of strangers: which files they open, and that they print nothing of them. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { folder, mokapot } from './cli.js';

const SECRET = 'hunter2';

/** A folder with a network in it, and one elsewhere with what must not be seen. */
function places() {
  const root = folder();
  const [inside, outside] = [join(root, 'inside'), join(root, 'outside')];
  for (const dir of [inside, outside]) mkdirSync(dir);
  const png = encode({ width: 5, height: 4, channels: 1, depth: 8, data: new Uint8Array(20) });
  for (const dir of [inside, outside]) writeFileSync(join(dir, 'a.png'), png);
  writeFileSync(join(outside, 'list.txt'), `${join(outside, 'a.png')} 1\n`);
  writeFileSync(join(outside, 'env'), `TOKEN=${SECRET}\n`);
  writeFileSync(join(inside, 'env'), `TOKEN=${SECRET}\n`);
  return { inside, outside };
}

const layers: Readonly<Record<string, (source: string) => string>> = {
  ImageData: source => `image_data_param { source: "${source}" batch_size: 1 }`,
  HDF5Data: source => `hdf5_data_param { source: "${source}" batch_size: 1 }`,
  WindowData: source => `window_data_param { source: "${source}" batch_size: 1 } transform_param { crop_size: 4 }`,
  Data: source => `data_param { source: "${source}" batch_size: 1 backend: LMDB }`,
};

function net(dir: string, type: string, block: string): string {
  const path = join(dir, 'net.prototxt');
  writeFileSync(
    path,
    `layer { name: "d" type: "${type}" top: "data" top: "label" ${block} }\nlayer { name: "s" type: "Silence" bottom: "data" bottom: "label" }\n`,
  );
  return path;
}

/** What each of the four commands prints. */
async function looks(path: string, ...more: string[]) {
  const runs = [['check'], ['summary'], ['graph'], ['explain']].map(([command]) =>
    mokapot([command!, path, ...(command === 'explain' ? ['d'] : []), ...more]),
  );
  return (await Promise.all(runs)).map(({ out, err }) => out + err);
}

describe('a file elsewhere', () => {
  it.each(Object.keys(layers))('is not opened for a layer of type %s, nor is told whether it is there', async type => {
    const { inside, outside } = places();
    const [there, absent] = [join(outside, 'env'), join(outside, 'abc')];
    const [check] = await looks(net(inside, type, layers[type]!(there)));
    expect(check).toMatch(/note\[file-outside\].*Not opened: .*outside\/env/);
    expect(check).toContain('--read-data');
    const [other] = await looks(net(inside, type, layers[type]!(absent)));
    expect(other!.replaceAll(absent, there)).toBe(check);
  });

  it('is opened with --read-data, for its shapes', async () => {
    const { inside, outside } = places();
    const path = net(inside, 'ImageData', layers['ImageData']!(join(outside, 'list.txt')));
    for (const text of await looks(path)) expect(text).not.toMatch(/1[×x]3[×x]4[×x]5/);
    const [, summary, graph, explain] = await looks(path, '--read-data');
    for (const text of [summary, graph, explain]) expect(text).toMatch(/1[×x]3[×x]4[×x]5/);
  });

  it('is none because a link leads to it, or a list names it', async () => {
    const { inside, outside } = places();
    symlinkSync(join(outside, 'list.txt'), join(inside, 'link.txt'));
    const [linked] = await looks(net(inside, 'ImageData', layers['ImageData']!('link.txt')));
    expect(linked).toMatch(/Not opened: .*link\.txt/);

    writeFileSync(join(inside, 'list.txt'), `${join(outside, `${SECRET}.png`)} 1\n`);
    const listed = await looks(net(inside, 'ImageData', layers['ImageData']!('list.txt')));
    expect(listed[0]).toMatch(/Not opened: the file on line 1 of .*list\.txt/);
    for (const text of listed) expect(text).not.toContain(SECRET);

    mkdirSync(join(inside, 'db'));
    symlinkSync(join(outside, 'env'), join(inside, 'db', 'data.mdb'));
    const [database] = await looks(net(inside, 'Data', layers['Data']!('db')));
    expect(database).toMatch(/Not opened: .*data\.mdb/);
  });

  it('is none behind a link and `..`, as the system follows them, nor as the schema beside a network', async () => {
    const { inside, outside } = places();
    mkdirSync(join(outside, 'sub'));
    symlinkSync(join(outside, 'sub'), join(inside, 'link'));
    writeFileSync(join(outside, 'y.prototxt'), `layer { name: "${SECRET}" type: "Wrong" bottom: "a" }\n`);
    const solver = join(inside, 'solver.prototxt');
    for (const field of ['net', 'train_net']) {
      writeFileSync(
        solver,
        `${field}: "${join(inside, 'link')}/../y.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1\n`,
      );
      const { out, err } = await mokapot(['check', solver]);
      expect(out + err).not.toContain(SECRET);
    }
    const [listed] = await looks(net(inside, 'ImageData', layers['ImageData']!(`${join(inside, 'link')}/../list.txt`)));
    expect(listed).not.toMatch(/1[×x]3[×x]4[×x]5/);

    symlinkSync(join(outside, 'env'), join(inside, 'net.proto'));
    for (const text of await looks(net(inside, 'ImageData', layers['ImageData']!('list.txt'))))
      expect(text).not.toMatch(/TOKEN|hunter2|is no schema/);
  });

  it('is not told to be there by a link that leads nowhere', async () => {
    const { inside, outside } = places();
    symlinkSync(join(outside, 'none'), join(inside, 'dangling.txt'));
    const [check] = await looks(net(inside, 'ImageData', layers['ImageData']!('dangling.txt')));
    expect(check).toMatch(/note\[file-outside\].*Not opened: .*dangling\.txt/);
  });

  it('is no mean file either', async () => {
    const { inside, outside } = places();
    writeFileSync(join(inside, 'list.txt'), 'a.png 1\n');
    const block = `${layers['ImageData']!('list.txt')} transform_param { mean_file: "${join(outside, 'env')}" }`;
    const [check] = await looks(net(inside, 'ImageData', block));
    expect(check).toMatch(/Not opened: .*outside\/env/);
  });
});

describe('what stands in a file beside the network', () => {
  it.each(Object.keys(layers))('is not printed by a layer of type %s', async type => {
    const { inside } = places();
    for (const text of await looks(net(inside, type, layers[type]!('env')))) {
      expect(text).toContain('env');
      expect(text).not.toContain(SECRET);
    }
  });

  it.each([
    ['ImageData', `${SECRET}.png 3\n`, /Cannot read the file on line 1 of .*: there is no such file/],
    ['HDF5Data', `${SECRET}.h5\n`, /There is no HDF5 file for the file on line 1/],
    ['WindowData', `# 0\na.png\n3\n4 ${SECRET}\n`, /Line 4 of .*: that is not what a window file has there/],
  ])('%s: names and numbers of its lines', async (type, text, told) => {
    const { inside } = places();
    writeFileSync(join(inside, 'list.txt'), text);
    const [check, ...others] = await looks(net(inside, type, layers[type]!('list.txt')));
    expect(check).toMatch(told);
    for (const printed of [check, ...others]) expect(printed).not.toContain(SECRET);
    // Who runs the network sees them.
    const path = join(inside, 'solver.prototxt');
    writeFileSync(path, 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1\n');
    const { err } = await mokapot(['train', '--solver', path, '--out', join(inside, 'out')]);
    expect(err).toContain(SECRET);
  });
});

describe("a solver's net", () => {
  function solver(dir: string, name: string): string {
    const path = join(dir, 'solver.prototxt');
    writeFileSync(path, `net: "${name}"\nbase_lr: 0.1 lr_policy: "fixed" max_iter: 1\n`);
    return path;
  }

  it('elsewhere is not opened without --read-data', async () => {
    const { inside, outside } = places();
    writeFileSync(join(outside, 'net.prototxt'), 'layer { name: "x" type: "Wrong" bottom: "a" }\n');
    const path = solver(inside, join(outside, 'net.prototxt'));
    const { out, code } = await mokapot(['check', path]);
    expect(out).toMatch(/warning\[file-outside\]/);
    expect(out).not.toContain('Wrong');
    expect(code).toBe(0);
    expect((await mokapot(['check', path, '--read-data'])).out).toContain('Wrong');
  });

  it('that is no network is not quoted', async () => {
    const { inside } = places();
    for (const text of [`TOKEN=${SECRET}\n`, `password: "${SECRET}"\n`]) {
      writeFileSync(join(inside, 'env'), text);
      const { out, err, code } = await mokapot(['check', solver(inside, 'env')]);
      expect(out).toMatch(/error\[no-network\].*holds no layers/);
      expect(out + err).not.toContain(SECRET);
      expect(code).toBe(1);
      const lenient = await mokapot(['check', solver(inside, 'env'), '--lenient']);
      expect(lenient.out + lenient.err).not.toContain(SECRET);
    }
  });
});
