/** Caffe's `Datum`: one entry of a database, pixels as bytes, as floats, or as a whole PNG or JPEG file. */

import { fail, messageOf } from '../../diagnostics/index.js';
import { create, decode, encode } from '../../schema/index.js';
import { decodeImage, type Planes, toPlanes } from './image.js';

/** What a Datum holds. */
export interface DatumContent extends Planes {
  /** The class of a classification database; 0 elsewhere. */
  readonly label: number;
  /** Whether its pixels stand in it as they are, not as a PNG or JPEG file. */
  readonly isRaw?: boolean;
}

/** Bytes go into `data`, floats into `float_data`; three planes are blue, green, red. */
export function encodeDatum(planes: Planes, label = 0): Uint8Array {
  const { channels, height, width, data } = planes;
  const pixels = data instanceof Uint8Array ? { data } : { float_data: Array.from(data) };
  return encode(create('caffe.Datum', { channels, height, width, label, ...pixels }));
}

export interface DatumOptions {
  /**
   * Convert a picture file to three planes (Caffe's `force_color`) or to one (`force_gray`). Raw pixels stay as they are:
   * Caffe's DecodeDatum minds encoded Datums only.
   */
  readonly channels?: 1 | 3;
  /** What diagnostics call it. */
  readonly name?: string;
}

/** @throws MokapotError `datum-damaged`; and as decodeImage for encoded ones. */
export async function decodeDatum(bytes: Uint8Array, options: DatumOptions = {}): Promise<DatumContent> {
  const name = options.name ?? '<Datum>';
  const datum = decodeMessage(bytes, name);
  const { label } = datum;
  if (datum.encoded) {
    const image = await decodeImage(datum.data, name, { asStored: true });
    return { ...toPlanes(image, options.channels ?? image.channels), label };
  }
  const { channels, height, width } = datum;
  const data = datum.data.length > 0 ? datum.data : Float32Array.from(datum.float_data);
  if (data.length !== channels * height * width || data.length === 0) {
    throw damagedDatum(name, `it says ${channels} × ${height} × ${width} and holds ${data.length} values`);
  }
  return { channels, height, width, data, label, isRaw: true };
}

function decodeMessage(bytes: Uint8Array, name: string) {
  try {
    return decode(bytes, 'caffe.Datum');
  } catch (cause) {
    throw damagedDatum(name, messageOf(cause));
  }
}

function damagedDatum(name: string, reason: string) {
  return fail('datum-damaged', `The entry ${name} is no sound Datum: ${reason}.`, {
    hint: 'Is it a database of Caffe Datums? Create it again, or with `mokapot dataset create`.',
  });
}
