/** Label values that are none of the classes a layer tells: Caffe reads past the end of the scores there. */

import { fail } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { type BlobVersion, beforeSplits, isFed, type NetGraph, type NetLayer } from '../net/index.js';
import { isSet, sub } from '../schema/index.js';

/** A blob that a layer takes class numbers from. */
export interface LabelReader {
  /** The data's own blob, or, where others compute the labels, the layer's bottom. */
  readonly blob: string;
  readonly shape: Shape;
  /** Whether the blob is fed: its values are known before the net runs. */
  readonly isFed: boolean;
  readonly layer: string;
  /** Values are 0 to classes − 1. */
  readonly classes: number;
  /** The value that counts nowhere. */
  readonly ignored: number | undefined;
  /** The field that names such a value; undefined where the layer has none. */
  readonly ignoreField: string | undefined;
}

/** The blobs that are read as class numbers, one a layer that reads them. */
export function labelReaders(graph: NetGraph): readonly LabelReader[] {
  return graph.layers.flatMap(layer => labelReader(graph, layer) ?? []);
}

/** What the layer reads as class numbers; undefined where it reads none. */
export function labelReader(graph: NetGraph, layer: NetLayer): LabelReader | undefined {
  const { classLabels } = layer.type;
  const [scores, label] = layer.bottoms;
  if (!classLabels || !scores || !label) return undefined;
  const blob = beforeSplits(graph, label);
  const param = layer.context.param;
  const { ignoreIn } = classLabels;
  const ignore = ignoreIn && sub(param, ignoreIn);
  return {
    blob: blob.name,
    shape: blob.shape,
    isFed: isFed(graph, blob),
    layer: layer.name,
    classes: scores.shape.at(classLabels.axis(param)) ?? 0,
    ignored: ignore && isSet(ignore, 'ignore_label') ? ignore.ignore_label : undefined,
    ignoreField: ignoreIn && `${ignoreIn} { ignore_label: … }`,
  };
}

/** Blobs that are fed and read as class numbers, as they are or after layers have moved them, with how many classes there are. */
export function labelInputs(graph: NetGraph): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const follow = (blob: BlobVersion, classes: number, seen: Set<number>): void => {
    if (seen.has(blob.id)) return;
    seen.add(blob.id);
    if (isFed(graph, blob)) found.set(blob.name, Math.min(classes, found.get(blob.name) ?? classes));
    for (const bottom of graph.layers[blob.producer]!.bottoms) follow(bottom, classes, seen);
  };
  for (const layer of graph.layers) {
    const reader = labelReader(graph, layer);
    if (reader) follow(layer.bottoms[1]!, reader.classes, new Set());
  }
  return found;
}

interface LabelArray {
  readonly data: ArrayLike<number>;
  readonly shape: Shape;
}

/**
 * @param find the array that a reader reads; undefined where it is not at hand
 * @param namesOf what messages call the entries of a blob
 * @throws MokapotError `label-value`, with the value, the entry and, in a label picture, the pixel
 */
export function checkLabelValues(
  readers: readonly LabelReader[],
  find: (reader: LabelReader) => LabelArray | undefined,
  namesOf: (blob: string) => readonly string[] = () => [],
): void {
  for (const reader of readers) {
    const array = find(reader);
    if (!array) continue;
    const at = firstWrong(array.data, reader);
    if (at !== undefined) throw wrongValue(reader, array.data, array.shape, namesOf(reader.blob), at);
  }
}

function firstWrong(data: ArrayLike<number>, { classes, ignored }: LabelReader): number | undefined {
  for (let i = 0; i < data.length; i++) {
    const value = Math.trunc(data[i]!);
    if (!(value >= 0 && value < classes) && value !== ignored) return i;
  }
  return undefined;
}

function wrongValue(
  { layer, blob, classes, ignored, ignoreField }: LabelReader,
  data: ArrayLike<number>,
  shape: Shape,
  names: readonly string[],
  at: number,
) {
  const size = data.length / (shape[0] ?? 1);
  const entry = Math.floor(at / size);
  const value = data[at]!;
  const width = shape.at(-1) ?? 1;
  const inEntry = at % size;
  const where =
    size > 1 ? ` at row ${Math.floor(inEntry / width) % (shape.at(-2) ?? 1)}, column ${inEntry % width}` : '';
  const alike = size > 1 ? ` (${countOf(data, value, entry * size, size)} of its ${size} pixels)` : '';
  const range = classes === 1 ? 'only the class 0' : `the classes 0 to ${classes - 1}`;
  const except = ignored === undefined ? '' : ` and ignores ${ignored}`;
  return fail(
    'label-value',
    `${names[entry] ?? `Entry ${entry} of the batch`} has the label ${value}${where}${alike}, and layer "${layer}" knows ${range}${except}.`,
    {
      layer,
      hint: `${remedy(value, classes, ignoreField)} (Blob "${blob}".)`,
    },
  );
}

/** What helps: more classes for a label beyond them; for a negative one a value that is ignored, or labels from 0 on. */
function remedy(value: number, classes: number, ignoreField: string | undefined): string {
  if (value < 0) {
    const ignore = ignoreField?.replace('…', String(Math.trunc(value)));
    return `Classes are counted from 0 on: shift the labels${ignore ? `, or, where ${value} means no class, ignore it: ${ignore}` : ''}.`;
  }
  const ignore = ignoreField ? `; a value that is to count nowhere is named by ${ignoreField}` : '';
  return `Mend the label, or give the layer that makes the scores num_output: ${Math.max(value + 1, classes) || classes}${ignore}.`;
}

function countOf(data: ArrayLike<number>, value: number, start: number, size: number): number {
  let count = 0;
  for (let i = start; i < start + size; i++) if (Object.is(data[i], value)) count++;
  return count;
}
