/** What examples of checks stand on. */

/** Pictures with a label for every pixel. */
export const PIXELS = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 64 dim: 64 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 1 dim: 1 dim: 64 dim: 64 } } }
`;

/** Scores for two classes, a number for every pixel, and their labels. */
export const SCORES = `${PIXELS}layer {
  name: "score" type: "Convolution" bottom: "data" top: "score"
  convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } }
}
`;

/** Pictures with one label each. */
export const PICTURES = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 8 dim: 3 dim: 28 dim: 28 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 8 } } }
`;
