import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDicom, readDicomFile } from '../../src/data/dicom.js';
import { MokapotError } from '../../src/diagnostics/index.js';

const folder = new URL('../goldens/dicom', import.meta.url).pathname;

interface Truth {
  rows: number;
  columns: number;
  frames: number;
  transferSyntax: string;
  stored: number[];
  rescale: [string, string] | null;
  photometric: string;
}

const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Record<string, Truth>;

describe('the golden pictures', () => {
  for (const [name, t] of Object.entries(truth)) {
    it(name, async () => {
      const p = await readDicomFile(join(folder, `${name}.dcm`));
      expect([p.rows, p.columns, p.frames, p.transferSyntax, p.photometric]).toEqual([
        t.rows,
        t.columns,
        t.frames,
        t.transferSyntax,
        t.photometric,
      ]);
      expect(p.stored.flatMap(frame => [...frame])).toEqual(t.stored);
      expect([p.rescaleSlope, p.rescaleIntercept]).toEqual(t.rescale ? t.rescale.map(Number) : [1, 0]);
    });
  }
});

describe('broken files', () => {
  for (const file of readdirSync(folder).filter(f => f.startsWith('bad_'))) {
    it(file, async () => {
      const wrong = await readDicomFile(join(folder, file)).catch((e: unknown) => e);
      expect(wrong).toBeInstanceOf(MokapotError);
      const [d] = (wrong as MokapotError).diagnostics;
      expect(d?.message).toContain(file);
      expect(d?.hint).toBeTruthy();
      expect(`${d?.code}: ${d?.message.replace(folder, '')} ${d?.hint}`).toMatchSnapshot();
    });
  }
});
