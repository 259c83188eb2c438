/** A small network that can be built with any names, and the names that every JavaScript object has. */

import { Random } from '../src/random/index.js';

export const ODD = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'isPrototypeOf',
  'prototype',
  '__defineGetter__',
  'toLocaleString',
] as const;

/** As long, and in the same order. */
export const plain = (name: string) => `${name.slice(0, -1)}q`;

/** A text about odd names as it is about plain ones. */
export const toPlain = (text: string) => ODD.reduce((t, name) => t.replaceAll(name, plain(name)), text);

/** What the names in a network stand for; in another turn each has another place. */
export function placesOf(names: readonly string[], turn: number) {
  const at = (i: number) => names[(i + turn) % names.length]!;
  return {
    image: at(0),
    kind: at(1),
    filter: at(2),
    shared: at(3),
    again: at(4),
    score: at(5),
    loss: at(6),
    right: at(7),
    rest: at(8),
  };
}

export type Places = ReturnType<typeof placesOf>;

/** What the network reads: rows of an HDF5 file whose data sets have the blobs' names. */
const rows = ({ image, kind }: Places) =>
  `layer { name: "${image}" type: "HDF5Data" top: "${image}" top: "${kind}" hdf5_data_param { source: "list.txt" batch_size: 4 } }`;

/** The same fed by the caller. */
export const fed = ({ image, kind }: Places) =>
  `layer { name: "${image}" type: "Input" top: "${image}" top: "${kind}"
  input_param { shape { dim: 4 dim: 3 dim: 5 dim: 5 } shape { dim: 4 } } }`;

/** Two layers share a filter, one changes a blob in place, one draws chance; a loss, an accuracy and an output of the rest. */
export function network(places: Places, source = rows(places)): string {
  const { image, kind, filter, shared, again, score, loss, right, rest } = places;
  const convolution = `param { name: "${shared}" } param { name: "${image}" lr_mult: 2 }
  convolution_param { num_output: 3 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.1 } }`;
  return `name: "${loss}"
${source}
layer { name: "${filter}" type: "Convolution" bottom: "${image}" top: "${filter}" ${convolution} }
layer { name: "${kind}" type: "ReLU" bottom: "${filter}" top: "${filter}" }
layer { name: "${again}" type: "Convolution" bottom: "${filter}" top: "${again}" ${convolution} }
layer { name: "${shared}" type: "Dropout" bottom: "${again}" top: "${again}" }
layer { name: "${score}" type: "InnerProduct" bottom: "${again}" top: "${score}"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "${loss}" type: "SoftmaxWithLoss" bottom: "${score}" bottom: "${kind}" top: "${loss}" }
layer { name: "${right}" type: "Accuracy" bottom: "${score}" bottom: "${kind}" top: "${right}" include { phase: TEST } }
layer { name: "${rest}" type: "Pooling" bottom: "${again}" top: "${rest}" pooling_param { pool: AVE global_pooling: true } }
`;
}

export const SHAPE = [3, 5, 5];
export const ENTRIES = 12;
const random = new Random(11);
export const images = Float32Array.from({ length: ENTRIES * 75 }, () => random.uniform(-1, 1));
export const kinds = Float32Array.from({ length: ENTRIES }, () => random.integer(3));

export const solver = (
  net: string,
) => `net: "${net}" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 max_iter: 6 random_seed: 3
test_iter: 3 test_interval: 3 test_initialization: true snapshot: 3 snapshot_prefix: "snap" display: 1
`;

/** What of the objects that all others inherit from has been changed, as some libraries do whose tables meet such names. */
export function pollution(): string[] {
  const inherited = Object.getOwnPropertyDescriptors(Object.prototype) as Record<string, PropertyDescriptor>;
  const values = Object.entries(inherited).map(([name, { value }]) => [name, value as unknown] as const);
  return [['Object.prototype', Object.prototype] as const, ...values].flatMap(([name, value]) =>
    value ? Object.keys(value).map(key => `${name}.${key}`) : [],
  );
}
