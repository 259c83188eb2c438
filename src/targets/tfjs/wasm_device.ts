/**
 * The wasm engine: graphs on tfjs-backend-wasm. Matrix products and convolutions (as products over unfolded images) are
 * XNNPACK's, on all threads; everything that merely streams through memory runs as the host kernels, which read and write
 * the wasm heap in place.
 *
 * Measured on FCN-AlexNet, 2 cores: XNNPACK's product makes 28 to 31 GFLOP/s a thread in this form. tfjs's own conv2d
 * wants N×H×W×C and repacks the changed filters at every step; Conv2DBackpropInput and products with transpose flags are
 * naive loops, and Conv2DBackpropFilter does not exist. With unfolded images the layout stays Caffe's from end to end
 * (docs/decisions.md).
 */

import { sizeOf } from '../../ir/shape.js';
import type { Node, NodeOf } from '../../ir/types.js';
import type { Device, Reuse } from '../executor.js';
import {
  type ConvGeometry,
  foldColumns,
  foldRows,
  geometryOf,
  isPointwise,
  unfoldColumns,
  unfoldRows,
} from '../host/convolution.js';
import { hostKernel } from '../host/kernels.js';
import { transpose2d } from '../host/move.js';
import type { WasmModule } from './wasm_module.js';

/** A piece of the heap, shared by every handle on it. */
export interface HeapBlock {
  readonly offset: number;
  readonly length: number;
  holders: number;
}

/** Unfolded images of several samples share one product up to this size: larger, and they fall out of the cache. */
const UNFOLDED_BYTES = 8 * 2 ** 20;

/** A slice of a filter this large and its packed copy stay in the second-level cache and its neighbours. */
const CACHED_BYTES = 4 * 2 ** 20;

/** wasm32 ends at 4 GiB; the last part of it goes to fragments. */
const LIMIT = 3.75 * 2 ** 30;

type Run = (inputs: readonly HeapBlock[]) => readonly HeapBlock[];

export class WasmDevice implements Device<HeapBlock> {
  readonly name = 'wasm';
  readonly limit = LIMIT;

  constructor(private readonly module: WasmModule) {}

  upload(data: Float32Array): HeapBlock {
    const block = this.allocate(data.length);
    this.view(block).set(data);
    return block;
  }

  async download(block: HeapBlock): Promise<Float32Array> {
    return Float32Array.from(this.view(block));
  }

  alias(block: HeapBlock): HeapBlock {
    block.holders++;
    return block;
  }

  release(block: HeapBlock): void {
    if (--block.holders === 0) this.module.free(block.offset);
  }

  /** The module belongs to the process, not to an engine. */
  dispose(): void {}

  kernel(node: Node, reuse: readonly (Reuse | undefined)[]): Run {
    switch (node.op) {
      case 'matMul':
        return this.matMul(node);
      case 'conv2d':
        return this.conv2d(node);
      case 'convInputGrad':
        return this.convInputGrad(node);
      case 'convFilterGrad':
        return this.convFilterGrad(node);
      default:
        return this.streaming(node, reuse);
    }
  }

  /** Unfolded images, packed operands. */
  scratch(node: Node): number {
    const [a, b] = node.inputs;
    switch (node.op) {
      case 'matMul':
        return 4 * (sizeOf(a!.shape) + sizeOf(b!.shape));
      case 'conv2d':
        return unfoldedBytes(geometryOf(a!.shape, b!.shape, node.attrs));
      case 'convInputGrad':
        return unfoldedBytes(geometryOf(node.outputs[0]!.shape, b!.shape, node.attrs)) + 4 * sizeOf(b!.shape);
      case 'convFilterGrad':
        return unfoldedBytes(geometryOf(a!.shape, node.outputs[0]!.shape, node.attrs));
      default:
        return 0;
    }
  }

  private allocate(length: number): HeapBlock {
    return { offset: this.module.allocate(length * 4), length, holders: 1 };
  }

  private view(block: HeapBlock): Float32Array {
    return this.module.view(block.offset, block.length);
  }

  /** Runs `use` with a temporary block. */
  private within<T>(length: number, use: (block: HeapBlock) => T): T {
    const block = this.allocate(length);
    try {
      return use(block);
    } finally {
      this.release(block);
    }
  }

  private streaming(node: Node, reuse: readonly (Reuse | undefined)[]): Run {
    const run = hostKernel(node);
    const sizes = node.outputs.map(v => sizeOf(v.shape));
    return inputs => {
      const outputs = sizes.map((n, k) => {
        const over = reuse[k];
        const block = over && inputs[over.input]!;
        return block && block.holders <= over.holders ? this.alias(block) : this.allocate(n);
      });
      run(
        inputs.map(block => this.view(block)),
        outputs.map(block => this.view(block)),
      );
      return outputs;
    };
  }

  /** c = a · b for parts of blocks: element offset into the block, rows, columns. */
  private multiply(a: Part, b: Part, c: Part): void {
    const matrix = (p: Part) => ({ offset: p.block.offset + p.from * 4, rows: p.rows, columns: p.columns });
    this.module.multiply(matrix(a), matrix(b), matrix(c));
  }

  private transposed(x: Part): Part {
    const block = this.allocate(x.rows * x.columns);
    transpose2d(this.view(x.block), this.view(block), x.rows, x.columns, x.from, 0);
    return { block, from: 0, rows: x.columns, columns: x.rows };
  }

  private matMul(node: NodeOf<'matMul'>): Run {
    const { transposeA, transposeB } = node.attrs;
    const out = node.outputs[0]!.shape;
    const [m, n] = [out.at(-2)!, out.at(-1)!];
    const k = node.inputs[0]!.shape.at(transposeA ? -2 : -1)!;
    const batch = sizeOf(out.slice(0, -2));
    // Of C = A·B and Cᵀ = Bᵀ·Aᵀ the one that moves fewer elements to get both operands the right way round.
    const direct = (transposeA ? m * k : 0) + (transposeB ? k * n : 0);
    const swapped = (transposeA ? 0 : m * k) + (transposeB ? 0 : k * n) + m * n;
    return ([a, b]) => {
      const c = this.allocate(batch * m * n);
      for (let i = 0; i < batch; i++) {
        const left = part(a!, i * m * k, transposeA ? k : m, transposeA ? m : k);
        const right = part(b!, i * k * n, transposeB ? n : k, transposeB ? k : n);
        const to = part(c, i * m * n, m, n);
        if (direct <= swapped) this.multiplyOriented(left, transposeA, right, transposeB, to);
        else
          this.within(m * n, block => {
            const turned = part(block, 0, n, m);
            this.multiplyOriented(right, !transposeB, left, !transposeA, turned);
            transpose2d(this.view(block), this.view(c), n, m, 0, to.from);
          });
      }
      return [c];
    };
  }

  private multiplyOriented(a: Part, transposeA: boolean, b: Part, transposeB: boolean, c: Part): void {
    const left = transposeA ? this.transposed(a) : a;
    const right = transposeB ? this.transposed(b) : b;
    this.multiply(left, right, c);
    if (transposeA) this.release(left.block);
    if (transposeB) this.release(right.block);
  }

  private conv2d(node: NodeOf<'conv2d'>): Run {
    const g = geometryOf(node.inputs[0]!.shape, node.inputs[1]!.shape, node.attrs);
    const { taps, positions, image, output } = sizesOf(g);
    const chunk = samplesAtOnce(g);
    return ([x, w]) => {
      const y = this.allocate(g.batch * g.groups * output);
      for (let group = 0; group < g.groups; group++) {
        const filter = part(w!, group * g.outputs * taps, g.outputs, taps);
        if (isPointwise(g)) {
          for (let n = 0; n < g.batch; n++) {
            const index = n * g.groups + group;
            this.multiply(
              filter,
              part(x!, index * image, taps, positions),
              part(y, index * output, g.outputs, positions),
            );
          }
          continue;
        }
        for (let n = 0; n < g.batch; n += chunk) {
          const samples = Math.min(chunk, g.batch - n);
          this.within(taps * positions * samples, columns => {
            const [from, to] = [this.view(x!), this.view(columns)];
            for (let s = 0; s < samples; s++)
              unfoldColumns(g, from, ((n + s) * g.groups + group) * image, to, positions * samples, s * positions);
            const right = part(columns, 0, taps, positions * samples);
            if (samples === 1) {
              this.multiply(filter, right, part(y, (n * g.groups + group) * output, g.outputs, positions));
              return;
            }
            this.within(output * samples, together => {
              this.multiply(filter, right, part(together, 0, g.outputs, positions * samples));
              this.scatterSamples(g, together, y, n, samples, group);
            });
          });
        }
      }
      return [y];
    };
  }

  /** [O, samples·P] → the samples' own [O, P]. */
  private scatterSamples(
    g: ConvGeometry,
    from: HeapBlock,
    y: HeapBlock,
    n: number,
    samples: number,
    group: number,
  ): void {
    const { positions, output } = sizesOf(g);
    const [source, target] = [this.view(from), this.view(y)];
    for (let s = 0; s < samples; s++)
      for (let o = 0; o < g.outputs; o++) {
        const start = (o * samples + s) * positions;
        target.set(source.subarray(start, start + positions), ((n + s) * g.groups + group) * output + o * positions);
      }
  }

  private convInputGrad(node: NodeOf<'convInputGrad'>): Run {
    const g = geometryOf(node.outputs[0]!.shape, node.inputs[1]!.shape, node.attrs);
    const { taps, positions, image, output } = sizesOf(g);
    // A filter larger than the unfolded image stays as it is, and the small output gradient is turned instead.
    const byRows = g.outputs > positions;
    return ([dy, w]) => {
      const dx = this.allocate(g.batch * g.groups * image);
      this.view(dx).fill(0);
      for (let group = 0; group < g.groups; group++) {
        const filter = part(w!, group * g.outputs * taps, g.outputs, taps);
        const turned = byRows ? undefined : this.transposed(filter);
        for (let n = 0; n < g.batch; n++) {
          const index = n * g.groups + group;
          const gradient = part(dy!, index * output, g.outputs, positions);
          this.within(taps * positions, unfolded => {
            if (turned) this.multiply(turned, gradient, part(unfolded, 0, taps, positions));
            else this.multiplyLongFilter(gradient, filter, part(unfolded, 0, positions, taps));
            const fold = turned ? foldColumns : foldRows;
            fold(g, this.view(unfolded), this.view(dx), index * image);
          });
        }
        if (turned) this.release(turned.block);
      }
      return [dx];
    };
  }

  /**
   * c [P, K] = dyᵀ · w for a filter w [O, K] of many megabytes, by slices of w that stay in the cache: a product reads its
   * right-hand side once for every six rows of its left one (fc6: 625 ms whole, 260 ms in slices, one thread).
   */
  private multiplyLongFilter(dy: Part, w: Part, c: Part): void {
    const step = Math.max(1, Math.min(w.rows, Math.floor(CACHED_BYTES / (4 * w.columns))));
    const size = c.rows * c.columns;
    for (let o = 0; o < w.rows; o += step) {
      const rows = Math.min(step, w.rows - o);
      const left = part(dy.block, dy.from + o * dy.columns, rows, dy.columns);
      const right = part(w.block, w.from + o * w.columns, rows, w.columns);
      if (o === 0) this.multiplyOriented(left, true, right, false, c);
      else
        this.within(size, block => {
          this.multiplyOriented(left, true, right, false, part(block, 0, c.rows, c.columns));
          addInto(this.view(c.block), c.from, this.view(block));
        });
    }
  }

  private convFilterGrad(node: NodeOf<'convFilterGrad'>): Run {
    const g = geometryOf(node.inputs[0]!.shape, node.outputs[0]!.shape, node.attrs);
    const { taps, positions, image, output } = sizesOf(g);
    const chunk = samplesAtOnce(g);
    const size = g.outputs * taps;
    return ([x, dy]) => {
      const dw = this.allocate(g.groups * size);
      for (let group = 0; group < g.groups; group++)
        for (let n = 0; n < g.batch; n += chunk) {
          const samples = Math.min(chunk, g.batch - n);
          this.within(taps * positions * samples, rows => {
            const [from, to] = [this.view(x!), this.view(rows)];
            for (let s = 0; s < samples; s++)
              unfoldRows(g, from, ((n + s) * g.groups + group) * image, to, s * positions * taps);
            const right = part(rows, 0, positions * samples, taps);
            const write = (target: Part) => {
              if (samples === 1) {
                this.multiply(part(dy!, (n * g.groups + group) * output, g.outputs, positions), right, target);
                return;
              }
              this.within(output * samples, together => {
                this.gatherSamples(g, dy!, together, n, samples, group);
                this.multiply(part(together, 0, g.outputs, positions * samples), right, target);
              });
            };
            if (n === 0) write(part(dw, group * size, g.outputs, taps));
            else
              this.within(size, more => {
                write(part(more, 0, g.outputs, taps));
                addInto(this.view(dw), group * size, this.view(more));
              });
          });
        }
      return [dw];
    };
  }

  /** The samples' own [O, P] → [O, samples·P]. */
  private gatherSamples(
    g: ConvGeometry,
    dy: HeapBlock,
    to: HeapBlock,
    n: number,
    samples: number,
    group: number,
  ): void {
    const { positions, output } = sizesOf(g);
    const [source, target] = [this.view(dy), this.view(to)];
    for (let s = 0; s < samples; s++)
      for (let o = 0; o < g.outputs; o++) {
        const start = ((n + s) * g.groups + group) * output + o * positions;
        target.set(source.subarray(start, start + positions), (o * samples + s) * positions);
      }
  }
}

/** A matrix inside a block, from an element on. */
interface Part {
  readonly block: HeapBlock;
  readonly from: number;
  readonly rows: number;
  readonly columns: number;
}

function part(block: HeapBlock, from: number, rows: number, columns: number): Part {
  return { block, from, rows, columns };
}

function addInto(sum: Float32Array, from: number, term: Float32Array): void {
  for (let i = 0; i < term.length; i++) sum[from + i]! += term[i]!;
}

/** Elements per sample and group. */
function sizesOf(g: ConvGeometry) {
  const taps = g.channels * g.kernel[0] * g.kernel[1];
  const positions = g.outHeight * g.outWidth;
  return { taps, positions, image: g.channels * g.height * g.width, output: g.outputs * positions };
}

function samplesAtOnce(g: ConvGeometry): number {
  const { taps, positions } = sizesOf(g);
  return Math.max(1, Math.min(g.batch, Math.floor(UNFOLDED_BYTES / (4 * taps * positions))));
}

/** The unfolded image and XNNPACK's packed copy of it. */
function unfoldedBytes(g: ConvGeometry): number {
  const { taps, positions } = sizesOf(g);
  return 2 * 4 * taps * positions * samplesAtOnce(g);
}
