/** DICOM pictures and contours of ../shared: every pixel, every mask; broken files named with a reason. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readDicomFile } from '../../src/data/dicom/read.js';
import { contourMask, type Point } from '../../src/data/sets/contour.js';
import { MokapotError } from '../../src/diagnostics/index.js';
import { shared, sharedThere } from './folder.js';

interface Truth {
  readonly rows: number;
  readonly columns: number;
  readonly stored: readonly number[];
}

interface Contours {
  readonly width: number;
  readonly height: number;
  readonly contours: readonly {
    readonly points: readonly Point[];
    readonly spans: readonly [number, number, number][];
  }[];
}

function json<T>(path: string): T {
  return JSON.parse(readFileSync(shared(path), 'utf8')) as T;
}

const dicom = sharedThere('goldens/dicom');

describe.skipIf(!dicom)('DICOM', () => {
  const truth = dicom ? json<Record<string, Truth>>('goldens/dicom/truth.json') : {};
  it.each(Object.entries(truth))('%s', async (name, { rows, columns, stored }) => {
    const picture = await readDicomFile(shared(`goldens/dicom/${name}.dcm`));
    expect([picture.rows, picture.columns]).toEqual([rows, columns]);
    expect(picture.stored.flatMap(frame => [...frame])).toEqual(stored);
  });

  const bad = dicom ? readdirSync(shared('goldens/dicom')).filter(f => f.startsWith('bad_')) : [];
  it.each(bad)('%s is refused by name', async file => {
    const error: unknown = await readDicomFile(shared(`goldens/dicom/${file}`)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(MokapotError);
    expect((error as MokapotError).message).toContain(file);
  });
});

const polygons = sharedThere('goldens/contours.json');

describe.skipIf(!polygons)('contours', () => {
  const { width, height, contours } = polygons
    ? json<Contours>('goldens/contours.json')
    : { width: 0, height: 0, contours: [] };
  it.each(contours.map((c, i) => [i, c] as const))('contour %i, to the pixel', (_, { points, spans }) => {
    const expected = new Uint8Array(width * height);
    for (const [row, from, to] of spans) expected.fill(1, row * width + from, row * width + to);
    expect(contourMask(points, width, height)).toEqual(expected);
  });
});
