/** SVG → PNG by resvg's wasm, with Lato from its package: the same picture on every machine, with fonts or without. */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
let ready: Promise<void> | undefined;

const FONTS = [
  '@expo-google-fonts/lato/400Regular/Lato_400Regular.ttf',
  '@expo-google-fonts/lato/700Bold/Lato_700Bold.ttf',
];

/** Sides beyond this many pixels are what viewers refuse. */
const MAX_SIDE = 16_000;

/**
 * An SVG of ours as PNG, with text in Lato.
 *
 * @param scale pixels for each unit of the SVG; less where a side would be over 16 000
 */
export async function toPng(svg: string, scale = 2): Promise<Uint8Array> {
  const { initWasm, Resvg } = await import('@resvg/resvg-wasm');
  ready ??= readFile(require.resolve('@resvg/resvg-wasm/index_bg.wasm')).then(bytes => initWasm(bytes));
  await ready;
  const fontBuffers = await Promise.all(FONTS.map(async font => new Uint8Array(await readFile(require.resolve(font)))));
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
  const zoom = Math.min(scale, MAX_SIDE / Math.max(Number(width), Number(height)));
  const resvg = new Resvg(svg, {
    font: { fontBuffers, defaultFontFamily: 'Lato', sansSerifFamily: 'Lato' },
    fitTo: { mode: 'zoom', value: zoom },
  });
  try {
    return resvg.render().asPng();
  } finally {
    resvg.free();
  }
}
