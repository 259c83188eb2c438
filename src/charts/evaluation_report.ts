/**
 * An evaluation as one HTML page that needs nothing else: figures, plots, patients from the worst to the best with their
 * slices. No script; light or dark as the reader's system is. And a patient's slices as an SVG of their own.
 */

import {
  type ClassSummary,
  type EvaluatedPatient,
  type EvaluatedSlice,
  type Evaluation,
  grouped,
  type PatientMeasures,
} from '../tools/evaluate.js';
import { fixed } from '../tools/evaluation_tables.js';
import type { Summary } from '../tools/measures.js';
import type { SlicePicture } from '../tools/slice_pictures.js';
import { blandAltmanPlot, escaped, type PlottedPair } from './bland_altman.js';
import { REPORT_STYLE } from './report_style.js';

/** A slice with what stands below it. */
export interface ShownSlice {
  readonly name: string;
  /** In the mean of the classes; NaN where there is nothing to find. */
  readonly dice: number;
  readonly picture: SlicePicture;
}

/** What the page tells besides the numbers. */
export interface ReportSubject {
  readonly title: string;
  /** Lines such as `weights` → `run/snapshot_iter_100.caffemodel`. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Slices by patient, the worst first; patients without have no pictures. */
  readonly slices: ReadonlyMap<string, readonly ShownSlice[]>;
}

/** Colours of predictions' contours by class, from class 1 on. */
const CLASS_COLOURS = ['#ff4a36', '#4aa8ff', '#ffc400', '#b45aff', '#ff78c8', '#ff9040'] as const;
const TRUTH_COLOUR = '#19e36b';

const classColour = (of: number) => CLASS_COLOURS[(of - 1) % CLASS_COLOURS.length]!;

/** The page. */
export function evaluationPage(evaluation: Evaluation, subject: ReportSubject): string {
  const { classes, notes } = evaluation;
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escaped(subject.title)}</title>`,
    `<style>${REPORT_STYLE}</style>`,
    '</head>',
    '<body>',
    `<header><h1>${escaped(subject.title)}</h1>${facts(subject)}</header>`,
    '<main>',
    ...notes.map(({ message }) => `<p class="note">${escaped(message)}</p>`),
    ...classes.map(summary => classSection(summary, evaluation)),
    patientTable(evaluation, subject),
    definitions(evaluation),
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** A patient's slices side by side, as an SVG document; the first slices are the worst. */
export function patientPicture(patient: string, slices: readonly ShownSlice[], cell = 180): string {
  const columns = Math.max(1, Math.min(6, slices.length));
  const rows = Math.ceil(slices.length / columns);
  const [width, height] = [columns * (cell + 8) + 8, rows * (cell + 28) + 44];
  const cells = slices.map((slice, i) => {
    const [x, y] = [8 + (i % columns) * (cell + 8), 40 + Math.floor(i / columns) * (cell + 28)];
    return [
      sliceDrawing(slice.picture, `x="${x}" y="${y}" width="${cell}" height="${cell}"`, `c${i}`),
      `<text x="${x + 2}" y="${y + cell + 16}" font-size="12" fill="#dfe3ea">${escaped(shortName(slice.name, patient))}</text>`,
      `<text x="${x + cell - 2}" y="${y + cell + 16}" font-size="12" font-weight="700" text-anchor="end" fill="#ffffff">${fixed(slice.dice, 3)}</text>`,
    ].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Lato, 'Helvetica Neue', Arial, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#14171c"/>`,
    `<text x="10" y="26" font-size="16" font-weight="700" fill="#ffffff">${escaped(patient)}</text>`,
    ...cells,
    '</svg>',
  ].join('\n');
}

/** Both contours over the picture. */
function sliceDrawing({ width, height, png, contours }: SlicePicture, attributes: string, id: string): string {
  const line = Math.max(width, height) / 130;
  const stroke = (path: string, colour: string, wide: number) =>
    path === ''
      ? ''
      : `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${round(line * wide)}" stroke-linejoin="round"/>`;
  return [
    `<svg ${attributes} viewBox="0 0 ${width} ${height}" id="${id}">`,
    `<image width="${width}" height="${height}" href="data:image/png;base64,${base64(png)}"/>`,
    ...contours.map(c => stroke(c.truth, TRUTH_COLOUR, 1.1)),
    ...contours.map(c => stroke(c.predicted, classColour(c.class), 0.9)),
    '</svg>',
  ].join('');
}

function facts({ facts: known }: ReportSubject): string {
  return `<dl>${known.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl>`;
}

function classSection(summary: ClassSummary, evaluation: Evaluation): string {
  const { units, patients, slices } = evaluation;
  const { goodContours: good } = summary;
  const d = units.distance;
  const card = (value: string, name: string, more: string) =>
    `<div class="card"><b>${value}</b><span>${name}</span><small>${more}</small></div>`;
  const spread = (s: Summary, decimals: number) =>
    `± ${fixed(s.deviation, decimals)}, median ${fixed(s.median, decimals)}`;
  const cards = [
    card(
      fixed(summary.dice.mean, 3),
      'Dice, mean of slices',
      `${spread(summary.dice, 3)}; ${summary.dice.count} slices`,
    ),
    card(
      fixed(summary.volumeDice.mean, 3),
      "Dice, mean of patients' volumes",
      `${spread(summary.volumeDice, 3)}; ${summary.volumeDice.count} patients`,
    ),
    card(`${fixed(summary.perpendicular.mean, 2)} ${d}`, 'Perpendicular distance', spread(summary.perpendicular, 2)),
    card(`${fixed(summary.hausdorff95.mean, 1)} ${d}`, 'Hausdorff, 95th percentile', spread(summary.hausdorff95, 1)),
    ...(good
      ? [card(`${fixed(good.percent, 1)} %`, 'Good contours', `${good.good} of ${good.of} nearer than 5 mm`)]
      : []),
  ];
  const plots = [
    summary.volumes && plotOf(summary, patients, 'volume', units.volume),
    summary.ejectionFractions && plotOf(summary, patients, 'ejection', '%'),
  ].filter(plot => plot !== undefined);
  return [
    '<section>',
    `<h2><i style="background:${classColour(summary.class)}"></i>${escaped(summary.name)}</h2>`,
    `<div class="cards">${cards.join('')}</div>`,
    `<div class="figures">${figureTable(summary, evaluation)}</div>`,
    plots.length > 0 ? `<div class="plots">${plots.map(p => `<figure>${p}</figure>`).join('')}</div>` : '',
    `<p class="small">${counts(summary, slices.length)}</p>`,
    '</section>',
  ].join('\n');
}

/** Bland and Altman's plot of one class's volumes or ejection fractions, as it stands in the page. */
function plotOf(
  summary: ClassSummary,
  patients: readonly EvaluatedPatient[],
  what: 'volume' | 'ejection',
  unit: string,
) {
  const agreement = what === 'volume' ? summary.volumes! : summary.ejectionFractions!;
  const quantity = what === 'volume' ? 'Volume' : 'Ejection fraction';
  return blandAltmanPlot(pairsOf(summary, patients, what), agreement, { title: quantity, quantity, unit }, true);
}

/** What Bland and Altman's plot of a class shows. */
export function pairsOf(
  summary: Pick<ClassSummary, 'class'>,
  patients: readonly EvaluatedPatient[],
  what: 'volume' | 'ejection',
): PlottedPair[] {
  return patients.flatMap(({ patient, classes }) => {
    const own = classes[summary.class - 1]!;
    const fraction = own.ejectionFraction;
    if (what === 'ejection') return fraction ? [{ ...fraction, name: patient, group: '' }] : [];
    return own.volumes.flatMap(({ phase, predicted, truth }) => {
      if (predicted === undefined || truth === undefined) return [];
      const name = phase === undefined ? patient : `${patient}, phase ${phase}`;
      return [{ predicted, truth, name, group: phaseName(own, phase) }];
    });
  });
}

/** Of two phases the one with the larger volume is end-diastole. */
function phaseName({ volumes }: PatientMeasures, phase: number | undefined): string {
  const [a, b, more] = volumes;
  if (phase === undefined || !a || !b || more) return '';
  const diastole = (a.truth ?? 0) >= (b.truth ?? 0) ? a.phase : b.phase;
  return phase === diastole ? 'end-diastole' : 'end-systole';
}

function figureTable(summary: ClassSummary, { units }: Evaluation): string {
  const d = units.distance;
  const rows: [string, Summary, number][] = [
    ['Dice, slices', summary.dice, 3],
    ['IoU, slices', summary.iou, 3],
    ['Dice, volumes', summary.volumeDice, 3],
    ['IoU, volumes', summary.volumeIou, 3],
    [`Hausdorff (${d})`, summary.hausdorff, 2],
    [`Hausdorff, 95th percentile (${d})`, summary.hausdorff95, 2],
    [`Average surface distance (${d})`, summary.surfaceDistance, 2],
    [`Perpendicular distance (${d})`, summary.perpendicular, 2],
    ...(summary.goodContours
      ? ([
          ['Dice of good contours', summary.goodContours.dice, 3],
          [`Perpendicular distance of good contours (${d})`, summary.goodContours.perpendicular, 2],
        ] as [string, Summary, number][])
      : []),
  ];
  const body = rows.map(
    ([name, s, k]) =>
      `<tr><th>${name}</th><td>${fixed(s.mean, k)}</td><td>${fixed(s.deviation, k)}</td><td>${fixed(s.median, k)}</td><td>${s.count}</td></tr>`,
  );
  return `<table class="numbers"><thead><tr><th></th><th>mean</th><th>SD</th><th>median</th><th>n</th></tr></thead><tbody>${body.join('')}</tbody></table>`;
}

function counts({ missed, spurious, empty }: ClassSummary, slices: number): string {
  const parts = [
    missed > 0 ? `nothing found in ${missed} that have it (Dice 0, no distance)` : '',
    spurious > 0 ? `something found in ${spurious} that have none (Dice 0, no distance)` : '',
    empty > 0 ? `neither in ${empty} (in no mean)` : '',
  ].filter(part => part !== '');
  return parts.length === 0
    ? `Found in all ${slices} slices that have it.`
    : `Of ${slices} slices: ${parts.join('; ')}.`;
}

function patientTable(evaluation: Evaluation, subject: ReportSubject): string {
  const { units, patients, classes } = evaluation;
  const d = units.distance;
  const several = classes.length > 1;
  const isMetric = d === 'mm';
  const head = [
    ...['Patient', ...(several ? ['Class'] : []), 'Dice of the volume', 'Dice of slices', `Hausdorff 95 (${d})`],
    ...[`Perpendicular (${d})`, ...(isMetric ? ['Good contours'] : []), `Volume (${units.volume})`],
    'Worst, middle and best slice',
  ];
  const byPatient = grouped(evaluation.slices, s => s.patient);
  const rows = patients.map(patient =>
    patientRows(patient, byPatient.get(patient.patient) ?? [], evaluation, subject, several, isMetric),
  );
  return [
    '<section>',
    '<h2>Patients, the worst first</h2>',
    `<p class="legend"><span style="color:${TRUTH_COLOUR}">━</span> truth ${classes.map(c => `<span style="color:${classColour(c.class)}">━</span> prediction${several ? `: ${escaped(c.name)}` : ''}`).join(' ')}</p>`,
    `<div class="wide"><table class="patients"><thead><tr>${head.map(h => `<th>${h}</th>`).join('')}</tr></thead>`,
    ...rows,
    '</table></div>',
    '</section>',
  ].join('\n');
}

function patientRows(
  { patient, slices, classes }: EvaluatedPatient,
  own: readonly EvaluatedSlice[],
  evaluation: Evaluation,
  subject: ReportSubject,
  several: boolean,
  isMetric: boolean,
): string {
  const shown = subject.slices.get(patient) ?? [];
  const span = classes.length > 1 ? ` rowspan="${classes.length}"` : '';
  const name = `<th scope="row"${span}>${escaped(patient)}<small>${slices.length} ${slices.length === 1 ? 'slice' : 'slices'}</small></th>`;
  const rows = classes.map((m, i) => {
    const { class: of, name: called } = evaluation.classes[i]!;
    const good = m.goodContours;
    const dice = own.map(s => s.classes[i]!.dice);
    const cells = [
      ...(several ? [`<td><i style="background:${classColour(of)}"></i>${escaped(called)}</td>`] : []),
      `<td class="main">${fixed(m.dice, 3)}</td>`,
      `<td>${fixed(m.sliceDice.mean, 3)} <small>± ${fixed(m.sliceDice.deviation, 3)}</small>${strip(dice)}</td>`,
      `<td>${fixed(m.hausdorff95.mean, 1)}</td>`,
      `<td>${fixed(m.perpendicular.mean, 2)}</td>`,
      ...(isMetric ? [`<td>${good ? `${good.good} of ${good.of}` : '–'}</td>`] : []),
      `<td class="volumes">${volumeLines(m)}</td>`,
    ];
    const pictures = i === 0 ? `<td class="pictures"${span}>${thumbnails(shown, patient)}</td>` : '';
    return `<tr>${i === 0 ? name : ''}${cells.join('')}${pictures}</tr>`;
  });
  const columns = 7 + Number(several) + Number(isMetric);
  const more =
    shown.length > 3
      ? `<tr class="more"><td colspan="${columns}"><details><summary>all ${shown.length} slices of ${escaped(patient)}</summary><div class="slices">${shown.map(s => captioned(s, patient, 132)).join('')}</div></details></td></tr>`
      : '';
  return `<tbody>${rows.join('')}${more}</tbody>`;
}

function volumeLines(m: PatientMeasures): string {
  const largestFirst = [...m.volumes].sort((a, b) => (b.truth ?? 0) - (a.truth ?? 0));
  const lines = (m.volumes.length === 2 ? largestFirst : m.volumes).map(v => {
    const name = phaseName(m, v.phase);
    const short = name === 'end-diastole' ? 'ED ' : name === 'end-systole' ? 'ES ' : '';
    return `<span>${short}${fixed(v.predicted, 1)} <small>of ${fixed(v.truth, 1)}</small></span>`;
  });
  const f = m.ejectionFraction;
  if (f) lines.push(`<span>EF ${fixed(f.predicted, 0)} % <small>of ${fixed(f.truth, 0)} %</small></span>`);
  return lines.join('');
}

function thumbnails(shown: readonly ShownSlice[], patient: string): string {
  const chosen = shown.length <= 3 ? shown : [shown[0]!, shown[shown.length >> 1]!, shown.at(-1)!];
  return chosen.map(s => captioned(s, patient, 116)).join('');
}

function captioned(slice: ShownSlice, patient: string, side: number): string {
  const { width, height } = slice.picture;
  const drawing = sliceDrawing(
    slice.picture,
    `width="${side}" height="${round((side * height) / width)}" role="img"`,
    '',
  ).replace(' id=""', '');
  return `<figure class="slice">${drawing}<figcaption>${escaped(shortName(slice.name, patient))} <b>${fixed(slice.dice, 3)}</b></figcaption></figure>`;
}

/** Each slice's Dice as a tick on a line from 0 to 1. */
function strip(values: readonly number[]): string {
  const [width, height] = [108, 14];
  const ticks = values
    .filter(Number.isFinite)
    .map(v => `<line x1="${round(2 + v * (width - 4))}" x2="${round(2 + v * (width - 4))}" y1="2" y2="12"/>`);
  return `<svg class="strip" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img"><title>Dice of slices, from 0 to 1</title><path d="M2 7H${width - 2}"/>${ticks.join('')}</svg>`;
}

function definitions({ units }: Evaluation): string {
  const items = [
    '<b>Dice</b> 2·|P∩T| / (|P|+|T|), <b>IoU</b> |P∩T| / |P∪T|. Of a volume they are of the pixels of all its slices together. Where one side is empty they are 0; where both are, the slice counts in no mean.',
    `<b>Hausdorff</b>, its 95th percentile and the <b>average surface distance</b> are between edge pixels, both ways, in ${units.distance} (MONAI’s definitions). Slices with one side empty count in no mean.`,
    '<b>Perpendicular distance</b>: from the points of the prediction’s contour to the truth’s contour as a line. A contour is <b>good</b> if it is less than 5 mm (Sunnybrook Cardiac MR Left Ventricle Segmentation Challenge, 2009); one that is missing is not.',
    'Bland and Altman: differences over means; between the broken lines, bias ± 1.96 standard deviations, lie 95 % of normally distributed differences.',
  ];
  return `<footer><h2>What the figures are</h2><ul>${items.map(item => `<li>${item}</li>`).join('')}</ul></footer>`;
}

/** Without the patient's name before it. */
function shortName(name: string, patient: string): string {
  return name.startsWith(`${patient}/`) ? name.slice(patient.length + 1) : name;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
