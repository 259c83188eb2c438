/** Label values that are none of the classes a layer tells: Caffe reads past the end of the scores there. */

import { fail } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import type { NetGraph, NetLayer } from '../net/index.js';
import { isSet, sub } from '../schema/index.js';

/** A fed blob that a layer takes class numbers from. */
export interface LabelReader {
  readonly blob: string;
  readonly layer: string;
  /** Values are 0 to classes − 1. */
  readonly classes: number;
  /** The value that counts nowhere. */
  readonly ignored: number | undefined;
  /** The field that names such a value; undefined where the layer has none. */
  readonly ignoreField: string | undefined;
}

/** The blobs that come from the data as they are and are read as class numbers. */
export function labelReaders(graph: NetGraph): readonly LabelReader[] {
  return graph.layers.flatMap(layer => {
    const { classLabels } = layer.type;
    const [scores, label] = layer.bottoms;
    const blob = label && fedBlob(graph, graph.layers[label.producer]!, label.name);
    if (!classLabels || !scores || blob === undefined) return [];
    const param = layer.context.param;
    const { ignoreIn } = classLabels;
    const ignore = ignoreIn && sub(param, ignoreIn);
    return {
      blob,
      layer: layer.name,
      classes: scores.shape.at(classLabels.axis(param)) ?? 0,
      ignored: ignore && isSet(ignore, 'ignore_label') ? ignore.ignore_label : undefined,
      ignoreField: ignoreIn && `${ignoreIn} { ignore_label: … }`,
    };
  });
}

/** The source's top that a blob is, through Splits alone. */
function fedBlob(graph: NetGraph, producer: NetLayer, name: string): string | undefined {
  if (producer.type.isSource) return name;
  if (!producer.type.copies) return undefined;
  const before = producer.bottoms[0]!;
  return fedBlob(graph, graph.layers[before.producer]!, before.name);
}

type Arrays = Readonly<Record<string, { readonly data: ArrayLike<number>; readonly shape: Shape } | undefined>>;

/** @throws MokapotError `label-value`, with the value, the entry and, in a label picture, the pixel */
export function checkLabelValues(
  readers: readonly LabelReader[],
  blobs: Arrays,
  names: Readonly<Record<string, readonly string[]>>,
): void {
  for (const reader of readers) {
    const blob = blobs[reader.blob];
    if (!blob) continue;
    const at = firstWrong(blob.data, reader);
    if (at !== undefined) throw wrongValue(reader, blob.data, blob.shape, names[reader.blob] ?? [], at);
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
      hint: `Mend the label, or give the layer that makes the scores num_output: ${Math.max(value + 1, classes) || classes}${
        ignoreField ? `; a value that is to count nowhere is named by ${ignoreField}` : ''
      }. (Blob "${blob}".)`,
    },
  );
}

function countOf(data: ArrayLike<number>, value: number, start: number, size: number): number {
  let count = 0;
  for (let i = start; i < start + size; i++) if (Object.is(data[i], value)) count++;
  return count;
}
