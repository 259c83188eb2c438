import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readDicom, readDicomFile } from '../../../src/data/dicom/read.js';
import { writeMrDicom } from '../../../src/data/dicom/write.js';
import { MokapotError } from '../../../src/diagnostics/index.js';
import { Random } from '../../../src/random/index.js';

const goldens = fileURLToPath(new URL('../../goldens', import.meta.url));
const folder = join(goldens, 'dicom');
const more = join(goldens, 'dicom_more');

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
const moreTruth = JSON.parse(readFileSync(join(more, 'truth.json'), 'utf8')) as Record<string, number[][]>;

describe('the golden pictures', () => {
  it.each(Object.entries(truth))('%s', async (name, t) => {
    const p = await readDicomFile(join(folder, `${name}.dcm`));
    const { rows, columns, frames, transferSyntax, photometric } = t;
    expect(p).toMatchObject({ rows, columns, frames, transferSyntax, photometric });
    expect(p.stored.flatMap(frame => [...frame])).toEqual(t.stored);
    expect([p.rescaleSlope, p.rescaleIntercept]).toEqual(t.rescale ? t.rescale.map(Number) : [1, 0]);
  });
});

describe('further encodings (padding bits, signs, odd sizes, fragments, colour)', () => {
  it.each(Object.entries(moreTruth))('%s', async (name, frames) => {
    const p = await readDicomFile(join(more, `${name}.dcm`));
    expect(p.stored.map(frame => [...frame])).toEqual(frames);
  });
});

async function failure(bytes: Uint8Array): Promise<MokapotError> {
  const wrong = await readDicom(bytes, 'x.dcm').then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(wrong).toBeInstanceOf(MokapotError);
  return wrong as MokapotError;
}

describe('broken files', () => {
  it.each([
    ['bad_cut_header.dcm', 'dicom-truncated', 'ends in the middle'],
    ['bad_not_dicom.dcm', 'dicom-not-dicom', '"DICM" at byte 128 is missing'],
    ['bad_truncated_pixels.dcm', 'dicom-truncated', 'ends in the middle'],
  ])('%s', async (file, code, reason) => {
    const wrong = await readDicomFile(join(folder, file)).catch((e: unknown) => e);
    expect(wrong).toBeInstanceOf(MokapotError);
    const [d] = (wrong as MokapotError).diagnostics;
    expect(d).toMatchObject({ code, hint: expect.stringMatching(/export|part 10/) });
    expect(d?.message).toContain(file);
    expect(d?.message).toContain(reason);
  });

  it('say when a file is missing', async () => {
    await expect(readDicomFile('/nowhere/a.dcm')).rejects.toThrow(
      'Cannot read /nowhere/a.dcm: there is no such file or folder',
    );
  });

  it('say which transfer syntax is not supported', async () => {
    const bytes = Buffer.from(readFileSync(join(folder, 'rle.dcm')));
    const at = bytes.indexOf('1.2.840.10008.1.2.5\0');
    bytes.write('1.2.840.10008.1.2.9', at);
    expect((await failure(bytes)).diagnostics[0]).toMatchObject({ code: 'dicom-unsupported' });
  });

  it('never crash or hang, whatever is cut or changed', async () => {
    const random = new Random(7);
    const files = [...readdirSync(folder).map(f => join(folder, f)), ...readdirSync(more).map(f => join(more, f))];
    const codes = new Set<string>();
    for (const file of files.filter(f => f.endsWith('.dcm'))) {
      const sound = readFileSync(file);
      for (let round = 0; round < 12; round++) {
        const bytes = Uint8Array.from(sound.subarray(0, round % 2 ? sound.length : random.integer(sound.length)));
        for (let i = 0; i < 4; i++) bytes[random.integer(bytes.length)] = random.integer(256);
        try {
          await readDicom(bytes, 'x.dcm');
        } catch (e) {
          expect(e).toBeInstanceOf(MokapotError);
          const { code, message, hint } = (e as MokapotError).diagnostics[0]!;
          expect(message).toMatch(/^x\.dcm cannot be read as DICOM: .+/);
          expect(hint).toBeTruthy();
          codes.add(code);
        }
      }
    }
    expect(codes).toContain('dicom-truncated');
    expect(codes).toContain('dicom-damaged');
  });
});

describe('written files', () => {
  it('are read back', async () => {
    const pixels = Uint16Array.from({ length: 6 }, (_, i) => 4095 - i);
    const bytes = writeMrDicom({
      rows: 2,
      columns: 3,
      pixels,
      patientName: 'A^B',
      patientId: 'odd',
      studyUid: '2.25.1',
      seriesUid: '2.25.22',
      instanceUid: '2.25.3',
      seriesNumber: 12,
      instanceNumber: 7,
      pixelSpacing: [1.3671875, 1.3671875],
      sliceThickness: 8,
      sliceLocation: 16,
    });
    const p = await readDicom(bytes);
    expect(p).toMatchObject({ rows: 2, columns: 3, bitsAllocated: 16, bitsStored: 12, patientId: 'odd' });
    expect(p).toMatchObject({ seriesNumber: 12, instanceNumber: 7, photometric: 'MONOCHROME2' });
    expect([...p.stored[0]!]).toEqual([...pixels]);
  });

  it('tell sizes and place in millimetres, and nothing where that is no number', async () => {
    const bytes = writeMrDicom({
      ...{ rows: 1, columns: 2, pixels: Uint16Array.of(1, 2), patientName: 'A', patientId: 'B' },
      ...{ studyUid: '2.25.1', seriesUid: '2.25.22', instanceUid: '2.25.3', seriesNumber: 1, instanceNumber: 1 },
      ...{ pixelSpacing: [1.25, 0.75], sliceThickness: 8, sliceLocation: 16 },
    });
    expect(await readDicom(bytes)).toMatchObject({ pixelSpacing: [1.25, 0.75], sliceThickness: 8, slicePosition: 16 });
    /** The same file with other texts of one length. */
    const changed = (...pairs: readonly (readonly [string, string])[]) => {
      const text = pairs.reduce((t, [from, to]) => {
        expect([t.includes(from), to.length]).toEqual([true, from.length]);
        return t.replace(from, to);
      }, Buffer.from(bytes).toString('latin1'));
      return readDicom(Buffer.from(text, 'latin1'));
    };
    // Rows along y and columns along z: the normal is x.
    const turned = [
      ['1\\0\\0\\0\\1\\0', '0\\1\\0\\0\\0\\1'],
      ['0\\0\\16', '21\\0\\0'],
    ] as const;
    expect((await changed(...turned)).slicePosition).toBe(21);
    expect(await changed(['1.25\\0.75', '1.25\\-.75'])).not.toHaveProperty('pixelSpacing');
    expect(await changed(['1.25\\0.75', '1.25\\0x75'])).not.toHaveProperty('pixelSpacing');
    expect(await changed(['1.25\\0.75', '1.25 0.75'])).not.toHaveProperty('pixelSpacing');
  });
});
