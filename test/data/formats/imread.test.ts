/** Pictures, sizes and windows to the pixel as OpenCV (and WindowData around it) makes them: test/goldens/opencv. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imread } from '../../../src/data/formats/imread.js';
import { resizeLinear } from '../../../src/data/formats/resize.js';
import { openImageList, WindowFile, windowLoader } from '../../../src/data/index.js';
import { failure } from '../../failure.js';
import { temporaryFolder } from '../temporary.js';

const FOLDER = new URL('../../goldens/opencv/', import.meta.url).pathname;

interface Expected {
  readonly pictures: Record<string, { readonly color: string; readonly grey: string }>;
  readonly resized: readonly { from_: [number, number]; to: [number, number]; source: string; result: string }[];
  readonly windows: readonly {
    box: number[];
    crop: number;
    pad: number;
    mode: string;
    mirror: boolean;
    result: string;
  }[];
}

const expected = JSON.parse(readFileSync(`${FOLDER}expected.json`, 'utf8')) as Expected;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const floats = (text: string) => new Float32Array(bytes(text).buffer);
const folder = temporaryFolder();

describe('imread', () => {
  it.each(Object.keys(expected.pictures))('%s in colour and in grey', async file => {
    const { color, grey } = expected.pictures[file]!;
    const source = readFileSync(FOLDER + file);
    const inColor = await imread(source, true, file);
    expect([inColor.channels, inColor.height, inColor.width]).toEqual([3, 25, 34]);
    expect(inColor.data).toEqual(bytes(color));
    const inGrey = await imread(source, false, file);
    expect([inGrey.channels, inGrey.height, inGrey.width]).toEqual([1, 25, 34]);
    expect(inGrey.data).toEqual(bytes(grey));
  });
});

describe('resizeLinear', () => {
  it.each(expected.resized.map(c => [`${c.from_} to ${c.to}`, c] as const))('%s', (_, c) => {
    const [height, width] = c.from_;
    const result = resizeLinear({ channels: 3, height, width, data: bytes(c.source) }, ...c.to);
    expect([result.height, result.width]).toEqual(c.to);
    expect(result.data).toEqual(bytes(c.result));
  });
});

describe('an image list', () => {
  const list = (text: string) => {
    const path = join(folder, 'list.txt');
    writeFileSync(path, text);
    return path;
  };

  it('gives pictures with their labels, resized, from its root folder', async () => {
    const path = list('color.png 3\r\n\ngrey.jpg\t-1\n');
    const source = await openImageList(path, { rootFolder: FOLDER, height: 5, width: 4, isColor: false });
    expect(source.size).toBe(2);
    const [first, second] = [await source.entry(0), await source.entry(1)];
    expect([first.name, first.shape, [...first.label]]).toEqual(['color.png', [1, 5, 4], [3]]);
    expect([...second.label]).toEqual([-1]);
    const whole = await imread(readFileSync(`${FOLDER}color.png`), false, '');
    expect([...first.data]).toEqual([...resizeLinear(whole, 5, 4).data]);
  });

  it('takes names with spaces, and finds relative ones beside the prototxt', async () => {
    writeFileSync(join(folder, 'a b.png'), readFileSync(`${FOLDER}grey.png`));
    const source = await openImageList(list('a b.png 7'), { folder });
    expect((await source.entry(0)).shape).toEqual([3, 25, 34]);
  });

  it.each([
    ['color.png 1\ncolor.png\n', 'image-list', 2, /no file and label/],
    ['color.png one\n', 'image-list', 1, /whole number/],
    ['', 'image-list', undefined, /lists no pictures/],
  ])('says what is wrong with %j', async (text, code, line, words) => {
    const d = await failure(openImageList(list(text), { folder: FOLDER }));
    expect(d.code).toBe(code);
    expect(`${d.message} ${d.hint}`).toMatch(words);
    expect(d.location?.range.start.line).toBe(line);
  });

  it('names the line of a picture that is missing or damaged', async () => {
    writeFileSync(join(folder, 'cut.png'), readFileSync(`${FOLDER}color.png`).subarray(0, 300));
    const source = await openImageList(list('cut.png 1\nnone.png 2\nlist.txt 3\n'), { folder });
    expect(await failure(source.entry(0))).toMatchObject({
      code: 'image-damaged',
      message: expect.stringMatching(/cut\.png \(line 1 of .*list\.txt\)/),
    });
    const missing = await failure(source.entry(1));
    expect(missing).toMatchObject({ code: 'image-list-file', message: expect.stringMatching(/none\.png.*Line 2/) });
    expect(missing.location?.range.start.line).toBe(2);
    expect(await failure(source.entry(2))).toMatchObject({ code: 'image-unsupported' });
    expect(await failure(openImageList(join(folder, 'no.txt')))).toMatchObject({ code: 'image-list' });
  });
});

describe('windows', () => {
  const write = (text: string) => {
    const path = join(folder, 'windows.txt');
    writeFileSync(path, text);
    return path;
  };
  const picture = (windows: string, number = 0) =>
    `# ${number}\n${FOLDER}color.png\n3\n25\n34\n${windows.split('\n').length}\n${windows}\n`;
  const open = (text: string) =>
    WindowFile.open(write(text), { fgThreshold: 0.5, bgThreshold: 0.5, rootFolder: '', cacheImages: true });
  const options = { batchSize: 1, fgFraction: 1, contextPad: 0, cropMode: 'warp', scale: 0.5, seed: 3 };

  const unmirrored = expected.windows.filter(w => !w.mirror);
  it.each(unmirrored.map(w => [`${w.box} ${w.mode} ${w.pad}`, w] as const))('%s', async (_, w) => {
    const file = await open(picture(`4 0.9 ${w.box.join(' ')}`));
    const transform = { cropSize: w.crop, meanValue: [104, 117.5, 123], mirror: true };
    const loader = windowLoader(file, { ...options, contextPad: w.pad, cropMode: w.mode, transform });
    const both = expected.windows
      .filter(o => o.box === w.box || o.box.join() === w.box.join())
      .filter(o => o.mode === w.mode && o.pad === w.pad);
    const seen = new Set<boolean>();
    for (let i = 0; i < 12; i++) {
      const { data, dataShape, label } = await loader.next();
      expect([dataShape, [...label]]).toEqual([[1, 3, w.crop, w.crop], [4]]);
      const match = both.find(o => Buffer.from(floats(o.result).buffer).equals(Buffer.from(data.buffer)));
      expect(match).toBeDefined();
      seen.add(match!.mirror);
    }
    expect(seen.size).toBe(2);
  });

  it('puts the background first, in the share that is asked for, and repeats after a restore', async () => {
    const text = picture('1 0.9 0 0 4 4\n2 0.5 1 1 5 5\n3 0.2 2 2 6 6\n9 0 3 3 7 7') + picture('5 1 0 0 3 3', 1);
    const file = await open(text);
    expect([file.foreground.length, file.background.length]).toEqual([3, 2]);
    const transform = { cropSize: 4 };
    const make = () => windowLoader(file, { ...options, batchSize: 5, fgFraction: 0.5, transform });
    const loader = make();
    const labels: number[][] = [];
    for (let i = 0; i < 20; i++) labels.push([...(await loader.next()).label]);
    expect(labels.every(l => l.slice(0, 3).every(v => v === 0) && l.slice(3).every(v => [1, 2, 5].includes(v)))).toBe(
      true,
    );
    expect(new Set(labels.flatMap(l => l.slice(3)))).toEqual(new Set([1, 2, 5]));
    const state = JSON.parse(JSON.stringify(loader.save()));
    const next = (await loader.next()).label;
    const other = make();
    other.restore(state);
    expect((await other.next()).label).toEqual(next);
  });

  it.each([
    ['', undefined, /is empty/],
    ['# 1\na.png', 1, /picture 0 has the number 1/],
    ['0 a.png', 1, /“#” should stand here/],
    [picture('1 0.9 0 0 4 4').replace('\n3\n', '\n1\n'), 3, /1 channels/],
    [picture('0 0.9 0 0 4 4'), 7, /foreground window has the class 0/],
    [picture('1 0.9 5 0 4 4'), 7, /wrong way round/],
    [picture('1 0.9 0 0 4'), 7, /the file ends, and y2 should follow/],
    [picture('1 high 0 0 4 4'), 7, /an overlap is no number: high/],
  ])('says what is wrong with %j', async (text, line, words) => {
    const d = await failure(open(text));
    expect(d).toMatchObject({ code: 'window-file', message: expect.stringMatching(words) });
    expect(d.location?.range.start.line).toBe(line);
  });

  it('says that a kind of window is lacking, or leaves its picture', async () => {
    const file = await open(picture('1 0.9 0 0 34 4'));
    const transform = { cropSize: 4 };
    const lacking = () => windowLoader(file, { ...options, batchSize: 4, fgFraction: 0.25, transform });
    expect(lacking).toThrow(/no background windows/);
    expect(await failure(windowLoader(file, { ...options, transform }).next())).toMatchObject({
      code: 'window-file',
      message: expect.stringMatching(/Line 7 .* leaves its picture, which is 25 × 34/),
    });
    expect(() => windowLoader(file, { ...options, transform: {} })).toThrow(/no crop_size/);
    expect(() => windowLoader(file, { ...options, contextPad: 2, transform })).toThrow(/leaves nothing/);
  });
});
