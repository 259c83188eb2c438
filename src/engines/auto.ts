/**
 * An engine that nobody asked for by name: a GPU with the CPU behind it. Where the GPU refuses a graph (an array too large,
 * no memory, numbers that are not the CPU's), all goes on on the CPU with the same variables, and a note says so.
 */

import { type Diagnostic, MokapotError } from '../diagnostics/index.js';
import type { Graph, Shape } from '../ir/types.js';
import type { Engine, Observer, Program } from './types.js';

/** What a GPU may refuse before a run has changed any variable. */
const REFUSALS = new Set(['array-too-large', 'gpu-disagrees', 'out-of-memory', 'onnx-run']);

export class AutoEngine implements Engine {
  private readonly shapes = new Map<string, Shape>();
  /** While it moves, nothing can be read at once. */
  readonly isOnHost = false;
  private refusal: Diagnostic | undefined;
  private moved: Promise<void> | undefined;
  private isOnCpu = false;

  constructor(
    private readonly gpu: Engine,
    private readonly cpu: Engine,
  ) {}

  get name(): string {
    return this.current.name;
  }

  get limit(): number {
    return this.current.limit;
  }

  /** Why it is not the GPU that computes, if so, and what the engine that does has to say. */
  get notes(): readonly Diagnostic[] {
    return [...(this.refusal ? [this.refusal] : []), ...(this.current.notes ?? [])];
  }

  /** Whether the GPU has refused. */
  get hasLeft(): boolean {
    return this.refusal !== undefined;
  }

  get readNow(): Engine['readNow'] {
    const { current } = this;
    return this.isMoving || !current.readNow ? undefined : variable => current.readNow!(variable);
  }

  /** Since a refusal, the CPU; but variables that were written before are there only after `settle`. */
  get current(): Engine {
    return this.refusal ? this.cpu : this.gpu;
  }

  private get isMoving(): boolean {
    return this.refusal !== undefined && !this.isOnCpu;
  }

  write(variable: string, data: Float32Array, shape: Shape): void {
    this.shapes.set(variable, shape);
    this.current.write(variable, data, shape);
  }

  zero(variable: string, shape: Shape): void {
    this.shapes.set(variable, shape);
    this.current.zero(variable, shape);
  }

  async swap(a: string, b: string): Promise<void> {
    await this.settle();
    await this.current.swap(a, b);
  }

  async read(variable: string): Promise<Float32Array> {
    await this.settle();
    return this.current.read(variable);
  }

  has(variable: string): boolean {
    return this.shapes.has(variable);
  }

  async compile(graph: Graph): Promise<Program> {
    return new AutoProgram(
      this,
      this.refusal ? undefined : await this.gpu.compile(graph),
      await this.cpu.compile(graph),
    );
  }

  memory(): { readonly bytes: number; readonly peakBytes: number } {
    return this.current.memory();
  }

  dispose(): void {
    if (!this.isOnCpu) this.gpu.dispose();
    this.cpu.dispose();
  }

  /** Leaves the GPU for good where that is what a refusal calls for. @throws what is no refusal */
  leave(thrown: unknown): void {
    if (this.refusal) return;
    const refused = thrown instanceof MokapotError ? thrown.diagnostics.find(d => REFUSALS.has(d.code)) : undefined;
    if (!refused) throw thrown;
    this.refusal = {
      ...refused,
      severity: 'note',
      message: `${this.gpu.name} is left, the CPU computes instead (${this.cpu.name}). ${refused.message}`,
      hint: `--backend ${this.cpu.name} does so from the start.`,
    };
  }

  /** Brings the variables to where it computes. */
  async settle(): Promise<void> {
    if (this.isMoving) await (this.moved ??= this.move());
  }

  private async move(): Promise<void> {
    for (const [variable, shape] of this.shapes)
      if (!this.cpu.has(variable)) this.cpu.write(variable, await this.gpu.read(variable), shape);
    this.isOnCpu = true;
    this.gpu.dispose();
  }
}

class AutoProgram implements Program {
  constructor(
    private readonly engine: AutoEngine,
    private readonly onGpu: Program | undefined,
    private readonly onCpu: Program,
  ) {}

  private get current(): Program {
    return this.engine.hasLeft || !this.onGpu ? this.onCpu : this.onGpu;
  }

  get fallbacks(): readonly string[] {
    return this.current.fallbacks ?? [];
  }

  get peakBytes(): number {
    return this.current.peakBytes;
  }

  prepare(fetch: readonly string[]): void {
    const { current } = this;
    try {
      current.prepare(fetch);
    } catch (thrown) {
      if (current === this.onCpu) throw thrown;
      this.engine.leave(thrown);
      this.onCpu.prepare(fetch);
    }
  }

  async run(
    feeds: Readonly<Record<string, Float32Array>>,
    fetch: readonly string[],
    observe?: Observer,
  ): Promise<Record<string, Float32Array>> {
    const { current } = this;
    if (current !== this.onCpu) {
      try {
        return await current.run(feeds, fetch, observe);
      } catch (thrown) {
        this.engine.leave(thrown);
      }
    }
    await this.engine.settle();
    return this.onCpu.run(feeds, fetch, observe);
  }

  dispose(): void {
    this.onGpu?.dispose();
    this.onCpu.dispose();
  }
}
