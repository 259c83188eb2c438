/**
 * Segmentations of a data set's slices against its labels: measures of each slice, each patient's volumes, and of all. Takes
 * masks as they come, keeps numbers alone; docs/evaluate.md says what each of them is.
 */

import { type EntryGeometry, type Manifest, type ManifestEntry, SPLITS, type SplitName } from '../data/index.js';
import { type Diagnostic, error } from '../diagnostics/index.js';
import {
  type BlandAltman,
  blandAltman,
  diceOf,
  GOOD_CONTOUR_MM,
  iouOf,
  type LabelPicture,
  type Overlap,
  overlap,
  perpendicularDistance,
  type Summary,
  summary,
  sumOverlaps,
  surfaceDistances,
} from './measures.js';

/** Of one class in one slice. Distances and areas are in the evaluation's units. */
export interface SliceMeasures extends Overlap {
  /** NaN where neither has the class, 0 where one has it. */
  readonly dice: number;
  /** As `dice`. */
  readonly iou: number;
  /** NaN where neither has the class, Infinity where one has it; so are the other distances. */
  readonly hausdorff: number;
  /** Its 95th percentile. */
  readonly hausdorff95: number;
  /** Average surface distance, both ways. */
  readonly surfaceDistance: number;
  /** Average perpendicular distance, from the prediction's contour to the truth's. */
  readonly perpendicular: number;
  /** Of the prediction. */
  readonly areaPredicted: number;
  /** Of the truth. */
  readonly areaTruth: number;
}

/** One slice of the data set. */
export interface EvaluatedSlice {
  readonly name: string;
  readonly split: SplitName;
  /** Whose it is; the slice's own name where the data set names no patients. */
  readonly patient: string;
  /** Which picture of the heart's cycle. */
  readonly phase: number | undefined;
  /** One for each of the evaluation's classes. */
  readonly classes: readonly SliceMeasures[];
}

/** All slices of one patient and phase. */
export interface EvaluatedVolume {
  readonly phase: number | undefined;
  readonly slices: number;
  /** In the evaluation's unit of volumes; undefined where the slices' distance is not known. */
  readonly predicted: number | undefined;
  readonly truth: number | undefined;
}

/** Of one class in all slices of one patient. */
export interface PatientMeasures {
  /** Of the pixels of all slices together: the Dice of the volume. */
  readonly dice: number;
  /** The same of IoU. */
  readonly iou: number;
  /** Over the slices. */
  readonly sliceDice: Summary;
  /** Over the slices that have both contours. */
  readonly hausdorff: Summary;
  readonly hausdorff95: Summary;
  readonly perpendicular: Summary;
  /** Contours of the truth whose prediction is near enough, and how many contours it has; undefined without millimetres. */
  readonly goodContours: { readonly good: number; readonly of: number } | undefined;
  readonly volumes: readonly EvaluatedVolume[];
  /** (EDV − ESV) / EDV in per cent, of a patient with two phases; the truth's larger volume is end-diastole. */
  readonly ejectionFraction: { readonly predicted: number; readonly truth: number } | undefined;
}

/** One patient. */
export interface EvaluatedPatient {
  readonly patient: string;
  /** Names of its slices. */
  readonly slices: readonly string[];
  /** One for each of the evaluation's classes. */
  readonly classes: readonly PatientMeasures[];
}

/** Of one class over the whole evaluation. */
export interface ClassSummary {
  /** Its number in the labels. */
  readonly class: number;
  readonly name: string;
  /** Over slices. */
  readonly dice: Summary;
  readonly iou: Summary;
  readonly hausdorff: Summary;
  readonly hausdorff95: Summary;
  readonly surfaceDistance: Summary;
  readonly perpendicular: Summary;
  /** Over patients, of all pixels of each. */
  readonly volumeDice: Summary;
  readonly volumeIou: Summary;
  /** The Sunnybrook challenge's figures; undefined without millimetres. */
  readonly goodContours:
    | {
        readonly good: number;
        readonly of: number;
        /** 100 · good / of. */
        readonly percent: number;
        /** Over the good contours alone. */
        readonly dice: Summary;
        readonly perpendicular: Summary;
      }
    | undefined;
  /** Slices in which the truth has the class and the prediction has not. */
  readonly missed: number;
  /** Slices in which the prediction has the class and the truth has not. */
  readonly spurious: number;
  /** Slices in which neither has it: they count in no mean. */
  readonly empty: number;
  readonly volumes: BlandAltman | undefined;
  /** In points of per cent. */
  readonly ejectionFractions: BlandAltman | undefined;
}

/** In what lengths, areas and volumes are told. */
export interface Units {
  readonly distance: 'mm' | 'pixels';
  readonly area: 'mm²' | 'pixels';
  readonly volume: 'ml' | 'pixels';
}

/** What was found out. */
export interface Evaluation {
  readonly units: Units;
  readonly slices: readonly EvaluatedSlice[];
  /** The worst first, by the mean of the classes' Dice. */
  readonly patients: readonly EvaluatedPatient[];
  readonly classes: readonly ClassSummary[];
  /** What the figures lack, and why. */
  readonly notes: readonly Diagnostic[];
}

/** Takes the slices of a data set one by one. */
export class Evaluator {
  private readonly slices: EvaluatedSlice[] = [];
  private readonly classes: readonly number[];
  private readonly units: Units;
  private readonly entries: ReadonlyMap<SplitName, readonly ManifestEntry[]>;
  /** All entries of the data set, whatever their split. */
  private readonly entriesByPatient: ReadonlyMap<string, readonly ManifestEntry[]>;
  /** The distance of each patient's slices, once it is asked for. */
  private readonly distances = new Map<string, number | undefined>();

  /** @param splits those that will be evaluated; their entries tell the units, those of the others who is incomplete */
  constructor(
    private readonly manifest: Pick<Manifest, 'classes' | 'splits'>,
    private readonly splits: readonly SplitName[],
  ) {
    this.classes = manifest.classes.map((_, i) => i).slice(1);
    this.entries = new Map(SPLITS.map(name => [name, manifest.splits[name].entries]));
    this.entriesByPatient = grouped([...this.entries.values()].flat(), patientOf);
    const isMetric = this.chosen().every(({ geometry }) => geometry?.spacing);
    this.units = isMetric
      ? { distance: 'mm', area: 'mm²', volume: 'ml' }
      : { distance: 'pixels', area: 'pixels', volume: 'pixels' };
  }

  /** Measures one slice. @throws MokapotError `measure-size` */
  add(split: SplitName, entry: ManifestEntry, prediction: LabelPicture, truth: LabelPicture): EvaluatedSlice {
    const spacing = this.spacingOf(entry);
    const pixel = spacing[0] * spacing[1];
    const slice = {
      name: entry.name,
      split,
      patient: patientOf(entry),
      phase: entry.geometry?.phase,
      classes: this.classes.map((of): SliceMeasures => {
        const counts = overlap(prediction, truth, { of });
        const { average, ...distances } = surfaceDistances(prediction, truth, { of, spacing });
        return {
          ...counts,
          dice: diceOf(counts),
          iou: iouOf(counts),
          ...distances,
          surfaceDistance: average,
          perpendicular: perpendicularDistance(prediction, truth, { of, spacing }),
          areaPredicted: counts.predicted * pixel,
          areaTruth: counts.truth * pixel,
        };
      }),
    };
    this.slices.push(slice);
    return slice;
  }

  /** Of the slices so far. */
  result(): Evaluation {
    const { slices, units } = this;
    const byPatient = grouped(slices, s => s.patient);
    const patients = [...byPatient].map(([patient, own]) => this.measuresOf(patient, own));
    const score = ({ classes }: EvaluatedPatient) => summary(classes.map(c => c.dice)).mean;
    // Those without anything to find come last.
    const order = (p: EvaluatedPatient) => (Number.isNaN(score(p)) ? 2 : score(p));
    const sorted = patients.sort((a, b) => order(a) - order(b) || (a.patient < b.patient ? -1 : 1));
    const classes = this.classes.map((of, i) => this.classOf(of, i, sorted));
    return { units, slices, patients: sorted, classes, notes: this.notes(byPatient) };
  }

  private chosen(): ManifestEntry[] {
    return this.splits.flatMap(name => this.entries.get(name) ?? []);
  }

  private spacingOf({ geometry }: ManifestEntry): readonly [number, number] {
    return (this.units.distance === 'mm' && geometry?.spacing) || [1, 1];
  }

  private measuresOf(patient: string, slices: readonly EvaluatedSlice[]): EvaluatedPatient {
    const classes = this.classes.map((_, i): PatientMeasures => {
      const own = slices.map(s => s.classes[i]!);
      const whole = sumOverlaps(own);
      const volumes = this.volumesOf(patient, slices, i);
      return {
        dice: diceOf(whole),
        iou: iouOf(whole),
        sliceDice: summary(own.map(m => m.dice)),
        hausdorff: summary(own.map(m => m.hausdorff)),
        hausdorff95: summary(own.map(m => m.hausdorff95)),
        perpendicular: summary(own.map(m => m.perpendicular)),
        goodContours: this.goodOf(own),
        volumes,
        ejectionFraction: this.isWhole(patient, slices) ? ejectionFraction(volumes) : undefined,
      };
    });
    return { patient, slices: slices.map(s => s.name), classes };
  }

  private volumesOf(patient: string, slices: readonly EvaluatedSlice[], index: number): EvaluatedVolume[] {
    const distance = this.units.volume === 'pixels' ? 1 : this.distanceOf(patient);
    const unit = this.units.volume === 'ml' ? 1000 : 1;
    return [...grouped(slices, s => s.phase)]
      .map(([phase, own]) => {
        const total = (area: 'areaPredicted' | 'areaTruth') =>
          distance && (own.reduce((sum, s) => sum + s.classes[index]![area], 0) * distance) / unit;
        return { phase, slices: own.length, predicted: total('areaPredicted'), truth: total('areaTruth') };
      })
      .sort((a, b) => (a.phase ?? 0) - (b.phase ?? 0));
  }

  private goodOf(measures: readonly SliceMeasures[]): PatientMeasures['goodContours'] {
    if (this.units.distance !== 'mm') return undefined;
    const contours = measures.filter(m => m.truth > 0);
    return { good: contours.filter(isGood).length, of: contours.length };
  }

  private classOf(of: number, index: number, patients: readonly EvaluatedPatient[]): ClassSummary {
    const all = this.slices.map(s => s.classes[index]!);
    const over = (read: (m: SliceMeasures) => number) => summary(all.map(read));
    const own = patients.map(p => p.classes[index]!);
    const good = this.goodOf(all);
    const goods = all.filter(isGood);
    const volumes = own.flatMap(p => p.volumes).filter(isPair);
    const fractions = own.flatMap(p => p.ejectionFraction ?? []);
    return {
      class: of,
      name: this.manifest.classes[of]!,
      dice: over(m => m.dice),
      iou: over(m => m.iou),
      hausdorff: over(m => m.hausdorff),
      hausdorff95: over(m => m.hausdorff95),
      surfaceDistance: over(m => m.surfaceDistance),
      perpendicular: over(m => m.perpendicular),
      volumeDice: summary(own.map(p => p.dice)),
      volumeIou: summary(own.map(p => p.iou)),
      goodContours: good && {
        ...good,
        percent: (100 * good.good) / good.of,
        dice: summary(goods.map(m => m.dice)),
        perpendicular: summary(goods.map(m => m.perpendicular)),
      },
      missed: all.filter(m => m.truth > 0 && m.predicted === 0).length,
      spurious: all.filter(m => m.truth === 0 && m.predicted > 0).length,
      empty: all.filter(m => m.truth === 0 && m.predicted === 0).length,
      volumes: volumes.length > 0 ? blandAltman(volumes) : undefined,
      ejectionFractions: fractions.length > 0 ? blandAltman(fractions) : undefined,
    };
  }

  private distanceOf(patient: string): number | undefined {
    const { distances } = this;
    if (!distances.has(patient)) distances.set(patient, sliceDistance(this.entriesByPatient.get(patient) ?? []));
    return distances.get(patient);
  }

  /** Whether a patient's slices are all that the data set has of it. */
  private isWhole(patient: string, slices: readonly EvaluatedSlice[]): boolean {
    return slices.length === (this.entriesByPatient.get(patient)?.length ?? 0);
  }

  private notes(byPatient: ReadonlyMap<string, readonly EvaluatedSlice[]>): Diagnostic[] {
    const patients = [...byPatient.keys()];
    const divided = patients.filter(p => !this.isWhole(p, byPatient.get(p)!));
    const flat = patients.filter(p => this.distanceOf(p) === undefined);
    const found: [boolean, string, string, string][] = [
      [
        this.chosen().every(e => e.patient === undefined),
        'evaluate-patients',
        'The data set names no patients: each picture counts as a case of its own.',
        'Data sets made of Sunnybrook or of phantoms name them.',
      ],
      [
        this.units.distance === 'pixels',
        'evaluate-pixels',
        'The data set does not say how large a pixel is: distances, areas and volumes are in pixels, and no contour can be called good (nearer than 5 mm).',
        'Create the data set again from its DICOM files; older versions left PixelSpacing out.',
      ],
      [
        this.units.volume === 'ml' && flat.length > 0,
        'evaluate-volume',
        `There are no volumes of ${some(flat)}: neither a distance between slices nor their thickness is known.`,
        'DICOM has SpacingBetweenSlices, ImagePositionPatient or SliceThickness.',
      ],
      [
        divided.length > 0,
        'evaluate-divided',
        `Not all slices of ${some(divided)} are evaluated: their volumes and Dice are of those that are, and an ejection fraction is not told.`,
        'Divide the data set by patient (--split patient), or evaluate all of it (--split all).',
      ],
    ];
    return found.flatMap(([holds, code, message, hint]) =>
      holds ? [error(code, message, { severity: 'note', hint })] : [],
    );
  }
}

function patientOf({ patient, name }: ManifestEntry): string {
  return patient ?? name;
}

/** In the order in which groups are met. */
export function grouped<T, K>(values: readonly T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group) group.push(value);
    else groups.set(keyOf(value), [value]);
  }
  return groups;
}

function some(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more patients` : '';
  return `${names.slice(0, 3).join(', ')}${more}`;
}

/** Whether the challenge would call the contour good. */
function isGood({ truth, perpendicular }: SliceMeasures): boolean {
  return truth > 0 && perpendicular < GOOD_CONTOUR_MM;
}

function isPair(volume: EvaluatedVolume): volume is EvaluatedVolume & { predicted: number; truth: number } {
  return volume.predicted !== undefined && volume.truth !== undefined;
}

/** Slices nearer than this, in millimetres, lie at one place. */
const ONE_PLACE_MM = 0.1;

/**
 * From one slice to the next, in millimetres: what the files say (SpacingBetweenSlices); else the least distance of their
 * positions; else their thickness, as if there were no gaps. Undefined where none is known.
 */
export function sliceDistance(entries: readonly { readonly geometry?: EntryGeometry }[]): number | undefined {
  const known = (read: (g: EntryGeometry) => number | undefined) =>
    entries.flatMap(({ geometry }) => (geometry && read(geometry)) ?? []);
  const [between] = known(g => g.between);
  if (between !== undefined) return between;
  const places = known(g => g.position).sort((a, b) => a - b);
  const gaps = places.slice(1).flatMap((p, i) => (p - places[i]! > ONE_PLACE_MM ? [p - places[i]!] : []));
  return gaps.length > 0 ? gaps.reduce((a, b) => Math.min(a, b)) : known(g => g.thickness)[0];
}

function ejectionFraction(volumes: readonly EvaluatedVolume[]): PatientMeasures['ejectionFraction'] {
  const pairs = volumes.filter(isPair).sort((a, b) => b.truth - a.truth);
  const [diastole, systole] = pairs;
  if (!diastole || !systole || pairs.length > 2 || !(diastole.truth > 0) || !(diastole.predicted > 0)) return undefined;
  const of = (v: 'predicted' | 'truth') => (100 * (diastole[v] - systole[v])) / diastole[v];
  return { predicted: of('predicted'), truth: of('truth') };
}
