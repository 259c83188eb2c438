/** Data sets that are not lost and not silently wrong: built beside, with checksums, odd sources told. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeMask, encodePng } from '../../../src/data/formats/image.js';
import { openDataset, openLmdb } from '../../../src/data/sets/dataset.js';
import { createImages } from '../../../src/data/sets/images.js';
import { readManifest } from '../../../src/data/sets/manifest.js';
import { createPhantom } from '../../../src/data/sets/phantom.js';
import { createSunnybrook } from '../../../src/data/sets/sunnybrook.js';
import { verifyDataset } from '../../../src/data/sets/verify.js';
import { thisOwner } from '../../../src/files/index.js';
import { failure } from '../../failure.js';
import { temporaryFolder } from '../temporary.js';

const folder = temporaryFolder();
const cases = fileURLToPath(new URL('../../cases', import.meta.url));
const images = join(cases, 'palette-imagedata', 'img');
const labels = join(cases, 'palette-imagedata', 'labpal');
let set: string;

const create = (out: string, more = {}) => createImages({ images, labels, out, ...more });

function owner(pid: number | undefined): string {
  return `${thisOwner().split('-')[0]}-${pid}-1`;
}

beforeAll(async () => {
  set = join(folder, 'set');
  await create(set);
});

/** A copy of the set that a test may damage. */
function copy(name: string): string {
  const path = join(folder, name);
  cpSync(set, path, { recursive: true });
  return path;
}

function flip(file: string, at: number, bit = 3): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1 << bit;
  writeFileSync(file, bytes);
}

describe('an older set', () => {
  const content = (path: string) => readdirSync(path, { recursive: true }).sort();

  it('is replaced by a new one; other files in its folder stay', async () => {
    const out = copy('replaced');
    writeFileSync(join(out, 'notes.txt'), 'mine');
    await create(out, { val: 30, seed: 7 });
    expect(readFileSync(join(out, 'notes.txt'), 'utf8')).toBe('mine');
    expect((await readManifest(out)).splits.val.count).toBe(3);
    expect((await verifyDataset(out)).problems).toEqual([]);
    expect(content(out).filter(name => String(name).includes('.tmp'))).toEqual([]);
  });

  it.each([
    ['nothing can be read', (out: string) => create(out, { labels: images })],
    ['it is stopped', (out: string) => create(out, { signal: AbortSignal.abort() })],
    [
      'it is stopped half way',
      (out: string) => {
        const controller = new AbortController();
        return create(out, {
          signal: controller.signal,
          onProgress: ({ done = 0 }) => done === 4 && controller.abort(),
        });
      },
    ],
    ['the option is wrong', (out: string) => create(out, { mapLabels: [[1, 300]] })],
  ])('stays as it is where %s', async (title, run) => {
    const out = copy(title);
    const before = content(out);
    await expect(run(out)).rejects.toThrow();
    expect(content(out)).toEqual(before);
    expect((await verifyDataset(out)).problems).toEqual([]);
    const made = join(folder, `new, ${title}`);
    await expect(run(made)).rejects.toThrow();
    expect(existsSync(made)).toBe(false);
  });

  it('is not refused, nor are leftovers kept, after a kill', async () => {
    const out = join(folder, 'killed');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const left = join(out, `.new.mokapot-${owner(pid)}-00000000.tmp`);
    mkdirSync(join(left, 'train_db'), { recursive: true });
    await create(out);
    expect(readdirSync(out).sort()).toEqual(['manifest.json', 'train_db', 'val_db']);
  });

  it('that was decided on before the kill is put in place by who reads it next', async () => {
    const out = copy('decided');
    const newer = join(folder, 'decided_new');
    await create(newer, { val: 30, seed: 7 });
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const left = join(out, `.new.mokapot-${owner(pid)}-00000000.tmp`);
    renameSync(newer, left);
    writeFileSync(
      join(left, '.commit.json'),
      JSON.stringify({ place: ['train_db', 'val_db', 'manifest.json'], remove: [] }),
    );
    expect((await readManifest(out)).splits.val.count).toBe(3);
    expect((await verifyDataset(out)).problems).toEqual([]);
    expect(readdirSync(out).sort()).toEqual(['manifest.json', 'train_db', 'val_db']);
  });

  it('is not made by two processes at once, nor where other things are', async () => {
    const out = join(folder, 'two');
    mkdirSync(join(out, `.new.mokapot-${thisOwner()}-00000000.tmp`), { recursive: true });
    expect(await failure(create(out))).toMatchObject({
      code: 'dataset-folder-used',
      message: expect.stringContaining('Another process makes a data set'),
    });
    expect(readdirSync(out)).toHaveLength(1);
    expect((await failure(create('/dev/null'))).message).toBe('/dev/null is a device, and a folder is wanted.');
    expect((await failure(create(join(set, 'manifest.json', 'x')))).message).toMatch(/a part of the path is no folder/);
  });
});

describe('checksums', () => {
  it('tell a flipped bit at the first read of the entry, by its name, and all of them on --verify', async () => {
    const { train } = (await readManifest(set)).splits;
    for (const which of ['features', 'labels'] as const) {
      const out = copy(`flipped ${which}`);
      const file = join(out, train[which], 'data.mdb');
      const name = train.entries[4]!.name;
      flip(
        file,
        readFileSync(file).indexOf(`00000004_${name}`) + `00000004_${name}`.length + (which === 'labels' ? 40 : 0),
      );
      const { problems, entries } = await verifyDataset(out);
      expect(entries).toBe(10);
      expect(problems).toHaveLength(1);
      const dataset = await openDataset(out);
      const split = await dataset.split('train');
      await split.entry(3);
      const told = await failure(split.entry(4));
      expect(told.message).toContain(name);
      await dataset.close();
    }
  });

  it('tell every flipped bit, wherever it is', async () => {
    const out = copy('bits');
    const { train, val } = (await readManifest(set)).splits;
    const files = [train.features, train.labels, val.features, val.labels].map(f => join(out, f, 'data.mdb'));
    for (const [i, file] of [...files, ...files, join(out, train.mean!)].entries()) {
      const size = readFileSync(file).length;
      const at = (i * 7919 + 4099) % size;
      flip(file, at, i % 8);
      expect((await verifyDataset(out)).problems, `${file} ${at}`).not.toEqual([]);
      flip(file, at, i % 8);
    }
    expect((await verifyDataset(out)).problems).toEqual([]);
  });

  it('hold where a layer names the database itself', async () => {
    const out = copy('by name');
    const { train } = (await readManifest(set)).splits;
    const file = join(out, train.features, 'data.mdb');
    // A large picture's pixels lie in pages of their own, after the first two.
    flip(file, 2 * 4096 + 600);
    const source = await openLmdb(join(out, train.features));
    const reads = await Promise.allSettled(Array.from({ length: source.size }, (_, i) => source.entry(i)));
    await source.close();
    expect(reads.filter(r => r.status === 'rejected')).toHaveLength(1);
  });

  it('are missing in an older set, which opens all the same', async () => {
    const out = copy('older');
    const path = join(out, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'), (key, value) =>
      ['checksums', 'sha256', 'ignoredPixels'].includes(key) ? undefined : (value as unknown),
    );
    writeFileSync(path, JSON.stringify(manifest));
    expect(await verifyDataset(out)).toEqual({ entries: 10, unchecked: 10, problems: [] });
  });
});

describe('sources that would be silently wrong', () => {
  it('masks of 0 and 255 are told, and --map-label makes classes of them', async () => {
    const source = { images: join(cases, 'masks-0-255', 'img'), labels: join(cases, 'masks-0-255', 'lab255') };
    const { warnings } = await createImages({ ...source, out: join(folder, 'masks') });
    expect(warnings).toMatchObject([{ code: 'masks-0-255', hint: expect.stringContaining('--map-label 255=1') }]);
    const mapped = await createImages({ ...source, out: join(folder, 'mapped'), mapLabels: [[255, 1]] });
    expect(mapped.warnings).toEqual([]);
    expect(mapped.manifest.classShares.map(s => s > 0)).toEqual([true, true]);
  });

  it('one class is told', async () => {
    const dir = join(folder, 'one');
    for (const sub of ['i', 'l']) mkdirSync(join(dir, sub), { recursive: true });
    const size = { width: 4, height: 4 };
    for (const name of ['a', 'b', 'c']) {
      writeFileSync(join(dir, 'i', `${name}.png`), encodePng({ ...size, channels: 1, data: new Uint8Array(16) }));
      writeFileSync(join(dir, 'l', `${name}.png`), encodeMask({ ...size, data: new Uint8Array(16).fill(1) }));
    }
    const made = await createImages({ images: join(dir, 'i'), labels: join(dir, 'l'), out: join(dir, 'set'), val: 40 });
    expect(made.warnings).toMatchObject([{ code: 'one-class', message: expect.stringContaining('only class 1') }]);
  });

  it('a share that is less than one entry is told', async () => {
    const { warnings, manifest } = await create(join(folder, 'none held back'), { val: 9 });
    expect(manifest.splits.val.count).toBe(0);
    expect(warnings.map(w => w.message)).toEqual([
      '9 % of the 10 entries of none held back is less than one: none is held back, and training cannot test.',
    ]);
    expect((await create(join(folder, 'none wanted'), { val: 0 })).warnings).toEqual([]);
  });

  it('contours that lie wholly outside of their picture are named', async () => {
    const src = join(cases, 'outside-contour');
    const out = join(folder, 'outside');
    const { skipped } = await createSunnybrook({ images: join(src, 'img'), contours: join(src, 'con'), out });
    expect(skipped.map(d => d.code)).toEqual(['contour-outside']);
    expect(skipped[0]!.message).toMatch(/icontour-manual\.txt lies wholly outside of its picture .*\.dcm/);
  });

  it('two pictures of one name are told', async () => {
    const dir = join(folder, 'twice');
    cpSync(images, join(dir, 'i'), { recursive: true });
    cpSync(join(images, 'p00.png'), join(dir, 'i', 'p00.jpg'));
    const { skipped, manifest } = await create(join(dir, 'set'), { images: join(dir, 'i') });
    expect(manifest.splits.train.count + manifest.splits.val.count).toBe(10);
    expect(skipped).toMatchObject([
      { code: 'picture-twice', message: expect.stringMatching(/p00\.png is left out.*p00\.jpg/) },
    ]);
  });

  it('links in circles are told and not followed, FIFOs and devices refused', async () => {
    const dir = join(folder, 'odd');
    cpSync(images, join(dir, 'i'), { recursive: true });
    symlinkSync('.', join(dir, 'i', 'a'));
    symlinkSync('.', join(dir, 'i', 'b'));
    symlinkSync('/dev/zero', join(dir, 'i', 'p77.png'));
    cpSync(labels, join(dir, 'l'), { recursive: true });
    cpSync(join(labels, 'p00.png'), join(dir, 'l', 'p77.png'));
    execFileSync('mkfifo', [join(dir, 'l', 'p78.png')]);
    cpSync(join(images, 'p00.png'), join(dir, 'i', 'p78.png'));
    const { skipped } = await create(join(dir, 'set'), { images: join(dir, 'i'), labels: join(dir, 'l') });
    expect(skipped.map(d => d.code).sort()).toEqual(['file-unreadable', 'file-unreadable', 'link-loop', 'link-loop']);
    const reasons = skipped.map(d => d.message).join('\n');
    for (const reason of ['it is a device', 'it is a FIFO (named pipe)']) expect(reasons).toContain(reason);
  });

  it('names that every object has are names like others', async () => {
    const dir = join(folder, 'names');
    for (const sub of ['i', 'l']) mkdirSync(join(dir, sub), { recursive: true });
    for (const name of ['constructor', '__proto__', 'toString']) {
      cpSync(join(images, 'p00.png'), join(dir, 'i', `${name}.png`));
      cpSync(join(labels, 'p00.png'), join(dir, 'l', `${name}.png`));
    }
    await create(join(dir, 'set'), { images: join(dir, 'i'), labels: join(dir, 'l'), val: 34 });
    const dataset = await openDataset(join(dir, 'set'));
    const names = dataset.manifest.splits.train.entries.map(e => e.name);
    const split = await dataset.split('train');
    for (const [i, name] of names.entries())
      expect([(await split.entry(i)).name, split.indexOf(name)]).toEqual([name, i]);
    await dataset.close();
  });
});

it('a phantom names its files by where they lie in the end', async () => {
  const out = join(folder, 'phantom');
  const { manifest } = await createPhantom({ count: 8, size: 32, out });
  for (const { image, label } of manifest.splits.train.entries) {
    expect([existsSync(image), existsSync(label), image.startsWith(out)]).toEqual([true, true, true]);
  }
});
