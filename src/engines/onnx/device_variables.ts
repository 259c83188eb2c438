/**
 * Variables that live in a GPU's memory: a step is fed them and gives their new values without their crossing the bus. One
 * comes home when somebody reads it.
 *
 * What is replaced is freed only when nothing runs: a run or download that has begun may still be about to read it.
 */

import { need } from '../../diagnostics/index.js';
import { GraphWriter } from '../../emit/onnx/writer.js';
import { sizeOf } from '../../ir/shape.js';
import type { Shape } from '../../ir/types.js';
import { type DeviceArray, type OnnxRuntime, Session, type SessionOptions } from './runtime.js';
import type { Variables } from './variables.js';

interface DeviceVariable {
  readonly array: DeviceArray;
  readonly shape: Shape;
  /** The host's array has the same numbers. */
  isOnHost: boolean;
}

export class DeviceVariables {
  private readonly arrays = new Map<string, DeviceVariable>();
  /** Sessions that copy an array to the device or back, by direction and rank. */
  private readonly copies = new Map<string, Promise<Session>>();
  private replaced: DeviceArray[] = [];
  private running = 0;

  constructor(
    private readonly runtime: OnnxRuntime,
    private readonly provider: SessionOptions['provider'],
    private readonly variables: Variables,
  ) {}

  /** Does something that reads arrays of the device. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.running++;
    try {
      return await work();
    } finally {
      this.running--;
      this.free();
    }
  }

  /** The variable's array on the device, brought there if need be. */
  async get(name: string, shape: Shape): Promise<DeviceArray> {
    const known = this.arrays.get(name);
    if (known) return known.array;
    const session = await this.copy('up', shape.length);
    const bound = { data: this.variables.get(name), dims: shape };
    const array = need(await session.run(new Map([['from', bound]]), new Map()), 'to');
    this.arrays.set(name, { array, shape, isOnHost: true });
    return array;
  }

  /** Takes over an array as the variable's new value. */
  take(name: string, array: DeviceArray, shape: Shape): void {
    this.drop(name);
    this.arrays.set(name, { array, shape, isOnHost: false });
  }

  /** The host's array is the newer one from now on. */
  drop(name: string): void {
    const old = this.arrays.get(name);
    this.arrays.delete(name);
    if (old) this.replaced.push(old.array);
    this.free();
  }

  /** Exchanges the arrays of two variables, as `Variables.swap` does. */
  swap(a: string, b: string): void {
    const [first, second] = [this.arrays.get(a), this.arrays.get(b)];
    this.arrays.delete(a);
    this.arrays.delete(b);
    if (second) this.arrays.set(a, second);
    if (first) this.arrays.set(b, first);
  }

  /** Sees to it that the host's array of a variable is current. */
  async syncToHost(name: string): Promise<void> {
    const variable = this.arrays.get(name);
    if (!variable || variable.isOnHost) return;
    const data = await this.download(variable.array, variable.shape);
    if (this.arrays.get(name) !== variable) return;
    this.variables.change(name).set(data);
    variable.isOnHost = true;
  }

  download(array: DeviceArray, shape: Shape): Promise<Float32Array> {
    return this.use(async () => {
      const session = await this.copy('down', shape.length);
      const data = new Float32Array(sizeOf(shape));
      await session.run(new Map([['from', array]]), new Map([['to', { data, dims: shape }]]));
      return data;
    });
  }

  private copy(way: 'up' | 'down', rank: number): Promise<Session> {
    const key = `${way} ${rank}`;
    let session = this.copies.get(key);
    if (!session) {
      const w = new GraphWriter();
      const dims = Array.from({ length: rank }, (_, i) => `size ${i}`);
      for (const name of ['from', 'to']) w.reserve(name);
      w.addInput('from', dims);
      w.addOutput('to', w.op('Identity', ['from']), dims);
      session = Session.create(this.runtime, w, { provider: this.provider, kept: way === 'up' ? ['to'] : [] });
      this.copies.set(key, session);
    }
    return session;
  }

  private free(): void {
    if (this.running > 0) return;
    for (const array of this.replaced) array.dispose();
    this.replaced = [];
  }

  dispose(): void {
    for (const name of [...this.arrays.keys()]) this.drop(name);
    for (const session of this.copies.values()) void session.then(s => s.dispose());
    this.copies.clear();
  }
}
