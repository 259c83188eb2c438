/** Layers that a target cannot say, as docs/convert.md lists them, and the goldens that show it. */

interface Refusal {
  readonly layer: string;
  readonly goldens: readonly string[];
}

export const CANNOT_EXPORT: Readonly<Record<'tfjs' | 'onnx', readonly Refusal[]>> = {
  tfjs: [
    { layer: 'Filter', goldens: ['filter'] },
    { layer: 'Pooling, the mask as second top', goldens: ['pool_max_mask_top'] },
  ],
  onnx: [{ layer: 'Filter', goldens: ['filter'] }],
};
