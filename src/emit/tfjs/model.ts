/** A GraphDef as TensorFlow.js's graph model: `model.json` and its weights in shards, one shard in memory at a time. */

import { recordOf } from '../../diagnostics/index.js';
import { sizeOf } from '../../ir/shape.js';
import type { Shape } from '../../ir/types.js';
import type { Endpoint, TfjsGraph } from './emit.js';
import type { Weight } from './graph_def.js';
import { BYTES, type Quantization, quantize } from './quantize.js';

/** A shard's size: browsers keep files of it in their cache. */
const SHARD = 4 * 2 ** 20;

export interface ModelOptions {
  /** Stores the parameters in fewer bits; what belongs to an op (a band of ones, a divisor) stays as it is. */
  readonly quantize?: Quantization;
  /** What `generatedBy` says. */
  readonly generator?: string;
}

export interface Shard {
  readonly name: string;
  readonly parts: readonly Uint8Array[];
}

interface Entry {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: string;
  readonly quantization?: object;
}

export class TfjsModel {
  private readonly entries: Entry[] = [];
  private worst: { readonly weight: string; readonly error: number } | undefined;

  constructor(
    private readonly graph: TfjsGraph,
    private readonly options: ModelOptions = {},
  ) {}

  /** Bytes of all weights. */
  get size(): number {
    return this.graph.weights.reduce((n, w) => n + sizeOf(w.shape) * this.width(w), 0);
  }

  /** The weights, shard by shard. A shard's parts are good until the next is asked for. */
  *shards(): Generator<Shard> {
    const count = Math.max(1, Math.ceil(this.size / SHARD));
    let [parts, filled, number]: [Uint8Array[], number, number] = [[], 0, 0];
    const shard = () => ({ name: shardName(++number, count), parts });
    for (const weight of this.graph.weights) {
      let bytes = this.bytesOf(weight);
      while (bytes.length > 0) {
        const part = bytes.subarray(0, SHARD - filled);
        parts.push(part);
        filled += part.length;
        bytes = bytes.subarray(part.length);
        if (filled < SHARD) continue;
        yield shard();
        [parts, filled] = [[], 0];
      }
    }
    if (number < count) yield shard();
  }

  /** `model.json`, once all shards were made: it holds the steps of the quantisation. */
  json(): object {
    const count = Math.max(1, Math.ceil(this.size / SHARD));
    const paths = Array.from({ length: count }, (_, i) => shardName(i + 1, count));
    return { ...this.head(), weightsManifest: [{ paths, weights: this.entries }] };
  }

  /** The whole model in memory, as a tfjs IOHandler gives it. */
  artifacts(): object {
    const parts = [...this.shards()].flatMap(s => s.parts);
    const weightData = new Uint8Array(this.size);
    let at = 0;
    for (const part of parts) {
      weightData.set(part, at);
      at += part.length;
    }
    return { ...this.head(), weightSpecs: this.entries, weightData: weightData.buffer };
  }

  /** Greatest error that quantisation made, and in which weight; undefined without. */
  get quantizationError() {
    return this.worst;
  }

  private head() {
    const { inputs, outputs, nodes } = this.graph;
    const signature = { inputs: endpoints(inputs), outputs: endpoints(outputs) };
    return {
      format: 'graph-model',
      generatedBy: this.options.generator ?? 'mokapot',
      convertedBy: null,
      signature,
      modelTopology: { node: nodes, library: {}, versions: { producer: 1395 } },
    };
  }

  private isQuantized({ isParameter, dtype }: Weight): boolean {
    return this.options.quantize !== undefined && isParameter && dtype === 'float32';
  }

  private width(weight: Weight): number {
    return this.isQuantized(weight) ? BYTES[this.options.quantize!] : 4;
  }

  private bytesOf(weight: Weight): Uint8Array {
    const { name, shape, dtype } = weight;
    const data = weight.data();
    if (!this.isQuantized(weight)) {
      this.entries.push({ name, shape, dtype });
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }
    const { bytes, entry, error } = quantize(data as Float32Array, this.options.quantize!);
    this.entries.push({ name, shape, dtype, quantization: entry });
    if (!this.worst || error > this.worst.error) this.worst = { weight: name, error };
    return bytes;
  }
}

function shardName(number: number, count: number): string {
  return `group1-shard${number}of${count}.bin`;
}

function endpoints(list: readonly Endpoint[]): object {
  return recordOf(
    list.map(({ blob, node, shape }) => {
      const dim = shape.map(d => ({ size: String(d) }));
      return [blob, { name: `${node}:0`, dtype: 'DT_FLOAT', tensorShape: { dim } }] as const;
    }),
  );
}
