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

import { nth } from '../../diagnostics/index.js';
import { dim, sizeOf } from '../../ir/shape.js';
import type { Node, NodeOf } from '../../ir/types.js';
import {
  type Band,
  type ConvGeometry,
  foldColumns,
  geometryOf,
  isPointwise,
  unfoldColumns,
  unfoldRows,
} from '../../kernels/convolution.js';
import { hostKernel } from '../../kernels/index.js';
import { transpose2d } from '../../kernels/move.js';
import type { Device, Reuse } from '../executor.js';
import type { WasmModule } from './wasm_module.js';

/** A piece of the heap, shared by every handle on it. */
export interface HeapBlock {
  readonly offset: number;
  readonly length: number;
  holders: number;
}

/**
 * A product's unfolded images are at most this large: beyond it they and XNNPACK's packed copy fall out of the cache.
 * Smaller images share a product, larger ones are cut into bands of output rows.
 */
const UNFOLDED_BYTES = 4 * 2 ** 20;

/** Input gradients turn the filter by slices of at most this size. */
const SLICE_BYTES = 8 * 2 ** 20;

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
    return this.downloadNow(block);
  }

  downloadNow(block: HeapBlock): Float32Array {
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
        return unfoldedBytes(geometryOf(node.outputs[0].shape, b!.shape, node.attrs)) + 4 * sizeOf(b!.shape);
      case 'convFilterGrad':
        return unfoldedBytes(geometryOf(a!.shape, node.outputs[0].shape, node.attrs));
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
        const block = over && nth(inputs, over.input);
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
    const out = node.outputs[0].shape;
    const [m, n] = [dim(out, -2), dim(out, -1)];
    const k = dim(node.inputs[0].shape, transposeA ? -2 : -1);
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
    const g = geometryOf(node.inputs[0].shape, node.inputs[1].shape, node.attrs);
    const { taps, image, output } = sizesOf(g);
    const tiles = tilesOf(g);
    return ([x, w]) => {
      const y = this.allocate(g.batch * g.groups * output);
      for (let group = 0; group < g.groups; group++) {
        const filter = part(w!, group * g.outputs * taps, g.outputs, taps);
        for (const tile of tiles) {
          const length = positionsOf(g, tile);
          if (isPointwise(g) && isWholeSample(g, tile)) {
            const image0 = part(x!, (tile.sample * g.groups + group) * image, taps, length);
            this.withOutput(g, y, tile, group, c => this.multiply(filter, image0, c));
            continue;
          }
          this.within(taps * length, columns => {
            this.eachImage(g, tile, (index, at) =>
              unfoldColumns(
                g,
                this.view(x!),
                imageIndex(g, index, group) * image,
                this.view(columns),
                tile.band,
                length,
                at,
              ),
            );
            this.withOutput(g, y, tile, group, c => this.multiply(filter, part(columns, 0, taps, length), c));
          });
        }
      }
      return [y];
    };
  }

  /**
   * dx = Σ fold(wᵀ · dy), by slices of the filter's outputs: each slice is turned once, and neither it nor its product
   * leaves the cache (fc6, 2 threads: 440 ms and more with the filter as right-hand side, whose packing thrashes; 330 ms so).
   */
  private convInputGrad(node: NodeOf<'convInputGrad'>): Run {
    const g = geometryOf(node.outputs[0].shape, node.inputs[1].shape, node.attrs);
    const { taps, image } = sizesOf(g);
    const tiles = tilesOf(g);
    const step = Math.max(1, Math.floor(SLICE_BYTES / (4 * taps)));
    return ([dy, w]) => {
      const dx = this.allocate(g.batch * g.groups * image);
      this.view(dx).fill(0);
      for (let group = 0; group < g.groups; group++)
        for (let o = 0; o < g.outputs; o += step) {
          const outputs = Math.min(step, g.outputs - o);
          const turned = this.transposed(part(w!, (group * g.outputs + o) * taps, outputs, taps));
          for (const tile of tiles) this.spreadColumns(g, tile, group, { from: o, outputs, turned }, dy!, dx);
          this.release(turned.block);
        }
      return [dx];
    };
  }

  /** dx += fold(turned · dy) for one tile and one slice of the outputs. */
  private spreadColumns(
    g: ConvGeometry,
    tile: Tile,
    group: number,
    slice: { readonly from: number; readonly outputs: number; readonly turned: Part },
    dy: HeapBlock,
    dx: HeapBlock,
  ): void {
    const { taps, image } = sizesOf(g);
    const length = positionsOf(g, tile);
    this.within(taps * length, columns => {
      this.withGradient(g, dy, tile, group, all => {
        const gradient = part(all.block, all.from + slice.from * length, slice.outputs, length);
        this.multiply(slice.turned, gradient, part(columns, 0, taps, length));
      });
      this.eachImage(g, tile, (index, at) =>
        foldColumns(g, this.view(columns), this.view(dx), imageIndex(g, index, group) * image, tile.band, length, at),
      );
    });
  }

  private convFilterGrad(node: NodeOf<'convFilterGrad'>): Run {
    const g = geometryOf(node.inputs[0].shape, node.outputs[0].shape, node.attrs);
    const { taps, image } = sizesOf(g);
    const tiles = tilesOf(g);
    const size = g.outputs * taps;
    return ([x, dy]) => {
      const dw = this.allocate(g.groups * size);
      for (let group = 0; group < g.groups; group++)
        tiles.forEach((tile, t) => {
          const length = positionsOf(g, tile);
          this.within(taps * length, rows => {
            this.eachImage(g, tile, (index, at) =>
              unfoldRows(g, this.view(x!), imageIndex(g, index, group) * image, this.view(rows), tile.band, at * taps),
            );
            this.withGradient(g, dy!, tile, group, a =>
              this.accumulate(t === 0, size, part(dw, group * size, g.outputs, taps), to =>
                this.multiply(a, part(rows, 0, length, taps), to),
              ),
            );
          });
        });
      return [dw];
    };
  }

  /** `write` into `target` itself the first time, later added to it. */
  private accumulate(first: boolean, size: number, target: Part, write: (to: Part) => void): void {
    if (first) {
      write(target);
      return;
    }
    this.within(size, block => {
      write(part(block, 0, target.rows, target.columns));
      const [sum, term] = [this.view(target.block), this.view(block)];
      for (let i = 0, o = target.from; i < size; i++, o++) sum[o]! += term[i]!;
    });
  }

  /** Visits a tile's samples with the place of each in the tile's columns. */
  private eachImage(g: ConvGeometry, tile: Tile, visit: (sample: number, at: number) => void): void {
    const length = (tile.band.last - tile.band.first) * g.outWidth;
    for (let s = 0; s < tile.samples; s++) visit(tile.sample + s, s * length);
  }

  /** Hands `use` the tile's part of y as a matrix [O, positions] to write: in place, or copied in afterwards. */
  private withOutput(g: ConvGeometry, y: HeapBlock, tile: Tile, group: number, use: (c: Part) => void): void {
    const { positions, output } = sizesOf(g);
    if (isWholeSample(g, tile)) {
      use(part(y, imageIndex(g, tile.sample, group) * output, g.outputs, positions));
      return;
    }
    const length = positionsOf(g, tile);
    this.within(g.outputs * length, block => {
      use(part(block, 0, g.outputs, length));
      const [source, target] = [this.view(block), this.view(y)];
      eachRun(g, tile, group, (whole, packed, run) => target.set(source.subarray(packed, packed + run), whole));
    });
  }

  /** Hands `use` the tile's part of an output gradient as a matrix [O, positions]. */
  private withGradient(g: ConvGeometry, dy: HeapBlock, tile: Tile, group: number, use: (part: Part) => void): void {
    const { positions, output } = sizesOf(g);
    if (isWholeSample(g, tile)) {
      use(part(dy, imageIndex(g, tile.sample, group) * output, g.outputs, positions));
      return;
    }
    const length = positionsOf(g, tile);
    this.within(g.outputs * length, block => {
      const [source, target] = [this.view(dy), this.view(block)];
      eachRun(g, tile, group, (whole, packed, run) => target.set(source.subarray(whole, whole + run), packed));
      use(part(block, 0, g.outputs, length));
    });
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

/** Elements per sample and group. */
function sizesOf(g: ConvGeometry) {
  const taps = g.channels * g.kernel[0] * g.kernel[1];
  const positions = g.outHeight * g.outWidth;
  return { taps, positions, image: g.channels * g.height * g.width, output: g.outputs * positions };
}

/** What one product covers: some whole samples, or a band of output rows of one. */
interface Tile {
  readonly sample: number;
  readonly samples: number;
  readonly band: Band;
}

/** The batch cut into tiles whose unfolded images stay in the cache. */
function tilesOf(g: ConvGeometry): readonly Tile[] {
  const { taps, positions } = sizesOf(g);
  const whole = { first: 0, last: g.outHeight };
  const tiles: Tile[] = [];
  const fitting = Math.floor(UNFOLDED_BYTES / (4 * taps * positions));
  if (fitting >= 1 || isPointwise(g)) {
    const step = isPointwise(g) ? 1 : fitting;
    for (let n = 0; n < g.batch; n += step)
      tiles.push({ sample: n, samples: Math.min(step, g.batch - n), band: whole });
    return tiles;
  }
  const rows = Math.max(1, Math.floor(UNFOLDED_BYTES / (4 * taps * g.outWidth)));
  for (let n = 0; n < g.batch; n++)
    for (let first = 0; first < g.outHeight; first += rows)
      tiles.push({ sample: n, samples: 1, band: { first, last: Math.min(first + rows, g.outHeight) } });
  return tiles;
}

function positionsOf(g: ConvGeometry, { samples, band }: Tile): number {
  return samples * (band.last - band.first) * g.outWidth;
}

function isWholeSample(g: ConvGeometry, { samples, band }: Tile): boolean {
  return samples === 1 && band.last - band.first === g.outHeight;
}

/** Where a sample's group stands among all of them. */
function imageIndex(g: ConvGeometry, sample: number, group: number): number {
  return sample * g.groups + group;
}

/** Visits the contiguous runs of a tile: where each stands in [N, O, P], where in the tile's [O, positions]. */
function eachRun(
  g: ConvGeometry,
  tile: Tile,
  group: number,
  visit: (whole: number, packed: number, run: number) => void,
): void {
  const { positions, output } = sizesOf(g);
  const run = (tile.band.last - tile.band.first) * g.outWidth;
  const length = run * tile.samples;
  for (let s = 0; s < tile.samples; s++) {
    const base = imageIndex(g, tile.sample + s, group) * output + tile.band.first * g.outWidth;
    for (let o = 0; o < g.outputs; o++) visit(base + o * positions, o * length + s * run, run);
  }
}

/** The unfolded image of a tile, XNNPACK's packed copy of it, and the tile's output. */
function unfoldedBytes(g: ConvGeometry): number {
  const { taps } = sizesOf(g);
  return 4 * (2 * taps + g.outputs) * positionsOf(g, nth(tilesOf(g), 0));
}
