/**
 * Net surgery: `node examples/surgery.js`. A classifier's fully connected layer becomes a convolution, with the same weights, so
 * that the network answers for every window of a larger picture at once (surgery.py of "Fully Convolutional Networks").
 */

import { Net, transplant, writeCaffemodel } from 'mokapot';

const FEATURES = `
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
`;
const input = (/** @type {number} */ size) =>
  `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: ${size} dim: ${size} } } }`;

const classifier = await Net.fromText(`
  name: "Classifier" ${input(8)} ${FEATURES}
  layer { name: "score" type: "InnerProduct" bottom: "conv1" top: "score"
          inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }`);
const convolutional = await Net.fromText(`
  name: "Convolutional" ${input(12)} ${FEATURES}
  layer { name: "score" type: "Convolution" bottom: "conv1" top: "score"
          convolution_param { num_output: 3 kernel_size: 6 } }`);

// Weights as bytes of a .caffemodel; a path to a .caffemodel, .caffemodel.h5, .safetensors or .npz does as well.
const weights = writeCaffemodel(classifier.graph.source, classifier.params);
const report = transplant(convolutional, weights);
for (const { layer, blob, action, shape, note } of report.lines)
  console.log(`${layer}[${blob}] ${shape.join('×')}: ${action}${note ? `, ${note}` : ''}`);

const picture = Float32Array.from({ length: 144 }, (_, i) => Math.sin(i));
const scores = (await convolutional.forward({ data: picture })).get('score');
console.log('scores of the large picture:', scores?.shape.join('×'));

// The window at row 2, column 3, by itself.
const window = Float32Array.from({ length: 64 }, (_, i) => picture[(2 + Math.floor(i / 8)) * 12 + 3 + (i % 8)] ?? 0);
const alone = (await classifier.forward({ data: window })).get('score');
const there = [0, 1, 2].map(k => scores?.data[k * 25 + 2 * 5 + 3] ?? NaN);
const furthest = Math.max(...there.map((value, k) => Math.abs(value - (alone?.data[k] ?? NaN))));
console.log(`The window alone gives the same scores, to ${furthest.toExponential(1)}.`);
classifier.dispose();
convolutional.dispose();
