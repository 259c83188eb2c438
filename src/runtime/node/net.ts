/** Net, as `runtime/net.ts` has it, with files: prototxt, weights, schemas, data that its layers name, Python layers. */

import { createHash, type Hash } from 'node:crypto';
import { dirname } from 'node:path';
import { type Diagnostic, hasErrors, MokapotError } from '../../diagnostics/index.js';
import { createEngine } from '../../engines/node/index.js';
import { openOwnFeed } from '../../feeds/node/data_feeds.js';
import type { DataFeed } from '../../feeds/source.js';
import { writeAtomically } from '../../files/index.js';
import { type SelectedNet, selectLayers } from '../../net/index.js';
import type { PythonProcess } from '../../python/index.js';
import { type NetParameter, parseNet } from '../../schema/index.js';
import type { WeightMatch } from '../../weights/index.js';
import { withFile } from '../../weights/node/files.js';
import {
  freshSeed,
  loadNet,
  Net as MemoryNet,
  type NetLoadOptions as MemoryNetOptions,
  type NetParts,
  type NetSaveOptions,
  type NetWeights,
  withWeights,
} from '../net.js';
import { blobReader } from './blob_files.js';
import { Hdf5Output } from './hdf5_output.js';
import { loadPythonModules, pythonProcess, type UserCodeOptions, type UserFile } from './python_modules.js';
import { parseOptions, readPrototxt, type SchemaOptions } from './schemas.js';

/** A `.caffemodel`, `.caffemodel.h5`, `.safetensors` or `.npz`, which its content tells: its path, its bytes or what was read. */
export type Weights = string | NetWeights;

/** How a net is loaded: its state, weights, schema, user code and engine. */
export interface NetLoadOptions extends Omit<MemoryNetOptions, 'weights'>, UserCodeOptions, SchemaOptions {
  /** What to copy parameters from by layer name, in order. */
  readonly weights?: Weights | readonly Weights[];
  /** The name of an engine (`onnx`, `wasm`, …: `engineNames`) or `auto`. Default: MOKAPOT_BACKEND, else auto. */
  readonly backend?: string;
}

/** The same for a net that comes as text. */
export interface TextOptions extends NetLoadOptions {
  /** What diagnostics call the text. */
  readonly name?: string;
  /** The folder its Python layers lie in. */
  readonly dir?: string;
}

/** A network that runs, with its files: prototxt, weights, schemas, data and Python layers by path. */
export class Net extends MemoryNet {
  private constructor(
    parts: NetParts,
    private readonly resources: Resources,
  ) {
    super(parts);
  }

  /**
   * Reads a prototxt.
   *
   * @throws MokapotError with every error of the text, the net and the weights
   */
  static async fromFile(path: string, options: NetLoadOptions = {}): Promise<Net> {
    const { text, schema } = await readPrototxt(path, options);
    return Net.fromText(text, { ...options, schema, name: path, dir: dirname(path) });
  }

  /** The same from a prototxt's text. */
  static override async fromText(text: string, options: TextOptions = {}): Promise<Net> {
    const { message, diagnostics } = parseNet(text, parseOptions(options, options.name));
    if (hasErrors(diagnostics)) throw new MokapotError(diagnostics);
    return Net.fromParam(message, options, diagnostics);
  }

  /** The same from a message. `notes` are put before the net's own diagnostics. */
  static override async fromParam(
    param: NetParameter,
    options: LoadOptions = {},
    notes: readonly Diagnostic[] = [],
  ): Promise<Net> {
    return Net.fromSelected(selectLayers(param, options), options, notes);
  }

  /** The same of layers that were selected before. */
  static override async fromSelected(
    selected: SelectedNet,
    options: LoadOptions = {},
    notes: readonly Diagnostic[] = [],
  ): Promise<Net> {
    const seed = options.seed ?? freshSeed();
    const resources = new Resources(options, seed);
    let net: Net;
    try {
      const found = await resources.open(selected);
      net = new Net(await loadNet(selected, { ...withDefaults(options), ...found, seed }, notes), resources);
    } catch (thrown) {
      await resources.close();
      throw thrown;
    }
    return withWeights(net, options.weights);
  }

  /** Files of user code that its Python layers name. */
  get userFiles(): readonly UserFile[] {
    return this.resources.files;
  }

  /** @internal What runs its layers that are Python files, one for all nets that share parameters. */
  get python(): PythonProcess {
    return this.resources.python;
  }

  /**
   * Copies parameters from a weights file by layer name, as Caffe does: layers without a partner are left alone (and
   * listed), a shape that differs is refused and nothing is copied. The numbers go straight from the file into the net's
   * arrays.
   *
   * @throws MokapotError `weights-shape-mismatch`, `weights-blob-count`, `weights-none-fit`, `weights-file`, `weights-damaged`, `weights-format`
   */
  override copyFrom(weights: Weights): WeightMatch {
    return typeof weights === 'string' ? withFile(weights, file => super.copyFrom(file)) : super.copyFrom(weights);
  }

  /**
   * Writes every layer of the net with its parameters as Caffe would: a `.caffemodel`, or HDF5 where the name ends in
   * `.h5`. With `diffs`, HDF5 gets the gradients of the last backward too (a solver's snapshot_diff).
   *
   * @returns the SHA-256 of what was written, in hex
   */
  save(path: string, { diffs = false }: Pick<NetSaveOptions, 'diffs'> = {}): Promise<string> {
    return this.turn(async () => {
      const hash = createHash('sha256');
      const parts = hashed(await this.fileParts({ hdf5: path.endsWith('.h5'), diffs }), hash);
      await writeAtomically(path, parts, { code: 'weights-file' });
      return hash.digest('hex');
    });
  }

  protected override free(): void {
    super.free();
    // Nothing is lost where a file that was read cannot be closed, and nobody waits to be told.
    this.resources.close().catch(() => undefined);
  }
}

function* hashed(parts: Iterable<Uint8Array>, hash: Hash): Generator<Uint8Array> {
  for (const part of parts) {
    hash.update(part);
    yield part;
  }
}

type LoadOptions = NetLoadOptions & { readonly dir?: string };

function withDefaults(options: LoadOptions): Omit<MemoryNetOptions, 'weights'> {
  const { backend, dir, readBlob = blobReader(dir), sink = new Hdf5Output(dir), shareWith } = options;
  const engine = options.engine ?? shareWith?.engine ?? (() => createEngine(backend));
  return { ...options, readBlob, sink, engine };
}

/** What a net has opened: its data, and the process of its Python layers. */
class Resources {
  readonly python: PythonProcess;
  /** The process is another net's, whose parameters this one shares. */
  private readonly isShared: boolean;
  files: readonly UserFile[] = [];
  private feed: DataFeed | undefined;

  constructor(
    private readonly options: LoadOptions,
    private readonly seed: number,
  ) {
    const { shareWith } = options;
    this.isShared = shareWith instanceof Net;
    this.python = shareWith instanceof Net ? shareWith.python : pythonProcess(options, seed);
  }

  /** Finds the user code of Python layers and opens the data of a net that is not given any. */
  async open(selected: SelectedNet): Promise<Pick<MemoryNetOptions, 'hostLayer' | 'data'>> {
    const { options, seed } = this;
    const { dir, inputShapes, pythonLayers = [] } = options;
    const { catalogue } = selected;
    const places = { given: pythonLayers, catalogue, ...(dir !== undefined && { protoDir: dir }) };
    const modules = options.hostLayer ? undefined : await loadPythonModules(selected.param, places, this.python);
    this.files = modules?.files ?? [];
    const hostLayer = options.hostLayer ?? modules!.make;
    if (options.data || options.entryShapes) return { hostLayer };
    this.feed = await openOwnFeed(selected, { dir: dir ?? '.', seed, shuffle: false }, inputShapes);
    return { hostLayer, ...(this.feed && { data: this.feed }) };
  }

  async close(): Promise<void> {
    try {
      await this.feed?.close();
    } finally {
      if (!this.isShared) this.python.close();
    }
  }
}
