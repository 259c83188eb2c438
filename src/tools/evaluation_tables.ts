/** An evaluation's numbers as CSV (RFC 4180: slices, patients, volumes, a row for each class; nothing measured: empty) and JSON. */

import type { ClassSummary, Evaluation } from './evaluate.js';

type Cell = string | number | undefined;

/** Tables by what their files are called. Infinite distances (found or known on one side alone) are `inf`. */
export function evaluationTables(evaluation: Evaluation): Map<'slices.csv' | 'patients.csv' | 'volumes.csv', string> {
  return new Map([
    ['slices.csv', table(sliceRows(evaluation))],
    ['patients.csv', table(patientRows(evaluation))],
    ['volumes.csv', table(volumeRows(evaluation))],
  ]);
}

/** For names of columns: `mm`, `mm2`, `ml`, `pixels`. */
function suffixes({ units }: Evaluation) {
  return { distance: units.distance, area: units.area.replace('²', '2'), volume: units.volume };
}

function sliceRows(evaluation: Evaluation): Cell[][] {
  const { distance, area } = suffixes(evaluation);
  const head = [
    ...['slice', 'patient', 'phase', 'split', 'class', 'name', 'dice', 'iou', `hausdorff_${distance}`],
    ...[`hausdorff95_${distance}`, `surface_distance_${distance}`, `perpendicular_distance_${distance}`],
    ...[`area_predicted_${area}`, `area_truth_${area}`],
  ];
  const rows = evaluation.slices.flatMap(s =>
    s.classes.map((m, i) => {
      const { class: of, name } = evaluation.classes[i]!;
      const distances = [m.hausdorff, m.hausdorff95, m.surfaceDistance, m.perpendicular];
      const place = [s.name, s.patient, s.phase, s.split, of, name];
      return [...place, m.dice, m.iou, ...distances, m.areaPredicted, m.areaTruth];
    }),
  );
  return [head, ...rows];
}

function patientRows(evaluation: Evaluation): Cell[][] {
  const { distance } = suffixes(evaluation);
  const head = [
    ...['patient', 'class', 'name', 'slices', 'volume_dice', 'volume_iou', 'dice_mean', 'dice_sd', 'dice_median'],
    ...[`hausdorff_${distance}`, `hausdorff95_${distance}`, `perpendicular_distance_${distance}`],
    ...['good_contours', 'contours', 'ejection_fraction_predicted', 'ejection_fraction_truth'],
  ];
  const rows = evaluation.patients.flatMap(p =>
    p.classes.map((m, i) => {
      const { class: of, name } = evaluation.classes[i]!;
      const { mean, deviation, median } = m.sliceDice;
      return [
        ...[p.patient, of, name, p.slices.length, m.dice, m.iou, mean, deviation, median],
        ...[m.hausdorff.mean, m.hausdorff95.mean, m.perpendicular.mean],
        ...[m.goodContours?.good, m.goodContours?.of, m.ejectionFraction?.predicted, m.ejectionFraction?.truth],
      ];
    }),
  );
  return [head, ...rows];
}

function volumeRows(evaluation: Evaluation): Cell[][] {
  const { volume } = suffixes(evaluation);
  const head = ['patient', 'phase', 'class', 'name', 'slices', `volume_predicted_${volume}`, `volume_truth_${volume}`];
  const rows = evaluation.patients.flatMap(p =>
    p.classes.flatMap((m, i) => {
      const { class: of, name } = evaluation.classes[i]!;
      return m.volumes.map(v => [p.patient, v.phase, of, name, v.slices, v.predicted, v.truth]);
    }),
  );
  return [head, ...rows];
}

function table(rows: readonly (readonly Cell[])[]): string {
  return rows.map(row => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: Cell): string {
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return '';
    return Number.isFinite(value) ? String(Number(value.toPrecision(9))) : 'inf';
  }
  // Spreadsheets compute what begins so; with an apostrophe before it, it is text to them.
  const text = (value ?? '').replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** An evaluation (and what stands with it) as JSON: what is not known is `null`, an infinite distance `"inf"`, as in the tables. */
export function evaluationJson(content: Evaluation & Readonly<Record<string, unknown>>): string {
  const plain = (_: string, value: unknown) => (value === Number.POSITIVE_INFINITY ? 'inf' : value);
  return `${JSON.stringify(content, plain, 1)}\n`;
}

/** A class's figures as sentences of one line each, for people. */
export function summaryLines(summary: ClassSummary, { units, slices, patients }: Evaluation): string[] {
  const { dice, iou, volumeDice, hausdorff, hausdorff95, perpendicular, goodContours: good, volumes } = summary;
  const d = units.distance;
  const missing = [
    [summary.missed, 'with nothing found'],
    [summary.spurious, 'with something found where nothing is'],
    [summary.empty, 'without the class'],
  ] as const;
  const told = missing.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  return [
    `Dice ${fixed(dice.mean, 3)} ± ${fixed(dice.deviation, 3)} (median ${fixed(dice.median, 3)}), IoU ${fixed(iou.mean, 3)} in the mean of ${slices.length} slices${told.length > 0 ? `, ${told.join(', ')}` : ''}`,
    `Dice ${fixed(volumeDice.mean, 3)} ± ${fixed(volumeDice.deviation, 3)} (median ${fixed(volumeDice.median, 3)}) in the mean of ${patients.length} patients' volumes`,
    `Hausdorff ${fixed(hausdorff.mean, 1)} ${d}, its 95th percentile ${fixed(hausdorff95.mean, 1)} ${d}, perpendicular distance ${fixed(perpendicular.mean, 2)} ${d}`,
    ...(good ? [`good contours ${fixed(good.percent, 1)} % (${good.good} of ${good.of})`] : []),
    ...(volumes
      ? [
          `volumes ${fixed(volumes.bias, 1)} ${units.volume} off in the mean of ${volumes.count}, 95 % between ${fixed(volumes.lower, 1)} and ${fixed(volumes.upper, 1)}`,
        ]
      : []),
  ];
}

/** With so many decimals; a dash where there is no number. */
export function fixed(value: number | undefined, decimals: number): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return '∞';
  return value.toFixed(decimals).replace('-', '−');
}
