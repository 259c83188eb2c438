/** A layer of a Python file, as the user code that every other Python layer is: its methods run in the net's process. */

import { nearest } from '../diagnostics/index.js';
import type { Shape } from '../ir/index.js';
import { type HostBlob, type HostBlobs, HostFailure, type HostLayer, type Phase } from '../layers/index.js';
import type { Reply } from './channel.js';
import { NoClass, type PythonProcess } from './process.js';

/** Which class it is, and where Python looks for what its file imports. */
export interface PythonClass {
  readonly file: string;
  readonly module: string;
  readonly layer: string;
  /** Folders, in order. */
  readonly places: readonly string[];
}

interface Shapes {
  readonly tops: readonly Shape[];
  readonly blobs: readonly Shape[];
}

export class PythonLayer implements HostLayer {
  param_str = '';
  phase: Phase = 'TEST';
  blobs!: HostBlobs;
  /** There where the class has it, once it is set up. */
  backward?: NonNullable<HostLayer['backward']>;
  private readonly id: number;
  private isFirst = true;

  constructor(
    private readonly python: PythonProcess,
    private readonly source: PythonClass,
    /** The layer's own name. */
    private readonly name: string,
  ) {
    this.id = python.newId();
  }

  async setup(bottom: readonly HostBlob[], top: readonly HostBlob[]): Promise<void> {
    const { file, module, layer, places } = this.source;
    const reply = await this.ask('setup', {
      op: 'create',
      ...{ name: this.name, file, module, layer, places, param_str: this.param_str },
      phase: this.phase === 'TRAIN' ? 0 : 1,
      bottoms: shapesOf(bottom),
      same: top.map(t => bottom.indexOf(t)),
    }).catch((failure: unknown) => {
      throw failure instanceof NoClass ? lacksClass(this.source, failure.names) : failure;
    });
    if (reply.header['backward']) this.backward = (tops, down, bottoms) => this.runBackward(tops, down, bottoms);
    takeShapes(reply, top);
    this.takeBlobs(reply, reply.arrays);
  }

  async reshape(bottom: readonly HostBlob[], top: readonly HostBlob[]): Promise<void> {
    const arrays = [...bottom, ...this.blobs].map(blob => blob.data);
    const shapes = { bottoms: shapesOf(bottom), tops: shapesOf(top), blobs: shapesOf(this.blobs) };
    const reply = await this.ask('reshape', { op: 'reshape', ...shapes, first: this.isFirst }, arrays);
    takeShapes(reply, top);
    if (this.isFirst) this.takeBlobs(reply, reply.arrays);
    this.isFirst = false;
  }

  /** Works on what `reshape`, right before it, was given. */
  async forward(_: readonly HostBlob[], top: readonly HostBlob[]): Promise<void> {
    const { header, arrays } = await this.ask('forward', { op: 'forward' });
    takeShapes({ header, arrays }, top);
    for (const [i, blob] of top.entries()) blob.data = arrays[i]!;
    const changed = header['changed'] as readonly number[];
    for (const [k, i] of changed.entries()) this.blobs[i]!.data = arrays[top.length + k]!;
  }

  private async runBackward(top: readonly HostBlob[], propagate: readonly boolean[], bottom: readonly HostBlob[]) {
    const diffs = top.map(blob => blob.diff);
    const { arrays } = await this.ask('backward', { op: 'backward', propagate }, diffs);
    const wanted = bottom.filter((_, i) => propagate[i]);
    for (const [i, blob] of [...wanted, ...this.blobs].entries()) blob.diff = arrays[i]!;
  }

  private ask(method: string, header: object, arrays: readonly Float32Array[] = []): Promise<Reply> {
    const { module, layer } = this.source;
    return this.python.request(`${module}.${layer}.${method}`, { ...header, id: this.id }, arrays);
  }

  /** The parameters as Python has them; those that are not known yet are added. */
  private takeBlobs(reply: Reply, arrays: readonly Float32Array[]): void {
    const { blobs } = reply.header as unknown as Shapes;
    for (const [i, shape] of blobs.entries()) {
      const blob = this.blobs[i] ?? this.blobs.add_blob(...shape);
      blob.reshape(...shape);
      blob.data = arrays[i]!;
    }
  }
}

function shapesOf(blobs: Iterable<HostBlob>): Shape[] {
  return Array.from(blobs, blob => blob.shape);
}

function takeShapes({ header }: Reply, tops: readonly HostBlob[]): void {
  const { tops: shapes } = header as unknown as Shapes;
  for (const [i, top] of tops.entries()) top.reshape(...shapes[i]!);
}

function lacksClass({ file, layer }: PythonClass, names: readonly string[]): HostFailure {
  const near = nearest(layer, names);
  const there = names.length > 0 ? `Its layers: ${names.join(', ')}.` : 'It has no class that extends caffe.Layer.';
  return new HostFailure('python-module', `${file} has no class ${layer}.`, {
    hint: near ? `Did you mean ${near}?` : there,
  });
}
