/** Where numbers stopped being finite: the first layer whose output, gradient or weights were not. */

import type { NetGraph } from '../net/index.js';
import { allFinite } from '../runtime/finite.js';

/** A layer, and what of it was not finite. */
export interface Trouble {
  readonly layer: string;
  /** Outputs of an iteration come before its gradients, and those before the weights that they change. */
  readonly what: 'output' | 'gradient' | 'weights';
}

type Results = ReadonlyMap<string, Float32Array>;

/** In the order of computation: forward by outputs, then backward by the parameters' gradients. */
export function troubleIn(net: NetGraph, results: Results): Trouble | undefined {
  const isBad = (name: string) => {
    const numbers = results.get(name);
    return numbers !== undefined && !allFinite(numbers);
  };
  const output = net.layers.find(layer => layer.tops.some(top => isBad(top.name)));
  if (output) return { layer: output.name, what: 'output' };
  const gradient = net.params.filter(param => isBad(`grad/${param.key}`)).at(-1);
  return gradient && { layer: gradient.layer, what: 'gradient' };
}

/** `The output of layer "conv" was the first that was not finite, in iteration 12.` */
export function troubleText({ layer, what }: Trouble, iter: number): string {
  if (what === 'weights')
    return `The update of iteration ${iter} made weights of layer "${layer}" that are not finite.`;
  return `The ${what} of layer "${layer}" was the first that was not finite, in iteration ${iter}.`;
}
