/** The figures of an evaluation against sums done by hand on squares. */

import { describe, expect, it } from 'vitest';
import { evaluationPage } from '../../src/charts/evaluation_report.js';
import type { ManifestEntry } from '../../src/data/index.js';
import { Evaluator, sliceDistance } from '../../src/tools/evaluate.js';
import { evaluationJson, evaluationTables, summaryLines } from '../../src/tools/evaluation_tables.js';
import type { LabelPicture } from '../../src/tools/measures.js';

const SIZE = 20;

/** A square of a class from `from` on, of a side. */
function square(from: number, side: number, of = 1): LabelPicture {
  const isIn = (v: number) => v >= from && v < from + side;
  const data = Uint8Array.from({ length: SIZE * SIZE }, (_, i) =>
    isIn(Math.floor(i / SIZE)) && isIn(i % SIZE) ? of : 0,
  );
  return { data, width: SIZE, height: SIZE };
}

type Given = Partial<Pick<ManifestEntry, 'patient' | 'geometry'>>;

const entry = (name: string, given: Given = {}): ManifestEntry => ({
  key: name,
  name,
  shape: [1, SIZE, SIZE],
  image: '',
  label: '',
  ...given,
});

const split = (entries: ManifestEntry[]) => ({
  features: '',
  labels: '',
  count: entries.length,
  classPixels: [],
  entries,
});
const manifest = (val: ManifestEntry[], train: ManifestEntry[] = [], classes = ['background', 'heart']) => ({
  classes,
  splits: { val: split(val), train: split(train) },
});

const mm = (phase: number, position: number) => ({ spacing: [2, 1] as const, thickness: 8, position, phase });

describe('Evaluator', () => {
  const entries = [
    entry('A/1', { patient: 'A', geometry: mm(0, 0) }),
    entry('A/2', { patient: 'A', geometry: mm(0, 10) }),
    entry('A/3', { patient: 'A', geometry: mm(9, 0) }),
    entry('B/1', { patient: 'B', geometry: mm(0, 0) }),
  ];
  const evaluator = new Evaluator(manifest(entries), ['val']);
  evaluator.add('val', entries[0]!, square(2, 10), square(2, 10));
  evaluator.add('val', entries[1]!, square(2, 0), square(2, 10));
  evaluator.add('val', entries[2]!, square(2, 6), square(2, 8));
  evaluator.add('val', entries[3]!, square(2, 5), square(12, 5));
  const found = evaluator.result();
  const [heart] = found.classes;

  it('has the slices’ mean and the volumes’, and the worst patient first', () => {
    expect(found.units).toEqual({ distance: 'mm', area: 'mm²', volume: 'ml' });
    expect(found.patients.map(p => p.patient)).toEqual(['B', 'A']);
    const dice = [1, 0, (2 * 36) / (36 + 64), 0];
    expect(heart!.dice.mean).toBeCloseTo(dice.reduce((a, b) => a + b, 0) / 4, 12);
    const volume = (2 * (100 + 36)) / (136 + 264);
    expect(found.patients[1]!.classes[0]!.dice).toBeCloseTo(volume, 12);
    expect(heart!.volumeDice.mean).toBeCloseTo(volume / 2, 12);
    expect([heart!.missed, heart!.spurious, heart!.empty]).toEqual([1, 0, 0]);
  });

  it('has volumes in ml by phase, from pixels of 2 mm² and slices 10 mm apart', () => {
    const { volumes, ejectionFraction } = found.patients[1]!.classes[0]!;
    // 100 pixels · 2 mm² · 10 mm = 2 ml.
    expect(volumes).toEqual([
      { phase: 0, slices: 2, predicted: 2, truth: 4 },
      { phase: 9, slices: 1, predicted: expect.closeTo(0.72, 12), truth: expect.closeTo(1.28, 12) },
    ]);
    expect(ejectionFraction!.truth).toBeCloseTo(100 * (1 - 1.28 / 4), 10);
    expect(ejectionFraction!.predicted).toBeCloseTo(100 * (1 - 0.72 / 2), 10);
    // B has one slice: its volume comes from the thickness.
    const differences = [-2, 0.72 - 1.28, 0];
    expect(heart!.volumes!.bias).toBeCloseTo(differences.reduce((a, b) => a + b, 0) / 3, 10);
    expect(found.patients[0]!.classes[0]!.volumes[0]!.truth).toBeCloseTo((25 * 2 * 8) / 1000, 12);
    expect(found.slices[0]!.classes[0]!.areaTruth).toBe(200);
  });

  it('counts contours nearer than 5 mm, missing ones as not good', () => {
    expect(heart!.goodContours).toMatchObject({ good: 2, of: 4, percent: 50 });
    expect(heart!.goodContours!.dice.mean).toBeCloseTo((1 + 0.72) / 2, 12);
    expect(heart!.perpendicular.count).toBe(3);
  });

  it('writes tables with a row a slice, a patient and a volume', () => {
    const tables = evaluationTables(found);
    const rows = (name: 'slices.csv' | 'patients.csv' | 'volumes.csv') =>
      tables
        .get(name)!
        .trimEnd()
        .split('\r\n')
        .map(line => line.split(','));
    const slices = rows('slices.csv');
    expect(slices.map(r => r.length)).toEqual([14, 14, 14, 14, 14]);
    expect(slices[0]).toContain('hausdorff95_mm');
    expect(slices[1]!.slice(0, 8)).toEqual(['A/1', 'A', '0', 'val', '1', 'heart', '1', '1']);
    expect(slices[2]![8]).toBe('inf');
    expect(rows('patients.csv')[1]!.slice(0, 4)).toEqual(['B', '1', 'heart', '1']);
    expect(rows('volumes.csv')[2]).toEqual(['A', '0', '1', 'heart', '2', '2', '4']);
    expect(summaryLines(heart!, found).join('\n')).toMatch(/good contours 50\.0 % \(2 of 4\)/);
  });

  it('quotes names that hold commas', () => {
    const odd = [entry('a,"b"', { patient: 'p,1' })];
    const one = new Evaluator(manifest(odd), ['val']);
    one.add('val', odd[0]!, square(1, 2), square(1, 2));
    expect(evaluationTables(one.result()).get('slices.csv')).toContain('"a,""b""","p,1",,val');
  });
});

it('text that spreadsheets would compute stays text, numbers stay numbers', () => {
  const odd = [entry('=1+1', { patient: '@p' }), entry('-2', { patient: '+,p' })];
  const one = new Evaluator(manifest(odd), ['val']);
  for (const e of odd) one.add('val', e, square(1, 2), square(1, 2));
  const found = one.result();
  const rows = evaluationTables(found).get('slices.csv')!.split('\r\n');
  expect(rows[1]).toMatch(/^'=1\+1,'@p,,val,1,heart,1,1,0,/);
  expect(rows[2]).toMatch(/^'-2,"'\+,p",,val,/);
  const volumes = [{ phase: -1, slices: 1, predicted: -2, truth: 1 }];
  const patients = found.patients.map(p => ({ ...p, classes: p.classes.map(c => ({ ...c, volumes })) }));
  expect(evaluationTables({ ...found, patients }).get('volumes.csv')).toContain(',-1,1,heart,1,-2,1\r\n');
});

it('JSON tells an infinite distance from one that does not exist', () => {
  const entries = [entry('found'), entry('missed'), entry('empty')];
  const one = new Evaluator(manifest(entries), ['val']);
  one.add('val', entries[0]!, square(1, 2), square(1, 2));
  one.add('val', entries[1]!, square(1, 0), square(1, 2));
  one.add('val', entries[2]!, square(1, 0), square(1, 0));
  const { slices, net } = JSON.parse(evaluationJson({ net: 'x', ...one.result() })) as {
    readonly net: string;
    readonly slices: readonly { readonly classes: readonly Record<string, unknown>[] }[];
  };
  expect(net).toBe('x');
  for (const name of ['hausdorff', 'hausdorff95', 'surfaceDistance', 'perpendicular'])
    expect(slices.map(s => s.classes[0]![name])).toEqual([0, 'inf', null]);
});

it('measures masks of more contour points than a call takes arguments', () => {
  const size = 400;
  let state = 1;
  const picture = (data: Uint8Array) => ({ data, width: size, height: size });
  const noise = Uint8Array.from({ length: size * size }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Number(state > 2 ** 30);
  });
  const band = noise.map((_, i) => Number(Math.floor(i / size) === 200));
  const entries = [entry('noise')];
  const one = new Evaluator(manifest(entries), ['val']);
  const [measures] = one.add('val', entries[0]!, picture(band), picture(noise)).classes;
  expect(measures!.perpendicular).toBeGreaterThan(0);
  expect(measures!.perpendicular).toBeLessThan(2);
});

it('reads the entries of a data set a few times, however many patients there are', () => {
  const count = 3000;
  let reads = 0;
  const entries = Array.from({ length: count }, (_, i) => {
    const made = entry(`e${i}`, { geometry: mm(0, 0) });
    return Object.defineProperty(made, 'patient', { get: () => void reads++ });
  });
  const one = new Evaluator(manifest(entries), ['val']);
  const dot = { data: Uint8Array.of(1), width: 1, height: 1 };
  for (const e of entries) one.add('val', e, dot, dot);
  const found = one.result();
  expect(found.patients).toHaveLength(count);
  expect(found.notes.map(n => n.code)).toEqual(['evaluate-patients']);
  expect(reads).toBeLessThan(10 * count);
  let sliceReads = 0;
  const slices = found.slices.map(s => {
    const get = () => {
      sliceReads++;
      return s.patient;
    };
    return Object.defineProperty({ ...s }, 'patient', { get });
  });
  const page = evaluationPage({ ...found, slices }, { title: 't', facts: [], slices: new Map() });
  expect(page.match(/class="strip"/g)).toHaveLength(count);
  expect(sliceReads).toBeLessThan(10 * count);
});

describe('what is not known is told', () => {
  const codes = (e: Evaluator) => e.result().notes.map(n => n.code);

  it('without PixelSpacing all is in pixels, without patients each picture is a case', () => {
    const entries = [entry('x'), entry('y')];
    const evaluator = new Evaluator(manifest(entries), ['val']);
    for (const e of entries) evaluator.add('val', e, square(2, 4), square(2, 5));
    const { units, classes, patients } = evaluator.result();
    expect(units).toEqual({ distance: 'pixels', area: 'pixels', volume: 'pixels' });
    expect(classes[0]!.goodContours).toBeUndefined();
    expect(patients[0]!.classes[0]!.volumes).toEqual([{ phase: undefined, slices: 1, predicted: 16, truth: 25 }]);
    expect(codes(evaluator)).toEqual(['evaluate-patients', 'evaluate-pixels']);
  });

  it('without thickness there is no volume; of patients in both splits no ejection fraction', () => {
    const geometry = { spacing: [1, 1] as const };
    const entries = [
      entry('A/1', { patient: 'A', geometry: { ...geometry, phase: 0 } }),
      entry('A/2', { patient: 'A', geometry: { ...geometry, phase: 1 } }),
    ];
    const evaluator = new Evaluator(manifest(entries, [entry('A/3', { patient: 'A', geometry })]), ['val']);
    for (const e of entries) evaluator.add('val', e, square(2, 4), square(2, 5));
    const { classes, patients } = evaluator.result();
    expect(classes[0]!.volumes).toBeUndefined();
    expect(patients[0]!.classes[0]!.ejectionFraction).toBeUndefined();
    expect(codes(evaluator)).toEqual(['evaluate-volume', 'evaluate-divided']);
  });

  it('classes are apart, and a class that is nowhere counts in no mean', () => {
    const entries = [entry('x', { patient: 'A' })];
    const evaluator = new Evaluator(manifest(entries, [], ['background', 'a', 'b']), ['val']);
    evaluator.add('val', entries[0]!, square(2, 4, 2), square(2, 4, 2));
    const [a, b] = evaluator.result().classes;
    expect([a!.empty, a!.dice.count, b!.dice.mean]).toEqual([1, 0, 1]);
  });
});

it('the distance of slices: as files say, else their least gap, else their thickness', () => {
  const slices = [0, 30, 10].map(position => ({ geometry: { position, thickness: 8 } }));
  expect(sliceDistance([...slices, { geometry: { between: 9.5 } }])).toBe(9.5);
  expect(sliceDistance([...slices, { geometry: { position: 10.01 } }])).toBe(10);
  expect(sliceDistance([{ geometry: { thickness: 8 } }])).toBe(8);
  expect(sliceDistance([{}])).toBeUndefined();
});
