/** Parts of networks as prototxt: a layer each, blobs named after their layer. */

export const input = (name: string, ...shape: number[]) =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${shape.map(d => `dim: ${d}`).join(' ')} } } }`;

export function layer(type: string, name: string, bottoms: string | readonly string[], body = '', top = name): string {
  const list = [bottoms].flat().map(b => `bottom: "${b}"`);
  return `layer { name: "${name}" type: "${type}" ${list.join(' ')} top: "${top}" ${body} }`;
}

export const inPlace = (type: string, blob: string, body = '', name = `${type.toLowerCase()}_${blob}`) =>
  layer(type, name, blob, body, blob);
export const relu = (blob: string) => inPlace('ReLU', blob);
export const dropout = (blob: string) => inPlace('Dropout', blob);

export interface Window {
  readonly stride?: number;
  readonly pad?: number;
  readonly group?: number;
  readonly bias?: boolean;
  readonly type?: string;
}

export const conv = (name: string, bottom: string, out: number, kernel: number, w: Window = {}) =>
  layer(
    w.type ?? 'Convolution',
    name,
    bottom,
    `convolution_param { num_output: ${out} kernel_size: ${kernel} stride: ${w.stride ?? 1} pad: ${w.pad ?? 0}
      group: ${w.group ?? 1} bias_term: ${w.bias ?? true} }`,
  );
export const convRelu = (...args: Parameters<typeof conv>) => `${conv(...args)}\n${relu(args[0])}`;
export const pool = (name: string, bottom: string, kernel: number, stride: number, more = '') =>
  layer('Pooling', name, bottom, `pooling_param { kernel_size: ${kernel} stride: ${stride} ${more} }`);
export const globalAverage = (name: string, bottom: string) =>
  layer('Pooling', name, bottom, 'pooling_param { pool: AVE global_pooling: true }');
export const fc = (name: string, bottom: string, out: number, more = '') =>
  layer('InnerProduct', name, bottom, `inner_product_param { num_output: ${out} } ${more}`);
export const lrn = (name: string, bottom: string) =>
  layer('LRN', name, bottom, 'lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }');
export const softmax = (bottom: string) => layer('Softmax', 'prob', bottom);
export const concat = (name: string, bottoms: readonly string[]) => layer('Concat', name, bottoms);
export const add = (name: string, bottoms: readonly string[]) => layer('Eltwise', name, bottoms);
export const normalised = (blob: string) =>
  `${inPlace('BatchNorm', blob)}\n${inPlace('Scale', blob, 'scale_param { bias_term: true }')}`;
export const text = (...parts: readonly (string | readonly string[])[]) => parts.flat().join('\n');
