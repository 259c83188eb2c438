/** Slices for people: the part of a picture around what was found and what is known, and both contours as SVG paths. */

import { encodePng, toDisplay } from '../data/index.js';
import { type Contour, contoursOf, thinned } from './contours.js';
import type { LabelPicture } from './measures.js';

/** A part of a picture, in pixels. */
export interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** The contours of one class in one slice, of the prediction and of the truth. */
export interface ClassContours {
  readonly class: number;
  readonly predicted: readonly Contour[];
  readonly truth: readonly Contour[];
}

/** A slice as a picture of its own; paths are in pixels of the part, from its upper left corner. */
export interface SlicePicture {
  readonly width: number;
  readonly height: number;
  /** Of the part, in its own size: grey or RGB. */
  readonly png: Uint8Array;
  readonly contours: readonly { readonly class: number; readonly predicted: string; readonly truth: string }[];
}

/** The contours of some classes; pixels that the truth labels `ignore` belong to none. */
export function sliceContours(
  prediction: LabelPicture,
  truth: LabelPicture,
  classes: readonly number[],
  ignore = 255,
): ClassContours[] {
  const { width, height } = truth;
  const of = ({ data }: LabelPicture, k: number) => {
    const mask = Uint8Array.from({ length: data.length }, (_, i) => Number(data[i] === k && truth.data[i] !== ignore));
    return contoursOf({ mask, width, height });
  };
  return classes.map(k => ({ class: k, predicted: of(prediction, k), truth: of(truth, k) }));
}

/** Share of its sides that a region has around what it shows, and its least side in pixels. */
const MARGIN = 0.35;
const LEAST = 64;

/** A square around all contours, within a picture of this size as far as that allows; the whole where there are none. */
export function regionAround(contours: readonly ClassContours[], height: number, width: number): Region {
  const points = contours.flatMap(c => [...c.predicted, ...c.truth]).flat();
  if (points.length === 0) return { top: 0, left: 0, height, width };
  const ends = (axis: 0 | 1) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const point of points) {
      low = Math.min(low, point[axis]);
      high = Math.max(high, point[axis]);
    }
    return [low, high] as const;
  };
  const [top, bottom] = ends(0);
  const [left, right] = ends(1);
  const side = Math.max(LEAST, Math.ceil((1 + 2 * MARGIN) * Math.max(bottom - top, right - left)));
  const span = (from: number, to: number, whole: number) => {
    const length = Math.min(side, whole);
    return [Math.max(0, Math.min(whole - length, Math.round((from + to - length) / 2))), length] as const;
  };
  const [y, rows] = span(top, bottom, height);
  const [x, columns] = span(left, right, width);
  return { top: y, left: x, height: rows, width: columns };
}

/** How far thinned contours may lie from the whole ones: in pixels, and as a share of the region's longer side. */
const TOLERANCE = 0.2;
const TOLERANCE_SHARE = 1 / 1000;

/** The slice's part as a picture, with contours of as few points as suffice to draw them. */
export function slicePicture(
  picture: { readonly data: Float32Array; readonly shape: readonly [channels: number, height: number, width: number] },
  contours: readonly ClassContours[],
  region: Region,
): SlicePicture {
  const { top, left, height, width } = region;
  const display = toDisplay(picture);
  const channels = picture.shape[0] === 3 ? 3 : 1;
  const data = new Uint8Array(height * width * channels);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * ((y + top) * display.width + x + left);
      for (let c = 0; c < channels; c++) data[to++] = display.data[from + c]!;
    }
  }
  const path = (lines: readonly Contour[]) => lines.map(line => pathOf(line, region)).join('');
  return {
    width,
    height,
    png: encodePng({ width, height, channels, data }),
    contours: contours.map(c => ({ class: c.class, predicted: path(c.predicted), truth: path(c.truth) })),
  };
}

function pathOf(line: Contour, { top, left, height, width }: Region): string {
  const number = (v: number) => String(Math.round(v * 10) / 10);
  const points = thinned(line, Math.max(TOLERANCE, TOLERANCE_SHARE * Math.max(height, width))).map(
    ([y, x]) => `${number(x + 0.5 - left)} ${number(y + 0.5 - top)}`,
  );
  return `M${points.join('L')}Z`;
}
