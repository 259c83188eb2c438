/** Blobs as the library's users see them: shape, numbers, gradient. */

import { fail } from '../diagnostics/index.js';
import { type Shape, showShape, sizeOf } from '../ir/index.js';

/** Row-major numbers in Caffe's layout. Arrays are made when first looked at; assigning one copies it in. */
export interface Blob {
  /** Outermost axis first. */
  readonly shape: Shape;
  /** Numbers, of the last run or to be fed. */
  get data(): Float32Array;
  /** Copies numbers in; as many as the shape has places. */
  set data(values: ArrayLike<number>);
  /** d(loss)/d(data), as the last backward left it. */
  get diff(): Float32Array;
  /** Copies a gradient in. */
  set diff(values: ArrayLike<number>);
}

function copyInto(target: Float32Array, values: ArrayLike<number>, shape: Shape): void {
  if (values.length !== target.length)
    throw fail(
      'blob-size',
      `A blob of shape ${showShape(shape)} holds ${target.length} numbers, not ${values.length}.`,
    );
  target.set(values);
}

/** A blob between layers, or one that is fed. */
export class ActivationBlob implements Blob {
  private values: Float32Array | undefined;
  private gradient: Float32Array | undefined;

  constructor(public shape: Shape) {}

  /** Whether there is anything to read: someone looked, fed or ran. */
  get isMade(): boolean {
    return this.values !== undefined;
  }

  get data(): Float32Array {
    return (this.values ??= new Float32Array(sizeOf(this.shape)));
  }

  set data(values: ArrayLike<number>) {
    copyInto(this.data, values, this.shape);
  }

  get diff(): Float32Array {
    return (this.gradient ??= new Float32Array(sizeOf(this.shape)));
  }

  set diff(values: ArrayLike<number>) {
    copyInto(this.diff, values, this.shape);
  }

  /** Takes over an array as the blob's numbers. */
  hold(values: Float32Array): void {
    this.values = values;
  }

  holdDiff(gradient: Float32Array): void {
    this.gradient = gradient;
  }

  /** A blob with the same arrays, which keeps them when this one takes others. */
  copy(): ActivationBlob {
    const copy = new ActivationBlob(this.shape);
    copy.values = this.values;
    copy.gradient = this.gradient;
    return copy;
  }

  /** Numbers of another shape are no longer there. */
  reshape(shape: Shape): void {
    if (sizeOf(shape) !== sizeOf(this.shape)) this.values = this.gradient = undefined;
    this.shape = shape;
  }
}

/**
 * A parameter. Its array belongs to the net; engines hold copies. As a user may keep the array and change it at any time,
 * one that was ever handed out is compared with its fingerprint before every run. One that nobody holds is left to the
 * engine where that can be read at any time: there it would only be a second copy.
 */
export class Parameter {
  private array: Float32Array | undefined;
  private gradient: Float32Array | undefined;
  private fingerprint: number | undefined;
  /** Which side has the newer numbers; `zeros`: neither has any yet. */
  private newer: 'host' | 'engine' | 'neither' | 'zeros';

  constructor(
    /** The engine variable. */
    readonly variable: string,
    readonly shape: Shape,
    values: Float32Array,
    private readonly readNow: (variable: string) => Float32Array | undefined,
    /** Whether all of `values` is 0: the engine can then do without them. */
    isZero = false,
  ) {
    this.array = values;
    this.newer = isZero ? 'zeros' : 'host';
  }

  /** The array for the library's own use, which does not count as handed out; not brought up to date. */
  get values(): Float32Array {
    return (this.array ??= this.readNow(this.variable)!);
  }

  /** The array, for a user, with the newest numbers. */
  expose(): Float32Array {
    const newest = this.newer === 'engine' ? this.readNow(this.variable) : undefined;
    if (newest) this.receive(newest);
    this.fingerprint ??= fingerprintOf(this.values);
    return this.values;
  }

  /** Someone may hold the array. */
  get isExposed(): boolean {
    return this.fingerprint !== undefined;
  }

  get diff(): Float32Array {
    return (this.gradient ??= new Float32Array(sizeOf(this.shape)));
  }

  holdDiff(gradient: Float32Array): void {
    this.gradient = gradient;
  }

  /** The array was written to by the library. */
  changedOnHost(): void {
    this.newer = 'host';
  }

  /** A run assigned the variable. */
  changedOnEngine(): void {
    this.newer = 'engine';
  }

  get isNewerOnEngine(): boolean {
    return this.newer === 'engine';
  }

  /** What the engine's copy has to become; it is taken as brought up to date. Undefined where it is that already. */
  takeUpload(): 'numbers' | 'zeros' | undefined {
    const before = this.fingerprint;
    if (before !== undefined) this.fingerprint = fingerprintOf(this.values);
    const { newer } = this;
    if (newer !== 'host' && newer !== 'zeros' && before === this.fingerprint) return undefined;
    this.newer = 'neither';
    return newer === 'zeros' && before === this.fingerprint ? 'zeros' : 'numbers';
  }

  receive(values: Float32Array): void {
    if (this.array) this.array.set(values);
    else this.array = values;
    if (this.fingerprint !== undefined) this.fingerprint = fingerprintOf(this.values);
    this.newer = 'neither';
  }

  /** Leaves the numbers to the engine, which has them, if nobody holds the array. */
  letGo(): void {
    if (!this.isExposed && this.newer !== 'host') this.array = undefined;
  }
}

/**
 * FNV-1a over 32-bit words: any change of a single number changes it. In eight lanes, which do not wait for one another:
 * one lane takes 1.3 ns a number, 80 ms for AlexNet at every step of a training whose parameters someone holds.
 */
function fingerprintOf(values: Float32Array): number {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  const whole = words.length - (words.length % 8);
  let [a, b, c, d, e, f, g, h] = [1, 2, 3, 4, 5, 6, 7, 8];
  for (let i = 0; i < whole; i += 8) {
    a = Math.imul(a ^ words[i]!, PRIME);
    b = Math.imul(b ^ words[i + 1]!, PRIME);
    c = Math.imul(c ^ words[i + 2]!, PRIME);
    d = Math.imul(d ^ words[i + 3]!, PRIME);
    e = Math.imul(e ^ words[i + 4]!, PRIME);
    f = Math.imul(f ^ words[i + 5]!, PRIME);
    g = Math.imul(g ^ words[i + 6]!, PRIME);
    h = Math.imul(h ^ words[i + 7]!, PRIME);
  }
  let hash = 0x811c9dc5 | 0;
  for (const lane of [a, b, c, d, e, f, g, h]) hash = Math.imul(hash ^ lane, PRIME);
  for (let i = whole; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, PRIME);
  return hash;
}

const PRIME = 0x01000193;

/** A layer's view of a parameter: its own shape where it shares with PERMISSIVE. */
export class ParameterBlob implements Blob {
  constructor(
    readonly parameter: Parameter,
    readonly shape: Shape,
  ) {}

  get data(): Float32Array {
    return this.parameter.expose();
  }

  set data(values: ArrayLike<number>) {
    copyInto(this.parameter.expose(), values, this.shape);
  }

  get diff(): Float32Array {
    return this.parameter.diff;
  }

  set diff(values: ArrayLike<number>) {
    copyInto(this.parameter.diff, values, this.shape);
  }
}

/**
 * Blobs by name, as a Map and, for short, as properties: `out.get('score')`, `out.score`. A blob with the name of a Map's
 * own member, as `size` or `get`, is found by `get` alone.
 */
export type Outputs = ReadonlyMap<string, Blob> & { readonly [name: string]: Blob };

/** What makes a Map one; a blob may take the place of `constructor` and of what every object has. */
const MAP_MEMBERS: ReadonlySet<string> = new Set(
  Object.getOwnPropertyNames(Map.prototype).filter(name => name !== 'constructor'),
);

export function outputsOf(blobs: Iterable<readonly [string, Blob]>): Outputs {
  const map = new Map(blobs);
  for (const [name, value] of map)
    if (!MAP_MEMBERS.has(name)) Object.defineProperty(map, name, { value, enumerable: true });
  return map as unknown as Outputs;
}
