/** The parameters of a net and of the nets that share them: arrays here, variables on one engine, kept in step. */

import { fail, MokapotError } from '../diagnostics/index.js';
import type { Engine } from '../engines/index.js';
import { megabytes } from '../engines/memory.js';
import { fill } from '../fillers/index.js';
import { showShape, sizeOf } from '../ir/index.js';
import type { NetGraph, NetLayer, NetParam } from '../net/index.js';
import type { Random } from '../random/index.js';
import { Parameter } from './blob.js';
import { Turns } from './turns.js';

/** How many stores an engine has had: variables of later ones get a prefix. */
const storesOn = new WeakMap<Engine, number>();

export class ParamStore {
  private readonly prefix: string;
  private readonly parameters = new Map<string, Parameter>();
  /** Of all that runs on these parameters. */
  readonly turns = new Turns();

  constructor(readonly engine: Engine) {
    const count = storesOn.get(engine) ?? 0;
    storesOn.set(engine, count + 1);
    this.prefix = count === 0 ? '' : `net${count + 1}:`;
  }

  private readonly readNow = (variable: string) => this.engine.readNow?.(variable);

  get(variable: string): Parameter {
    return this.parameters.get(variable)!;
  }

  has(variable: string): boolean {
    return this.parameters.has(variable);
  }

  /**
   * Makes the net's parameters, as its fillers say, and gives the net with its parameters' keys as variables of this
   * store. A layer of `shared`, matched by name as Caffe's ShareTrainedLayersWith does, gives its own.
   */
  add(net: NetGraph, random: Random, shared?: NetGraph): NetGraph {
    const variables = shared ? sharedVariables(net, shared) : new Map<number, NetParam>();
    refuseTooLarge(
      net.params.filter(p => !variables.has(p.index)),
      this.engine,
    );
    const params = net.params.map((param): NetParam => {
      const theirs = variables.get(param.index);
      if (theirs) return { ...param, key: theirs.key, shape: theirs.shape };
      const variable = this.fresh(param.key, shared !== undefined);
      const values = filled(param, random);
      const made = new Parameter(variable, param.shape, values, this.readNow, isLeftZero(param));
      this.parameters.set(variable, made);
      return { ...param, key: variable };
    });
    return { ...net, params };
  }

  /** The net compiled for other shapes, with the variables that `known` has. */
  adopt(net: NetGraph, known: NetGraph): NetGraph {
    const params = net.params.map((param, i): NetParam => {
      const { key, shape } = known.params[i]!;
      if (sizeOf(shape) === sizeOf(param.shape)) return { ...param, key, shape };
      throw fail(
        'reshape-params',
        `With these input shapes parameter ${param.position} of layer "${param.layer}" would become ${showShape(param.shape)}, and it is ${showShape(shape)}.`,
        {
          layer: param.layer,
          hint: 'A fully connected layer fixes the size of its input; make it a convolution to take any size.',
        },
      );
    });
    return { ...net, params };
  }

  private fresh(key: string, second: boolean): string {
    const variable = this.prefix + key;
    return second && this.parameters.has(variable) ? this.fresh(`${key}'`, second) : variable;
  }

  /** Writes what changed here to the engine. */
  upload(variables: Iterable<string>): void {
    for (const variable of variables) {
      const parameter = this.get(variable);
      const upload = parameter.takeUpload();
      if (upload === 'zeros') this.engine.zero(variable, parameter.shape);
      else if (upload === 'numbers') this.engine.write(variable, parameter.values, parameter.shape);
      if (this.engine.isOnHost) parameter.letGo();
    }
  }

  /** Reads back what the engine changed. */
  async download(): Promise<void> {
    for (const parameter of this.parameters.values())
      if (parameter.isNewerOnEngine) parameter.receive(await this.engine.read(parameter.variable));
  }

  /**
   * Reads back the arrays that were handed out, which may be looked at at any time. Any other one is read when it is
   * asked for; where the engine cannot do that at once, now.
   */
  async settle(): Promise<void> {
    for (const parameter of this.parameters.values()) {
      if (!parameter.isNewerOnEngine) continue;
      const { variable } = parameter;
      if (parameter.isExposed || !this.engine.readNow) parameter.receive(await this.engine.read(variable));
    }
  }
}

/** Before anything is allocated. @throws MokapotError `out-of-memory` */
function refuseTooLarge(params: readonly NetParam[], engine: Engine): void {
  const bytes = 4 * params.reduce((n, p) => n + sizeOf(p.shape), 0);
  if (bytes <= engine.limit) return;
  const largest = params.reduce((a, b) => (sizeOf(b.shape) > sizeOf(a.shape) ? b : a));
  throw fail(
    'out-of-memory',
    `The parameters alone take ${megabytes(bytes)}, and the ${engine.name} engine can hold ${megabytes(engine.limit)}.`,
    {
      layer: largest.layer,
      hint: `The largest is that of layer "${largest.layer}", ${showShape(largest.shape)}: a smaller num_output or input, or another engine (--backend).`,
    },
  );
}

function filled(param: NetParam, random: Random): Float32Array {
  if (param.declaration.values) return param.declaration.values.slice();
  try {
    return fill(param.declaration.filler, param.shape, random);
  } catch (thrown) {
    if (thrown instanceof RangeError) {
      const message = `The parameter of layer "${param.layer}", ${showShape(param.shape)}, does not fit this machine's memory.`;
      throw fail('out-of-memory', message, { layer: param.layer });
    }
    if (!(thrown instanceof MokapotError)) throw thrown;
    throw new MokapotError(
      thrown.diagnostics.map(d => ({
        ...d,
        layer: param.layer,
        message: `Parameter ${param.position} of layer "${param.layer}": ${d.message}`,
      })),
    );
  }
}

/** Whether nobody gives a parameter numbers: Caffe's default filler is the constant 0. */
function isLeftZero({ declaration: { values, filler } }: NetParam): boolean {
  const { type, value } = filler ?? { type: 'constant', value: 0 };
  return !values && type === 'constant' && value === 0;
}

/** By index of the net's parameter, that of the other net which takes its place. */
function sharedVariables(net: NetGraph, shared: NetGraph): Map<number, NetParam> {
  const theirs = new Map(shared.layers.filter(l => l.source).map(l => [l.name, l]));
  const found = new Map<number, NetParam>();
  for (const layer of net.layers) {
    const source = layer.source && theirs.get(layer.name);
    if (!source) continue;
    checkSame(layer, source);
    layer.params.forEach((index, i) => {
      found.set(index, shared.params[source.params[i]!]!);
    });
  }
  return found;
}

function checkSame(layer: NetLayer, source: NetLayer): void {
  const show = (l: NetLayer) => l.paramShapes.map(showShape).join(' and ') || 'no parameters';
  if (show(layer) === show(source)) return;
  throw fail(
    'shared-layer-shape',
    `Layer "${layer.name}" has ${show(layer)} in the test net and ${show(source)} in the training net.`,
    { layer: layer.name, hint: 'A test net takes its parameters from the training net, layer by layer, by name.' },
  );
}
