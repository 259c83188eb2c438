/** What small nets for runs of training have alike: data layers of both phases, and the net from picture to loss around a few layers. */

/** A data layer for `top` that reads the data set in use, 2 entries at once in training and `val` in validation. */
export const dataLayer = (top: string, val = 3) => `
  layer { name: "${top}" type: "Data" top: "${top}" include { stage: "train" } data_param { batch_size: 2 } }
  layer { name: "${top}" type: "Data" top: "${top}" include { stage: "val" } data_param { batch_size: ${val} } }`;

/** Pictures, scaled, through a convolution to `conv`, what `middle` makes of that in `top`, then scores and their loss. */
export const tinyNet = (middle: string, top = 'conv') => `name: "tiny"${dataLayer('data')}${dataLayer('label')}
layer { name: "scale" type: "Power" bottom: "data" top: "x" power_param { scale: 0.0078125 shift: -1 } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
${middle}
layer { name: "score" type: "Convolution" bottom: "${top}" top: "score" convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" loss_param { ignore_label: 255 } exclude { stage: "deploy" } }
`;

export const DROP = 'layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }';
export const ACCURACY =
  'layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy" include { stage: "val" } accuracy_param { ignore_label: 255 } }\n';
