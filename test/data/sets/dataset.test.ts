import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readDicomFile } from '../../../src/data/dicom/read.js';
import {
  type Color,
  decodeImage,
  decodeLabel,
  encodeMask,
  encodePng,
  loadPicture,
} from '../../../src/data/formats/image.js';
import { openDataset } from '../../../src/data/sets/dataset.js';
import { describeDataset } from '../../../src/data/sets/describe.js';
import { contactSheet, overlayPng } from '../../../src/data/sets/draw.js';
import { createImages } from '../../../src/data/sets/images.js';
import { readManifest } from '../../../src/data/sets/manifest.js';
import { createPhantom, PHANTOM_CONTOURS, PHANTOM_IMAGES } from '../../../src/data/sets/phantom.js';
import { createSunnybrook, shortCase } from '../../../src/data/sets/sunnybrook.js';
import { type Diagnostic, MokapotError } from '../../../src/diagnostics/index.js';
import { readBinaryproto } from '../../../src/weights/formats/binaryproto.js';
import { temporaryFolder } from '../temporary.js';

const folder = temporaryFolder();
const phantom = join(folder, 'phantom');
const goldens = fileURLToPath(new URL('../../goldens', import.meta.url));

async function diagnosticOf(promise: Promise<unknown>): Promise<Diagnostic> {
  const wrong = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(wrong).toBeInstanceOf(MokapotError);
  return (wrong as MokapotError).diagnostics[0]!;
}

beforeAll(async () => {
  await createPhantom({ count: 24, seed: 5, out: phantom });
}, 60_000);

describe('the phantom', () => {
  it('keeps what places its slices: millimetres as its DICOM files have them, and the phase', async () => {
    const { splits } = await readManifest(phantom);
    for (const { name, image, geometry } of [...splits.train.entries, ...splits.val.entries]) {
      const dicom = await readDicomFile(image);
      const number = Number(name.split('/')[1]);
      expect(geometry).toEqual({
        spacing: [350 / 256, 350 / 256],
        thickness: 8,
        position: 8 * Math.floor(number / 20),
        phase: number % 20,
      });
      expect([dicom.pixelSpacing, dicom.sliceThickness]).toEqual([geometry!.spacing, geometry!.thickness]);
    }
  });

  it('holds patients back and has 1 to 4 % ventricle in every picture', async () => {
    const dataset = await openDataset(phantom);
    const { train, val } = dataset.manifest.splits;
    expect([train.count, val.count]).toEqual([18, 6]);
    expect(dataset.manifest).toMatchObject({ kind: 'phantom', channels: 1, height: 256, width: 256 });
    expect(new Set([...train.patients!, ...val.patients!]).size).toBe(4);
    for (const name of ['train', 'val'] as const) {
      const split = await dataset.split(name);
      for (let i = 0; i < split.size; i++) {
        const { data, label } = await split.entry(i);
        const inside = label.reduce((a, b) => a + b, 0);
        expect(inside / label.length).toBeGreaterThan(0.0095);
        expect(inside / label.length).toBeLessThan(0.04);
        const blood = data.reduce((sum, v, k) => sum + v * label[k]!, 0) / inside;
        const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
        expect(blood).toBeGreaterThan(1.5 * mean);
      }
    }
    await dataset.close();
  });

  it('is real 16-bit DICOM with contours in the layout of Sunnybrook', async () => {
    const cases = readdirSync(join(phantom, PHANTOM_IMAGES));
    expect(cases).toHaveLength(4);
    expect(readdirSync(join(phantom, PHANTOM_CONTOURS)).sort()).toEqual(cases.sort());
    for (const name of cases) expect(shortCase(name)).toBe(name);
    const files = readdirSync(join(phantom, PHANTOM_IMAGES, cases[0]!));
    const picture = await readDicomFile(join(phantom, PHANTOM_IMAGES, cases[0]!, files[0]!));
    expect(picture).toMatchObject({ bitsAllocated: 16, bitsStored: 12, signed: false, patientId: cases[0] });
  });

  it('is the same for the same seed and another for another', async () => {
    const make = async (seed: number, name: string) => {
      const out = join(folder, name);
      await createPhantom({ count: 4, seed, out, size: 64 });
      const files = readdirSync(join(out, PHANTOM_IMAGES), { recursive: true, encoding: 'utf8' });
      const pixels = files.filter(f => f.endsWith('.dcm')).map(f => readFileSync(join(out, PHANTOM_IMAGES, f)));
      return {
        pixels: Buffer.concat(pixels).toString('base64'),
        manifest: JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')),
      };
    };
    const [a, b, c] = [await make(1, 'p1'), await make(1, 'p2'), await make(2, 'p3')];
    expect(b.pixels).toBe(a.pixels);
    expect(b.manifest.splits.val.patients).toEqual(a.manifest.splits.val.patients);
    expect(b.manifest.classShares).toEqual(a.manifest.classShares);
    expect(c.pixels).not.toBe(a.pixels);
  });

  it('refuses counts and sizes that make no sense', async () => {
    const out = join(folder, 'none');
    expect((await diagnosticOf(createPhantom({ count: 0, out }))).code).toBe('phantom-count');
    expect((await diagnosticOf(createPhantom({ count: 1, out, size: 5 }))).code).toBe('phantom-size');
    expect(existsSync(out)).toBe(false);
  });
});

describe('Sunnybrook', () => {
  const images = join(folder, 'cases');
  const contours = join(folder, 'contours');
  const golden = (name: string) => join(goldens, 'dicom', `${name}.dcm`);
  const addContour = (name: string, number: string, text = '3 3\n20 3\n20 15.9\n3 15\n') => {
    const at = join(contours, name, 'contours-manual', 'IRCCI-expert');
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, `IM-0001-${number}-icontour-manual.txt`), text);
  };
  const addPicture = (name: string, file: string, from: string) => {
    mkdirSync(join(images, name), { recursive: true });
    cpSync(golden(from), join(images, name, file));
  };

  beforeAll(() => {
    addContour('SC-HF-I-01', '0048');
    addPicture('SC-HF-I-1', 'IM-0004-0048.dcm', 'jpeg_ls');
    addPicture('SC-HF-I-1', 'IM-0005-0048.dcm', 'mono1');
    addContour('SC-HF-I-01', '0059');
    addPicture('SC-HF-I-1', 'IM-0004-0059.dcm', 'bad_truncated_pixels');
    addContour('SC-HF-I-01', '0068');
    addContour('SC-HF-I-01', '0079', '1 2\nx y\n');
    addPicture('SC-HF-I-1', 'IM-0004-0079.dcm', 'rle');
    addContour('SC-N-077', '0001');
    addContour('SC-N-077', '0002');
    addPicture('SC-N-77', 'IM-0300-0001.dcm', 'eight_bit');
    addPicture('SC-N-77', 'IM-0301-0001.dcm', 'implicit_le');
    addPicture('SC-N-77', 'IM-0301-0002.dcm', 'signed_rescale');
    addContour('SC-N-88', '0001');
    for (const series of ['0001', '0002']) addPicture('SC-N-88', `IM-${series}-0001.dcm`, 'rle');
    addContour('SC-N-99', '0001');
  });

  it('pairs by case, table and series; lists what is broken by name and reason', async () => {
    const out = join(folder, 'sunnybrook');
    const { manifest, skipped } = await createSunnybrook({ images, contours, out, val: 0 });
    const { train, val } = manifest.splits;
    expect(val.count).toBe(0);
    expect(train.entries.map(e => [e.name, e.image.slice(images.length + 1)]).sort()).toEqual([
      ['SC-HF-I-1/0048', join('SC-HF-I-1', 'IM-0004-0048.dcm')],
      ['SC-N-77/0001', join('SC-N-77', 'IM-0301-0001.dcm')],
      ['SC-N-77/0002', join('SC-N-77', 'IM-0301-0002.dcm')],
    ]);
    const told = skipped.map(d => `${d.code} ${d.message}`).sort();
    expect(told).toHaveLength(5);
    expect(told[0]).toMatch(/^contour-syntax .*IM-0001-0079-icontour-manual\.txt:2: "x y"/);
    expect(told[1]).toMatch(/^dicom-truncated .*IM-0004-0059\.dcm cannot be read as DICOM/);
    expect(told[2]).toMatch(/^picture-missing .*IM-0004-0068\.dcm does not exist/);
    expect(told[3]).toMatch(/^picture-missing .*no folder SC-N-99/);
    expect(told[4]).toMatch(/^series-ambiguous .*0001, 0002 of SC-N-88/);
    expect(manifest.skipped).toHaveLength(5);

    const dataset = await openDataset(out);
    const split = await dataset.split('train');
    const truth = JSON.parse(readFileSync(join(goldens, 'dicom', 'truth.json'), 'utf8'));
    const entry = await split.entry(split.indexOf('SC-N-77/0002')!);
    expect([...entry.data]).toEqual(truth.signed_rescale.stored);
    expect(entry.label.reduce((a, b) => a + b, 0)).toBe(18 * 13);
    const other = await split.entry(split.indexOf('SC-HF-I-1/0048')!);
    expect([...other.data]).toEqual(truth.jpeg_ls.stored);
    await dataset.close();
  });

  it('repeats one channel three times for RGB', async () => {
    const out = join(folder, 'sunnybrook-rgb');
    await createSunnybrook({ images, contours, out, channels: 'RGB', val: 0 });
    const dataset = await openDataset(out);
    const { data, shape } = await (await dataset.split('train')).entry(0);
    expect(shape).toEqual([3, 24, 30]);
    expect(data.subarray(720, 1440)).toEqual(data.subarray(0, 720));
    expect(data.subarray(1440)).toEqual(data.subarray(0, 720));
    await dataset.close();
  });

  it('keeps ⌊n·val/100⌋ entries, or whole patients, by the seed', async () => {
    const make = async (split: 'image' | 'patient', seed: number) => {
      const source = { images: join(phantom, PHANTOM_IMAGES), contours: phantom };
      const out = join(folder, 'split');
      return (await createSunnybrook({ ...source, out, split, seed, val: 30 })).manifest.splits;
    };
    const byImage = await make('image', 1);
    expect([byImage.val.count, byImage.train.count]).toEqual([7, 17]);
    const names = (s: typeof byImage) => s.val.entries.map(e => e.name);
    expect(names(await make('image', 1))).toEqual(names(byImage));
    expect(names(await make('image', 2))).not.toEqual(names(byImage));
    const byPatient = await make('patient', 1);
    expect(byPatient.val.patients).toHaveLength(1);
    expect(byPatient.train.patients).not.toContain(byPatient.val.patients![0]);
    expect(byPatient.val.count).toBe(6);
  });

  it('holds back the patients named', async () => {
    const source = { images: join(phantom, PHANTOM_IMAGES), contours: phantom, out: join(folder, 'named') };
    const patients = [
      ...new Set((await openDataset(phantom)).manifest.splits.train.entries.map(e => e.patient!)),
    ].sort();
    const valPatients = patients.slice(1, 3);
    const { manifest } = await createSunnybrook({ ...source, valPatients, seed: 3 });
    expect([...manifest.splits.val.patients!].sort()).toEqual(valPatients);
    expect(manifest.splits.train.patients).not.toEqual(expect.arrayContaining(valPatients));
    expect(manifest.splits.train.count + manifest.splits.val.count).toBe(24);
    expect([manifest.splitBy, manifest.valPercent]).toEqual(['patient', 50]);
    const slip = `${patients[0]!.slice(0, -1)}x`;
    const unknown = await diagnosticOf(createSunnybrook({ ...source, valPatients: [slip] }));
    expect([unknown.code, unknown.hint]).toEqual(['dataset-val-patient', expect.stringContaining(patients[0]!)]);
    const empty = { ...source, images: join(folder, 'no-cases'), valPatients: [slip] };
    mkdirSync(empty.images);
    expect((await diagnosticOf(createSunnybrook(empty))).code).toBe('dataset-empty');
    const all = [...new Set([...manifest.splits.train.patients!, ...manifest.splits.val.patients!])];
    expect((await diagnosticOf(createSunnybrook({ ...source, valPatients: all }))).code).toBe('dataset-val-patient');
  });

  it('refuses missing folders, folders without contours, used folders', async () => {
    const out = join(folder, 'refused');
    expect((await diagnosticOf(createSunnybrook({ images: 'nowhere', contours, out }))).code).toBe('folder-missing');
    expect((await diagnosticOf(createSunnybrook({ images, contours: images, out }))).code).toBe('contours-none');
    expect((await diagnosticOf(createSunnybrook({ images, contours, out, val: 100 }))).code).toBe('dataset-val');
    const used = join(folder, 'used');
    mkdirSync(used);
    writeFileSync(join(used, 'thesis.doc'), 'mine');
    expect((await diagnosticOf(createSunnybrook({ images, contours, out: used }))).code).toBe('dataset-folder-used');
    expect(readdirSync(used)).toEqual(['thesis.doc']);
  });
});

const shared = fileURLToPath(new URL('../../../../shared/data/sunnybrook', import.meta.url));
const absent = !existsSync(shared);

describe(`the real cases${absent ? ' (skipped: ../shared/data/sunnybrook is absent)' : ''}`, () => {
  it.skipIf(absent)('give 260 entries with 1.65 % ventricle', async () => {
    const out = join(folder, 'real');
    const { manifest, skipped } = await createSunnybrook({
      images: join(shared, 'challenge_training'),
      contours: shared,
      out,
    });
    expect(skipped).toEqual([]);
    expect([manifest.splits.train.count, manifest.splits.val.count]).toEqual([234, 26]);
    expect(manifest.classShares[1]! * 100).toBeCloseTo(1.65, 2);
    rmSync(out, { recursive: true });
  });
});

describe('pictures and label pictures', () => {
  const images = join(folder, 'images');
  const labels = join(folder, 'labels');
  const palette: Color[] = [
    [0, 0, 0],
    [128, 0, 0],
    [0, 128, 0],
  ];
  const size = { width: 4, height: 2 };
  const rgb = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);

  beforeAll(() => {
    mkdirSync(join(images, 'sub'), { recursive: true });
    mkdirSync(join(labels, 'sub'), { recursive: true });
    const label = { ...size, data: Uint8Array.of(0, 1, 2, 255, 0, 0, 1, 1) };
    for (const name of ['a', 'sub/b']) {
      writeFileSync(join(images, `${name}.png`), encodePng({ ...size, channels: 3, data: rgb }));
      writeFileSync(join(labels, `${name}.png`), encodeMask(label, palette));
    }
    writeFileSync(join(images, 'lonely.png'), encodePng({ ...size, channels: 1, data: new Uint8Array(8) }));
    writeFileSync(join(images, 'odd.png'), encodePng({ ...size, channels: 3, data: rgb }));
    writeFileSync(join(labels, 'odd.png'), encodePng({ width: 2, height: 2, channels: 1, data: new Uint8Array(4) }));
    writeFileSync(join(images, 'wrong.png'), encodePng({ ...size, channels: 3, data: rgb }));
    writeFileSync(join(labels, 'wrong.png'), encodePng({ ...size, channels: 3, data: rgb }));
    writeFileSync(join(images, 'cut.png'), encodePng({ ...size, channels: 3, data: rgb }).subarray(0, 50));
    writeFileSync(join(labels, 'cut.png'), encodeMask(label, palette));
  });

  it('become a data set: blue, green, red; palette kept; 255 does not count', async () => {
    const out = join(folder, 'pictures');
    const { manifest, skipped } = await createImages({ images, labels, out, val: 50, classes: ['nothing'] });
    expect(manifest.splits.train.count + manifest.splits.val.count).toBe(2);
    expect(manifest.classes).toEqual(['nothing', 'class 1', 'class 2']);
    expect(manifest.palette.slice(0, 3)).toEqual(palette);
    expect(manifest.classShares).toEqual([3 / 7, 3 / 7, 1 / 7]);
    expect(skipped.map(d => d.code).sort()).toEqual(['image-damaged', 'label-color', 'label-missing', 'label-size']);
    const dataset = await openDataset(out);
    const entry = await (await dataset.split('train')).entry(0);
    expect(entry.shape).toEqual([3, 2, 4]);
    expect([...entry.data.subarray(0, 8)]).toEqual([...rgb].filter((_, i) => i % 3 === 2));
    expect([...entry.label]).toEqual([0, 1, 2, 255, 0, 0, 1, 1]);
    await dataset.close();
    const mean = readBinaryproto(readFileSync(join(out, 'train_db', 'mean.binaryproto')));
    expect([...mean.data]).toEqual([...entry.data]);
  });

  it('of few bits are unpacked: labels keep their numbers, pictures are stretched', async () => {
    // 1 bit a pixel, 3 × 2, rows 101 and 010, made by Pillow.
    const bits = Buffer.from(
      '89504e470d0a1a0a0000000d4948445200000003000000020100000000b50f5bb70000000c49444154789c6358c0e00000022400e173eb3bf20000000049454e44ae426082',
      'hex',
    );
    expect([...(await decodeLabel(bits)).data]).toEqual([1, 0, 1, 0, 1, 0]);
    expect([...(await decodeImage(bits)).data]).toEqual([255, 0, 255, 0, 255, 0]);
  });

  it('are loaded for a network by content, in its number of channels', async () => {
    const path = join(images, 'a.png');
    expect((await loadPicture(path)).shape).toEqual([3, 2, 4]);
    expect((await loadPicture(path, 1)).shape).toEqual([1, 2, 4]);
    const dicom = await loadPicture(join(goldens, 'dicom', 'explicit_le.dcm'), 3);
    expect(dicom.shape).toEqual([3, 24, 30]);
    expect(dicom.data[0]).toBe(616);
    const jpeg = await loadPicture(join(goldens, 'pictures', 'plain.jpg'));
    expect(jpeg.shape).toEqual([3, 16, 16]);
    expect(Math.abs(jpeg.data[0]! - 200)).toBeLessThan(6); // blue
    expect(Math.abs(jpeg.data[512]! - 10)).toBeLessThan(6); // red
    expect((await diagnosticOf(loadPicture(join(folder, 'no.png')))).code).toBe('file-unreadable');
    expect((await diagnosticOf(loadPicture(join(goldens, 'contours.json')))).code).toBe('image-unsupported');
  });
});

describe('a data set', () => {
  it('is described and drawn', async () => {
    const d = await describeDataset(phantom);
    expect(d.shape).toEqual([1, 256, 256]);
    expect(d.classes.map(c => c.name)).toEqual(['background', 'left ventricle']);
    expect(d.splits.map(s => s.count)).toEqual([18, 6]);
    const dataset = await openDataset(phantom);
    const sheet = await decodeImage(await contactSheet(dataset, { columns: 4, max: 8, cell: 64 }));
    expect([sheet.width, sheet.height]).toEqual([4 * 68 + 4, 2 * 68 + 4]);
    const reddish = (image: typeof sheet) => {
      let count = 0;
      for (let i = 0; i < image.data.length; i += 3) {
        if (image.data[i]! > image.data[i + 1]! + 100) count++;
      }
      return count;
    };
    expect(reddish(sheet)).toBeGreaterThan(8 * 20);
    const entry = await (await dataset.split('val')).entry(0);
    const overlay = await decodeImage(overlayPng(entry, { mask: entry.label, opacity: 0 }));
    expect([overlay.width, overlay.height]).toEqual([512, 512]);
    expect(reddish(overlay)).toBeGreaterThan(100);
    await dataset.close();
  });

  it('that is missing or damaged gives a diagnostic', async () => {
    const broken = join(folder, 'broken');
    expect((await diagnosticOf(openDataset(broken))).code).toBe('dataset-missing');
    cpSync(phantom, broken, { recursive: true });
    const manifest = join(broken, 'manifest.json');
    const text = readFileSync(manifest, 'utf8');
    for (const wrong of ['{', '[]', 'null', '{"format": "x"}', text.replace('"version": 1', '"version": 9')]) {
      writeFileSync(manifest, wrong);
      expect((await diagnosticOf(openDataset(broken))).code).toBe('dataset-manifest');
    }
    writeFileSync(manifest, text);
    renameSync(join(broken, 'val_db', 'labels'), join(broken, 'val_db', 'elsewhere'));
    const dataset = await openDataset(broken);
    expect((await diagnosticOf(dataset.split('val'))).code).toBe('lmdb-missing');
    cpSync(join(broken, 'train_db', 'labels'), join(broken, 'val_db', 'labels'), { recursive: true });
    const again = await openDataset(broken);
    expect((await diagnosticOf(again.split('val'))).code).toBe('dataset-manifest');
    await Promise.all([dataset.close(), again.close()]);
  });
});
