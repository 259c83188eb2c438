/** A training that Node.js and the page do alike: FCN-small on four made-up pictures, from one seed. */

/** Plain SGD: a rate that 30 iterations learn by and at which the last bits of a sum do not grow. */
export const SOLVER = `base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 weight_decay: 5e-4 max_iter: 100
  snapshot_after_train: false random_seed: 1`;

const SIZE = 64;

export const SHAPES = { data: [4, 1, SIZE, SIZE], label: [4, 1, SIZE, SIZE] };

/** A disc somewhere in each picture, and where it is. */
export function pictures(): { readonly data: Float32Array; readonly label: Float32Array } {
  const data = new Float32Array(4 * SIZE * SIZE);
  const label = new Float32Array(data.length);
  for (let n = 0; n < 4; n++)
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++) {
        const at = (n * SIZE + y) * SIZE + x;
        const inside = (x - 20 - 6 * n) ** 2 + (y - 40 + 5 * n) ** 2 < 120;
        label[at] = inside ? 1 : 0;
        data[at] = (inside ? 120 : 40) + 20 * Math.sin(x / 3) * Math.cos(y / 5);
      }
  return { data, label };
}
