/** The eight ways to lay a square: flipped, transposed, both; and back. Of test-time augmentation. */

/** What is done to a picture: first transposed, then flipped. */
export interface Symmetry {
  readonly transposed: boolean;
  /** Upside down. */
  readonly flippedY: boolean;
  /** Left to right. */
  readonly flippedX: boolean;
}

/** By which symmetries pictures are laid before they are segmented. */
export const AUGMENTATIONS = ['none', 'flips', 'flips+rot90'] as const;

/** `flips`: the 4 of a rectangle. `flips+rot90`: the 8 of a square, which quarter turns are among. */
export type TestTimeAugmentation = (typeof AUGMENTATIONS)[number];

/** The picture as it is comes first. */
export function symmetriesOf(augmentation: TestTimeAugmentation): Symmetry[] {
  const turns = augmentation === 'flips+rot90' ? [false, true] : [false];
  const flips = augmentation === 'none' ? [false] : [false, true];
  return turns.flatMap(transposed =>
    flips.flatMap(flippedY => flips.map(flippedX => ({ transposed, flippedY, flippedX }))),
  );
}

/** channels × height × width */
export interface Planes {
  readonly data: Float32Array;
  readonly shape: readonly [channels: number, height: number, width: number];
}

/** The picture laid so. */
export function laid({ data, shape }: Planes, symmetry: Symmetry): Planes {
  const [channels, height, width] = shape;
  const [rows, columns] = symmetry.transposed ? [width, height] : [height, width];
  const out = new Float32Array(data.length);
  each(channels, rows, columns, symmetry, (at, y, x, c) => {
    const from = symmetry.transposed ? x * width + y : y * width + x;
    out[at] = data[c * height * width + from]!;
  });
  return { data: out, shape: [channels, rows, columns] };
}

/** The reverse: what came of a picture that was laid so, as it would lie over the picture itself. */
export function laidBack({ data, shape }: Planes, symmetry: Symmetry): Planes {
  const [channels, rows, columns] = shape;
  const [height, width] = symmetry.transposed ? [columns, rows] : [rows, columns];
  const out = new Float32Array(data.length);
  each(channels, rows, columns, symmetry, (at, y, x, c) => {
    const to = symmetry.transposed ? x * width + y : y * width + x;
    out[c * height * width + to] = data[at]!;
  });
  return { data: out, shape: [channels, height, width] };
}

/** Calls back with each index of the laid picture and the place (before flipping) that it has there. */
function each(
  channels: number,
  rows: number,
  columns: number,
  { flippedY, flippedX }: Symmetry,
  act: (index: number, y: number, x: number, channel: number) => void,
): void {
  for (let c = 0, at = 0; c < channels; c++) {
    for (let v = 0; v < rows; v++) {
      const y = flippedY ? rows - 1 - v : v;
      for (let u = 0; u < columns; u++, at++) act(at, y, flippedX ? columns - 1 - u : u, c);
    }
  }
}
