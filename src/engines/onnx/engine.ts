/** Engines on onnxruntime: `onnx` (its CPU kernels), `onnx-wasm` (those in WebAssembly), `onnx-webgpu`, `onnx-cuda`. */

import { mayPayInBlocks } from '../../emit/onnx/ops/conv.js';
import { GraphWriter } from '../../emit/onnx/writer.js';
import { sizeOf } from '../../ir/shape.js';
import type { Graph, Node, Shape } from '../../ir/types.js';
import { expressionOf } from '../../kernels/loops.js';
import type { Engine, Program } from '../types.js';
import { DeviceVariables } from './device_variables.js';
import { type FilterProducts, filterProducts } from './filter_step.js';
import { Formula } from './formula.js';
import { OnnxProgram } from './program.js';
import { type OnnxRuntime, Session, type SessionOptions } from './runtime.js';
import type { EngineContext } from './steps.js';
import { blockOf } from './trials.js';
import { fillOf } from './updates.js';
import { type Block, rowOf, Variables } from './variables.js';

export interface OnnxEngineOptions {
  /** How many times the price of a session with constants goes into runs without one before it is made. Default 1. */
  readonly patience?: number;
  /** Most bytes of one array, where the device has a limit. */
  readonly largest?: number;
}

export class OnnxEngine implements Engine, EngineContext {
  readonly variables = new Variables();
  readonly isOnHost: boolean;
  readonly deviceVariables: DeviceVariables | undefined;
  readonly readNow?: (variable: string) => Float32Array;
  readonly patience: number;
  readonly largest: number | undefined;
  readonly limit: number;
  block: number | undefined;
  private blockFound: Promise<number | undefined> | undefined;
  private readonly products = new Map<string, Promise<Session>>();
  private readonly formulas = new Map<string, Promise<Formula>>();
  private peak = 0;

  constructor(
    readonly runtime: OnnxRuntime,
    readonly name: string,
    readonly provider: SessionOptions['provider'],
    { patience = 1, largest }: OnnxEngineOptions = {},
  ) {
    this.limit = runtime.memory;
    this.patience = patience;
    this.largest = largest;
    this.isOnHost = provider !== 'webgpu';
    if (!this.isOnHost) this.deviceVariables = new DeviceVariables(runtime, provider, this.variables);
    else this.readNow = variable => this.variables.get(variable).slice();
  }

  write(variable: string, data: Float32Array, shape: Shape): void {
    this.variables.write(variable, data, shape);
    this.deviceVariables?.drop(variable);
  }

  zero(variable: string, shape: Shape): void {
    this.variables.zero(variable, shape);
    this.deviceVariables?.drop(variable);
  }

  async swap(a: string, b: string): Promise<void> {
    this.variables.swap(a, b);
    this.deviceVariables?.swap(a, b);
  }

  async read(variable: string): Promise<Float32Array> {
    await this.deviceVariables?.syncToHost(variable);
    return this.variables.get(variable).slice();
  }

  has(variable: string): boolean {
    return this.variables.has(variable);
  }

  async compile(graph: Graph): Promise<Program> {
    if (this.provider === 'cpu' && this.runtime.isInPlace && graph.nodes.some(mayPayInBlocks)) {
      this.blockFound ??= blockOf(this.runtime);
      this.block = await this.blockFound;
    }
    return new OnnxProgram(this, graph);
  }

  memory(): { bytes: number; peakBytes: number } {
    const bytes = this.variables.bytes();
    return { bytes, peakBytes: Math.max(this.peak, bytes) };
  }

  notePeak(bytes: number): void {
    this.peak = Math.max(this.peak, bytes);
  }

  async combineRows(
    block: Block,
    first: number,
    count: number,
    factors: readonly (readonly number[])[],
  ): Promise<void> {
    this.variables.version++;
    const results = factors.length;
    const session = await this.product(results, count);
    const from = first + count - results;
    const bound = (row: number, n: number) => ({ data: rowOf(block, row, n), dims: [n, block.length] });
    const table = { data: Float32Array.from(factors.flat()), dims: [results, count] };
    await session.run(
      new Map([
        ['factors', table],
        ['rows', bound(first, count)],
      ]),
      new Map([['sums', bound(from, results)]]),
    );
  }

  filterProducts(kind: FilterProducts): Promise<Session> {
    return this.kept(`filter products ${JSON.stringify(kind)}`, () => filterProducts(this.runtime, kind));
  }

  formula(node: Node): Promise<Formula> {
    const numbers = node.inputs.map(v => fillOf(v) !== undefined || sizeOf(v.shape) === 1);
    const key = JSON.stringify([expressionOf(node).steps, expressionOf(node).results, numbers]);
    let formula = this.formulas.get(key);
    if (!formula) this.formulas.set(key, (formula = Formula.create(this.runtime, node)));
    return formula;
  }

  private product(results: number, rows: number): Promise<Session> {
    return this.kept(`${results} ${rows}`, () => {
      const w = new GraphWriter();
      for (const name of ['factors', 'rows', 'sums']) w.reserve(name);
      w.addInput('factors', [results, rows]);
      w.addInput('rows', [rows, 'length']);
      w.addOutput('sums', w.op('MatMul', ['factors', 'rows']), [results, 'length']);
      return Session.create(this.runtime, w, { provider: 'cpu' });
    });
  }

  /** A session of the engine's own, made when it is first needed. */
  private kept(key: string, make: () => Promise<Session>): Promise<Session> {
    let session = this.products.get(key);
    if (!session) this.products.set(key, (session = make()));
    return session;
  }

  /** Frees the sessions. Variables go with whoever can still read them, a net whose parameters were left to the engine. */
  dispose(): void {
    this.deviceVariables?.dispose();
    for (const session of this.products.values()) void session.then(s => s.dispose());
    for (const formula of this.formulas.values()) void formula.then(f => f.dispose());
    this.products.clear();
    this.formulas.clear();
  }
}
