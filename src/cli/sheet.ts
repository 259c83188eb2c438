/** Many pictures in one: PNGs of one size side by side. */

import { decodeImage, encodePng } from '../data/index.js';

const GAP = 4;

/** The first picture sets the size of all cells; larger ones are cut off. */
export async function tile(pngs: readonly Uint8Array[], columns: number): Promise<Uint8Array> {
  const pictures = await Promise.all(pngs.map(png => decodeImage(png)));
  const { width: w, height: h } = pictures[0]!;
  const across = Math.min(columns, pictures.length);
  const width = across * (w + GAP) + GAP;
  const height = Math.ceil(pictures.length / across) * (h + GAP) + GAP;
  const data = new Uint8Array(width * height * 3).fill(24);
  pictures.forEach((picture, i) => {
    const left = GAP + (i % across) * (w + GAP);
    const top = GAP + Math.floor(i / across) * (h + GAP);
    const row = 3 * Math.min(w, picture.width);
    for (let y = 0; y < Math.min(h, picture.height); y++) {
      const from = 3 * y * picture.width;
      data.set(picture.data.subarray(from, from + row), 3 * ((top + y) * width + left));
    }
  });
  return encodePng({ width, height, channels: 3, data });
}
